"""What a recording has to say about itself stands in the console."""

from __future__ import annotations

from pathlib import Path

import torch
from pytestqt.qtbot import QtBot

from engine.capture.recorder import record
from gui.window import MainWindow


def make(path: Path) -> Path:
    """A recording for whose tensors there was not enough room."""
    with record(path, script=__file__, budget=1000):
        w = torch.ones(1000, requires_grad=True)
        (w * w).sum().backward()
    return path


def test_what_was_left_out_is_said_once(window: MainWindow, tmp_path: Path, bow: Path, qtbot: QtBot) -> None:
    path = make(tmp_path / "wide.chain")
    window.open_recording(path)
    qtbot.waitUntil(lambda: "were kept" in window.console.toPlainText())
    window.session.recording_grew.emit()
    qtbot.wait(20)
    assert window.console.toPlainText().count("were kept") == 1
    window.open_recording(bow)
    qtbot.waitUntil(lambda: window.console.toPlainText() == "")
