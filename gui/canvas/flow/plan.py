"""What one event moves, and when, between its beginning (0) and its end (1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from engine.recording.model import EVENT_KINDS, EventKind, Phase
from gui.canvas.flow import sums
from gui.canvas.flow.rolling import Rolling, rolling
from gui.canvas.flow.sums import Sum

if TYPE_CHECKING:
    from engine.recording.model import Role
    from engine.recording.reader import Recording
    from gui.canvas.flow.lanes import Lanes
    from gui.canvas.readings import Readings
    from gui.canvas.scene import Scene

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ARRIVED = 0.84  # when everything that travels alone has come
ARRIVED_TO_ADD = 0.72  # the same where a sum forms after it
BEHIND = 0.62  # the next branch sets out after so much of the way of the one before
SHORTEST_WAY = 0.26  # of the time that many branches have, each has at least so much
LONGER_BRANCH, LONGEST = 0.5, 3.0  # how much longer an event takes for each branch, and at most
LONGER_ADDING = 0.4


@dataclass(frozen=True, eq=False)
class Plan:
    """`node` is the position where it happens. Legs (k): drawn edges, travelled `back` against the edge's direction,
    from `start` to `end`, with `magnitude` 0..1 and a `text`; `place` counts those that meet, from 1 (0: meets none).
    `sums` form at the node when their legs have arrived; `length` is how much longer than others the event takes.
    """

    phase: Phase | Literal[""] = ""
    node: int = -1
    edges: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    back: bool = False
    start: Floats = field(default_factory=lambda: np.zeros(0))
    end: Floats = field(default_factory=lambda: np.zeros(0))
    magnitude: Floats = field(default_factory=lambda: np.zeros(0))
    text: tuple[str, ...] = ()
    place: tuple[int, ...] = ()
    sums: tuple[tuple[Sum, Floats], ...] = ()  # and when each of its branches arrives
    rolling: Rolling | None = None
    undone: bool = False
    length: float = 1.0

    @property
    def moves(self) -> bool:
        return self.node >= 0


def plan(recording: Recording, readings: Readings, scene: Scene, lanes: Lanes, event: int, *, undone: bool) -> Plan:
    """What `event` moves in this scene. `undone`: shown backwards. Raises RecordingError."""
    node = int(recording.timeline.node[event])
    place = scene.position.get(node, -1)
    if place < 0:
        return Plan()
    kind = EVENT_KINDS[int(recording.timeline.kind[event])]
    hidden = int(scene.node_ids[place]) != node  # in a collapsed module: what it does is not told of the whole of that
    if kind == "update":
        return Plan("update", place, rolling=None if hidden else rolling(readings, event), undone=undone)
    if kind == "forward":
        return _forward(lanes, place, node, undone)
    facts = lanes.facts
    recorded = facts.into(node)
    recorded = recorded[lanes.drawn[recorded] >= 0]
    start, end = _schedule(len(recorded), adds=kind == "accumulate" or bool((facts.branches[recorded] > 1).any()))
    formed = () if hidden else _sums(readings, lanes, recorded, end, event, kind)
    return Plan(
        "backward", place, lanes.drawn[recorded], False, start, end, lanes.gradient[recorded],
        tuple(sums.brought(facts, edge) for edge in recorded.tolist()),
        _places(lanes, recorded, hidden),
        formed, undone=undone,
        length=min(1 + LONGER_BRANCH * max(len(recorded) - 1, 0) + (LONGER_ADDING if formed else 0.0), LONGEST),
    )  # fmt: skip


def _forward(lanes: Lanes, place: int, node: int, undone: bool) -> Plan:
    """An operation needs all of its inputs: they come together."""
    recorded = lanes.facts.out_of(node)
    recorded = recorded[lanes.drawn[recorded] >= 0]
    count = len(recorded)
    return Plan(
        "forward", place, lanes.drawn[recorded], True, np.zeros(count), np.full(count, ARRIVED), lanes.value[recorded],
        tuple(sums.carried(lanes.facts, edge) for edge in recorded.tolist()), (0,) * count, undone=undone,
    )  # fmt: skip


def _schedule(count: int, *, adds: bool) -> tuple[Floats, Floats]:
    """When each of `count` branches sets out, and when it arrives: one after the other."""
    room = ARRIVED_TO_ADD if adds else ARRIVED
    way = max(room / (1 + BEHIND * max(count - 1, 0)), SHORTEST_WAY)
    start = np.linspace(0.0, room - way, count) if count > 1 else np.zeros(count)
    return start, start + way


def _places(lanes: Lanes, recorded: Ints, hidden: bool) -> tuple[int, ...]:
    """The how manieth each is of those that it meets; 0 where it meets none, or where they meet cannot be seen."""
    facts = lanes.facts
    meets = (facts.branches[recorded] > 1) & (not hidden)
    return tuple(np.where(meets, facts.rank[recorded] + 1, 0).tolist())


def _sums(
    readings: Readings, lanes: Lanes, recorded: Ints, end: Floats, event: int, kind: EventKind
) -> tuple[tuple[Sum, Floats], ...]:
    facts = lanes.facts
    found: list[tuple[Sum, Floats]] = []
    for number in np.unique(facts.input_number[recorded]).tolist():
        mine = np.flatnonzero(facts.input_number[recorded] == number)
        if len(mine) > 1:
            role: Role = "grad_input" if kind == "accumulate" else "grad_output"
            formed = sums.fan_in(facts, recorded[mine], sums.total_of(readings, event, role, int(number)))
            found.append((formed, end[mine]))
        added = sums.accumulation(readings, event, len(mine)) if kind == "accumulate" else None
        if added is not None:
            found.append((added, end[mine]))
    return tuple(found)
