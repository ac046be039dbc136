"""Recordings and scenes, closed after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from engine.recording.reader import Recording, open_recording
from gui.canvas.scene import Scene
from tests.gui.canvas.scenes import make_branches, scene_of


@pytest.fixture
def recording(bow: Path) -> Iterator[Recording]:
    with open_recording(bow) as opened:
        yield opened


@pytest.fixture
def scene(qapp: QApplication, recording: Recording) -> Scene:
    """The first graph of the bow, data leaves included."""
    return scene_of(recording)


@pytest.fixture
def branches(qapp: QApplication, tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_branches(tmp_path / "branches.chain")) as opened:
        yield opened
