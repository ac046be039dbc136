"""A recording does not fill the disk: `engine.recording.room` says when, the recorder does it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.capture.recorder import record
from engine.errors import UsageError
from engine.recording.reader import Recording, open_recording
from engine.recording.room import Room
from engine.recording.writer import Writer

STEPS = 5


def _train(w: torch.Tensor) -> None:
    optimizer = torch.optim.SGD([w], lr=0.5)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()


def _recorded(path: Path, limit: int | None = None) -> torch.Tensor:
    """Parameters of 160,000 bytes after the training; before each step, all of the steps before is written."""
    w = torch.ones(200, 200, requires_grad=True)
    writers: list[Writer] = []
    with record(path, limit=limit, on_step=lambda step: writers[0].flush(), on_writer=writers.append):
        _train(w)
    return w


def _levels(recording: Recording) -> list[set[str]]:
    """Of the parameter after each update."""
    levels: list[set[str]] = []
    for number in range(len(recording.timeline)):
        if recording.event(number).kind == "update":
            roles = recording.values(number)
            levels.append({recording.tensor(value.tensor).level for value in roles if value.role == "param_after"})
    return levels


def test_beyond_its_limit_a_recording_keeps_statistics(tmp_path: Path) -> None:
    w = _recorded(tmp_path / "run.chain", limit=2 << 20)
    with open_recording(tmp_path / "run.chain") as recording:
        levels = _levels(recording)
        full = levels.index({"stats"})
        assert 0 < full < STEPS
        assert levels == [{"full"}] * full + [{"stats"}] * (STEPS - full)
        assert [(note.step, note.text) for note in recording.notes] == [
            (
                None,
                f"From training step {full + 1} (counted from 1) on, tensors are kept as statistics only: "
                "the recording has taken the 2 MiB that it may.",
            )
        ]
    assert torch.equal(w, torch.zeros(200, 200))


def test_before_the_disk_is_full_recording_ends_and_the_script_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps_left = iter([2, 1])
    monkeypatch.setattr(Room, "why_nothing", lambda self: "" if next(steps_left, 0) else "no room.")
    w = _recorded(tmp_path / "run.chain")
    with open_recording(tmp_path / "run.chain") as recording:
        assert recording.complete
        assert len(recording.steps) == 3
        assert [note.text for note in recording.notes] == [
            "From training step 4 (counted from 1) on, nothing is recorded: no room."
        ]
    assert torch.equal(w, torch.zeros(200, 200))


def test_a_copy_that_will_be_made_is_reckoned_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def ask(self: Room, taken: int, later: int) -> str:
        asked.append((taken, later))
        return ""

    monkeypatch.setattr(Room, "why_no_tensors", ask)
    _recorded(tmp_path / "run.chain")
    assert all(taken == later > 160_000 for taken, later in asked)
    assert asked == sorted(set(asked))
    asked.clear()
    with record(tmp_path / "two.chain", one_file=False):
        _train(torch.ones(200, 200, requires_grad=True))
    assert {later for _, later in asked} == {0}


def test_a_negative_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="limit=-1 is negative"), record(tmp_path / "run.chain", limit=-1):
        pass
