"""Law 4: with and without recording, a script computes and prints the very same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from engine.recording.model import Level
from tests.capture import programs
from tests.capture.conftest import Capture

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
