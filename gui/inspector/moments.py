"""When things happen to a node: its events, and whether the playhead has passed them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.recording.model import EVENT_KINDS, Event, EventKind, Node, Role, Value
from engine.recording.reader import Recording
from gui.inspector.content import State


@dataclass(frozen=True)
class Moment:
    """An event seen from the playhead. `event` is None if there is none; then `over` says that none will come."""

    event: int | None
    over: bool
    passed: bool

    @property
    def state(self) -> State:
        """The state of a tensor that should have been recorded here but is not."""
        if self.event is None:
            return "unrecorded" if self.over else "pending"
        return "unrecorded" if self.passed else "pending"


class Moments:
    """The events of one node's training step, at a playhead."""

    def __init__(self, recording: Recording, playhead: int, node: Node) -> None:
        self.recording = recording
        self.playhead = playhead
        self.node = node
        self.step = recording.graph(node.graph).step
        try:
            self.first, self.last = recording.timeline.step_bounds(self.step)
        except KeyError:  # a live recording: the graph is there, its events are on their way
            self.first, self.last = len(recording.timeline), len(recording.timeline) - 1
        self._values: dict[int, tuple[Value, ...]] = {}
        happened = self.first <= self.last
        self._over = happened and (playhead > self.last or (recording.complete and playhead == self.last))

    def moment(self, event: int | None) -> Moment:
        return Moment(event, self._over, event is not None and event <= self.playhead)

    def forward(self) -> Moment:
        """The node's forward operation."""
        return self.moment(self.node.forward_event)

    def backward(self, node: int | None = None) -> Moment:
        """The backward run of this node, or of another one of its graph."""
        events = self.recording.timeline.backward_event(self.node.graph)
        return self.moment(events.get(self.node.id if node is None else node))

    def of_parameter(self, kind: EventKind) -> tuple[Event, ...]:
        """All events of one kind that concern the node's parameter in its training step, in order."""
        if self.node.parameter is None:
            return ()
        found = self._events(kind, self.node.parameter, self.first, self.last + 1)
        return tuple(self.recording.event(event) for event in found)

    def parameter_value(self, parameter: int, event: int) -> int | None:
        """The tensor that a parameter held when `event` happened: nothing but updates changes it.

        Of one that is never updated, the accumulation of its gradient tells it.
        """
        before = self._events("update", parameter, 0, event + 1)
        if before:
            return self.tensor(before[-1], "param_after")
        after = self._events("update", parameter, event + 1, len(self.recording.timeline))
        after = after or self._events("accumulate", parameter, 0, len(self.recording.timeline))
        return self.tensor(after[0], "param_before") if after else None

    def _events(self, kind: EventKind, parameter: int, first: int, end: int) -> list[int]:
        timeline = self.recording.timeline
        hits = (timeline.parameter[first:end] == parameter) & (timeline.kind[first:end] == EVENT_KINDS.index(kind))
        found: list[int] = (first + np.flatnonzero(hits)).tolist()
        return found

    def values(self, event: int | None, *roles: Role) -> tuple[Value, ...]:
        """The event's tensors in these roles, by role, slot and name."""
        if event is None:
            return ()
        if event not in self._values:
            self._values[event] = self.recording.values(event)
        found = self._values[event]
        return tuple(sorted((v for v in found if v.role in roles), key=lambda v: (roles.index(v.role), v.slot, v.name)))

    def tensor(self, event: int | None, role: Role, slot: int = 0) -> int | None:
        """The id of the one tensor in this role and slot."""
        return next((value.tensor for value in self.values(event, role) if value.slot == slot), None)
