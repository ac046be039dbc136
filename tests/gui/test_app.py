"""The application: starts without torch, shows errors, knows when there is no display."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication

from engine.errors import RecordingError
from gui import app, i18n
from gui.window import MainWindow

ROOT = Path(__file__).parents[2]
LATE = ("torch", "numpy", "pyqtgraph", "networkx", "scipy", "gui.inspector.panel", "gui.canvas.view", "sqlite3")


def _python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **variables},
    )  # fmt: skip


def test_the_first_picture_waits_for_nothing_heavy() -> None:
    code = f"""
import sys
from gui.app import create_window
window = create_window()
window.show()
print([name for name in {LATE!r} if name in sys.modules])
window.canvas
print("torch" in sys.modules)
window.close()
"""
    done = _python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["[]", "False"]


def test_without_a_display_the_message_says_what_to_do() -> None:
    code = "import sys; from gui.app import main; sys.exit(main([]))"
    environment = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"), "")
    done = _python(code, **environment)
    if sys.platform.startswith("linux"):
        assert done.returncode == 2
        assert "no display" in done.stderr
        assert "record" in done.stderr


def test_the_window_can_be_made_twice(window: MainWindow) -> None:
    second = app.create_window()
    assert second.objectName() == "main_window"
    assert second.session is not window.session
    second.close()
    second.deleteLater()


def test_a_languages_translation_is_optional(qapp: QApplication) -> None:
    assert all(translator.language() for translator in i18n.install(qapp, QLocale("tlh")))


def test_an_error_that_nobody_handled_is_shown(window: MainWindow, capsys: pytest.CaptureFixture[str]) -> None:
    hook = app.ErrorHook(window)
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError as error:
        hook(type(error), error, error.__traceback__)
    bar = window.central.messages
    assert bar.level == "error"
    assert "by nothing" in bar.text
    assert "test_app.py" in bar.details
    assert "Traceback" in capsys.readouterr().err


def test_an_error_for_the_user_is_shown_as_it_is(window: MainWindow) -> None:
    error = RecordingError("this file is damaged")
    app.ErrorHook(window)(type(error), error, None)
    assert window.central.messages.text == "this file is damaged"
    assert window.central.messages.details == ""
