"""A whole recording proved: counts, the table, the JSON of the command line, and its exit code."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine import cli
from engine.capture.recorder import record
from engine.recording.reader import open_recording
from engine.verification import count_of, summary, verify_recording

ROOT = Path(__file__).parents[1]


def run() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        (layer(torch.ones(4, 3)) ** 2).mean().backward()
        optimizer.step()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with record(tmp_path / "run.chain", script=__file__):
        run()
    return tmp_path / "run.chain"


def verify(*arguments: object) -> int:
    def unused(*_: Any, **__: Any) -> Any:
        raise AssertionError

    return cli.main(["verify", *map(str, arguments)], open_window=unused, render_image=unused, render_film=unused)


def spoil(path: Path, role: str) -> None:
    """Double the first element of the first tensor that played `role` in an update."""
    connection = sqlite3.connect(path)
    tensor, data = connection.execute(
        "SELECT tensor.id, tensor.data FROM value JOIN tensor ON tensor.id = value.tensor JOIN event"
        " ON event.id = value.event WHERE value.role = ? ORDER BY event.id LIMIT 1",
        (role,),
    ).fetchone()
    array = np.frombuffer(data, dtype="<f4").copy()
    array.flat[0] = 2 * array.flat[0] + 1
    connection.execute("UPDATE tensor SET data = ? WHERE id = ?", (array.tobytes(), tensor))
    connection.commit()
    connection.close()


def test_everything_is_proved_and_counted(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["nodes"] == {
        "proved": 12, "finite_differences": 0, "not_differentiable": 0, "unknown": 0, "wrong": 0,
        "unproved_no_data": 0, "not_run": 0,
    }  # fmt: skip
    assert found["updates"] == {"proved": 4, "unknown": 0, "wrong": 0, "unproved_no_data": 0}
    assert found["unknown_types"] == []
    assert all(entry["state"] == "proved" for entry in found["worst"])


def test_one_step_is_half_of_it(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(path, "--json", "--step", 1) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["nodes"]["proved"] == 6
    assert found["updates"]["proved"] == 2


def test_what_is_wrong_is_named_and_the_exit_code_is_1(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(path, "param_after")
    assert verify(path) == 1
    table = capsys.readouterr().out
    assert "wrong: step 0, SGD" in table
    assert "AddmmBackward0" in table
    assert verify(path, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["updates"]["wrong"] >= 1
    assert found["worst"][0]["state"] == "wrong"


def test_without_data_nothing_counts_as_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with record(tmp_path / "run.chain", script=__file__, tensors="stats"):
        run()
    assert verify(tmp_path / "run.chain", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["nodes"]["proved"] == found["updates"]["proved"] == 0
    assert found["nodes"]["unproved_no_data"] == 12
    assert found["updates"]["unproved_no_data"] == 4
    assert verify(tmp_path / "run.chain") == 0
    printed = capsys.readouterr().out
    assert "0.0e+00" not in printed  # where nothing was compared, there is no error
    reasons = [line for line in printed.splitlines() if line.startswith("without data: ")]
    assert any(line.endswith(": what entered was not recorded in full") for line in reasons)
    assert len({line.split(": ")[2] for line in reasons}) == len(reasons)


def test_a_recording_without_a_backward_pass_has_nothing_to_prove(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with record(tmp_path / "run.chain", script=__file__):
        torch.ones(2)
    assert verify(tmp_path / "run.chain") == 0
    assert "nothing to prove" in capsys.readouterr().out


def test_what_is_unknown_is_listed_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

        @staticmethod
        def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
            return 2 * grads[0]

    with record(tmp_path / "run.chain", script=__file__):
        x = torch.ones(3, requires_grad=True)
        (Double.apply(x) * 3).sum().backward()  # type: ignore[no-untyped-call]
    assert verify(tmp_path / "run.chain") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "4 nodes: 3 proved, 1 unknown; 0 updates"
    assert lines[-2].startswith("unknown: step 0, DoubleBackward: there is no rule for DoubleBackward, a custom")


def test_progress_is_one_object_a_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(path, "--progress") == 0
    first, *rest = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert first == {"total": 16}
    assert len(rest) == 16
    assert {entry["kind"] for entry in rest} == {"node", "update"}


def test_a_step_that_is_not_there_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(path, "--step", 7) == 2
    assert "no training step 7" in capsys.readouterr().err


def test_the_count_is_known_before(path: Path) -> None:
    with open_recording(path) as recording:
        results = list(verify_recording(recording))
        assert len(results) == count_of(recording) == 16
        assert summary(results) == "12 nodes: 12 proved; 4 updates: 4 proved"


CUSTOM = """
import torch

class {name}(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return {factor} * grad * x ** 2

x = torch.linspace(0.5, 2.0, 5).requires_grad_()
{name}.apply(x).sum().backward()
"""


def test_a_check_by_finite_differences_that_breaks_off_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "custom.py"
    ends = "import os\nif os.path.exists('recorded'): os._exit(7)\n"
    script.write_text(ends + CUSTOM.format(name="Cube", factor=3))
    command = [sys.executable, str(ROOT / "main.py"), "record", str(script), "-o", str(tmp_path / "run.chain")]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "recorded").touch()
    assert verify(tmp_path / "run.chain", "--finite-differences") == 0
    table = capsys.readouterr().out
    assert "there is no rule for CubeBackward" in table
    assert "broke off: exit code 7" in table


@pytest.mark.parametrize(("factor", "state", "code"), [(3, "finite_differences", 0), (2, "wrong", 1)])
def test_a_custom_function_is_checked_by_finite_differences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], factor: int, state: str, code: int
) -> None:
    script = tmp_path / "custom.py"
    script.write_text(CUSTOM.format(name="Cube", factor=factor))
    command = [sys.executable, "main.py", "record", str(script), "-o", str(tmp_path / "run.chain")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert verify(tmp_path / "run.chain", "--json") == 0
    assert json.loads(capsys.readouterr().out)["unknown_types"] == ["CubeBackward"]
    assert verify(tmp_path / "run.chain", "--json", "--finite-differences") == code
    found = json.loads(capsys.readouterr().out)
    assert found["nodes"][state] == 1
    assert found["unknown_types"] == []
