"""Many events on their way at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from engine.recording.reader import Recording, open_recording
from gui.canvas.flow.lanes import lanes_of
from gui.canvas.flow.moment import TRAIL
from gui.canvas.flow.stream import MOST_DOTS, MOST_RINGS, Batch, batch, flowing
from gui.canvas.scene import Scene
from tests.gui.canvas.scenes import scene_of
from tests.recordings import make_chain


@pytest.fixture
def chain(qapp: QApplication, tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=1200)) as opened:
        yield opened


def batch_of(recording: Recording, scene: Scene, after: int, until: int, now: float = 1.0) -> Batch:
    return batch(scene, lanes_of(recording, scene, 0), recording.timeline.node, after, until, 0.0, now)


def test_every_event_sends_its_pulses(recording: Recording, scene: Scene) -> None:
    made = batch_of(recording, scene, -1, 11)
    forward, back = made.edges[made.back], made.edges[~made.back]
    assert sorted(forward.tolist()) == list(range(len(scene.source)))  # each value ran once
    assert sorted(back.tolist()) == np.flatnonzero(~scene.data_edge).tolist()
    assert len(set(made.nodes.tolist())) == 6


def test_pulses_are_born_one_after_the_other_in_the_order_of_events(recording: Recording, scene: Scene) -> None:
    made = batch_of(recording, scene, 3, 9)
    assert not made.back.any()
    assert (np.diff(made.born) >= 0).all()
    assert made.born.min() > 0.0
    assert made.born.max() == made.last == 1.0


def test_pulses_live_for_a_while(recording: Recording, scene: Scene) -> None:
    made = batch_of(recording, scene, 3, 9)
    counts = [len(flowing(scene, [made], now, 0.5, 4.0).backward.at) for now in (-1.0, 0.5, 1.2, 1.6)]
    assert counts[0] == counts[3] == 0
    assert counts[1] > 0
    assert counts[2] > 0


def test_nodes_are_lit_and_fade(recording: Recording, scene: Scene) -> None:
    made = batch_of(recording, scene, 3, 9)
    early, late = flowing(scene, [made], 1.0, 0.5, 4.0).nodes, flowing(scene, [made], 1.4, 0.5, 4.0).nodes
    assert dict(early)[made.nodes[-1]] == 1.0
    assert dict(late)[made.nodes[-1]] == pytest.approx(0.2)
    assert len(early) <= MOST_RINGS
    assert flowing(scene, [made], 2.0, 0.5, 4.0).nodes == ()


def test_where_thousands_move_trails_are_short_but_no_pulse_is_left_out(chain: Recording) -> None:
    scene = scene_of(chain)
    first, last = chain.timeline.step_bounds(0)
    made = batch_of(chain, scene, 1199, last, now=0.01)
    assert len(made.edges) == len(scene.source)
    now = flowing(scene, [made], 0.2, 1.0, 0.01)
    assert len(scene.source) <= len(now.backward.at) <= MOST_DOTS
    few = flowing(scene, [batch_of(chain, scene, 1199, 1210, now=0.01)], 0.2, 1.0, 0.01)
    assert len(few.backward.at) > 5 * (TRAIL + 1)
    assert first == 0


def test_nothing_flows_out_of_nothing(scene: Scene) -> None:
    now = flowing(scene, [], 0.0, 0.3, 4.0)
    assert (len(now.forward.at), len(now.backward.at), now.nodes) == (0, 0, ())
