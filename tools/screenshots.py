"""`make screenshots`: the pictures and the film in README and docs, made by the real program.

    python -m tools.screenshots [FOLDER]

Records the examples, opens each recording in the window, walks to a telling event, and takes a picture of the whole
window. Needs no display. Settings are the program's defaults, not those of the user.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gui.session import Session
    from gui.window import MainWindow

ROOT = Path(__file__).resolve().parents[1]
SIZE = (1600, 1000)
PATIENCE_MS = 1200  # for what is laid out, loaded or moved with an easing
LONGEST_MS = 30_000  # for the layout


@dataclass(frozen=True)
class Shot:
    """A picture: its file, the example, the theme, and where to stand and what to look at."""

    file: str
    example: str
    theme: Literal["dark", "light"]
    at: float  # which of the backward events of the first training step, from 0 (the first) to 1 (the last)
    name: str = ""  # of the node to select; without it, the inspector follows the playhead


SHOTS = (
    Shot("bow-dark.png", "bow", "dark", 1.0),
    Shot("resnet18-dark.png", "resnet18", "dark", 0.55, "layer3.0.conv2.weight"),
    Shot("resnet18-light.png", "resnet18", "light", 0.55, "layer3.0.conv2.weight"),
)

FILM, FILMED = (
    "bow-step-dark.gif",
    ("--theme", "dark", "--data-leaves", "--scale", "0.7", "--fps", "20", "--seconds", "8"),
)


def record(example: str, folder: Path) -> Path:
    """One recording of an example, made by the command line."""
    recording = folder / f"{example}.chain"
    command = [sys.executable, str(ROOT / "main.py"), "record", str(ROOT / "resources" / "examples" / f"{example}.py")]
    subprocess.run([*command, "-o", str(recording)], check=True)
    return recording


def film(recording: Path, file: Path) -> None:
    """A training step of the bow, made by the command line: small enough for a page."""
    command = [sys.executable, str(ROOT / "main.py"), "export", str(recording), "-o", str(file), *FILMED]
    subprocess.run(command, check=True)
    print(file)


def take(shots: Sequence[Shot], recordings: Mapping[str, Path], target: Path) -> None:
    """Open, walk, select, and save what the window then shows."""
    from PySide6.QtWidgets import QApplication

    from gui import theme
    from gui.app import create_window

    window = create_window()
    window.keeps_host_ready = False
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    window.resize(*SIZE)
    window.show()
    for shot in shots:
        theme.apply(app, shot.theme)
        window.session.open(recordings[shot.example])
        stand(window.session, shot)
        settle(window)
        file = target / shot.file
        if not window.grab().save(str(file)):
            raise OSError(f"{file} could not be written")
        print(file)
    window.close()


def settle(window: MainWindow) -> None:
    """Let the graph be laid out and everything that is drawn late be drawn.

    Not by `QTest.qWait`: it keeps the interpreter so busy that the thread with the layout hardly gets on.
    """
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    if not window.canvas.is_ready():
        window.canvas.ready.connect(loop.quit)
        QTimer.singleShot(LONGEST_MS, loop.quit)
        loop.exec()
    QTimer.singleShot(PATIENCE_MS, loop.quit)
    loop.exec()


def stand(session: Session, shot: Shot) -> None:
    """Move the playhead and select as the shot says."""
    recording = session.recording
    assert recording is not None
    spans = recording.timeline.phase_spans(recording.steps[0].index)
    first, last = next((first, last) for phase, first, last in spans if phase == "backward")
    session.seek(first + round(shot.at * (last - first)))
    if shot.name and session.graph_id is not None:
        session.select(next(node.id for node in recording.nodes(session.graph_id) if node.name == shot.name))


def main(arguments: Sequence[str]) -> int:
    """Take all pictures into the folder (docs/img)."""
    target = Path(arguments[0]) if arguments else ROOT / "docs" / "img"
    target.mkdir(parents=True, exist_ok=True)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder  # no window layout or recent files of whoever runs this
        recordings = {example: record(example, Path(folder)) for example in sorted({shot.example for shot in SHOTS})}
        take(SHOTS, recordings, target)
        film(recordings["bow"], target / FILM)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
