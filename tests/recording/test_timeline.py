"""Against the plainest way to say the same thing: walking over lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.recording.model import EVENT_KINDS, PHASE_OF_KIND
from engine.recording.timeline import Timeline

KINDS = st.lists(st.lists(st.integers(0, len(EVENT_KINDS) - 1), min_size=1, max_size=12), max_size=5)


def make(steps: list[list[int]]) -> Timeline:
    """One inner list of kinds for each training step; step k has the number 2 * k."""
    kinds = [kind for step in steps for kind in step]
    numbers = [2 * index for index, step in enumerate(steps) for _ in step]
    count = len(kinds)
    return Timeline(
        np.array(kinds, np.uint8),
        np.array(numbers, np.int64),
        np.array([number // 2 for number in numbers], np.int64),
        np.arange(count, dtype=np.int64) % 5 - 1,
        np.full(count, -1, np.int64),
    )


def spans(timeline: Timeline) -> list[tuple[str, int, int, int]]:
    """(phase, step, first, last) of all spans."""
    found: list[tuple[str, int, int, int]] = []
    for event in range(len(timeline)):
        phase = PHASE_OF_KIND[EVENT_KINDS[timeline.kind[event]]]
        step = int(timeline.step[event])
        if found and found[-1][:2] == (phase, step):
            found[-1] = (phase, step, found[-1][2], event)
        else:
            found.append((phase, step, event, event))
    return found


@given(KINDS)
def test_phases(steps: list[list[int]]) -> None:
    timeline = make(steps)
    starts = [span[2] for span in spans(timeline)]
    for event in range(len(timeline)):
        assert timeline.phase(event) == PHASE_OF_KIND[EVENT_KINDS[timeline.kind[event]]]
        assert timeline.next_phase(event) == min((s for s in starts if s > event), default=len(timeline) - 1)
        assert timeline.previous_phase(event) == max((s for s in starts if s < event), default=0)


@given(KINDS)
def test_steps(steps: list[list[int]]) -> None:
    timeline = make(steps)
    starts = [timeline.step_bounds(2 * index)[0] for index in range(len(steps))]
    assert starts == [sum(map(len, steps[:index])) for index in range(len(steps))]
    for event in range(len(timeline)):
        assert timeline.next_step(event) == min((s for s in starts if s > event), default=len(timeline) - 1)
        assert timeline.previous_step(event) == max((s for s in starts if s < event), default=0)


@given(KINDS)
def test_phase_spans(steps: list[list[int]]) -> None:
    timeline = make(steps)
    found = [(phase, 2 * i, *ends) for i in range(len(steps)) for phase, *ends in timeline.phase_spans(2 * i)]
    assert found == spans(timeline)


@given(KINDS, KINDS)
def test_extended_is_the_same_as_made_at_once(first: list[list[int]], second: list[list[int]]) -> None:
    whole = make(first + second)
    cut = sum(map(len, first))
    head, tail = (
        Timeline(whole.kind[part], whole.step[part], whole.graph[part], whole.node[part], whole.parameter[part])
        for part in (slice(cut), slice(cut, None))
    )
    joined = head.extended(tail)
    for name in ("kind", "step", "graph", "node", "parameter"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))
        assert getattr(joined, name).dtype == getattr(whole, name).dtype


@given(KINDS)
def test_events_of_nodes(steps: list[list[int]]) -> None:
    timeline = make(steps)
    for graph in range(len(steps) + 1):
        for kind, method in (
            ("backward", timeline.backward_event),
            ("accumulate", timeline.accumulate_event),
            ("update", timeline.update_event),
        ):
            expected = {
                int(timeline.node[event]): event
                for event in range(len(timeline))
                if timeline.graph[event] == graph
                and EVENT_KINDS[timeline.kind[event]] == kind
                and timeline.node[event] >= 0
            }
            assert method(graph) == expected


def test_an_empty_timeline() -> None:
    timeline = Timeline()
    assert len(timeline) == 0
    assert timeline.next_phase(-1) == timeline.previous_phase(-1) == -1
    assert timeline.next_step(-1) == timeline.previous_step(-1) == -1
    assert timeline.backward_event(0) == {}
    for method in (timeline.step_bounds, timeline.phase_spans):
        with pytest.raises(KeyError):
            method(0)


def test_seeking_looks_at_few_positions_only() -> None:
    """Ten thousand events in 2,500 spans: answers are plain ints, from precomputed starts."""
    timeline = make([[0, 0, 1, 1, 2, 2, 3, 3]] * 1250)
    assert len(timeline) == 10_000
    assert timeline.next_phase(0) == 2
    assert timeline.next_phase(9_997) == 9_998
    assert timeline.next_phase(9_999) == 9_999
    assert timeline.previous_phase(9_999) == 9_998
    assert timeline.previous_step(9_999) == 9_992
    assert timeline.next_step(17) == 24
    assert type(timeline.next_phase(0)) is int


def test_which_node_ran_when_is_answered_from_memory_and_cannot_be_changed() -> None:
    timeline = Timeline(*(np.array(column) for column in ([1, 1, 1], [0, 0, 0], [0, 0, 1], [5, 6, 7], [-1, -1, -1])))
    backward = EVENT_KINDS.index("backward")
    assert backward == 1
    answer = timeline.backward_event(0)
    assert answer == {5: 0, 6: 1}
    assert timeline.backward_event(0) is answer
    with pytest.raises(TypeError):
        answer[5] = 3  # type: ignore[index]
    for graph in range(50):
        timeline.backward_event(graph)
    assert timeline.backward_event(0) == answer
    assert len(timeline._nodes_events) <= 13
