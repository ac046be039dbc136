"""What lies under a picture in which modules are collapsed: every recorded node and link, and what is drawn for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gui.canvas.cards import DATA, KINDS, OPERATION

if TYPE_CHECKING:
    import networkx as nx

    from engine.graph.modules import Group, ModuleTree

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DATA_SLOTS = 1000


@dataclass(frozen=True, eq=False)
class Plain:
    """The recorded graph as flat arrays: what `state.make_track` and `state.state_at` look at of a scene."""

    node_ids: Ints
    kind: Ints
    source: Ints
    target: Ints
    slot: Ints

    @property
    def node_count(self) -> int:
        return len(self.node_ids)

    @cached_property
    def position(self) -> dict[int, int]:
        return dict(zip(self.node_ids.tolist(), range(self.node_count), strict=True))

    @cached_property
    def data_edge(self) -> Flags:
        to_data: Flags = (self.slot >= DATA_SLOTS) | (self.kind[self.target] == DATA)
        return to_data


@dataclass(frozen=True, eq=False)
class Inner:
    """`plain` are all recorded nodes (N) and links (E); `owner` (N) the drawn node of each, `edge_owner` (E) the drawn
    edge, -1 for links within a group. `groups` are the drawn positions of the collapsed `tree` groups."""

    plain: Plain
    tree: ModuleTree
    collapsed: frozenset[str]
    owner: Ints
    edge_owner: Ints
    groups: dict[int, Group]

    def with_nodes(self, node_ids: Ints) -> Inner:
        other = replace(self, plain=replace(self.plain, node_ids=node_ids))
        other.__dict__.update(node_order=self.node_order, edge_order=self.edge_order)
        return other

    def warm_up(self) -> None:
        """Work out what the first picture needs, in whatever thread has time for it."""
        _ = self.hidden, self.node_order, self.edge_order, self.plain.position, self.plain.data_edge

    @cached_property
    def place_of_group(self) -> dict[str, int]:
        """Key of a collapsed group → its drawn position."""
        return {group.key: place for place, group in self.groups.items()}

    @cached_property
    def hidden(self) -> dict[int, int]:
        """Node id → drawn position, for what is in a collapsed group."""
        inside = np.flatnonzero(np.isin(self.owner, np.array(list(self.groups), dtype=np.int64)))
        ids, owners = self.plain.node_ids[inside].tolist(), self.owner[inside].tolist()
        return dict(zip(ids, owners, strict=True))

    @cached_property
    def node_order(self) -> tuple[Ints, Ints]:
        """Inner positions sorted by what is drawn for them, and where each drawn node's begin."""
        order = np.argsort(self.owner, kind="stable")
        count = int(self.owner.max(initial=-1)) + 1
        return order, np.searchsorted(self.owner[order], np.arange(count))

    @cached_property
    def edge_order(self) -> tuple[Ints, Ints]:
        """The same for links that are drawn."""
        order = np.argsort(self.edge_owner, kind="stable")
        order = order[np.searchsorted(self.edge_owner[order], 0) :]  # without links that are not drawn
        count = int(self.edge_owner.max(initial=-1)) + 1
        return order, np.searchsorted(self.edge_owner[order], np.arange(count))

    def members(self, place: int) -> Ints:
        """Ids of the recorded nodes under a drawn node."""
        return self.plain.node_ids[np.flatnonzero(self.owner == place)]


def plain_of(graph: nx.MultiDiGraph, tree: ModuleTree) -> Plain:
    """The flat arrays of a graph of `engine.graph.build`."""
    kinds = [KINDS.get(str(data.get("kind")), OPERATION) for _, data in graph.nodes(data=True)]
    return Plain(
        np.array(tree.nodes, dtype=np.int64), np.array(kinds, dtype=np.int64), tree.tail, tree.head, tree.slots
    )


def inner_of(
    plain: Plain, tree: ModuleTree, collapsed: frozenset[str], nodes: Ints, source: Ints, target: Ints, slot: Ints
) -> Inner:
    """Find what is drawn for each node and link. `nodes`, `source`, `target`, `slot` are the drawn ones (as in Scene);
    groups have negative ids there, and merged edges a negative slot."""
    place = {int(node): position for position, node in enumerate(nodes)}
    drawn = tree.drawn(collapsed)
    names = np.where(drawn >= 0, -1 - drawn, plain.node_ids)
    owner = np.array([place[name] for name in names.tolist()], dtype=np.int64)
    groups = {place[-1 - number]: tree.groups[number] for number in np.unique(drawn[drawn >= 0]).tolist()}
    u, v = owner[plain.source], owner[plain.target]
    merged = (nodes[u] < 0) | (nodes[v] < 0) if len(u) else np.zeros(0, dtype=np.bool_)
    wanted = _codes(u, v, np.where(merged, -1, plain.slot), len(nodes))
    known = _codes(source, target, np.where(slot < 0, -1, slot), len(nodes))
    order = np.argsort(known)
    found = np.searchsorted(known[order], wanted)
    found = order[np.minimum(found, max(len(order) - 1, 0))] if len(order) else np.full(len(wanted), -1)
    edge_owner = np.where((u == v) & merged, -1, found)
    return Inner(plain, tree, collapsed, owner, edge_owner.astype(np.int64), groups)


def _codes(u: Ints, v: Ints, slot: Ints, count: int) -> Ints:
    """Each edge as one number."""
    codes: Ints = ((slot + 1) * count + u) * count + v
    return codes
