"""The modules of a graph as a tree of groups, and the graph with some of them collapsed into one node each.

A module call is a stretch of the order in which operations ran: what a group holds is always such a stretch, and edges
only ever lead to what ran earlier, so that collapsing groups cannot close a cycle. A module that was called again after
something else had run has one group for each call ("cell", "cell#2", …).

Parameters, data, and the views between a parameter and what uses it belong to the innermost group that holds all their
consumers. Modules that do one thing (a `Conv2d`, a `ReLU`) and wrappers round a single module get no group.

Equal neighbours (twelve blocks of a transformer) form a repeat: a group of its own that stands for all of them when it
is collapsed, and that is not seen when it is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from engine.graph.calls import Call, calls_of
from engine.graph.quotient import MERGED, quotient
from engine.graph.repeats import find_repeats
from engine.pace import integers
from engine.recording.dtypes import NAMES, itemsize

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Group:
    """One module call, or a repeat of `count` equal ones (0: no repeat).

    `key` names it among the groups of a graph, and in every graph of the same structure. `parent` is -1 for the
    outermost, `depth` counts modules from 1; those in a repeat have the depth that they would have without it.
    `last` is the number of the last group within it (its own if there is none).
    """

    number: int
    key: str
    path: str
    type: str
    parent: int
    depth: int
    last: int
    count: int = 0

    @property
    def id(self) -> int:
        """As a node of a drawn graph."""
        return -1 - self.number


@dataclass(frozen=True, eq=False)
class ModuleTree:
    """`groups` in preorder; `owner[p]` is the innermost group of node `nodes[p]`, -1 for none. `head` and `tail` are
    positions of the graph's edges in `nodes`, `slots` their keys. `order` holds all positions, what ran last first,
    each leaf where its first consumer is: it is the same for all calls of the same make."""

    nodes: tuple[int, ...]
    groups: tuple[Group, ...]
    owner: Ints
    tail: Ints
    head: Ints
    slots: Ints
    order: Ints
    _told: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)

    @cached_property
    def by_key(self) -> Mapping[str, Group]:
        return {group.key: group for group in self.groups}

    @cached_property
    def levels(self) -> int:
        """How deep modules are nested."""
        return max((group.depth for group in self.groups), default=0)

    @cached_property
    def parents(self) -> Ints:
        return np.array([group.parent for group in self.groups], dtype=np.int64)

    @cached_property
    def repeated(self) -> Flags:
        """Which groups are repeats."""
        return np.array([group.count > 0 for group in self.groups], dtype=np.bool_)

    @cached_property
    def keys(self) -> Texts:
        return np.array([*(group.key for group in self.groups), None], dtype=object)[:-1]

    @cached_property
    def titles(self) -> Texts:
        return np.array([*(title_of(group) for group in self.groups), None], dtype=object)[:-1]

    @cached_property
    def _last(self) -> Ints:
        return np.array([group.last for group in self.groups], dtype=np.int64)

    def shown(self, collapsed: Iterable[str]) -> Ints:
        """For each group, the outermost collapsed one that it is in (or is), -1 if it is open to see."""
        wanted = sorted({self.by_key[key].number for key in collapsed if key in self.by_key})
        return self._shown(np.array(wanted, dtype=np.int64))

    def _shown(self, wanted: Ints) -> Ints:
        """The same; the groups that are `wanted` collapsed are sorted."""
        until = np.maximum.accumulate(self._last[wanted])
        outermost = wanted[np.append(True, wanted[1:] > until[:-1])] if len(wanted) else wanted
        every = np.arange(len(self.groups))
        before = np.searchsorted(outermost, every, "right") - 1
        if not len(outermost):
            return np.full_like(every, -1)
        nearest = outermost[before]
        return np.where((before >= 0) & (every <= self._last[nearest]), nearest, -1)

    def drawn(self, collapsed: Iterable[str]) -> Ints:
        """For each node, the number of the collapsed group that stands for it, -1 if it stands for itself."""
        shown = self.shown(collapsed)
        return np.where(self.owner >= 0, shown[self.owner], -1) if len(shown) else np.full(len(self.owner), -1)

    def members(self, group: Group) -> Ints:
        """Positions of all nodes in a group, in the tree's order."""
        inside = (self.owner >= group.number) & (self.owner <= group.last)
        return self.order[inside[self.order]]

    def count(self, collapsed: Iterable[str]) -> int:
        """How many nodes are drawn."""
        return self._count(self.shown(collapsed))

    @cached_property
    def _own(self) -> Ints:
        """How many nodes are directly in each group; the last is those in none."""
        return np.roll(np.bincount(self.owner + 1, minlength=len(self.groups) + 1), -1)

    def _count(self, shown: Ints) -> int:
        own = self._own[:-1]
        return int(self._own[-1] + own[shown < 0].sum()) + int(
            np.count_nonzero(np.bincount(shown[(shown >= 0) & (own > 0)]))
        )

    def told_of(self, graph: nx.MultiDiGraph, group: Group) -> dict[str, Any]:
        """The `group_attributes` of a group of the graph that this tree was made of; worked out once."""
        if group.number not in self._told:
            self._told[group.number] = group_attributes(graph, self, group)
        return self._told[group.number]

    # --- which to collapse -------------------------------------------------------------------------------------------

    def at_level(self, level: int) -> frozenset[str]:
        """Everything below `level` collapsed: 0 leaves one node, 1 the outermost modules open, `levels` all of them."""
        return frozenset(group.key for group in self.groups if not group.count and group.depth == level + 1)

    @cached_property
    def repeats(self) -> frozenset[str]:
        return frozenset(group.key for group in self.groups if group.count)

    def fitting(self, most: int) -> frozenset[str]:
        """Nothing collapsed if at most `most` nodes are drawn then; else as much open as that allows: a number of
        levels, with repeats folded from some depth on."""
        if len(self.nodes) <= most or not self.groups:
            return frozenset()
        depths, drawn = np.array([group.depth for group in self.groups], dtype=np.int64), -1
        best = self._shown(np.flatnonzero(self.repeated | (depths == 1)))
        for level in range(self.levels + 1):
            for depth in range(1, self.levels + 2):
                shown = self._shown(np.flatnonzero(np.where(self.repeated, depths >= depth, depths == level + 1)))
                count = self._count(shown)
                if drawn < count <= most:
                    best, drawn = shown, count
        return self._keys_of(best)

    def tidy(self, collapsed: Iterable[str]) -> frozenset[str]:
        """Without what is hidden in another collapsed group, and without what does not exist here."""
        return self._keys_of(self.shown(collapsed))

    def _keys_of(self, shown: Ints) -> frozenset[str]:
        return frozenset(self.keys[np.flatnonzero(shown == np.arange(len(shown)))].tolist())

    def opened(self, collapsed: Iterable[str], key: str) -> frozenset[str]:
        """`collapsed` with one group open, and whatever it is hidden in; what is in it is collapsed one level down."""
        kept = set(collapsed)
        group = self.by_key[key]
        kept -= {each.key for each in self.groups[group.number + 1 : group.last + 1]}
        for each in (*self.around(group), group):
            if each.key in kept:
                kept.discard(each.key)
                kept |= {inner.key for inner in self.groups if inner.parent == each.number}
        return self.tidy(kept)

    def unfolded(self, collapsed: Iterable[str]) -> frozenset[str]:
        """`collapsed` with every repeat as its single modules, each collapsed."""
        kept = set(collapsed)
        for group in self.groups:
            if group.count and group.key in kept:
                kept.discard(group.key)
                kept |= {each.key for each in self.groups if each.parent == group.number}
        return self.tidy(kept)

    def closed(self, collapsed: Iterable[str], key: str) -> frozenset[str]:
        return self.tidy({*collapsed, key})

    def focused(self, collapsed: Iterable[str], key: str) -> frozenset[str]:
        """`collapsed` with one group open, as far as it was, and everything collapsed that is neither in it nor round
        it."""
        chosen, kept = self.by_key[key], frozenset(collapsed)
        while (hiding := int(self.shown(kept)[chosen.number])) >= 0:
            kept = self.opened(kept, self.groups[hiding].key)
        around = {group.number for group in self.around(chosen)}
        way, open_round = around | {chosen.number}, around | {-1}
        beside = {group.key for group in self.groups if group.parent in open_round and group.number not in way}
        return self.tidy(kept | beside)

    def revealed(self, collapsed: Iterable[str], node: int) -> frozenset[str]:
        """`collapsed` with all groups open that hide a node (by position)."""
        kept = frozenset(collapsed)
        while (hiding := int(self.drawn(kept)[node])) >= 0:
            kept = self.opened(kept, self.groups[hiding].key)
        return kept

    def around(self, group: Group) -> tuple[Group, ...]:
        """The groups round another, outermost first."""
        found: list[Group] = []
        while group.parent >= 0:
            group = self.groups[group.parent]
            found.append(group)
        return tuple(reversed(found))

    def enclosing(self, node: int) -> tuple[Group, ...]:
        """The groups round a node (by position), outermost first."""
        found: list[Group] = []
        number = int(self.owner[node])
        while number >= 0:
            found.append(self.groups[number])
            number = self.groups[number].parent
        return tuple(reversed(found))


def module_tree(graph: nx.MultiDiGraph) -> ModuleTree:
    """The modules of a graph of `engine.graph.build`. A graph without modules has a tree without groups."""
    nodes = tuple(graph.nodes)
    place = {node: position for position, node in enumerate(nodes)}
    edges = ((place[u], place[v], int(k)) for u, near in graph.adjacency() for v, keys in near.items() for k in keys)
    tail, head, slots = integers(edges, 3)
    attributes = [data for _, data in graph.nodes(data=True)]
    root, order = calls_of(attributes, tail, head)
    find_repeats(root, attributes, order, tail, head, slots)
    groups: list[Group] = []
    owner = np.full(len(nodes), -1, dtype=np.int64)
    _number(root, groups, owner)
    return ModuleTree(nodes, tuple(groups), owner, tail, head, slots, np.array(order, dtype=np.int64))


def _number(root: Call, groups: list[Group], owner: Ints) -> None:
    """Groups in preorder; `owner` filled."""
    owner[root.own] = -1
    waiting = [(child, -1) for child in reversed(root.children)]
    rows: list[dict[str, Any]] = []
    while waiting:
        call, parent = waiting.pop()
        number = len(rows)
        rows.append({"number": number, "key": call.key, "path": call.path, "type": call.type, "parent": parent,
                     "depth": call.depth, "count": call.count})  # fmt: skip
        owner[call.own] = number
        waiting.extend((child, number) for child in reversed(call.children))
    last = list(range(len(rows)))
    for row in reversed(rows):
        if row["parent"] >= 0:
            last[row["parent"]] = max(last[row["parent"]], last[row["number"]])
    groups.extend(Group(last=last[row["number"]], **row) for row in rows)


def collapse(graph: nx.MultiDiGraph, collapsed: Iterable[str], tree: ModuleTree | None = None) -> nx.MultiDiGraph:
    """`graph` with the groups of these keys as one node each (see `group_attributes`); ids of groups are negative.

    Edges from or to a group are merged, with `count` saying of how many and `input_number` 0, under the key MERGED;
    edges within a group are gone. What is not collapsed shares its attributes with `graph`.
    """
    tree = tree or module_tree(graph)
    drawn = quotient(tree, collapsed)
    result = nx.MultiDiGraph(**graph.graph)
    names = drawn.names.tolist()
    for name in names:
        result.add_node(name)
        told = graph.nodes[name] if name >= 0 else tree.told_of(graph, tree.groups[-1 - name])
        result.nodes[name].update(told)
    for tail, head, key, count in zip(*(each.tolist() for each in (drawn.tail, drawn.head, drawn.key, drawn.count)),
                                      strict=True):  # fmt: skip
        u, v = names[tail], names[head]
        told = {"input_number": 0, "count": count} if key == MERGED else graph.get_edge_data(u, v, key)
        result.add_edge(u, v, key, **told)
    return result


def group_attributes(graph: nx.MultiDiGraph, tree: ModuleTree, group: Group) -> dict[str, Any]:
    """What a collapsed group is as a node: kind "module", title ("layer1 · Sequential"), subtitle ("48 nodes"),
    `members` (node ids), `module` (path), `group` (key), `count` (of a repeat), category (the most frequent one); how
    many `nodes` (without data), `parameters` (elements) and `bytes` (of its parameters) it has."""
    members = tuple([tree.nodes[position] for position in tree.members(group).tolist()])
    told = graph.nodes
    by_kind: dict[str, list[dict[str, Any]]] = {"operation": [], "parameter": [], "data": []}
    for data in map(told.__getitem__, members):
        by_kind.setdefault(str(data.get("kind")), []).append(data)
    operations = by_kind["operation"]
    sizes = [(math.prod(data.get("shape") or ()), str(data.get("dtype") or "float32"))
             for data in by_kind["parameter"] if data.get("shape") is not None]  # fmt: skip
    held = sum(count * itemsize(dtype) for count, dtype in sizes if dtype in NAMES)
    count = len(members) - len(by_kind["data"])
    return {
        "kind": "module",
        "type": "",
        "operation": "",
        "name": group.path,
        "title": title_of(group),
        "subtitle": f"{count} nodes",
        "category": _most_frequent([str(data.get("category") or "other") for data in operations]),
        "module": group.path,
        "module_type": group.type,
        "source": None,
        "line": None,
        "shape": None,
        "dtype": None,
        "parameter": None,
        "group": group.key,
        "count": group.count,
        "nodes": count,
        "parameters": sum(elements for elements, _ in sizes),
        "bytes": held,
        "members": members,
    }


def title_of(group: Group) -> str:
    """ "layer1.0 · BasicBlock"; of a later call "cell #2 · LSTMCell"; of a repeat its range, "blocks.0 … 11"."""
    path = group.path
    if not group.count and "#" in group.key.rpartition(".")[2]:
        path += f" #{group.key.rpartition('#')[2]}"
    return f"{path} · {group.type}" if group.type and path else path or group.type


def _most_frequent(names: Sequence[str]) -> str:
    """Shapes count only where there is nothing else."""
    telling = [name for name in names if name not in ("shape", "other")] or list(names)
    return max(dict.fromkeys(telling), key=telling.count) if telling else "other"
