"""Which operations a module call consists of: stretches of the order in which operations ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.graph.category import base_name
from engine.graph.labels import VIEWS
from engine.pace import gently

Ints = npt.NDArray[np.int64]
Attributes = Mapping[str, Any]

LEAVES = frozenset({"parameter", "data"})


@dataclass(eq=False)
class Call:
    """A module call while the tree is made: `own` are positions of the nodes directly in it."""

    key: str
    path: str
    type: str
    depth: int
    own: list[int] = field(default_factory=list)
    children: list[Call] = field(default_factory=list)
    count: int = 0
    parent: Call | None = None


def calls_of(attributes: Sequence[Attributes], tail: Ints, head: Ints) -> tuple[Call, list[int]]:
    """The whole graph as a call whose children are the outermost modules' calls, and all nodes in order."""
    above, below = _neighbours(len(attributes), tail, head)
    leaf = [data.get("kind") in LEAVES for data in attributes]
    fed = _feeds_only(leaf, above, below)
    order = execution_order(attributes, leaf, above, below)
    root = Call("", "", "", 0)
    home: dict[int, Call] = {}
    _run(root, [node for node in order if not fed[node]], attributes, home)
    placed = _with_leaves(order, fed, above, root, home)
    for node in placed:
        home[node].own.append(node)
    _prune(root, attributes, fed)
    return root, placed


@cache
def _does_something(type_: str) -> bool:
    return base_name(type_) not in VIEWS


def _neighbours(count: int, tail: Ints, head: Ints) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    seen: set[tuple[int, int]] = set()
    for pair in gently(zip(tail.tolist(), head.tolist(), strict=True)):
        u, v = pair
        if u != v and pair not in seen:
            seen.add(pair)
            above[v].append(u)
            below[u].append(v)
    return above, below


def _feeds_only(leaf: Sequence[bool], above: list[list[int]], below: list[list[int]]) -> list[bool]:
    """Leaves, and operations with one consumer below which there is one leaf only (`T` between `addmm` and its weight):
    nothing comes back from them, so they may stand in whatever group uses them."""
    fed = [False] * len(leaf)
    for node, is_leaf in gently(enumerate(leaf)):
        if below[node] or not is_leaf:
            continue
        fed[node] = True
        consumers = above[node]
        while len(consumers) == 1:
            view = consumers[0]
            if len(below[view]) != 1 or len(above[view]) != 1:
                break
            fed[view] = True
            consumers = above[view]
    return fed


def execution_order(
    attributes: Sequence[Attributes], leaf: Sequence[bool], above: list[list[int]], below: list[list[int]]
) -> list[int]:
    """Positions, what ran last first: by sequence number where every edge agrees with it, else topologically.

    What is on a cycle (in a damaged file) comes last, in the graph's own order.
    """
    numbers = [data.get("sequence_nr") for data in attributes]
    inner = [node for node, is_leaf in enumerate(leaf) if not is_leaf]
    known = [int(number or 0) for number in numbers]
    agree = [known[node] > known[other] for node in inner for other in below[node] if not leaf[other]]
    if all(agree) and None not in [numbers[node] for node in inner]:
        return sorted(inner, key=lambda node: -known[node]) + [node for node, is_leaf in enumerate(leaf) if is_leaf]
    waiting = [len(each) for each in above]
    ready = [node for node in range(len(above) - 1, -1, -1) if not waiting[node]]
    order: list[int] = []
    while ready:
        node = ready.pop()
        order.append(node)
        for other in below[node]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    seen = set(order)
    return order + [node for node in range(len(above)) if node not in seen]


def _run(root: Call, order: Sequence[int], attributes: Sequence[Attributes], home: dict[int, Call]) -> None:
    """Go through the operations, what ran first first, with a stack of open calls, as they were open when each ran."""
    stack = [root]
    times: dict[tuple[int, str], int] = {}
    before: str | None = None
    for node in gently(reversed(order)):
        module = str(attributes[node].get("module") or "")
        if module == before:
            stack[-1].type = stack[-1].type or (str(attributes[node].get("module_type") or "") if module else "")
            home[node] = stack[-1]
            continue
        before = module
        parts = module.split(".") if module else []
        same = 0
        while same < min(len(parts), len(stack) - 1) and stack[same + 1].path.rpartition(".")[2] == parts[same]:
            same += 1
        del stack[same + 1 :]
        for depth in range(same, len(parts)):
            parent = stack[-1]
            path = ".".join(parts[: depth + 1])
            again = times[id(parent), path] = times.get((id(parent), path), 0) + 1
            part = parts[depth] if again == 1 else f"{parts[depth]}#{again}"
            call = Call(f"{parent.key}.{part}" if parent.key else part, path, "", depth + 1, parent=parent)
            parent.children.append(call)
            stack.append(call)
        stack[-1].type = stack[-1].type or (str(attributes[node].get("module_type") or "") if parts else "")
        home[node] = stack[-1]


def _with_leaves(
    order: Sequence[int], fed: Sequence[bool], above: list[list[int]], root: Call, home: dict[int, Call]
) -> list[int]:
    """Give what only feeds others a home in the innermost call round its consumers, and put it after the first."""
    after: dict[int, list[int]] = {}
    waiting = [node for node in order if fed[node]]
    alone = [node for node in waiting if not above[node]]
    while waiting:
        later = []
        for node in gently(waiting):
            consumers = above[node]
            if any(each not in home for each in consumers):
                later.append(node)
                continue
            home[node] = _common([home[each] for each in consumers], root)
            if consumers:
                after.setdefault(consumers[0], []).append(node)
        waiting = later
    placed: list[int] = []
    stack = [node for node in [*alone, *order] if not fed[node] or not above[node]][::-1]
    while stack:
        node = stack.pop()
        placed.append(node)
        stack.extend(reversed(after.get(node, ())))
    return list(dict.fromkeys(placed))


def _common(calls: Sequence[Call], root: Call) -> Call:
    if not calls:
        return root
    if len(calls) == 1:
        return calls[0]
    common = _path(calls[0])
    for call in calls[1:]:
        if call is calls[0]:
            continue
        other = _path(call)
        same = 0
        while same < min(len(common), len(other)) and common[same] is other[same]:
            same += 1
        del common[same:]
    return common[-1]


def _path(call: Call) -> list[Call]:
    path = [call]
    while path[-1].parent is not None:
        path.append(path[-1].parent)
    return path[::-1]


def _prune(root: Call, attributes: Sequence[Attributes], fed: Sequence[bool]) -> None:
    """Take out calls that hold a single thing (and views of it), and hand what they hold to the call round them."""
    calls = [root]
    for call in calls:
        calls.extend(call.children)
    for call in reversed(calls):
        kept: list[Call] = []
        for child in call.children:
            things = sum(
                [_does_something(str(attributes[node].get("type") or "")) for node in child.own if not fed[node]]
            )
            things += len(child.children)
            if things > 1:
                kept.append(child)
            else:
                call.own.extend(child.own)
                kept.extend(child.children)
        call.children = kept
    waiting = [(child, 1) for child in root.children]
    while waiting:
        call, depth = waiting.pop()
        call.depth = depth
        waiting.extend((child, depth + 1) for child in call.children)
