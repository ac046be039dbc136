"""The layouts that networkx brings, for those who know and expect them.

They know nothing of losses, parameters and columns: nodes are spread so that none overlap, the loss is turned to the
top, and edges are straight. Some take far too long for a large graph, and say so instead. To add one, put a line into
`METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import numpy.typing as npt

from engine.layout.model import Cancel, Direction, Layout, LayoutError, stopper
from engine.layout.net import Net, read
from engine.layout.room import Room
from engine.layout.straight import straight_layout
from engine.layout.turn import turned

if TYPE_CHECKING:
    from engine.layout.algorithms import Algorithm

Positions = Mapping[Hashable, npt.NDArray[np.float64]]
SEED = 0
ALL_ROUNDS = 500  # nodes up to which the spring layout gets networkx's own number of rounds


def _multipartite(graph: nx.MultiDiGraph) -> Positions:
    """Rows by the longest path from the loss; the nodes of a cycle share one."""
    place = {node: position for position, node in enumerate(graph)}
    parts = nx.condensation(graph)
    rows = {
        number: sorted((node for part in generation for node in parts.nodes[part]["members"]), key=place.__getitem__)
        for number, generation in enumerate(nx.topological_generations(parts))
    }
    return dict(nx.multipartite_layout(graph, subset_key=rows, align="horizontal"))


def _spring(graph: nx.MultiDiGraph) -> Positions:
    rounds = 50 if len(graph) <= ALL_ROUNDS else 20
    return dict(nx.spring_layout(nx.Graph(graph), seed=SEED, iterations=rounds))


@dataclass(frozen=True)
class Method:
    """How to make positions, and for how many nodes that takes seconds rather than minutes."""

    positions: Callable[[nx.MultiDiGraph], Positions]
    most_nodes: int


METHODS: Mapping[str, Method] = {
    "multipartite": Method(_multipartite, 20_000),
    "spring": Method(_spring, 1000),
    "kamada_kawai": Method(lambda graph: dict(nx.kamada_kawai_layout(nx.Graph(graph))), 300),
    "circular": Method(lambda graph: dict(nx.circular_layout(graph)), 20_000),
    "spectral": Method(lambda graph: dict(nx.spectral_layout(nx.Graph(graph))), 5000),
}


def algorithm(name: str) -> Algorithm:
    """The layout `name` of METHODS; each has a shape of its own, whatever the aspect.

    Networkx cannot be interrupted: a cancelled layout is given up when networkx has found its positions.
    """

    def run(
        graph: nx.MultiDiGraph,
        aspect: float,
        *,
        direction: Direction = "down",
        wrap: bool = True,
        room: Room | None = None,
        cancel: Cancel | None = None,
    ) -> Layout:
        method, stop = METHODS[name], stopper(cancel)
        stop()
        net = read(graph, direction)
        if len(net) > method.most_nodes:
            raise LayoutError(
                f"The layout '{name}' takes too long for {len(net):,} nodes (at most {method.most_nodes:,}). "
                "Choose 'layered'."
            )
        found = _positions(name, method, net)
        stop()
        positions = _loss_first(graph, {node: np.asarray(point) for node, point in found.items()})
        return straight_layout(net, {node: turned(point, direction) for node, point in positions.items()}, name, stop)

    return run


def _positions(name: str, method: Method, net: Net) -> Positions:
    plain = nx.MultiDiGraph()
    plain.add_nodes_from(net.nodes)
    plain.add_edges_from((u, v) for u, v, _ in net.edges)
    try:
        positions = method.positions(plain)
    except ImportError as error:
        raise LayoutError(f"The layout '{name}' needs the package {error.name}, which is not installed.") from error
    except (ArithmeticError, ValueError, RuntimeError, np.linalg.LinAlgError, nx.NetworkXException) as error:
        raise LayoutError(
            f"The layout '{name}' found no positions for this graph ({error}). Choose another."
        ) from error
    if not all(np.isfinite(point).all() for point in positions.values()):
        raise LayoutError(f"The layout '{name}' found no positions for this graph. Choose another.")
    return positions


def _loss_first(graph: nx.MultiDiGraph, positions: Positions) -> Positions:
    """Upside down if the loss, a node that no edge leads to, stands in the lower half."""
    root = next((node for node in positions if not graph.in_degree(node)), None)
    if root is None:
        return positions
    middle = np.mean(list(positions.values()), axis=0)
    if positions[root][1] <= middle[1]:
        return positions
    return {node: np.array([point[0], -point[1]]) for node, point in positions.items()}
