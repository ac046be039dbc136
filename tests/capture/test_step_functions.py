"""What torch's own optimizers do is not looked at, and everything is as it was afterwards."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from engine.capture.recorder import record
from engine.capture.step_functions import StepFunctions
from engine.recording.reader import open_recording
from tests.capture.conftest import Capture


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many dispatch modes are active, each time that SGD begins to compute."""
    found: list[int] = []
    module = importlib.import_module("torch.optim.sgd")
    compute = module.sgd

    def watched(*args: Any, **kwargs: Any) -> None:
        found.append(torch._C._len_torch_dispatch_stack())
        compute(*args, **kwargs)

    monkeypatch.setattr(module, "sgd", watched)
    return found


def _train(optimizer: torch.optim.Optimizer, steps: int = 1) -> None:
    (w,) = optimizer.param_groups[0]["params"]
    for _ in range(steps):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()


def _leaf() -> torch.Tensor:
    return torch.ones(2, requires_grad=True)


def _held(kind: type[torch.optim.Optimizer]) -> Any:
    """The function that torch has put its own around."""
    function: Any = kind.step
    return function.__closure__[function.__code__.co_freevars.index("func")].cell_contents


def test_no_mode_of_ours_is_active_in_a_step(looks: list[int], tmp_path: Path) -> None:
    optimizer = torch.optim.SGD([_leaf()], lr=0.1)
    with record(tmp_path / "run.chain") as recorder:
        _train(optimizer, 2)
        assert recorder.modes.dispatching()
    assert looks == [0, 0]


def test_a_mode_of_the_user_sees_a_step(looks: list[int], tmp_path: Path) -> None:
    class Counting(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.seen: list[str] = []

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.seen.append(str(func))
            return func(*args, **(kwargs or {}))

    optimizer = torch.optim.SGD([_leaf()], lr=0.1)
    above, below = Counting(), Counting()
    with below, record(tmp_path / "run.chain") as recorder, above:
        _train(optimizer)
        assert recorder.modes.dispatching()
    assert looks == [2]
    assert "aten.add_.Tensor" in above.seen
    assert above.seen == below.seen


@pytest.mark.parametrize("why", ["differentiable", "hook", "closure", "subclass"])
def test_a_step_in_which_there_may_be_something_to_see_is_looked_at(why: str, looks: list[int], tmp_path: Path) -> None:
    class Own(torch.optim.SGD):
        pass

    w = _leaf().clone() if why == "differentiable" else _leaf()
    w.retain_grad()
    optimizer = (Own if why == "subclass" else torch.optim.SGD)([w], lr=0.1, differentiable=why == "differentiable")
    if why == "hook":
        optimizer.register_step_pre_hook(lambda *_: None)
    with record(tmp_path / "run.chain"):
        w.sum().backward()
        if why == "closure":
            optimizer.step(lambda: 0.0)
        else:
            optimizer.step()
    assert looks == [1]


def test_all_is_as_it_was_after_a_recording(capture: Capture) -> None:
    optimizer = torch.optim.SGD([_leaf()], lr=0.1)
    before = _held(torch.optim.SGD)
    with capture() as captured:
        _train(optimizer)
        assert _held(torch.optim.SGD) is not before
    assert _held(torch.optim.SGD) is before
    assert len(captured.events("update")) == 1


def test_a_recording_inside_another(tmp_path: Path) -> None:
    optimizer = torch.optim.SGD([_leaf()], lr=0.1)
    before = _held(torch.optim.SGD)
    with record(tmp_path / "outer.chain"):
        _train(optimizer)
        with record(tmp_path / "inner.chain"):
            _train(optimizer)
        _train(optimizer)
    assert _held(torch.optim.SGD) is before
    for name, updates in (("outer", 3), ("inner", 1)):
        with open_recording(tmp_path / f"{name}.chain") as recording:
            kinds = [recording.event(number).kind for number in range(len(recording.timeline))]
        assert kinds.count("update") == updates


def test_what_others_have_put_in_its_place_stays() -> None:
    torch.optim.SGD([_leaf()], lr=0.1)  # torch has wrapped its step now
    step: Any = torch.optim.SGD.step
    cell = step.__closure__[step.__code__.co_freevars.index("func")]
    before = cell.cell_contents
    functions = StepFunctions(torch.no_grad)
    functions.enclose(step)
    try:
        cell.cell_contents = of_others = lambda *_: None
        functions.restore()
        assert cell.cell_contents is of_others
    finally:
        cell.cell_contents = before


def test_a_step_that_torch_has_not_wrapped_is_left_alone() -> None:
    def step(self: Any) -> None:
        raise AssertionError

    functions = StepFunctions(torch.no_grad)
    functions.enclose(step)
    functions.restore()
