"""The bow at every playhead, and that only the playhead counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication

from engine.recording.reader import Recording, open_recording
from gui.canvas.cards import OPERATION
from gui.canvas.frames import Frames
from gui.canvas.scene import Scene
from gui.canvas.state import (
    CARRIES_GRADIENT,
    CARRIES_VALUE,
    GRADIENT,
    HAS_INFINITY,
    HAS_NAN,
    IDLE,
    NOT_YET,
    VALUE,
    WAITING,
    draw_state,
    make_track,
    state_at,
)
from tests.gui.canvas.scenes import make_branches, node_named, scene_of, state_of
from tests.recordings import make_chain

EVENTS_PER_STEP = 12


def edge(scene: Scene, source: str, target: str) -> int:
    ends = (node_named(scene, source), node_named(scene, target))
    found = np.flatnonzero((scene.source == ends[0]) & (scene.target == ends[1]))
    assert len(found) == 1
    return int(found[0])


def test_at_the_first_event_only_the_product_is_there(recording: Recording, scene: Scene) -> None:
    state = state_of(recording, scene, 0)
    lit = {scene.cards[scene.card[node]].title for node in np.flatnonzero(state.status != NOT_YET)}
    assert lit == {"mul", "w", "x"}
    assert state.active == node_named(scene, "mul")
    assert (state.kind, state.phase) == ("forward", "forward")
    assert state.edge[edge(scene, "mul", "w")] == CARRIES_VALUE
    assert state.edge[edge(scene, "prediction", "mul")] == IDLE


def test_a_gradient_waits_until_its_target_has_taken_it(recording: Recording, scene: Scene) -> None:
    state = state_of(recording, scene, 6)  # prediction has run backward
    assert state.status[node_named(scene, "prediction")] == GRADIENT
    assert state.status[node_named(scene, "mul")] == VALUE
    assert state.edge[edge(scene, "sub", "prediction")] == CARRIES_GRADIENT
    assert state.edge[edge(scene, "prediction", "b")] == WAITING
    assert state_of(recording, scene, 7).edge[edge(scene, "prediction", "b")] == CARRIES_GRADIENT


def test_no_gradient_flows_to_data(recording: Recording, scene: Scene) -> None:
    state = state_of(recording, scene, 11)
    assert set(state.edge[scene.data_edge]) == {CARRIES_VALUE}
    assert state.status[node_named(scene, "x")] == VALUE


def test_notches_of_a_parameter(recording: Recording, scene: Scene) -> None:
    b = node_named(scene, "b")
    seen = [(bool(s.arrived[b]), bool(s.updated[b])) for s in (state_of(recording, scene, e) for e in (6, 7, 10, 11))]
    assert seen == [(False, False), (True, False), (True, False), (True, True)]


def test_magnitudes_are_on_a_log_scale(recording: Recording, scene: Scene) -> None:
    state = state_of(recording, scene, 11)
    w, b = node_named(scene, "w"), node_named(scene, "b")
    assert state.norm[w] == pytest.approx(15)
    assert state.magnitude[w] == 1.0
    assert state.magnitude[b] == pytest.approx(1 - np.log10(2) / 3, abs=1e-6)  # three decades are the least
    assert np.isnan(state.magnitude[node_named(scene, "x")])
    assert np.isnan(state_of(recording, scene, 3).magnitude).all()


def test_before_and_after_the_graph(recording: Recording, qapp: QApplication) -> None:
    second = scene_of(recording, 1)
    before = state_of(recording, second, EVENTS_PER_STEP - 1, 1)
    assert (before.status == NOT_YET).all()
    assert before.active == -1
    after = state_of(recording, second, 2 * EVENTS_PER_STEP, 1)
    assert (after.status[second.kind == OPERATION] == GRADIENT).all()


def test_no_playhead(recording: Recording, scene: Scene) -> None:
    state = state_of(recording, scene, -1)
    assert state.active == -1
    assert state.phase == ""
    assert (state.status == NOT_YET).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3 * EVENTS_PER_STEP - 1), min_size=1, max_size=12))
def test_any_order_of_seeking_ends_in_the_same_state(recording: Recording, scene: Scene, order: list[int]) -> None:
    frames = Frames(recording)
    for playhead in order:
        state = frames.state(scene, 0, playhead)
    assert state.key() == draw_state(recording, scene, order[-1], 0).key()


def test_every_event_changes_the_picture(recording: Recording, scene: Scene) -> None:
    track = make_track(recording, scene, 0)
    keys = [state_at(recording, scene, track, playhead).key()[1:] for playhead in range(EVENTS_PER_STEP)]
    assert len(set(keys)) == EVENTS_PER_STEP


def test_a_long_chain_in_many_steps(tmp_path: Path, qapp: QApplication) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=40, steps=3)) as recording:
        scene = scene_of(recording, 2)
        first, last = recording.timeline.step_bounds(2)
        state = state_of(recording, scene, last, 2)
        assert (state.status == GRADIENT).all()
        middle = state_of(recording, scene, (first + last) // 2, 2)
        assert 0 < (middle.status == GRADIENT).sum() < scene.node_count


def test_an_edge_is_as_bright_as_what_it_brings(
    branches: Recording, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two gradients, 2 and 3, meet in a node which 5 enters then."""
    scene = scene_of(branches)
    state = state_of(branches, scene, 9)
    two, three = (int(np.flatnonzero(scene.source == source)[0]) for source in (1, 2))
    shares = [state.edge_magnitude[two], state.edge_magnitude[three], state.magnitude[3]]
    assert shares == pytest.approx([1 - np.log10(10 / norm) / 3 for norm in (2, 3, 5)])
    nothing = np.zeros((0, 2), dtype=np.int64), np.zeros(0)
    monkeypatch.setattr(branches, "sent_norms", lambda _: nothing)
    state = state_of(branches, scene, 9)
    assert state.edge_magnitude[two] == state.edge_magnitude[three] == state.magnitude[3]


@pytest.mark.parametrize(("gradient", "odd"), [(1.0, 0), (np.inf, HAS_INFINITY), (np.nan, HAS_NAN)])
def test_a_gradient_that_is_not_finite_is_told_once_it_has_arrived(
    tmp_path: Path, qapp: QApplication, gradient: float, odd: int
) -> None:
    with open_recording(make_branches(tmp_path / "odd.chain", triple=gradient)) as recording:
        scene = scene_of(recording)
        before, after = (state_of(recording, scene, playhead) for playhead in (4, 5))
        assert not before.odd.any()
        assert after.odd[2] == odd
        assert int((after.odd > 0).sum()) == (odd > 0)
