"""What one event moves, and when."""

from __future__ import annotations

import numpy as np
import pytest

from engine.recording.reader import Recording
from gui.canvas.flow.lanes import lanes_of
from gui.canvas.flow.plan import Plan, plan
from gui.canvas.readings import Readings
from gui.canvas.scene import Scene
from tests.gui.canvas.scenes import node_named, scene_of


def plan_of(recording: Recording, scene: Scene, event: int, graph: int = 0, *, undone: bool = False) -> Plan:
    return plan(recording, Readings(recording), scene, lanes_of(recording, scene, graph), event, undone=undone)


def titles(scene: Scene, nodes: np.ndarray) -> list[str]:
    return [scene.cards[scene.card[node]].title for node in nodes]


def test_values_run_to_the_operation_together(recording: Recording, scene: Scene) -> None:
    now = plan_of(recording, scene, 1)  # prediction = mul + b
    assert (now.phase, now.node, now.back) == ("forward", node_named(scene, "prediction"), True)
    assert titles(scene, scene.target[now.edges]) == ["mul", "b"]
    assert now.text == ("1.000", "0.2500")
    assert now.start.tolist() == [0.0, 0.0]
    assert now.sums == ()


def test_data_leaves_carry_their_value_forward_and_no_gradient_back(recording: Recording, scene: Scene) -> None:
    assert titles(scene, scene.target[plan_of(recording, scene, 0).edges]) == ["w", "x"]
    assert plan_of(recording, scene, 0).text == ("0.5000", "2.000")
    for event in range(4, 10):
        assert not set(plan_of(recording, scene, event).edges.tolist()) & set(np.flatnonzero(scene.data_edge).tolist())


def test_branches_come_one_after_the_other_in_autograds_order(branches: Recording) -> None:
    scene = scene_of(branches)
    now = plan_of(branches, scene, 7)
    assert titles(scene, scene.source[now.edges]) == ["triple", "double"]
    assert now.text == ("3.000", "2.000")
    assert now.place == (1, 2)
    assert 0 == now.start[0] < now.start[1] < now.end[0] < now.end[1] < 1
    ((formed, ends),) = now.sums
    assert formed.stages == ("", "3.000", "3.000 + 2.000")
    assert formed.total == "3.000 + 2.000 = 5.000"
    assert ends.tolist() == now.end.tolist()


def test_two_edges_from_one_node_are_summed_at_the_parameter(branches: Recording) -> None:
    scene = scene_of(branches)
    now = plan_of(branches, scene, 8)
    assert now.place == (1, 2)
    meet, added = (formed for formed, _ in now.sums)
    assert meet.total == "5.000 + 5.000 = 10.00"
    assert added.total == ".grad = 10.00"
    assert added.late


def test_a_single_gradient_meets_nobody(recording: Recording, scene: Scene) -> None:
    now = plan_of(recording, scene, 5)
    assert (now.place, now.sums, now.length) == ((0,), (), 1.0)


def test_the_first_gradient_comes_from_nowhere(recording: Recording, scene: Scene) -> None:
    now = plan_of(recording, scene, 4)
    assert now.moves
    assert len(now.edges) == 0
    assert now.node == node_named(scene, "loss")


def test_larger_gradients_are_brighter(recording: Recording, scene: Scene) -> None:
    into_b, into_w = plan_of(recording, scene, 7), plan_of(recording, scene, 9)  # 7.5 and 15
    assert into_b.magnitude.max() < into_w.magnitude.max() == 1.0


def test_a_parameter_rolls_from_old_to_new(recording: Recording, scene: Scene) -> None:
    rolling = plan_of(recording, scene, 10).rolling
    assert rolling is not None
    assert (rolling.before, rolling.after, rolling.norm) == (0.5, 1.25, False)
    assert (rolling.text(0.0), rolling.text(1.0)) == ("0.5000", "1.250")


def test_an_event_of_another_graph_moves_nothing(recording: Recording, scene: Scene) -> None:
    assert not plan_of(recording, scene, 13).moves


def test_the_next_training_step_moves_the_same_edges(recording: Recording, scene: Scene) -> None:
    second = scene.with_nodes(scene.node_ids + 8)
    for event in range(12):
        here, there = plan_of(recording, scene, event), plan_of(recording, second, event + 12, 1)
        assert here.edges.tolist() == there.edges.tolist()
        assert (here.phase, here.node, here.place) == (there.phase, there.node, there.place)


@pytest.mark.parametrize("event", range(4, 10))
def test_every_leg_has_its_time(recording: Recording, scene: Scene, event: int) -> None:
    now = plan_of(recording, scene, event)
    assert ((now.start >= 0) & (now.start < now.end) & (now.end <= 1)).all()
    assert len(now.edges) == len(now.text) == len(now.place) == len(now.magnitude)
