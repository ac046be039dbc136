"""A window, the bow, and a host that says what it is told to."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import dialogs
from gui.app import create_window
from gui.host_client import RunOptions
from gui.session import Session
from gui.window import MainWindow
from tests.gui.desk import DeskAtHand
from tests.recordings import make_bow

Script = Callable[[str], None]


@pytest.fixture(autouse=True)
def _application(qapp: QApplication) -> None:
    """Each test has one, asked for or not: without it Qt's fonts end the process, if no test before has made one."""


@pytest.fixture(autouse=True)
def _cold_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test but the one that is about it has a Python import torch beside it."""
    monkeypatch.setattr(MainWindow, "keeps_host_ready", False)


@pytest.fixture(autouse=True)
def _desk_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test but those that are about it has a process of its own to do the arithmetic in."""
    monkeypatch.setattr("gui.session.DeskProcess", DeskAtHand)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script on disk that does next to nothing."""
    path = tmp_path / "train.py"
    path.write_text("import torch\n", encoding="utf-8")
    return path


@pytest.fixture
def bow(tmp_path: Path) -> Path:
    """Three training steps of the bow, of 12 events each."""
    return make_bow(tmp_path / "bow.chain")


@pytest.fixture
def session(qapp: QApplication, bow: Path) -> Iterator[Session]:
    """The bow, opened."""
    opened = Session()
    assert opened.open(bow)
    yield opened
    opened.close()


@pytest.fixture
def window(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """The main window, shown; it asks nobody anything, and is closed before `tmp_path` and what it reads there go."""
    monkeypatch.setattr(dialogs, "ask_to_save", lambda *_: "discard")
    monkeypatch.setattr(dialogs, "ask_to_save_and_run", lambda *_: False)
    monkeypatch.setattr(dialogs, "ask_to_stop", lambda *_: True)
    made = create_window()
    made.show()
    made.fill()
    yield made
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def walked(window: MainWindow, bow: Path, qtbot: QtBot) -> MainWindow:
    """The window with the bow in it, laid out."""
    assert window.open_path(bow)
    qtbot.waitUntil(window.canvas.is_ready)
    return window


@pytest.fixture
def fake_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """In place of the host, run Python code: `say(message, **fields)` writes a message, `listen()` reads a command."""
    prelude = textwrap.dedent("""\
        import json, os, sys, time
        def say(message, **fields):
            sys.stdout.write(json.dumps({"message": message, **fields}) + "\\n")
            sys.stdout.flush()
        def listen():
            return json.loads(sys.stdin.readline())["command"]
        output = sys.argv[1]
        """)

    def install(code: str) -> None:
        file = tmp_path / "fake_host.py"
        file.write_text(prelude + textwrap.dedent(code), encoding="utf-8")
        monkeypatch.setattr(RunOptions, "command", lambda self: ["-u", "-S", str(file), str(self.output)])

    return install
