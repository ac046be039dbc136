"""The panel "Manual ⇄ autograd", walked, clicked, copied."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.manual import panel as panel_module
from gui.manual.lines_view import HEADER
from gui.manual.panel import ManualPanel
from gui.session import Session
from tests.gui.walking import assert_walking_equals_seeking
from tests.recordings import make_bow, make_chain

LAST_OF_STEP = 11


@pytest.fixture(scope="module")
def recorded_bow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bow as a script really leaves it, operands and all."""
    import torch

    from engine.capture.recorder import record

    path = tmp_path_factory.mktemp("bow") / "bow.chain"
    with record(path, script=__file__):
        x, y = torch.tensor(2.0), torch.tensor(5.0)
        w, b = torch.tensor(0.5, requires_grad=True), torch.tensor(0.0, requires_grad=True)
        archer = torch.optim.SGD([w, b], lr=0.05)
        for _ in range(2):
            prediction = w * x + b
            loss = (prediction - y) ** 2
            archer.zero_grad()
            loss.backward()
            archer.step()
    return path


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> ManualPanel:
    return panel_of(qtbot, session)


def panel_of(qtbot: QtBot, session: Session) -> ManualPanel:
    made = ManualPanel(session)
    qtbot.addWidget(made)
    made.resize(1200, 420)
    made.show()
    return made


def click(panel: ManualPanel, number: int) -> None:
    y = panel.lines._row_rect(number).center().y()
    QTest.mouseClick(panel.lines.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(300, y))


def test_walking_equals_seeking(panel: ManualPanel, session: Session) -> None:
    forth = assert_walking_equals_seeking(session, panel.drawn_state)
    assert len(set(forth.values())) == session.event_count - 6  # a gradient that arrives has no line of its own


def test_the_whole_story_is_equal_in_every_digit(qtbot: QtBot, recorded_bow: Path) -> None:
    session = Session()
    assert session.open(recorded_bow)
    panel = panel_of(qtbot, session)
    for step in range(2):
        session.seek(LAST_OF_STEP + 12 * step)
        panel.drawn_state()
        assert panel.lines.head.verdict == "equal"
        assert panel.lines.head.text == "11 of 11 lines equal in every digit"
    assert panel.lines.copied_text().startswith("Forward\nw · x = ")
    session.close()


def test_the_bow_is_seen_at_once(panel: ManualPanel, session: Session) -> None:
    panel.drawn_state()
    assert list(panel.lines.visible_rows()) == list(range(11))
    panel.resize(1200, 360)
    assert not panel.lines.verticalScrollBar().maximum()


def test_what_has_not_happened_has_no_verdict(panel: ManualPanel, session: Session) -> None:
    session.seek(3)
    panel.drawn_state()
    assert panel.lines.head.text == "4 of 11 lines so far: 2 equal in every digit · 2 as recorded"
    assert panel.lines.story.now == 3
    before, after = panel.lines.copied_text().split("Gradients")
    assert "14.0625" in before
    assert "7.5" not in after


def test_a_disturbed_gradient_is_wrong(qtbot: QtBot, tmp_path: Path) -> None:
    path = make_bow(tmp_path / "bow.chain")
    with sqlite3.connect(path) as connection:
        ((tensor,),) = connection.execute(
            "SELECT value.tensor FROM value JOIN event ON event.id = value.event"
            " WHERE event.kind = 'backward' AND value.role = 'grad_input' ORDER BY event.id LIMIT 1"
        ).fetchall()
        connection.execute("UPDATE tensor SET data = ? WHERE id = ?", (np.float32(-7.0).tobytes(), tensor))
    connection.close()
    session = Session()
    assert session.open(path)
    panel = panel_of(qtbot, session)
    session.seek(LAST_OF_STEP)
    panel.drawn_state()
    assert panel.lines.head.verdict == "wrong"
    assert "1 wrong" in panel.lines.head.text
    session.close()


def test_a_click_leads_to_the_event_and_its_node(panel: ManualPanel, session: Session) -> None:
    session.seek(LAST_OF_STEP)
    panel.drawn_state()
    click(panel, 4)
    assert session.playhead == 4
    assert session.selection == 0
    panel.drawn_state()
    assert panel.lines.story.now == 4
    panel.settle()


def test_rows_are_copied(panel: ManualPanel, session: Session) -> None:
    session.seek(LAST_OF_STEP)
    panel.drawn_state()
    panel.lines.setFocus()
    click(panel, 3)
    QTest.keyClick(panel.lines, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("loss = (prediction - 5)^2 = (-3.75)^2 = 14.0625 | autograd: 14.0625")
    assert "\n" not in copied
    QTest.keyClick(panel.lines, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(panel.lines, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert len(QGuiApplication.clipboard().text().splitlines()) == 2
    QTest.keyClick(panel.lines, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(panel.lines, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().startswith("Forward\nmul")
    panel.settle()


def test_the_keyboard_walks_over_lines(panel: ManualPanel, session: Session) -> None:
    panel.drawn_state()
    panel.lines.setFocus()
    assert panel.lines.accessibleDescription().startswith("mul")
    for _ in range(2):
        QTest.keyClick(panel.lines, Qt.Key.Key_Down)
    assert session.playhead == 0
    QTest.keyClick(panel.lines, Qt.Key.Key_Return)
    assert session.playhead == 2
    assert "prediction" in panel.lines.accessibleDescription()
    panel.settle()


def test_a_long_step_is_worked_out_where_one_looks(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_module, "AUTOMATIC", 5)
    panel = panel_of(qtbot, session)
    panel.resize(1200, HEADER + 60)
    session.seek(LAST_OF_STEP)
    panel.drawn_state()
    panel.settle()
    known = sum(row.line is not None for row in panel.lines.story.rows)
    assert 0 < known < 11
    assert panel.lines.head.verdict == "working"
    assert panel.lines.button.isVisible()
    panel.resize(560, HEADER + 60)
    panel.grab()
    columns = panel.lines._columns
    assert columns is not None
    assert panel.lines.button.geometry().right() < columns.by_hand_right - columns.value / 2  # not over the title
    panel.lines.button.click()
    panel.settle()
    assert panel.lines.head.text == "11 lines: 9 equal in every digit · 2 as recorded"
    assert not panel.lines.button.isVisible()


def test_without_data_nothing_is_claimed(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    assert session.open(make_chain(tmp_path / "chain.chain", nodes=12))
    panel = panel_of(qtbot, session)
    session.seek(session.last)
    panel.drawn_state()
    assert panel.lines.head.verdict not in ("equal", "within_rounding")
    assert "equal" not in panel.lines.head.text


def test_hidden_it_reads_nothing(qtbot: QtBot, session: Session) -> None:
    panel = ManualPanel(session)
    qtbot.addWidget(panel)
    session.seek(5)
    assert not panel._timer.isActive()
    assert not panel._steps


def test_no_recording(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    panel.drawn_state()
    assert (panel.lines.isVisible(), panel.empty.isVisible()) == (True, False)
    session.close()
    panel.drawn_state()
    assert not panel.lines.story.rows
    assert "appears here" in panel.empty.text()
    assert (panel.lines.isVisible(), panel.empty.isVisible()) == (False, True)
    qtbot.waitUntil(lambda: panel.empty.height() == panel.height())


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_it_is_painted_in_the_theme(
    qapp: QApplication, panel: ManualPanel, session: Session, choice: theme.Choice
) -> None:
    before = theme.switch.choice
    theme.apply(qapp, choice)
    session.seek(6)
    panel.drawn_state()
    picture: QImage = panel.grab().toImage()
    colors = {picture.pixelColor(x, y).name() for x in range(0, 1200, 1) for y in range(0, 420, 7)}
    look = theme.current()
    assert {look.surface.name(), look.forward.name(), look.backward.name(), look.proved.name()} <= colors
    theme.apply(qapp, before)
