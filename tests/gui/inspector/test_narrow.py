"""At the dock's least width, with names as long as they get, nothing stands beyond the inspector's right edge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engine.desk.element import Element
from engine.recording.model import Level
from gui import theme
from gui.inspector.panel import MIN_WIDTH, InspectorPanel
from gui.session import Session
from gui.tensor_views.detail import VIEWS, Looking
from tests.gui import layers
from tests.gui.layers import make_layers

WITHIN = "TransformerEncoderLayerWithPreNormalization.features.denseblock3.denselayer16.a_name_of_many_words."
KEYS = ("output.0", "grad_output.0", "grad_input.0", "before", "after", "change", "arrived", "update.grad")


@pytest.fixture(params=["full", "preview", "stats"])
def panel(qtbot: QtBot, qapp: QApplication, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[InspectorPanel]:
    level: Level = request.param
    session = Session()
    assert session.open(make_layers(tmp_path / "long.chain", level=level, within=WITHIN))
    panel = InspectorPanel(session)
    qtbot.addWidget(panel)
    panel.resize(MIN_WIDTH, 700)
    panel.show()
    yield panel
    session.close()


def beyond(panel: InspectorPanel) -> list[str]:
    """What is cut at the right."""
    QApplication.processEvents()
    viewport, body = panel._scroll.viewport(), panel._scroll.widget()
    assert body is not None
    found = []
    for widget in body.findChildren(QWidget):
        parent = widget.parentWidget()
        inside = parent is None or widget.mapTo(viewport, QPoint(widget.width(), 0)).x() <= viewport.width()
        if widget.isVisible() and not inside and not _scrolls(widget, body):
            found.append(f"{type(widget).__name__} {getattr(widget, 'text', str)()}")
    return found


def _scrolls(widget: QWidget, body: QWidget) -> bool:
    """Whether it lies within something that is scrolled sideways by itself, as the columns of a table are."""
    above = widget.parentWidget()
    while above is not None and above is not body:
        if above.metaObject().className() in ("QTabBar", "TensorTable", "QTableView"):
            return True
        above = above.parentWidget()
    return False


def test_every_section_is_as_wide_as_the_dock(panel: InspectorPanel, qapp: QApplication) -> None:
    session = panel._session
    titles = set()
    full = panel._session.recording is not None and panel._session.recording.info.tensors == "full"
    for place, view in enumerate(VIEWS if full else VIEWS[:1]):
        theme.apply(qapp, ("dark", "light")[place % 2])
        for key in KEYS:
            panel._row_toggled(key, True)
            panel._row_looked(key, Looking(view))
        for event in (layers.BACKWARD_ADD, session.last):
            session.seek(event)
            for node in (None, layers.SUM, layers.ADD, layers.FC, layers.BIAS, layers.X):
                session.select(node)
                panel.drawn_state()
                assert beyond(panel) == []
                titles.add(panel._title.text())
    assert panel.width() == MIN_WIDTH
    assert any(WITHIN in title for title in titles)


def test_nor_do_terms_marks_and_errors_widen_it(panel: InspectorPanel) -> None:
    session = panel._session
    session.seek(session.last)
    first = layers.NODES * (len(session.recording.steps) - 1 if session.recording else 0)
    for node, side in ((layers.FC, "out"), (layers.ADD, "in"), (layers.MUL, "out")):
        session.select(first + node, Element("in" if side == "in" else "out", 0, (0, 0)))
        panel.drawn_state()
        panel.rule.follow_upstream()
        session.desk.settle()
        panel.drawn_state()
        assert beyond(panel) == []
    session.mark(range(first, first + layers.NODES), f"{WITHIN}fc")
    panel.drawn_state()
    assert beyond(panel) == []
    panel.rule._problem = f"The file /home/{WITHIN.replace('.', '')}/layers.py cannot be read."
    panel.rule._draw()
    assert beyond(panel) == []
