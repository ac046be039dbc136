"""Finds neighbours that are made alike: twelve equal blocks one after another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.graph.calls import Call
from engine.pace import give_way

Ints = npt.NDArray[np.int64]

FEWEST = 3  # two are read faster than a count


def find_repeats(
    root: Call, attributes: Sequence[Mapping[str, Any]], placed: Sequence[int], tail: Ints, head: Ints, slots: Ints
) -> None:
    """Put runs of equal children of a call into a call of their own, with their `count`.

    Children of one call stand in the order in which they ran. Between two of a run nothing else of their parent may
    have run, or the run would be no stretch of that order. `placed` are all nodes, what ran last first.
    """
    calls = [root]
    for call in calls:
        calls.extend(call.children)
    prints = _Prints(attributes, placed, tail, head, slots)
    asked = {id(child) for call in calls if len(call.children) >= FEWEST for child in call.children}
    for call in reversed(calls):  # inner ones first: a call hands its members on to the one round it
        prints.take(call, look=id(call) in asked)
        give_way()
    for call in calls:
        if len(call.children) >= FEWEST:
            call.children = _with_runs(call, prints)


def _with_runs(call: Call, prints: _Prints) -> list[Call]:
    children: list[Call] = []
    run: list[Call] = []
    for child in [*call.children, None]:
        if run and (child is None or not prints.follows(run[-1], child)):
            children += _folded(call, run)
            run = []
        if child is not None:
            run.append(child)
    return children


class _Prints:
    """What each call looks like, whatever its nodes are called, and which stretch of the order it is."""

    def __init__(
        self, attributes: Sequence[Mapping[str, Any]], placed: Sequence[int], tail: Ints, head: Ints, slots: Ints
    ) -> None:
        kinds: dict[tuple[Any, ...], int] = {}
        looks = [
            kinds.setdefault((d.get("kind"), d.get("type"), d.get("shape"), d.get("module_type")), len(kinds))
            for d in attributes
        ]
        self._when = np.empty(len(placed), dtype=np.int64)
        self._when[list(placed)] = np.arange(len(placed))
        self._looks = np.array(looks, dtype=np.int64)[list(placed)] if placed else np.zeros(0, dtype=np.int64)
        by_tail = np.argsort(self._when[tail], kind="stable")
        self._tail, self._head = self._when[tail][by_tail], self._when[head][by_tail]
        self._slots = slots[by_tail]
        self._fed = np.array([d.get("kind") != "operation" for d in attributes], dtype=np.bool_)
        self._inside = np.zeros(len(placed), dtype=np.bool_)
        self._members: dict[int, Ints] = {}
        self._print: dict[int, bytes] = {}
        self._span: dict[int, tuple[int, int]] = {}
        self._counted = np.concatenate([[0], np.cumsum(~self._fed[list(placed)])]) if placed else np.zeros(1)

    def take(self, call: Call, *, look: bool) -> None:
        """`look`: whether it will be compared with others."""
        own = self._when[call.own] if call.own else np.zeros(0, dtype=np.int64)
        members = np.sort(np.concatenate([own, *(self._members.pop(id(child)) for child in call.children)]))
        self._members[id(call)] = members
        if not look or not len(members):
            return
        first, last = int(members[0]), int(members[-1]) + 1
        self._inside[members] = True
        begin, end = np.searchsorted(self._tail, [first, last])
        tails, heads = self._tail[begin:end], self._head[begin:end]
        both = self._inside[tails] & self._inside[heads]
        self._inside[members] = False
        parts = (members - first, self._looks[members], tails[both] - first, heads[both] - first,
                 self._slots[begin:end][both])  # fmt: skip
        digest = hashlib.blake2b(digest_size=16)
        for part in parts:
            digest.update(len(part).to_bytes(4, "little") + part.tobytes())
        self._print[id(call)] = digest.digest()
        working = members[~self._fed_at(members)]
        if len(working):
            self._span[id(call)] = (int(self._counted[working[0]]), int(self._counted[working[-1]]))

    def _fed_at(self, members: Ints) -> npt.NDArray[np.bool_]:
        fed: npt.NDArray[np.bool_] = self._counted[members + 1] == self._counted[members]
        return fed

    def follows(self, one: Call, other: Call) -> bool:
        """Whether `other` ran right after `one` and is made alike. (What ran later stands earlier in the order.)"""
        if self._print[id(one)] != self._print[id(other)]:
            return False
        gap = self._span[id(one)][0] - self._span[id(other)][1]
        return gap == 1


def _folded(parent: Call, row: list[Call]) -> list[Call]:
    if len(row) < FEWEST:
        return row
    span = _span(row[0].path.split("."), row[-1].path.split("."))
    types = {child.type for child in row}
    repeat = Call(
        f"{row[0].key}…{len(row)}", span, types.pop() if len(types) == 1 else "",
        row[0].depth, children=row, count=len(row), parent=parent,
    )  # fmt: skip
    for child in row:
        child.parent = repeat
    return [repeat]


def _span(first: list[str], last: list[str]) -> str:
    """What two paths have in common, and both where they differ: "stage0 … stage3.blocks"."""
    if first == last:
        return ".".join(first)
    before = 0
    while before < min(len(first), len(last)) - 1 and first[before] == last[before]:
        before += 1
    after = 0
    while after < min(len(first), len(last)) - before - 1 and first[-1 - after] == last[-1 - after]:
        after += 1
    middle = [".".join(path[before : len(path) - after]) for path in (first, last)]
    return ".".join([*first[:before], " … ".join(middle), *first[len(first) - after :]])
