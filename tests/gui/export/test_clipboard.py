"""What is on the clipboard when the program ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from gui.export.clipboard import put

COPIED = """
import sys
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from gui.export.clipboard import put

app = QApplication(sys.argv[:1])
put({plain}, "image/svg+xml", b"<svg/>")
print(*sorted(app.clipboard().mimeData().formats()))
"""
PICTURE = "QImage(4, 4, QImage.Format.Format_RGB32)"


def test_nothing_is_there_but_the_two_forms(qapp: QApplication) -> None:
    put("digraph", "text/vnd.graphviz", b"more")
    data = QApplication.clipboard().mimeData()
    assert sorted(data.formats()) == ["text/plain", "text/vnd.graphviz"]
    assert (data.text(), data.data("text/vnd.graphviz").data()) == ("digraph", b"more")
    put(QImage(3, 2, QImage.Format.Format_RGB32), "image/svg+xml", b"<svg/>")
    assert QApplication.clipboard().image().size().toTuple() == (3, 2)


@pytest.mark.parametrize(
    ("plain", "formats"), [('"words"', "image/svg+xml text/plain"), (PICTURE, "application/x-qt-image image/svg+xml")]
)
def test_what_was_copied_does_not_crash_the_end_of_the_program(plain: str, formats: str) -> None:
    root = str(Path(__file__).parents[3])
    ended = subprocess.run(
        [sys.executable, "-c", COPIED.format(plain=plain)],
        env=os.environ | {"PYTHONPATH": root, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, formats, "")
