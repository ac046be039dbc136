"""Between the nodes of a backward pass and what is drawn of them: the same, or fewer where modules are collapsed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.graph.measures import MEASURES, Floats, together

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.scene import Scene

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def places_of(scene: Scene, ids: Ints) -> Ints:
    """The position in the scene of what stands for each of these nodes; -1 for what is not drawn."""
    return scene.places(ids)


def drawn(scene: Scene, ids: Iterable[int]) -> Flags:
    """Which positions of the scene stand for one of these nodes."""
    flags = np.zeros(scene.node_count, dtype=np.bool_)
    places = places_of(scene, np.fromiter(ids, dtype=np.int64))
    flags[places[places >= 0]] = True
    return flags


def members(scene: Scene, position: int) -> tuple[int, ...]:
    """The nodes that a position of the scene stands for."""
    return tuple(scene.members(position).tolist())


def spread(recording: Recording, graph_id: int, scene: Scene, measure: str, values: Floats) -> Floats:
    """`values` of `recording.nodes(graph_id)` by position in the scene; of a collapsed module, of all its nodes."""
    ids = np.array([node.id for node in recording.nodes(graph_id)], dtype=np.int64)
    places = places_of(scene, ids)
    found = np.full(scene.node_count, np.nan)
    count = np.bincount(places[places >= 0], minlength=scene.node_count)
    alone = (places >= 0) & (count[places] == 1)
    found[places[alone]] = values[alone]
    inside = np.flatnonzero((places >= 0) & ~alone)
    inside = inside[np.argsort(places[inside], kind="stable")]
    groups, first = np.unique(places[inside], return_index=True)
    for position, group in zip(groups.tolist(), np.split(values[inside], first[1:]), strict=False):
        found[position] = together(MEASURES[measure], group)
    return found


def module_paths(recording: Recording, graph_id: int, scene: Scene) -> list[str]:
    """The module of what stands at each position: a parameter's is the one that owns it."""
    paths = list(scene.modules)
    rows = {node.id: node for node in recording.nodes(graph_id)}
    for position, node_id in enumerate(scene.node_ids.tolist()):
        row = rows.get(node_id)
        if row is not None and row.kind == "parameter" and not paths[position]:
            paths[position] = row.name.rpartition(".")[0]
    return paths


def bounds_of(scene: Scene, ids: Iterable[int]) -> tuple[float, float, float, float] | None:
    """The rectangle round what stands for these nodes; None if nothing does."""
    items = np.flatnonzero(drawn(scene, ids)[scene.item_node])
    if not len(items):
        return None
    return (
        float(scene.left[items].min()),
        float(scene.top[items].min()),
        float(scene.right[items].max()),
        float(scene.bottom[items].max()),
    )
