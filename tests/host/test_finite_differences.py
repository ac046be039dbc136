"""Custom functions and operators without a rule, checked by differences: right ones hold, wrong ones are caught."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.capture.recorder import record
from engine.errors import UsageError
from engine.host.differences import Differences as Function
from engine.host.finite_differences import check
from engine.host.headless import record as record_script
from engine.host.protocol import Differences, decode

SCRIPT = """
import torch
print("hello")

class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor, y):
        result = torch.exp(x * factor) * y
        ctx.save_for_backward(y, result)
        ctx.factor = factor
        return result

    @staticmethod
    def backward(ctx, grad):
        y, result = ctx.saved_tensors
        return grad * result * ctx.factor * {mistake}, None, grad * result / y

torch.manual_seed({seed})
x = torch.randn(3, 4, requires_grad=True)
y = torch.rand(3, 4) + 0.5
for step in range(2):
    loss = (Scaled.apply(x, 0.5, y) + Scaled.apply(x * 2, 0.25, y)).sum()
    loss.backward()
"""


def _recorded(folder: Path, *, mistake: str = "1.0", seed: str = "0") -> tuple[Path, Path]:
    script, recording = folder / "script.py", folder / "run.chain"
    script.write_text(SCRIPT.format(mistake=mistake, seed=seed))
    record_script(script, [], recording, steps=None, tensors="full", budget=1 << 28, progress=lambda line: None)
    return script, recording


def test_a_right_backward_is_proved(tmp_path: Path) -> None:
    _, recording = _recorded(tmp_path)
    results = check(recording)
    assert [(result.type, result.state) for result in results] == [("ScaledBackward", "proved")] * 4
    assert all(0 < result.max_abs < 1e-5 for result in results)


@pytest.mark.parametrize("mistake", ["1.001", "-1.0", "(torch.arange(4) != 2)", "float('nan')"])
def test_a_wrong_backward_is_caught(mistake: str, tmp_path: Path) -> None:
    _, recording = _recorded(tmp_path, mistake=mistake)
    results = check(recording)
    assert {result.state for result in results} == {"wrong"}
    worst = results[0]
    assert len(worst.worst) == 2
    assert "element" in worst.reason
    assert "not the derivative" in worst.reason
    if "arange" in mistake:
        assert worst.worst[1] == 2
        assert worst.recorded == 0.0


def test_the_recorded_inputs_count_not_those_of_the_new_run(tmp_path: Path) -> None:
    """The script draws other numbers each time."""
    _, recording = _recorded(tmp_path, seed="torch.seed() % 1000")
    assert {result.state for result in check(recording)} == {"proved"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: "import time\n" + text, "has changed"),
        (None, "not there any more"),
    ],
)
def test_a_script_that_is_not_the_same_is_not_run(
    change: Callable[[str], str] | None, reason: str, tmp_path: Path
) -> None:
    script, recording = _recorded(tmp_path)
    if change is None:
        script.unlink()
    else:
        script.write_text(change(script.read_text()))
    results = check(recording)
    assert {result.state for result in results} == {"unknown"}
    assert reason in results[0].reason


def _second_run(tmp_path: Path, first: str) -> list[Differences]:
    """The check of a script that does `first` before anything else, but only when it runs again."""
    script, recording = tmp_path / "script.py", tmp_path / "run.chain"
    marker = tmp_path / "ran"
    beginning = f"import pathlib\nif pathlib.Path({str(marker)!r}).exists():\n    {first}\n"
    script.write_text(beginning + SCRIPT.format(mistake="1.0", seed="0"))
    record_script(script, [], recording, steps=None, tensors="full", budget=1 << 28, progress=lambda line: None)
    marker.touch()
    return check(recording, seconds=1.0)


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("raise ValueError('no data today')", "no data today"),
        ("raise SystemExit", "ended before"),
        ("import time; time.sleep(60)", "ran for 1 seconds"),
        ("while True: pass", "ran for 1 seconds"),
    ],
)
def test_a_script_that_does_not_come_that_far(first: str, reason: str, tmp_path: Path) -> None:
    results = _second_run(tmp_path, first)
    assert {result.state for result in results} == {"unknown"}
    assert all(reason in result.reason for result in results)


def test_a_script_ends_though_interrupts_were_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what runs in its background
    try:
        results = _second_run(tmp_path, "while True: pass")
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert "ran for 1 seconds" in results[0].reason


def _of_operators(folder: Path, program: Callable[[], Any], **options: Any) -> dict[str, Differences]:
    """The checks of all operations of one backward pass, with or without a rule."""
    path = folder / "run.chain"
    with record(path, script=__file__, **options) as recorder:
        program()
        count = recorder.new_node()
    from engine.recording.reader import open_recording

    with open_recording(path) as recording:
        nodes = [node.id for node in recording.nodes(0) if node.kind == "operation"]
    assert len(nodes) < count
    return {result.type: result for result in check(path, nodes)}


def _network() -> None:
    torch.manual_seed(0)
    image = torch.randn(2, 3, 6, 6)
    kernel = torch.randn(4, 3, 3, 3, requires_grad=True)
    weight, bias = torch.randn(5, 4, requires_grad=True), torch.randn(5, requires_grad=True)
    hidden = torch.conv2d(image, kernel, padding=1).relu_().mean((2, 3))
    scores = torch.nn.functional.linear(hidden, weight, bias).log_softmax(1)
    (torch.nn.functional.nll_loss(scores, torch.tensor([1, 3])) + torch.cat([bias, bias.exp()]).sum()).backward()


def test_operators_are_called_by_their_names(tmp_path: Path) -> None:
    results = _of_operators(tmp_path, _network)
    unproved = {name: (result.state, result.reason) for name, result in results.items() if result.state != "proved"}
    assert unproved == {}
    assert {"ConvolutionBackward0", "ReluBackward0", "AddmmBackward0", "NllLossBackward0", "CatBackward0"} <= set(
        results
    )


def test_a_gradient_that_a_hook_spoiled_is_not_the_operators_fault(tmp_path: Path) -> None:
    def program() -> None:
        x = torch.rand(3, requires_grad=True)
        y = x.sin()
        assert y.grad_fn is not None
        y.grad_fn.register_hook(lambda grad_inputs, grad_outputs: (grad_inputs[0] * 2,))
        y.sum().backward()

    assert _of_operators(tmp_path, program)["SinBackward0"].state == "proved"


def test_a_value_that_a_hook_changed_is_not_the_operators_fault(tmp_path: Path) -> None:
    def program() -> None:
        x = torch.rand(3, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(lambda kept: kept, lambda kept: kept * 2):
            y = x.sin().exp()
        y.sum().backward()

    results = _of_operators(tmp_path, program)
    assert results["SinBackward0"].state == results["ExpBackward0"].state == "unknown"
    assert results["SinBackward0"].reason.startswith("hooks, or checkpointing")
    assert results["SumBackward0"].state == "proved"


def test_random_forwards_are_not_repeated(tmp_path: Path) -> None:
    def program() -> None:
        torch.dropout(torch.ones(20, requires_grad=True) * 2, 0.5, True).sum().backward()

    results = _of_operators(tmp_path, program)
    dropout = next(result for name, result in results.items() if "Dropout" in name or name == "MulBackward0")
    assert dropout.state in ("unknown", "proved")
    assert "wrong" not in {result.state for result in results.values()}


def test_what_was_not_recorded_in_full_is_not_checked(tmp_path: Path) -> None:
    states = {result.state for result in _of_operators(tmp_path, _network, tensors="stats").values()}
    assert states <= {"no_data", "unknown"}
    assert "no_data" in states


def test_a_node_that_is_not_there_is_refused(tmp_path: Path) -> None:
    _, recording = _recorded(tmp_path)
    with pytest.raises(UsageError, match="99999"):
        check(recording, [99999])


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_the_bound_lets_rounding_pass_and_no_more(dtype: str) -> None:
    x = torch.linspace(0.5, 2.0, 7).to(getattr(torch, dtype))
    entered = np.linspace(-1, 1, 7)
    exact = entered / x.double().numpy()
    unit = {"float64": 2.0**-53, "float32": 2.0**-24, "bfloat16": 2.0**-8}[dtype]
    function = Function(lambda given: [torch.log(given[0])], [x], [entered])
    assert function.check(0, exact * (1 + unit), dtype).holds is True
    far = exact.copy()
    far[5] *= 1 + max(1000 * unit, 1e-6)
    found = function.check(0, far, dtype)
    assert found.holds is False
    assert found.worst == (5,)


def test_kinks_and_steps() -> None:
    """Close to a kink a small step still tells the slope; on it nothing does, and nothing is claimed."""
    x = torch.tensor([1e-5, -1e-5, 3.0], dtype=torch.float64)
    function = Function(lambda given: [torch.relu(given[0])], [x], [np.ones(3)])
    assert function.check(0, np.array([1.0, 0.0, 1.0]), "float64").holds is True
    assert function.check(0, np.array([1.0, 1.0, 1.0]), "float64").holds is False
    edge = Function(lambda given: [torch.relu(given[0])], [torch.zeros(1, dtype=torch.float64)], [np.ones(1)])
    assert edge.check(0, np.array([0.0]), "float64").holds is None


def test_large_tensors_are_tried_in_part_and_along_directions() -> None:
    x = torch.linspace(-1, 1, 5000, dtype=torch.float64)
    gradient = np.cos(x.numpy())
    function = Function(lambda given: [torch.sin(given[0])], [x], [np.ones(5000)])
    found = function.check(0, gradient, "float64")
    assert found.holds is True
    assert "of 5000" in found.remark
    assert function.check(0, gradient * np.where(np.arange(5000) % 7 == 3, 1.01, 1.0), "float64").holds is False


def test_the_command_prints_a_line_for_each_node(tmp_path: Path) -> None:
    _, recording = _recorded(tmp_path, mistake="2.0")
    command = [sys.executable, "-m", "engine.host", "--finite-differences", str(recording)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    results = [decode(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1, done.stderr
    assert len(results) == 4
    assert {type(result) for result in results} == {Differences}
    assert math.isfinite(json.loads(done.stdout.splitlines()[0])["bound"])
    assert "hello" in done.stderr
