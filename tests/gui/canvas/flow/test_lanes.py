"""Recorded edges on what is drawn, where modules are collapsed and where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from engine.graph.flow import NEVER
from engine.recording.reader import Recording, open_recording
from gui.canvas.flow.lanes import lanes_of
from gui.canvas.flow.plan import Plan, plan
from gui.canvas.loader import Wish
from gui.canvas.modules.arrange import arrange
from gui.canvas.modules.source import Sources
from gui.canvas.readings import Readings
from gui.canvas.scene import Scene
from tests.recordings import make_chain


@pytest.fixture
def chain(qapp: QApplication, tmp_path: Path) -> Iterator[Recording]:
    """Five layers of four operations and a parameter each."""
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=20)) as opened:
        yield opened


def scene_of(recording: Recording, *collapsed: str) -> Scene:
    wish = Wish(0, "chain", "layered", False, 1.0, collapsed=frozenset(collapsed))
    return arrange(Sources().of(recording, wish), wish)


def plan_of(recording: Recording, scene: Scene, event: int) -> Plan:
    return plan(recording, Readings(recording), scene, lanes_of(recording, scene, 0), event, undone=False)


def test_every_recorded_edge_has_its_own_where_all_is_open(chain: Recording) -> None:
    scene = scene_of(chain)
    lanes = lanes_of(chain, scene, 0)
    assert sorted(lanes.drawn.tolist()) == list(range(len(scene.source)))
    assert (scene.node_ids[scene.source[lanes.drawn]] == lanes.facts.source).all()
    assert (scene.slot[lanes.drawn] == lanes.facts.slot).all()


def test_in_a_collapsed_module_only_what_goes_in_and_out_is_drawn(chain: Recording) -> None:
    scene = scene_of(chain, "layers.1")
    inner = scene.inner
    assert inner is not None
    lanes = lanes_of(chain, scene, 0)
    group = inner.place_of_group["layers.1"]
    hidden = [scene.position[int(node)] == group for node in lanes.facts.source]
    inside = np.array(hidden) & np.array([scene.position[int(node)] == group for node in lanes.facts.target])
    assert inside.sum() == 4
    assert (lanes.drawn[inside] == -1).all()
    assert (lanes.drawn[~inside] >= 0).all()
    into = np.flatnonzero(scene.target[lanes.drawn] == group)
    assert set(lanes.drawn[into].tolist()) == set(np.flatnonzero(scene.target == group).tolist())


def test_gradients_run_into_a_collapsed_module_and_on_in_it_unseen(chain: Recording) -> None:
    scene = scene_of(chain, "layers.1")
    inner = scene.inner
    assert inner is not None
    group = inner.place_of_group["layers.1"]
    backward = chain.timeline.backward_event(0)
    first = plan_of(chain, scene, backward[4])  # its first operation: the gradient comes from layers.0
    assert (first.node, len(first.edges)) == (group, 1)
    assert scene.target[first.edges].tolist() == [group]
    within = plan_of(chain, scene, backward[5])
    assert (within.node, len(within.edges), within.sums) == (group, 0, ())
    accumulate = chain.timeline.accumulate_event(0)
    leaf = next(node for node in accumulate if scene.position[node] == group)
    assert plan_of(chain, scene, accumulate[leaf]).sums == ()  # of a parameter that is not seen


def test_what_ran_between_two_events_comes_in_their_order(chain: Recording) -> None:
    lanes = lanes_of(chain, scene_of(chain), 0)
    found = lanes.between(20, 30, forward=False)
    events = lanes.facts.taken[found]
    assert len(found) == 10  # each event takes in one gradient; event 20 is the root
    assert (np.diff(events) > 0).all()
    assert ((events > 20) & (events <= 30)).all()
    assert lanes.between(30, 30, forward=False).tolist() == []
    assert NEVER not in events


def test_lanes_are_worked_out_once(chain: Recording) -> None:
    scene = scene_of(chain)
    assert lanes_of(chain, scene, 0) is lanes_of(chain, scene, 0)
