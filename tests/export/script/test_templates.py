"""What templates do where rounding decides, and with what a recording should not say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.export.script.expressions import NoTemplateError, plain, summed
from engine.export.script.source import functions, needed, text_of
from engine.export.script.update import OPTIMIZERS
from tests.export.script.conftest import Write

CLOSE_CALLS = """\
import torch

x = torch.tensor([[[[1.0, 1.0 + 1e-7, 0.5, 0.2], [0.3, 0.2, 3e-9, -3e-9]]]])
w = torch.tensor(1.7, requires_grad=True)
shown = torch.relu(w * x)
largest = torch.nn.functional.max_pool2d(shown, 2)
loss = (largest * 3).sum() + (shown * shown).sum()
loss.backward()
with torch.no_grad():
    w.mul_(0.5)
"""


def test_choices_that_rounding_decides_are_pytorchs(written: Write) -> None:
    program = written(CLOSE_CALLS)
    assert "settled(shown <= 0, shown_close, shown_choice)" in program.text
    assert "settled(largest_chosen, largest_close, largest_choice)" in program.text
    assert "w_after = w * 0.5" in program.text
    assert program.run()[0] == 0
    program.change("shown_choice", np.logical_not)
    assert program.run()[0] == 0  # gradients as small as rounding do not show
    program.change("largest_choice", lambda chosen: np.full_like(chosen, 3))
    assert program.run()[0] == 1


@pytest.mark.parametrize("value", ["__import__('os')", {"a": 1}, ["1; 2"]])
def test_no_text_of_a_recording_becomes_code(value: Any) -> None:
    with pytest.raises(NoTemplateError):
        plain(value)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("value", ["print(1)", float("nan"), None])
def test_a_hyperparameter_that_is_no_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(NoTemplateError):
        OPTIMIZERS[name]({"lr": value, "betas": [value, value]}, frozenset())


def test_sizes_that_wrapped_around_are_negative_again() -> None:
    assert plain([2**64 - 1, 3]) == [-1, 3]


@pytest.mark.parametrize(
    ("shape", "onto", "expected"),
    [
        ((2, 3), (2, 3), "g"),
        ((2, 3), (3,), "g.sum(axis=0)"),
        ((2, 3), (2, 1), "g.sum(axis=1, keepdims=True)"),
        ((2, 3), (), "g.sum()"),
        ((4, 2, 3), (2, 1), "g.sum(axis=(0, 2), keepdims=True).reshape((2, 1))"),
    ],
)
def test_a_gradient_is_summed_over_what_was_broadcast(
    shape: tuple[int, ...], onto: tuple[int, ...], expected: str
) -> None:
    assert summed("g", shape, onto) == expected
    assert eval(expected, {"g": np.ones(shape)}).shape == onto


def test_functions_are_copied_with_all_that_they_call_and_without_annotations() -> None:
    assert needed(["attention_backward"]) == ["softmax_backward", "attention_backward"]
    for name, function in functions().items():
        text = text_of(function)
        assert text.startswith(f"def {name}(")
        assert "Array" not in text
        assert "noqa" not in text
        namespace: dict[str, Any] = {}
        exec(text, namespace)
        assert callable(namespace[name])
