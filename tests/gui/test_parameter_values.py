"""Parameters, gradients and updates of one training step, at any position in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.recording.reader import Recording, open_recording
from gui.parameter_values import AtPlayhead, StepValues, change_norm, layer_order
from tests.gui import layers
from tests.gui.layers import EVENTS, make_layers, weight_at
from tests.recordings import make_bow, make_chain


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
