"""Whatever happens, the script does what it would have done, and a wrong call is told so."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from engine.capture.recorder import record
from engine.errors import RecordingError, UsageError
from engine.recording.beside import Beside
from engine.recording.reader import open_recording
from engine.recording.writer import Writer
from tests.capture.conftest import Capture


@pytest.mark.parametrize("size", [2, 20_000])  # of more, torch's kernels would wait for threads that the child has not
def test_a_forked_child_writes_nothing(size: int, capture: Capture) -> None:
    w = torch.ones(size, requires_grad=True)
    with capture() as captured:
        (w * 2).sum().backward()
        child = os.fork()
        if child == 0:
            (w * 3).sum().backward()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        (w * 4).sum().backward()
    assert len(captured.recording.graphs) == 2


def test_loader_workers_run_under_capture(capture: Capture) -> None:
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.randn(8, 2)), batch_size=4, num_workers=1, multiprocessing_context="fork"
    )
    layer = nn.Linear(2, 1)
    with capture() as captured:
        for (batch,) in loader:
            layer(batch).sum().backward()
    assert len(captured.recording.graphs) == 2


def test_an_error_in_backward_reaches_the_script(capture: Capture) -> None:
    w = torch.ones(2, requires_grad=True)
    with capture() as captured, pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar"):
        (w * 2).backward()
    assert len(captured.events("backward")) == 0


def test_recording_as_a_library(tmp_path: Path) -> None:
    from engine import record as exported

    w = torch.ones(2, requires_grad=True)
    with exported(tmp_path / "run.chain"):
        w.sum().backward()
    recording = open_recording(tmp_path / "run.chain")
    assert len(recording.graphs) == 1
    assert recording.complete
    recording.close()


@pytest.mark.parametrize("wrong", [{"tensors": "everything"}, {"budget": -1}])
def test_wrong_arguments_are_named(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))), record(tmp_path / "run.chain", **wrong):
        pass


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="missing"), record(tmp_path / "missing" / "run.chain"):
        pass


def test_a_failure_inside_capture_does_not_reach_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_STRICT")
    monkeypatch.setattr("engine.capture.tensors.snapshot", lambda tensor: 1 / 0)
    w = torch.ones(2, requires_grad=True)
    with record(tmp_path / "run.chain"):
        w.sum().backward()
    assert w.grad is not None
    recording = open_recording(tmp_path / "run.chain")
    assert any("ZeroDivisionError" in note.text for note in recording.notes)
    recording.close()
    assert "torch" in sys.modules


def test_a_full_disk_does_not_reach_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_STRICT")
    monkeypatch.setattr(Beside, "append", lambda self, data: os.write(-1, b""))
    small, large = torch.ones(2, requires_grad=True), torch.ones(200, 200, requires_grad=True)
    with record(tmp_path / "run.chain"):
        (small * 2).sum().backward()
        (large * 2).sum().backward()
        (small * 2).sum().backward()
    assert large.grad is not None
    with open_recording(tmp_path / "run.chain") as recording:
        assert recording.complete
        assert len(recording.graphs) == 1
        assert [note.text for note in recording.notes] == [
            "Recording ended early, in training step 1 (counted from 1): RecordingError: "
            f"cannot write {tmp_path / 'run.chain-data'}: [Errno 9] Bad file descriptor"
        ]


@pytest.mark.parametrize("flushed_by_us", [True, False])  # the host waits between two steps until all is written
def test_a_disk_that_is_full_between_two_steps_does_not_reach_the_script(
    flushed_by_us: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.delenv("CHAINRULE_STRICT")
    w = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([w], lr=0.25)
    writers: list[Writer] = []
    flush = (lambda step: writers[0].flush()) if flushed_by_us else None

    def train() -> None:
        with record(tmp_path / "run.chain", on_step=flush, on_writer=writers.append):
            for step in range(4):
                optimizer.zero_grad()
                (w * w).sum().backward()
                if step == 1:
                    monkeypatch.setattr(Writer, "_insert", full)
                optimizer.step()
                if step == 1 and not flushed_by_us:
                    with suppress(RecordingError):
                        writers[0].flush()

    with pytest.raises(RecordingError, match="no space left"):  # as the recording is closed
        train()
    assert w.tolist() == [0.0625, 0.0625]  # halved four times


def test_transforms_of_torch_func_run_under_capture(capture: Capture) -> None:
    point = torch.randn(3)
    expected = torch.func.grad(lambda value: (value**3).sum())(point)
    with capture() as captured:
        observed = torch.func.grad(lambda value: (value**3).sum())(point)
        torch.ones(2, requires_grad=True).sum().backward()
    assert torch.equal(expected, observed)
    assert len(captured.recording.graphs) == 1


@pytest.mark.filterwarnings("ignore:Using `torch.compile:UserWarning")
def test_a_compiled_model_runs_uncompiled_under_capture(capture: Capture) -> None:
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    data = torch.ones(2, 3)
    compiled = torch.compile(layer, backend="eager")
    expected = compiled(data).sum()
    with capture() as captured:
        observed = compiled(data).sum()
        observed.backward()
    assert torch.equal(expected, observed)
    types = {node.type for node in captured.recording.nodes(0)}
    assert "TanhBackward0" in types
