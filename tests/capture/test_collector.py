"""The garbage collector comes as often as it would without a recording, and is left as it was found."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tests.capture.conftest import Capture


@pytest.fixture(autouse=True)
def _thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def _train(steps: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(20)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(2, 4)).sum().backward()
        optimizer.step()


def test_recorded_steps_do_not_make_it_come_more_often(capture: Capture) -> None:
    gc.set_threshold(500, 10, 10)
    came: list[int] = []

    def count(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            came.append(info["generation"])

    with capture(tensors="stats"):
        _train(3)  # it has seen what a step takes
        gc.callbacks.append(count)
        try:
            _train(10)
        finally:
            gc.callbacks.remove(count)
    assert len(came) <= 20  # 60 to 80 if ours are counted like theirs


def test_the_thresholds_are_put_back(capture: Capture) -> None:
    gc.set_threshold(600, 7, 5)
    with capture(tensors="stats"):
        _train(3)
        raised, *others = gc.get_threshold()
        assert raised > 600
        assert others == [7, 5]
    assert gc.get_threshold() == (600, 7, 5)


def test_recordings_within_each_other_do_not_push_each_other_up(capture: Capture) -> None:
    gc.set_threshold(600, 7, 5)
    with capture(tensors="stats"):
        with capture(tensors="stats"):
            _train(3)
            raised = gc.get_threshold()[0]
            _train(10)
            assert gc.get_threshold()[0] == raised
        assert 600 < gc.get_threshold()[0] < raised
    assert gc.get_threshold() == (600, 7, 5)


@pytest.mark.parametrize("chosen", [0, 5000])
def test_what_the_script_sets_holds(chosen: int, capture: Capture) -> None:
    with capture(tensors="stats"):
        _train(2)
        gc.set_threshold(chosen, 3, 2)
        _train(2)
        assert (gc.get_threshold()[0] == 0) == (chosen == 0)
    assert gc.get_threshold() == (chosen, 3, 2)
