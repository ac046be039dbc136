"""`make run`: the window, or the main job where none can open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.recording.reader import open_recording
from tests.recordings import make_bow
from tools import headless_summary, run


def test_the_summary_of_the_bow(tmp_path: Path) -> None:
    path = tmp_path / "bow.chain"
    make_bow(path)
    recording = open_recording(path)
    try:
        text = headless_summary.summary(recording).splitlines()
    finally:
        recording.close()
    assert text[:5] == [
        "step 1, loss 14.0625",
        "  nodes               6 (4 operations, 2 parameters)",
        "  largest gradient    15  w",
        "  smallest gradient   7.5  b",
        "  updates             2 by SGD",
    ]


@pytest.mark.slow
def test_without_a_display_the_main_job_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    assert run.without_display(tmp_path) == 0
    output = capfd.readouterr().out
    assert "there is no display" in output
    assert "134 (72 operations, 62 parameters)" in output
    assert "62 by SGD" in output
    assert (tmp_path / "resnet18.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "resnet18.chain").stat().st_size > 1_000_000
    assert not list(tmp_path.glob("*-wal"))
    assert "QT_QPA_PLATFORM" not in os.environ
