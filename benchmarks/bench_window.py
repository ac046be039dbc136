"""The whole window, as users have it: how long its thread is held up by 20,000 nodes, and how long a frame of the
canvas takes while ResNet-18 plays at a training step a second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtGui import QPainter

from benchmarks.heartbeat import Heartbeat, wait
from gui.app import create_window, put_window_first
from gui.transport.player import SLIDER_STEPS
from gui.window import MainWindow
from tests.recordings import make_chain

WIDTH, HEIGHT = 1600, 1000
NODES = 16_000  # operations; with their parameters 20,000 nodes
FRAME_MS = 16.0
ROOT = Path(__file__).parents[1]
PLAYED_S = 4.0


def run() -> list[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("XDG_CONFIG_HOME", folder)
        long = make_chain(Path(folder) / "long.chain", nodes=NODES, steps=2)
        resnet = _resnet(Path(folder) / "resnet18.chain")
        window = create_window()
        window.keeps_host_ready = False
        collecting = put_window_first(window)
        window.resize(WIDTH, HEIGHT)
        window.show()
        wait(seconds=2.5)
        beat = Heartbeat()
        try:
            rows = [beat.row(f"the window, {what}", act) for what, act in _acts(window, long)]
            return rows + _playing(window, resnet, beat)
        finally:
            beat.close()
            collecting.stop()
            window.session.close()
            window.close()


def _resnet(path: Path) -> Path:
    """The example, recorded for two training steps."""
    script = ROOT / "resources" / "examples" / "resnet18.py"
    command = [sys.executable, "main.py", "record", str(script), "-o", str(path), "--steps", "2"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return path


def _open(window: MainWindow, path: Path) -> None:
    window.open_recording(path)
    wait(lambda: window.session.recording is not None and window.canvas.is_ready())
    wait(seconds=2.0)  # panels fill themselves afterwards


def _acts(window: MainWindow, path: Path) -> list[tuple[str, Callable[[], None]]]:
    session, random = window.session, np.random.default_rng(0)

    def stepped() -> None:
        for _ in range(15):
            session.seek(session.playhead + 1)
            wait(seconds=0.08)

    def at_step(number: int) -> None:
        assert session.recording is not None
        session.seek(session.recording.steps[number].first_event + session.event_count // 4)
        wait(window.canvas.is_ready)
        wait(seconds=1.5)

    def jumped() -> None:
        for event in random.integers(0, session.event_count, 15).tolist():
            session.seek(event)
            wait(seconds=0.12)

    def played() -> None:
        window.transport.player.play()
        wait(seconds=3.0)
        window.transport.player.stop()

    return [
        ("opening", lambda: _open(window, path)),
        ("single steps", stepped),
        ("another training step", lambda: at_step(1)),
        ("and back", lambda: at_step(0)),
        ("jumping", jumped),
        ("playing", played),
    ]


def _playing(window: MainWindow, path: Path, beat: Heartbeat) -> list[tuple[str, str, str]]:
    """ResNet-18 at a step a second, with the flow's motion."""
    rows = [beat.row("the window, opening ResNet-18", lambda: _open(window, path))]
    times: list[float] = []
    canvas, paint = window.canvas, window.canvas._paint

    def timed(painter: QPainter) -> None:
        start = time.perf_counter()
        paint(painter)
        times.append((time.perf_counter() - start) * 1e3)

    def played() -> None:
        deadline = time.monotonic() + PLAYED_S
        while time.monotonic() < deadline:
            window.session.seek(0)
            window.transport.player.play()
            wait(lambda: not window.transport.player.is_playing, min(1.5, PLAYED_S))
            window.transport.player.stop()

    window.transport.set_speed_position(SLIDER_STEPS)
    canvas._paint = timed  # type: ignore[method-assign]
    rows.append(beat.row("the window, playing ResNet-18 at a step a second", played))
    p50, p95 = np.percentile(times, (50, 95))
    what = f"a frame while ResNet-18 plays at a step a second, p50 / p95 of {len(times)}"
    return [*rows, (what, f"{p50:.2f} / {p95:.2f} ms", f"≤ {FRAME_MS:.0f} ms")]
