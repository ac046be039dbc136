"""Law 4: with and without recording, a script computes and prints the very same bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch
from torch import nn

from engine.recording.model import Level
from tests.capture import programs
from tests.capture.conftest import Capture
from tools.prove.samples import operators

STEPS = 20


@pytest.mark.parametrize("level", ["full", "stats"])
@pytest.mark.parametrize("program", programs.PROGRAMS, ids=lambda program: program.__name__)
def test_recording_changes_nothing(
    program: Callable[[int], list[Any]], level: Level, capture: Capture, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(7)
    expected = program(STEPS)
    printed = capsys.readouterr().out
    torch.manual_seed(7)
    with capture(tensors=level) as captured:
        observed = program(STEPS)
    assert capsys.readouterr().out == printed
    assert observed == expected
    assert captured.recording.steps
    assert captured.recording.notes == ()


@pytest.mark.parametrize(
    "name", ["prod", "masked_fill", "cumprod", "linalg.svd", "nn.functional.batch_norm", "index_put"]
)
def test_torchs_own_samples_have_the_same_gradients(name: str, capture: Capture) -> None:
    """Some formulas of these take another path while a dispatch mode is active."""
    operator = operators()[name]
    samples = list(islice(operator.sample_inputs("cpu", torch.float32, requires_grad=True), 12))
    expected = [_gradients(operator, sample) for sample in samples]
    with capture(tensors="stats"):
        observed = [_gradients(operator, sample) for sample in samples]
    assert observed == expected
    assert any(expected)


def _gradients(operator: Any, sample: Any) -> list[bytes]:
    leaves: list[torch.Tensor] = []

    def fresh(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        leaves.append(value.detach().clone().requires_grad_(value.requires_grad))
        return leaves[-1]

    torch.manual_seed(0)
    again = sample.transform(fresh)
    result = sample.output_process_fn_grad(operator(again.input, *again.args, **again.kwargs))
    parts = [part for part in (result if isinstance(result, tuple) else (result,)) if part.requires_grad]
    if parts:
        torch.autograd.backward(parts, [torch.rand_like(part) for part in parts])
    return [leaf.grad.numpy().tobytes() for leaf in leaves if leaf.grad is not None]


def _versions() -> list[int]:
    """What autograd counts of each tensor that lists of tensors were written to with."""
    torch.manual_seed(0)
    counted: list[torch.Tensor] = []
    for grad_mode in (True, False):
        lists = [[torch.rand(3) for _ in range(3)] for _ in range(4)]
        with torch.set_grad_enabled(grad_mode):
            torch._foreach_mul_(lists[0], 2.0)
            torch._foreach_mul_(lists[0], torch.tensor(2.0))
            torch._foreach_add_(lists[1], lists[0], alpha=2)
            torch._foreach_addcdiv_(lists[2], lists[0], lists[1], value=0.1)
            torch._foreach_mul_([lists[3][0][:2], lists[3][1], lists[3][1]], 2.0)
            torch._foreach_copy_(lists[3], lists[0])
            torch._foreach_zero_(lists[2])
        counted += [tensor for members in lists for tensor in members]
    for fused in (False, True):
        weights = [nn.Parameter(torch.rand(3)) for _ in range(2)]
        optimizer = torch.optim.Adam(weights, fused=fused, foreach=not fused)
        (weights[0] * weights[1]).sum().backward()
        nn.utils.clip_grad_norm_(weights, 0.1)
        optimizer.step()
        counted += weights
        counted += [weight.grad for weight in weights if weight.grad is not None]
        counted += [item for state in optimizer.state.values() for item in state.values()]
    return [tensor._version for tensor in counted]


def test_writes_to_lists_are_counted_as_they_would_be(capture: Capture) -> None:
    """From this count autograd knows that a value that it needs has been overwritten."""
    expected = _versions()
    with capture():
        observed = _versions()
    assert observed == expected


def test_a_saved_value_that_a_list_overwrites_is_refused(capture: Capture) -> None:
    w = torch.ones(3, requires_grad=True)
    x = torch.ones(3)
    with capture():
        loss = (w * x).sum()
        torch._foreach_mul_([x], 2.0)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_memory_that_was_looked_at_can_still_be_resized(capture: Capture) -> None:
    """As sharding does with parameters; NumPy's look at a tensor forbids it."""
    w = torch.ones(3, requires_grad=True)
    inputs = [torch.ones(3), torch.ones(2, 3).t()[0:3, 0], torch.zeros(9000), torch.tensor([math.nan] * 9000)]
    with capture() as captured:
        torch.stack([(w[0] * x).sum() for x in inputs]).sum().backward()
        for x in inputs:
            x.untyped_storage().resize_(1 << 16)
    assert len(captured.events("backward")) > 4


def test_a_parameter_whose_memory_was_taken_away_is_not_read(capture: Capture) -> None:
    w, x = torch.ones(9000, requires_grad=True), torch.ones(9000)
    with capture() as captured:
        loss = (w * x).sum()
        w.untyped_storage().resize_(0)
        loss.backward()
    (number,) = captured.events("accumulate")
    roles = {value.role: captured.recording.tensor(value.tensor) for value in captured.recording.values(number)}
    assert roles["param_before"].statistics.min is None
    assert roles["grad_after"].statistics.min == 1.0


def test_nothing_is_different_afterwards(capture: Capture) -> None:
    """The number that autograd will give the next node is the same with and without recording."""

    def numbers() -> int:
        loss = (torch.ones(3, requires_grad=True) * 2).sum()
        loss.backward()
        return int(torch._C._autograd._get_sequence_nr())

    start = numbers()
    plain = numbers() - start
    with capture():
        before = numbers()
        after = numbers()
    assert after - before == plain
