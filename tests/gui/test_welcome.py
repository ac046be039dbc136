"""The welcome page and the page of a script that is ready to run."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from gui import theme
from gui.welcome import Card
from gui.window import MainWindow


def test_it_is_there_while_nothing_is_open(window: MainWindow) -> None:
    assert window.central.page is window.central.welcome
    assert len(window.central.welcome.findChildren(Card)) == 6


def test_a_card_opens_its_example(window: MainWindow, qtbot: QtBot) -> None:
    card = window.findChild(Card, "example_bow_card")
    assert card is not None
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    assert window.source.script is not None
    assert window.source.script.name == "bow.py"
    assert window.central.page is window.central.ready


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_a_card_is_chosen_by_key(window: MainWindow, key: Qt.Key) -> None:
    card = window.findChild(Card, "example_bow_card")
    assert card is not None
    QTest.keyClick(card, key)
    assert window.source.script is not None


def test_a_card_has_one_ground(window: MainWindow, qtbot: QtBot) -> None:
    """It had that of the page, as its words had, over the style's mark for the focus."""
    window.show()
    card = window.findChild(Card, "example_bow_card")
    assert card is not None
    card.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(card.hasFocus)
    picture = card.grab().toImage()
    left = {picture.pixel(3, y) for y in range(8, picture.height() - 8)}
    right = {picture.pixel(picture.width() - 13, y) for y in range(8, picture.height() - 8)}  # of the words' labels
    assert left == right == {theme.current().raised.rgb()}


def test_it_fits_into_a_small_window(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    page = window.central.welcome
    page.set_recent([tmp_path / ("long" * 30) / "mine.py"])
    qtbot.addWidget(page)
    for width, columns in ((260, 1), (460, 2), (900, 3)):
        page.setParent(None)  # by itself, so that nothing but its size matters
        page.resize(width, 700)
        page.show()
        qtbot.waitUntil(lambda width=width: page.viewport().width() > width - 40)  # type: ignore[misc]
        cards = page.findChildren(Card)
        qtbot.waitUntil(lambda c=cards, n=columns: len({card.x() for card in c}) == n)  # type: ignore[misc]
        qtbot.waitUntil(lambda: page.horizontalScrollBar().maximum() == 0, timeout=10_000)


@pytest.mark.parametrize("action_id", ["open_script", "open_recording"])
def test_a_card_asks_for_a_file(
    window: MainWindow, qtbot: QtBot, bow: Path, monkeypatch: pytest.MonkeyPatch, action_id: str
) -> None:
    monkeypatch.setattr("gui.dialogs.open_file", lambda *_: bow)
    card = window.findChild(Card, f"{action_id}_card")
    assert card is not None
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    assert window.session.recording is not None


def test_recent_files_are_listed_and_opened(window: MainWindow, qtbot: QtBot, bow: Path, tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text("import torch\n", encoding="utf-8")
    assert window.open_path(script)
    assert window.open_path(bow)
    window.actions_table["show_welcome"].trigger()
    assert window.session.recording is None
    rows = [row for row in window.central.welcome.findChildren(QToolButton) if row.toolTip()]
    assert {row.toolTip() for row in rows} == {str(bow), str(script)}
    first = next(row for row in rows if row.toolTip() == str(bow))
    QTest.mouseClick(first, Qt.MouseButton.LeftButton)
    assert window.session.recording is not None


def test_a_script_that_is_ready_says_how_to_run_it(window: MainWindow) -> None:
    window.toolbar.set_record_steps(3)
    window.actions_table["example_bow"].trigger()
    assert "3 training steps" in window.central.ready.text
    window.toolbar.set_record_steps(0)
    assert "to its end" in window.central.ready.text
    button = window.findChild(QPushButton, "ready_run")
    assert button is not None
    assert button.isVisible()
