"""The clock: when one event is shown, when many, and when nothing moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from pytestqt.qtbot import QtBot

from engine.recording.reader import Recording
from gui import theme
from gui.canvas.flow import lanes
from gui.canvas.flow.motion import Motion
from gui.canvas.frames import Frames
from gui.canvas.scene import Scene


@pytest.fixture
def motion(qtbot: QtBot) -> Iterator[Motion]:
    theme.set_reduced_motion(False)
    made = Motion()
    yield made
    made.stop()
    theme.set_reduced_motion(None)


@pytest.fixture
def frames(recording: Recording) -> Frames:
    return Frames(recording)


def test_a_step_is_shown_alone(motion: Motion, frames: Frames, scene: Scene) -> None:
    motion.play(frames, scene, 0, 4, 5)
    assert motion.happening is not None
    assert motion.happening.earlier == 4
    assert not motion.happening.plan.undone
    assert motion.batches == []


def test_a_step_back_is_the_same_event_undone(motion: Motion, frames: Frames, scene: Scene) -> None:
    motion.play(frames, scene, 0, 5, 4)
    assert motion.happening is not None
    assert motion.happening.earlier == 4
    assert motion.happening.plan.undone


def test_a_jump_moves_nothing(motion: Motion, frames: Frames, scene: Scene) -> None:
    motion.play(frames, scene, 0, 4, 5)
    motion.play(frames, scene, 0, 5, 9)
    assert motion.happening is None
    assert motion.batches == []


def test_what_comes_too_fast_goes_together_while_playing(motion: Motion, frames: Frames, scene: Scene) -> None:
    motion.playing = True
    motion.play(frames, scene, 0, 4, 7)
    motion.play(frames, scene, 0, 7, 9)
    assert motion.happening is None
    edges = sorted(edge for batch in motion.batches for edge in batch.edges.tolist())
    assert len(edges) == 5  # none of the events is left out


def test_steps_in_a_hurry_go_together(motion: Motion, frames: Frames, scene: Scene) -> None:
    motion.play(frames, scene, 0, 4, 5)
    motion.play(frames, scene, 0, 5, 6)  # before the first one has got anywhere
    assert motion.happening is None
    assert len(motion.batches) == 1


def test_everything_comes_to_rest(motion: Motion, frames: Frames, scene: Scene, qtbot: QtBot) -> None:
    motion.playing = True
    motion.milliseconds = 20
    motion.life = 0.05
    motion.play(frames, scene, 0, 4, 8)
    qtbot.waitUntil(lambda: not motion.batches)
    assert motion.happening is None


@pytest.mark.parametrize("playing", [False, True])
def test_reduced_motion_is_no_motion(motion: Motion, frames: Frames, scene: Scene, playing: bool) -> None:
    theme.set_reduced_motion(True)
    motion.playing = playing
    motion.play(frames, scene, 0, 4, 5)
    motion.play(frames, scene, 0, 5, 8)
    assert motion.happening is None
    assert motion.batches == []


def test_a_large_graphs_first_step_does_not_wait_for_what_moves(
    motion: Motion, frames: Frames, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "AT_ONCE", 0)
    monkeypatch.setattr(lanes, "_kept", WeakKeyDictionary())
    made_in: list[int] = []
    make = lanes.make_lanes

    def noted(*about: Any) -> lanes.Lanes:
        made_in.append(threading.get_ident())
        return make(*about)

    monkeypatch.setattr(lanes, "make_lanes", noted)
    assert not _moves(motion, frames, scene, 4)
    for thread in threading.enumerate():
        if thread.name == "lanes":
            thread.join()
    assert _moves(motion, frames, scene, 5)
    assert len(made_in) == 1
    assert threading.get_ident() not in made_in
    assert not lanes._making


def _moves(motion: Motion, frames: Frames, scene: Scene, before: int) -> bool:
    motion.play(frames, scene, 0, before, before + 1)
    return motion.happening is not None
