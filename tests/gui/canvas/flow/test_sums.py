"""How sums are written while they form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.graph.flow import contributions
from engine.recording.model import Parameter, StepStart
from engine.recording.reader import Recording, open_recording
from engine.recording.writer import Writer
from gui.canvas.flow.rolling import rolling
from gui.canvas.flow.sums import accumulation, amount, fan_in, joined
from gui.canvas.readings import Readings
from tests.recordings import Script, Values, make_info


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Recording]:
    """Accumulations of numbers (event 0: `.grad` held 3; 1: nothing) and of vectors (2); updates of vectors (3, 4)."""
    one, two, three, five = (np.float32(number) for number in (1, 2, 3, 5))
    vector = np.array([3, 4], np.float32)
    events: tuple[tuple[str, Values], ...] = (
        ("accumulate", {("grad_before", 0, ""): three, ("grad_input", 0, ""): two, ("grad_after", 0, ""): five}),
        ("accumulate", {("grad_input", 0, ""): one, ("grad_after", 0, ""): one}),
        ("accumulate", {("grad_before", 0, ""): vector, ("grad_input", 0, ""): vector * 2,
                        ("grad_after", 0, ""): vector * 3}),
        ("update", {("param_before", 0, ""): vector, ("param_after", 0, ""): vector * np.float32(1.00001)}),
        ("update", {("param_before", 0, ""): vector, ("param_after", 0, ""): vector}),
    )  # fmt: skip
    path = tmp_path / "held.chain"
    with Writer(path, make_info()) as writer:
        writer.put(Parameter(0, "w", "", (), "float32"))
        writer.put(StepStart(0, 1.0))
        script = Script(writer)
        for kind, values in events:
            script.event(0, None, kind, None, 0, values=values)  # type: ignore[arg-type]
    with open_recording(path) as opened:
        yield opened


def test_what_arrives_is_added_to_what_was_held(held: Recording) -> None:
    added = accumulation(Readings(held), 0, 1)
    assert added is not None
    assert added.stages == (".grad = 3.000", ".grad = 3.000")
    assert added.total == ".grad = 3.000 + 2.000 = 5.000"
    assert not added.late


def test_without_anything_held_it_is_what_arrives(held: Recording) -> None:
    added = accumulation(Readings(held), 1, 1)
    assert added is not None
    assert added.stages == ("", "")
    assert added.total == ".grad = 1.000"


def test_norms_are_not_said_to_add_up(held: Recording) -> None:
    added = accumulation(Readings(held), 2, 2)
    assert added is not None
    assert added.total == ".grad = ‖5.000‖ + ‖10.00‖ → ‖15.00‖"
    assert added.late


def test_a_tensor_rolls_by_its_norm_with_digits_enough_to_see_it(held: Recording) -> None:
    moved, still = rolling(Readings(held), 3), rolling(Readings(held), 4)
    assert moved is not None
    assert still is not None
    assert moved.norm
    assert moved.text(0.0) != moved.text(1.0)
    assert still.text(0.0) == still.text(1.0) == "‖5.000‖"


def test_many_branches_are_counted(held: Recording) -> None:
    facts = contributions(held, 0)
    object.__setattr__(facts, "value", np.arange(1.0, 6.0))
    object.__setattr__(facts, "norm", np.arange(1.0, 6.0))
    formed = fan_in(facts, np.arange(5), "15.00")
    assert formed.stages[1:3] == ("1 of 5: 1.000", "2 of 5: 3.000")
    assert formed.total == "sum of 5 = 15.00"


def test_tensors_are_counted_and_their_sum_has_a_norm(held: Recording) -> None:
    facts = contributions(held, 0)
    object.__setattr__(facts, "value", np.full(2, np.nan))
    formed = fan_in(facts, np.arange(2), "‖3.000‖")
    assert formed.stages == ("", "1 of 2", "2 of 2")
    assert formed.total == "sum of 2 = ‖3.000‖"


def test_sums_are_written_with_their_signs() -> None:
    assert joined([2.0, -3.0, 1.0]) == "2.000 \u2212 3.000 + 1.000"
    assert joined([-2.0]) == "\u22122.000"


def test_amounts() -> None:
    assert amount(2.0, 5.0) == "2.000"
    assert amount(None, 5.0) == "‖5.000‖"
    assert amount(float("nan"), 5.0) == "‖5.000‖"
    assert amount(None, None) == amount(None, float("nan")) == ""
