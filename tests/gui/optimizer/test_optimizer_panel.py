"""The panel "Optimizer", walked and clicked."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.desk.anatomy import Part
from engine.desk.element import Element
from gui import theme
from gui.optimizer import parts_view
from gui.optimizer.memory_view import Entry, MemoryView
from gui.optimizer.panel import OptimizerPanel
from gui.optimizer.parts_view import PartsView
from gui.proof.inline import READABLE, width_of
from gui.session import Session
from gui.tensor_views.painting import metrics
from tests.gui import layers
from tests.gui.layers import make_layers
from tests.gui.walking import assert_walking_equals_seeking
from tests.recordings import make_chain

B, W = 4, 5
W_UPDATED = 10


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> OptimizerPanel:
    return panel_of(qtbot, session)


def panel_of(qtbot: QtBot, session: Session) -> OptimizerPanel:
    made = OptimizerPanel(session)
    qtbot.addWidget(made)
    made.resize(1200, 420)
    made.show()
    return made


@pytest.fixture
def layered(session: Session, tmp_path: Path) -> Session:
    """A layer with momentum; its weight is 2 × 3."""
    assert session.open(make_layers(tmp_path / "layers.chain"))
    return session


def test_walking_equals_seeking(panel: OptimizerPanel, session: Session) -> None:
    forth = assert_walking_equals_seeking(session, panel.drawn_state)
    assert len(set(forth.values())) > 6


def test_an_update_waits_for_the_playhead(panel: OptimizerPanel, session: Session) -> None:
    session.select(W)
    session.seek(W_UPDATED - 1)
    panel.drawn_state()
    assert panel._badge.state == "pending"
    assert not panel.parts.passed
    assert "1.25" not in panel.parts.all_text()
    assert "1.25" not in panel._subtitle.text()
    session.seek(W_UPDATED)
    panel.drawn_state()
    assert panel._badge.state == "proved"
    assert panel._subtitle.text() == "updated by SGD: 0.5 → 1.25"
    assert panel.parts.all_text().splitlines()[-1].startswith("parameter: θ_t = θ_(t-1) - Δ_t = 1.25")
    assert "Nothing" in panel._nothing.text()


def test_the_selected_parameter_is_shown(panel: OptimizerPanel, session: Session) -> None:
    session.seek(session.last)
    session.select(session.recording.nodes(2)[W].id if session.recording else None)
    panel.drawn_state()
    assert panel._title.text() == "w"
    session.select(None)
    panel.drawn_state()
    assert panel._title.text() == "b"


def test_another_element_is_chosen(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    layered.seek(layers.WEIGHT_UPDATED)
    panel.drawn_state()
    assert panel.element.isVisible()
    first = panel.element.text()
    other = "[1, 0]" if first != "[1, 0]" else "[0, 1]"
    panel.element.setText(other)
    QTest.keyClick(panel.element, Qt.Key.Key_Return)
    assert layered.selection == layers.WEIGHT
    assert layered.element == Element("in", 0, tuple(map(int, other.strip("[]").split(", "))))
    panel.element.clearFocus()
    panel.drawn_state()
    assert panel.element.text() == other
    panel.largest.click()
    panel.drawn_state()
    assert panel.element.text() == first
    assert panel._key() == (layers.WEIGHT_UPDATED, None)


@pytest.mark.parametrize("wrong", ["[9, 9]", "[1]", "first", ""])
def test_an_element_that_is_not_there_changes_nothing(qtbot: QtBot, layered: Session, wrong: str) -> None:
    panel = panel_of(qtbot, layered)
    layered.seek(layers.WEIGHT_UPDATED)
    panel.drawn_state()
    first = panel.element.text()
    panel.element.setText(wrong)
    QTest.keyClick(panel.element, Qt.Key.Key_Return)
    assert layered.element is None
    assert panel.element.text() == first


def test_a_click_in_the_heat_map_of_its_gradient_is_followed(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    layered.seek(layers.WEIGHT_UPDATED)
    layered.select(layers.WEIGHT, Element("in", 0, (1, 2)))
    panel.drawn_state()
    assert panel.element.text() == "[1, 2]"


def test_momentum_is_remembered(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    layered.seek(layers.WEIGHT_UPDATED)
    panel.drawn_state()
    assert "momentum_buffer" in [entry.name for entry in panel.memory.entries]


def test_without_data_it_says_so(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    assert session.open(make_chain(tmp_path / "chain.chain", nodes=8))
    panel = panel_of(qtbot, session)
    session.seek(session.last)
    panel.drawn_state()
    assert panel._badge.state != "proved"
    assert panel._message.text()
    assert not panel.parts.parts


def test_the_name_stays_where_it_is(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    places: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    layered.select(layers.WEIGHT)
    for event in range(layered.event_count):
        layered.seek(event)
        for _ in ("at once", "worked out"):
            QApplication.processEvents()
            if panel._title.text():
                place = panel._title.geometry()  # its words stand in the middle of it
                places[panel._body.isVisible()].add((place.x(), place.center().y()))
            panel.settle()
    assert places[True] == places[False]
    assert len(places[True]) == 1


def test_hidden_it_reads_nothing_and_without_a_recording_it_says_so(qtbot: QtBot, session: Session) -> None:
    panel = OptimizerPanel(session)
    qtbot.addWidget(panel)
    session.seek(W_UPDATED)
    assert not panel._timer.isActive()
    panel.show()
    panel.drawn_state()
    session.close()
    panel.drawn_state()
    assert "appears here" in panel._message.text()
    assert panel._body.isHidden()
    qtbot.waitUntil(lambda: abs(panel._message.geometry().center().y() - panel.height() // 2) < 40)  # in the middle


def part(value: float, name: str = "step", size: float | None = None) -> Part:
    return Part(name, "x", "y", "", value, size)


def test_bars_share_one_scale(qtbot: QtBot) -> None:
    view = PartsView()
    qtbot.addWidget(view)
    view.set_parts([part(2.0), part(-1.0), part(7.0, "step count")], passed=True)
    assert not view.is_log
    assert [view.share(item) for item in view.parts] == [1.0, -0.5, 0.0]
    view.set_parts([part(1.0), part(-1e-4)], passed=True)
    assert view.share(view.parts[1]) == pytest.approx(-0.5)
    view.set_log(False)
    assert view.share(view.parts[1]) == -1e-4
    view.set_parts([part(float("nan")), part(1.0)], passed=True)
    assert [view.share(item) for item in view.parts] == [0.0, 1.0]
    view.set_parts([part(1.0)], passed=False)
    assert view.share(view.parts[0]) == 0.0


def test_words_have_the_room_that_the_formulas_leave(qtbot: QtBot) -> None:
    view, words = PartsView(), "How far the parameter moves, downhill, and some words more than that."
    qtbot.addWidget(view)
    view.set_parts([Part("step", "x", "y", words, 1.0, None)], passed=True)
    wanted = metrics("caption").horizontalAdvance(words)
    for width, fits in ((1200, True), (420, False)):
        view.resize(width, 100)
        name, formula, *_ = view._cells(view.rect())
        assert (name.width() >= wanted) == fits
        assert name.right() < formula.left()
    many = Part("step", "x", " + ".join(["y"] * 60), words, 1.0, None)
    view.set_parts([many], passed=True)
    view.resize(1200, 100)
    assert view._cells(view.rect())[0].width() < wanted, "a long formula comes first"


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_views_are_painted_and_copied(qapp: QApplication, qtbot: QtBot, choice: theme.Choice) -> None:
    before = theme.switch.choice
    theme.apply(qapp, choice)
    parts, memory = PartsView(), MemoryView()
    for view in (parts, memory):
        qtbot.addWidget(view)
        view.resize(700, 300)
    parts.set_parts([part(2.0, size=3.0), part(-1.0)], passed=True)
    series = (1.0, float("nan"), 2.0, -1.0)
    memory.set_entries(
        [Entry("m", "mean", "1", "2", "1 → 2", "from", series, 2), Entry("n", "", None, "3")], passed=True
    )
    look = theme.current()
    for view in (parts, memory):
        view.show()
        picture = view.grab().toImage()
        colors = {picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(picture.height())}
        assert look.update.name() in colors
        view.setFocus()
        QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert QGuiApplication.clipboard().text() == view.all_text()
    theme.apply(qapp, before)


@pytest.mark.parametrize("width", [60, 120, 200, 500])
def test_formulas_are_drawn_so_that_they_can_be_read(
    qapp: QApplication, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Part("decayed", r"\theta'_t", r"(1 - \gamma \lambda) \theta_{t-1}", "", 1.0, None)
    drawn: list[float] = []
    written: list[str] = []
    monkeypatch.setattr(parts_view, "draw_inline", lambda _p, _cell, parts, _inks: drawn.append(width_of(parts)))
    monkeypatch.setattr(parts_view, "draw_text", lambda _p, _cell, text, *_: written.append(text))
    image = QImage(600, 40, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    parts_view._paint_formula(painter, QRect(0, 0, width, 40), part)
    painter.end()
    assert len(drawn) + len(written) == 1
    assert all(natural * READABLE <= width for natural in drawn)
    assert drawn or "θ" in written[0]
