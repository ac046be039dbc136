"""Films without a window, as the command line makes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from engine.errors import UsageError
from engine.graph.build import build_graph
from engine.recording.reader import open_recording
from gui.canvas.camera import Camera
from gui.export.films import FASTEST, SLOWEST, film_camera, render_film, suitable_seconds

ROOT = Path(__file__).parents[3]


def test_the_command_line_needs_no_display(bow: Path, tmp_path: Path) -> None:
    path = tmp_path / "step.gif"
    kept = {name: value for name, value in os.environ.items()
            if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}  # fmt: skip
    options = ["--fps", "5", "--seconds", "2", "--scale", "0.3", "--theme", "dark", "--step", "1", "--collapse", "0"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "export", str(bow), "-o", str(path), *options],
        env=kept, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(path) as image:
        assert max(image.size) == 288
        assert getattr(image, "n_frames", 1) >= 10


def test_mistakes_are_explained(bow: Path, tmp_path: Path, qapp: QApplication) -> None:
    with open_recording(bow) as recording:
        graph = build_graph(recording, 0)
        with pytest.raises(UsageError, match="cannot be transparent"):
            render_film(recording, graph, "layered", None, tmp_path / "x.gif", ground="transparent")
        with pytest.raises(UsageError, match="at most 50 frames a second"):
            render_film(recording, graph, "layered", None, tmp_path / "x.gif", fps=60)
        with pytest.raises(UsageError, match="px are too many for a film"):
            render_film(recording, graph, "layered", None, tmp_path / "x.webm", scale=20.0)
        with pytest.raises(UsageError, match="too many for a film; make it shorter"):
            render_film(recording, graph, "layered", None, tmp_path / "x.gif", seconds=3600.0)
    assert list(tmp_path.glob("*x.*")) == []


def test_a_film_s_sides_are_even_and_it_sees_the_same() -> None:
    whole = Camera(10.0, 20.0, 1.0, 379, 375)
    camera = film_camera(whole, 1281)
    assert (camera.width % 2, camera.height % 2) == (0, 0)
    assert max(camera.width, camera.height) == pytest.approx(1281, abs=1)
    assert camera.bounds()[0] == pytest.approx(whole.bounds()[0], abs=0.5)


@pytest.mark.parametrize("events", [1, 12, 268, 20_000])
def test_a_film_is_neither_too_slow_nor_too_fast(events: int) -> None:
    assert SLOWEST * 0.9 <= events / suitable_seconds(events) <= FASTEST * 1.1
