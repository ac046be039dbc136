"""What draws the charts is imported in a thread: the window is not held up by it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui import chart_library as module
from gui.chart_library import ChartLibrary
from gui.memory.panel import MemoryPanel
from gui.session import Session

SCRIPT = """
import sys, threading
import numpy
from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtWidgets import QApplication
from gui.charts import ChartsPanel
from gui.chart_library import library
from gui.session import Session
from tests.recordings import make_chain
from pathlib import Path

app = QApplication([])
session = Session()
panel = ChartsPanel(session)
panel.show()
assert not library.is_loaded
session.open(make_chain(Path(sys.argv[1]), nodes=4, steps=2))
window = threading.get_ident()
imported_in = []

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "pyqtgraph":
            imported_in.append(threading.get_ident())

sys.meta_path.insert(0, Watch())

def look():
    if library.is_loaded and panel.loss.plot is not None and panel.loss.plot.isVisible():
        app.exit(0)

timer = QTimer()
timer.timeout.connect(look)
timer.start(20)
QTimer.singleShot(180_000, lambda: app.exit(3))
code = app.exec()
assert code == 0, panel.loss.message.text()
assert imported_in and window not in imported_in, (window, imported_in)
"""


def test_a_chart_appears_when_its_library_has_been_imported_in_a_thread(tmp_path: Path) -> None:
    """In a process of its own: here it may have been imported long ago."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "a.chain")]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2], timeout=240)


def test_it_is_told_to_be_loaded_where_it_has_been_imported_before(qtbot: QtBot) -> None:
    import gui.chart_plots  # noqa: F401

    library = ChartLibrary()
    assert library.is_loaded
    with qtbot.assertNotEmitted(library.loaded, wait=50):
        library.load()


def test_the_memory_panel_waits_for_it_too(qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(ChartLibrary, "is_loaded", property(lambda _: bool(asked)))
    monkeypatch.setattr(ChartLibrary, "load", lambda _: asked.append("load"))
    panel = MemoryPanel(session)
    qtbot.addWidget(panel)
    panel.refresh()
    assert asked == ["load"]
    assert panel.plot is None
    panel.show()
    module.library.loaded.emit()
    qtbot.waitUntil(lambda: panel.plot is not None)


def test_it_is_not_loaded_while_something_else_is_waited_for(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    library, asked, loaded = ChartLibrary(), list[bool](), list[int]()
    monkeypatch.setattr(module, "LOOK_AGAIN_MS", 1)
    monkeypatch.setattr(library, "load", lambda: loaded.append(len(asked)))

    def idle() -> bool:
        asked.append(len(asked) == 3)
        return asked[-1]

    library.load_between(idle, library)
    qtbot.waitUntil(lambda: bool(loaded))
    assert asked == [False, False, False, True]
    assert loaded == [4]
