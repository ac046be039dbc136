"""The order of events, as NumPy columns, and the questions that a playhead asks of it.

A position is an event's id. A span is a run of events of one phase within one training step. Everything here is a pure
function of a position; jumps take O(log n).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from engine.recording.model import EVENT_KINDS, PHASE_OF_KIND, PHASES, EventKind, Phase

Column = npt.NDArray[np.int64]

KEPT = 12  # answers of which node ran when

_PHASE_CODES = np.array([PHASES.index(PHASE_OF_KIND[kind]) for kind in EVENT_KINDS], np.uint8)


def _no_kinds() -> npt.NDArray[np.uint8]:
    return np.zeros(0, np.uint8)


def _no_numbers() -> Column:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Timeline:
    """Events 0 to n - 1. `kind` is an index in EVENT_KINDS; elsewhere -1 means none. Steps never decrease."""

    kind: npt.NDArray[np.uint8] = field(default_factory=_no_kinds)
    step: Column = field(default_factory=_no_numbers)
    graph: Column = field(default_factory=_no_numbers)
    node: Column = field(default_factory=_no_numbers)
    parameter: Column = field(default_factory=_no_numbers)

    def __len__(self) -> int:
        return len(self.kind)

    def extended(self, *others: Timeline) -> Timeline:
        """This timeline, and `others` after it."""
        every = (self, *others)
        return Timeline(
            np.concatenate([each.kind for each in every]),
            np.concatenate([each.step for each in every]),
            np.concatenate([each.graph for each in every]),
            np.concatenate([each.node for each in every]),
            np.concatenate([each.parameter for each in every]),
        )

    def warm_up(self) -> None:
        """Work out ahead what the first questions need."""
        for _ in (self._span_starts, self._step_starts, self._by_graph):
            pass

    def phase(self, event: int) -> Phase:
        return PHASE_OF_KIND[EVENT_KINDS[int(self.kind[event])]]

    def next_phase(self, event: int) -> int:
        """First event of the next span, or the last event of all."""
        return self._next(self._span_starts, event)

    def previous_phase(self, event: int) -> int:
        """First event of this span, or, if `event` is that, of the span before."""
        return self._previous(self._span_starts, event)

    def next_step(self, event: int) -> int:
        """First event of the next training step, or the last event of all."""
        return self._next(self._step_starts, event)

    def previous_step(self, event: int) -> int:
        """First event of this training step, or, if `event` is that, of the step before."""
        return self._previous(self._step_starts, event)

    def step_bounds(self, step: int) -> tuple[int, int]:
        """First and last event of a training step. Raises KeyError if it has none."""
        first = int(np.searchsorted(self.step, step, "left"))
        end = int(np.searchsorted(self.step, step, "right"))
        if first == end:
            raise KeyError(step)
        return first, end - 1

    def phase_spans(self, step: int) -> tuple[tuple[Phase, int, int], ...]:
        """(phase, first, last) for each span of a training step, in order. Raises KeyError if it has no events."""
        first, last = self.step_bounds(step)
        starts = self._span_starts
        low, high = bisect_right(starts, first) - 1, bisect_right(starts, last)
        ends = [*starts[low + 1 : high], last + 1]
        return tuple((self.phase(start), start, end - 1) for start, end in zip(starts[low:high], ends, strict=True))

    def backward_event(self, graph: int) -> Mapping[int, int]:
        """Node → event in which its backward ran, for the nodes of one graph that ran."""
        return self._events_of_nodes(graph, "backward")

    def accumulate_event(self, graph: int) -> Mapping[int, int]:
        """Parameter node → event in which its gradient was accumulated (the last, if there were several)."""
        return self._events_of_nodes(graph, "accumulate")

    def update_event(self, graph: int) -> Mapping[int, int]:
        """Parameter node → event in which the optimizer updated it (the last, if there were several)."""
        return self._events_of_nodes(graph, "update")

    def events_of_graph(self, graph: int) -> Column:
        """Ids of the events that belong to a graph, ascending."""
        ids, starts = self._by_graph
        low, high = np.searchsorted(starts, [graph, graph + 1])
        return ids[low:high]

    def _events_of_nodes(self, graph: int, kind: EventKind) -> Mapping[int, int]:
        found = self._nodes_events.get((graph, kind))
        if found is None:
            for old in list(self._nodes_events)[:-KEPT]:
                self._nodes_events.pop(old, None)
            found = self._nodes_events[graph, kind] = MappingProxyType(self._find_events_of_nodes(graph, kind))
        return found

    def _find_events_of_nodes(self, graph: int, kind: EventKind) -> dict[int, int]:
        events = self.events_of_graph(graph)
        events = events[(self.kind[events] == EVENT_KINDS.index(kind)) & (self.node[events] >= 0)]
        return dict(zip(self.node[events].tolist(), events.tolist(), strict=True))

    def _next(self, starts: list[int], event: int) -> int:
        index = bisect_right(starts, event)
        return starts[index] if index < len(starts) else len(self) - 1

    def _previous(self, starts: list[int], event: int) -> int:
        index = bisect_right(starts, event - 1) - 1
        return starts[index] if index >= 0 else min(0, len(self) - 1)

    @cached_property
    def _nodes_events(self) -> dict[tuple[int, EventKind], Mapping[int, int]]:
        """What was asked last: to go through a large graph's events anew for each node takes too long."""
        return {}

    @cached_property
    def _span_starts(self) -> list[int]:
        phases = _PHASE_CODES[self.kind]
        return _starts((np.diff(phases) != 0) | (np.diff(self.step) != 0)) if len(self) else []

    @cached_property
    def _step_starts(self) -> list[int]:
        return _starts(np.diff(self.step) != 0) if len(self) else []

    @cached_property
    def _by_graph(self) -> tuple[Column, Column]:
        """Event ids ordered by graph, and the graphs in that order."""
        ids = np.argsort(self.graph, kind="stable")
        return ids, self.graph[ids]


def _starts(changes: npt.NDArray[np.bool_]) -> list[int]:
    return [0, *(np.flatnonzero(changes) + 1).tolist()]
