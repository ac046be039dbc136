"""Parameters, gradients and updates of one training step, at any position in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.recording.model import Edge, Event, Graph, Node, Parameter, Source, StepStart
from engine.recording.reader import Recording, open_recording
from engine.recording.writer import Writer
from gui.parameter_values import AtPlayhead, StepValues, change_norm, layer_order, parameters_of
from tests.gui import layers
from tests.gui.layers import EVENTS, make_layers, weight_at
from tests.recordings import BOW_SCRIPT, STARTED, make_bow, make_chain, make_info


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_layers(tmp_path / "layers.chain")) as opened:
        yield opened


def at(recording: Recording, playhead: int, step: int = 0) -> AtPlayhead:
    values = StepValues(recording, step)
    values.load()
    return values.at(step * EVENTS + playhead)


def test_parameters_come_in_the_order_of_their_first_use(recording: Recording) -> None:
    assert [parameter.name for parameter in recording.parameters] == ["fc.weight", "fc.bias"]
    assert [parameter.name for parameter in layer_order(recording)] == [
        "fc.bias",
        "fc.weight",
    ]  # slots 0 and 2 of addmm


def test_a_chain_is_ordered_from_the_input_on(tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=12)) as recording:
        names = [parameter.name for parameter in layer_order(recording)]
    assert names == ["layers.2.weight", "layers.1.weight", "layers.0.weight"]


def test_scalars_are_numbers_and_change_at_their_update(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        values = StepValues(recording, 0)
        values.load()
        assert [parameter.name for parameter in values.parameters] == ["w", "b"]
        before, after = values.at(9), values.at(11)
    assert before.value.numbers.tolist() == [0.5, 0.25]
    assert after.value.numbers.tolist() == pytest.approx([1.25, 0.625])
    assert after.ratio.numbers.tolist() == pytest.approx([1.5, 1.5])
    assert after.updated.all()
    assert not before.updated.any()


def test_tensors_are_norms(recording: Recording) -> None:
    assert at(recording, EVENTS - 1).value.numbers[1] == pytest.approx(np.linalg.norm(weight_at(1)))
    assert at(recording, 0).value.numbers[1] == pytest.approx(np.linalg.norm(weight_at(0)))
    assert at(recording, EVENTS - 1).update.numbers[1] == pytest.approx(np.sqrt(6) / 2)


def test_gradients_and_updates_are_known_from_their_event_on(recording: Recording) -> None:
    for playhead in range(EVENTS):
        now = at(recording, playhead)
        assert now.gradient.known.tolist() == [playhead >= layers.BIAS_ARRIVES, playhead >= layers.WEIGHT_ARRIVES]
        updated = [playhead >= layers.BIAS_UPDATED, playhead >= layers.WEIGHT_UPDATED]
        assert now.updated.tolist() == now.update.known.tolist() == updated
        assert (now.optimizer >= 0).tolist() == updated
        assert now.value.known.all()


def test_the_gradient_is_what_grad_holds(recording: Recording) -> None:
    assert at(recording, EVENTS - 1, 1).gradient.numbers[0] == pytest.approx(np.hypot(32, 48))


def test_nan_is_a_known_number(tmp_path: Path) -> None:
    with open_recording(make_layers(tmp_path / "nan.chain", gradient=float("nan"))) as recording:
        cells = at(recording, EVENTS - 1).gradient
    assert cells.known.all()
    assert np.isnan(cells.numbers).tolist() == [False, True]


@pytest.mark.parametrize("level", ["preview", "stats"])
def test_without_full_data_the_size_of_an_update_is_not_known(tmp_path: Path, level: str) -> None:
    with open_recording(make_layers(tmp_path / "less.chain", level=level)) as recording:  # type: ignore[arg-type]
        now = at(recording, EVENTS - 1)
    assert now.updated.all()
    assert not now.update.known.any()
    assert now.value.known.all()


def test_a_step_without_updates_has_the_values_of_the_nearest(tmp_path: Path) -> None:
    with open_recording(make_layers(tmp_path / "none.chain", updates=False)) as recording:
        values = StepValues(recording, 0)
        values.load()
        assert not values.at(9).value.known.any()


def test_reading_goes_in_portions_to_the_same_end(recording: Recording) -> None:
    whole, parts = StepValues(recording, 1), StepValues(recording, 1)
    whole.load()
    portions = 1
    while not parts.load(0.0):
        portions += 1
    assert portions > 4
    assert parts.at(EVENTS * 2 - 1).same_as(whole.at(EVENTS * 2 - 1))
    assert not parts.at(EVENTS * 2 - 1).same_as(whole.at(EVENTS * 2 - 2))


def test_without_changes_no_tensor_is_read(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recording, "data", lambda *_: pytest.fail("data was read"))
    values = StepValues(recording, 0, changes=False)
    values.load()
    assert not values.at(EVENTS - 1).update.known.any()
    assert values.at(EVENTS - 1).gradient.known.all()


def test_the_norm_of_no_change_is_zero(recording: Recording) -> None:
    tensor = recording.values(layers.BIAS_UPDATED)[0].tensor
    assert change_norm(recording, tensor, tensor) == 0.0


def make_new_leaves(path: Path, steps: int = 3) -> Path:
    """In each step an input `x` of its own and the same `w`; `v` is used in the second step alone."""
    with Writer(path, make_info()) as writer:
        writer.put(Source(0, "bow.py", BOW_SCRIPT))
        for number, name in ((0, "w"), (1, "v"), (2, "x"), (3, "x (2)"), (4, "x (3)")):
            writer.put(Parameter(number, name, "", (), "float32"))
        event = 0
        for step in range(steps):
            writer.put(StepStart(step, STARTED + step))
            writer.put(Graph(step, step, "backward", 3 * step, 1.0))
            writer.put(
                Node(3 * step, step, "operation", "MulBackward0", forward_event=event, shape=(), dtype="float32")
            )
            writer.put(Event(event, step, step, "forward", 3 * step, None, STARTED + step))
            event += 1
            for slot, parameter in enumerate((2 + step, *([1] if step == 1 else []), 0)):
                node = 3 * step + 1 + slot if step != 1 else 100 + slot
                writer.put(Node(node, step, "parameter", "AccumulateGrad", parameter=parameter))
                writer.put(Edge(step, 3 * step, slot, node, 0))
                writer.put(Event(event, step, step, "accumulate", node, parameter, STARTED + step))
                event += 1
    return path


def test_a_step_has_its_own_new_leaf_in_the_place_of_the_first(tmp_path: Path) -> None:
    with open_recording(make_new_leaves(tmp_path / "leaves.chain")) as recording:
        shown = [[parameter.name for parameter in StepValues(recording, step).parameters] for step in range(3)]
    assert shown == [["x", "w", "v"], ["x (2)", "w", "v"], ["x (3)", "w", "v"]]


def test_without_names_in_a_row_nothing_is_left_out(recording: Recording) -> None:
    assert parameters_of(recording, 1) is layer_order(recording)
