"""Where everything is at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.recording.reader import Recording
from gui.canvas.flow.lanes import lanes_of
from gui.canvas.flow.moment import Moment, dots, eased, moment
from gui.canvas.flow.plan import Plan, plan
from gui.canvas.readings import Readings
from gui.canvas.scene import Scene
from tests.gui.canvas.scenes import scene_of


def plan_of(recording: Recording, scene: Scene, event: int, *, undone: bool = False) -> Plan:
    return plan(recording, Readings(recording), scene, lanes_of(recording, scene, 0), event, undone=undone)


def ends(scene: Scene, edge: int) -> np.ndarray:
    points: np.ndarray = scene.pieces.points(np.array([edge, edge]), np.array([0.0, 1.0]))
    return points


def head(now: Moment) -> np.ndarray:
    """The foremost pulse: drawn last, over its trail."""
    place: np.ndarray = now.dots.at[-1]
    return place


@pytest.mark.parametrize(("event", "start", "end"), [(3, 1, 0), (5, 0, 1)])
def test_values_run_against_edges_and_gradients_along_them(
    recording: Recording, scene: Scene, event: int, start: int, end: int
) -> None:
    now = plan_of(recording, scene, event)
    edge = ends(scene, int(now.edges[0]))
    early, late = (
        np.hypot(*(head(moment(scene, now, time)) - edge[side])[:2]) for time, side in ((0.05, start), (0.8, end))
    )
    length = np.hypot(*(edge[1] - edge[0]))
    assert early < length / 10
    assert late < length / 10


def test_nothing_moves_at_the_beginning_and_the_end(recording: Recording, scene: Scene) -> None:
    for event in range(1, 12):
        now = plan_of(recording, scene, event)
        assert len(moment(scene, now, 0.0).dots.at) == len(moment(scene, now, 1.0).dots.at) == 0
        assert moment(scene, now, 1.0).travelled.tolist() == [1.0] * len(now.edges)
        assert (moment(scene, now, 0.0).lit, moment(scene, now, 1.0).lit) == (0.0, 1.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.integers(1, 11), st.floats(0, 1))
def test_back_is_forth_reversed(recording: Recording, scene: Scene, event: int, time: float) -> None:
    forth = moment(scene, plan_of(recording, scene, event), 1.0 - time)
    back = moment(scene, plan_of(recording, scene, event, undone=True), time)
    np.testing.assert_allclose(forth.dots.at, back.dots.at, atol=1e-6)
    assert (forth.tags, forth.sums, forth.number, forth.lit) == (back.tags, back.sums, back.number, back.lit)


def test_a_sum_forms_as_its_branches_arrive(branches: Recording) -> None:
    scene = scene_of(branches)
    now = plan_of(branches, scene, 7)
    texts: list[str] = []
    for time in np.linspace(0, 1, 200).tolist():
        at = moment(scene, now, time)
        text = at.sums[0][1] if at.sums else ""
        if not texts or texts[-1] != text:
            texts.append(text)
    assert texts == ["", "3.000", "3.000 + 2.000", "3.000 + 2.000 = 5.000"]


def test_a_branch_counts_only_once_it_has_arrived(branches: Recording) -> None:
    scene = scene_of(branches)
    now = plan_of(branches, scene, 7)
    before = moment(scene, now, float(now.end[0]) - 0.01)
    assert before.sums == ()
    assert before.travelled[0] < 1.0


def test_numbers_travel_with_their_pulses_and_stay_where_they_meet(branches: Recording) -> None:
    scene = scene_of(branches)
    now = plan_of(branches, scene, 7)
    assert [tag.text for tag in moment(scene, now, 0.2).tags] == ["3.000"]
    assert [tag.text for tag in moment(scene, now, 1.0).tags] == ["3.000", "2.000"]
    alone = plan_of(branches, scene, 5)
    assert [tag.text for tag in moment(scene, alone, 0.4).tags] == ["1.000"]
    assert moment(scene, alone, 1.0).tags == ()


def test_a_number_rolls(recording: Recording, scene: Scene) -> None:
    now = plan_of(recording, scene, 10)
    assert [moment(scene, now, time).number for time in (0.0, 1.0)] == ["0.5000", "1.250"]
    assert 0.5 < float(moment(scene, now, 0.5).number) < 1.25


def test_larger_pulses_are_larger_and_brighter_and_trails_fade(recording: Recording, scene: Scene) -> None:
    edges, back = np.array([0, 0]), np.zeros(2, dtype=np.bool_)
    small, large = (dots(scene, edges[:1], back[:1], np.array([0.5]), np.array([share]), 1.0) for share in (0.1, 1.0))
    assert small.size.max() < large.size.max()
    assert small.strength.max() < large.strength.max()
    assert (np.diff(large.strength) > 0).all()  # towards the pulse


def test_ease_starts_and_ends_at_rest() -> None:
    assert (eased(-1.0), eased(0.0), eased(0.5), eased(1.0), eased(2.0)) == (0.0, 0.0, 0.5, 1.0, 1.0)
    assert eased(0.05) < 0.05 < 0.95 < eased(0.95)
