"""The main window: opening, running, saving, closing; and that it survives what may come."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow
from pytestqt.qtbot import QtBot

from engine.recording.reader import open_recording
from gui import dialogs, files, theme
from gui.actions import PANELS
from gui.app import create_window
from gui.files import kind_of
from gui.settings import Settings
from gui.window import MainWindow
from tests.recordings import make_bow


def _text(window: MainWindow) -> str:
    return window.central.messages.text if window.central.messages.isVisible() else ""


def _is_playing(window: MainWindow) -> bool:
    return window.transport.player.is_playing


# --- names and places ------------------------------------------------------------------------------------------------


def test_the_names_that_automation_relies_on(window: MainWindow) -> None:
    assert isinstance(window, QMainWindow)
    assert window.objectName() == "main_window"
    for name in PANELS:
        assert window.findChild(QDockWidget, name) is not None


@pytest.mark.parametrize("size", [(1280, 800), (2560, 1440)])
def test_every_part_has_room(walked: MainWindow, qtbot: QtBot, size: tuple[int, int]) -> None:
    walked.resize(*size)
    walked.panels.reset()
    qtbot.waitUntil(lambda: walked.panels["charts"].width() == size[0])
    assert (walked.width(), walked.height()) == size
    place = {name: dock.geometry() for name, dock in walked.panels.docks.items()}
    canvas, strip = walked.central.geometry(), walked.panels.transport.geometry()
    assert place["source"].right() < canvas.left()
    assert canvas.right() < place["inspector"].left()
    assert place["source"].bottom() < place["console"].top()
    assert canvas.bottom() < strip.top() < place["charts"].top()
    assert strip.width() == size[0]
    assert canvas.width() >= size[0] * 0.45
    assert canvas.height() >= size[1] * 0.45


@pytest.mark.parametrize("name", ["x" * 180, "сеть_" * 20, "a name of many words " * 8])
def test_the_longest_name_does_not_widen_the_window(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, name: str
) -> None:
    script = tmp_path / f"{name}.py"
    script.write_text("import torch\n")
    window.resize(1000, 650)
    window.panels.reset()
    assert window.open_path(script)
    qtbot.wait(50)
    assert window.width() == 1000
    assert window.panels["source"].width() < 400
    window.central.ready.show_running(script.name, "x")
    window.show_error(f"{script} does not exist.", "some details")
    qtbot.wait(50)
    assert window.width() == 1000
    assert window.central.messages.text == f"{script} does not exist."


def test_the_title_is_well_formed_while_a_recording_is_closed(walked: MainWindow, qtlog: Any) -> None:
    walked.close_all()
    assert walked.windowTitle() == "chainrule"
    assert [record.message for record in qtlog.records if "placeholder" in record.message] == []


def test_geometry_and_choices_are_remembered(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(790, 700)
    window.actions_table["show_console"].trigger()
    window.toolbar.set_record_steps(25)
    window.actions_table["tensors_stats"].trigger()
    window.close()
    again = create_window()
    again.show()
    assert (again.width(), again.height()) == (790, 700)
    assert again.panels["console"].isHidden()
    assert not again.panels.transport.isHidden()
    assert again.toolbar.record_steps == 25
    assert again.toolbar.tensors == "stats"
    assert again.actions_table["tensors_stats"].isChecked()
    again.close()
    again.deleteLater()


def test_a_panel_that_was_put_away_comes_back_at_the_first_try(window: MainWindow, qtbot: QtBot) -> None:
    window.panels["memory"].hide()
    window.close()
    again = create_window()
    qtbot.addWidget(again)
    again.show()
    actions = again.actions_table
    assert [name for name in PANELS if not actions[f"show_{name}"].isChecked()] == ["memory"]
    actions["show_memory"].trigger()
    assert actions["show_memory"].isChecked()
    qtbot.waitUntil(lambda: not again.panels["memory"].visibleRegion().isEmpty())
    again.close()


def test_the_direction_is_chosen_and_remembered(window: MainWindow) -> None:
    assert Settings().direction == "down"
    assert window.actions_table["direction_down"].isChecked()
    window.actions_table["direction_right"].trigger()
    assert (window.canvas.direction, Settings().direction) == ("right", "right")
    assert not window.actions_table["direction_down"].isChecked()


def test_the_theme_is_switched_and_remembered(window: MainWindow, qapp: QApplication) -> None:
    try:
        window.actions_table["theme_light"].trigger()
        assert theme.current() is theme.LIGHT
        assert Settings().theme == "light"
        window.actions_table["theme_dark"].trigger()
        assert theme.current() is theme.DARK
    finally:
        theme.apply(qapp, "system")


# --- opening ---------------------------------------------------------------------------------------------------------


def test_an_opened_recording_is_shown_and_counted(walked: MainWindow) -> None:
    assert walked.central.page is walked.canvas
    assert walked.windowTitle().startswith("bow.chain")
    counts = walked.findChild(QMainWindow) or walked
    label = counts.findChild(type(walked._counts), "counts")
    assert label is not None
    assert label.text() == "6 nodes · 2 parameters · 3 training steps"


def test_one_of_a_kind_is_counted_as_one(window: MainWindow, tmp_path: Path) -> None:
    assert window.open_path(make_bow(tmp_path / "once.chain", 1))
    assert window._counts.text() == "6 nodes · 2 parameters · 1 training step"


def test_a_missing_file_is_told(window: MainWindow, tmp_path: Path) -> None:
    for name in ("missing.py", "missing.chain"):
        assert not window.open_path(tmp_path / name)
        assert "does not exist. Check the path" in _text(window)
    assert not window.open_path(tmp_path)
    assert "is a folder. Choose a script" in _text(window)
    assert window.central.page is window.central.welcome


@pytest.mark.parametrize("content", [b"", b"junk" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_recording_is_told_and_what_is_open_stays(walked: MainWindow, tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / "broken.chain"
    broken.write_bytes(content)
    before = walked.session.recording
    assert not walked.open_path(broken)
    assert "broken.chain" in _text(walked)
    assert walked.session.recording is before


def test_a_recording_that_is_damaged_further_in_is_survived(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    path = make_bow(tmp_path / "bow.chain")
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM node")
    connection.close()
    window.open_path(path)
    assert window.session.event_count or _text(window)  # shown as far as it goes, or refused in words
    for event in range(window.session.event_count):
        window.session.seek(event)
        assert not window.grab().isNull()


def test_a_file_of_another_kind_is_told(window: MainWindow, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("hello", encoding="utf-8")
    assert not window.open_path(other)
    assert "neither" in _text(window)


def test_kinds_of_files(tmp_path: Path, bow: Path) -> None:
    renamed = bow.rename(tmp_path / "renamed.db")
    assert kind_of(renamed) == "recording"
    assert kind_of(tmp_path / "a.py") == "script"
    assert kind_of(tmp_path / "b.chain") == "recording"
    assert kind_of(tmp_path) == "unknown"


def test_a_dropped_file_is_opened(window: MainWindow, bow: Path, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(bow))])
    nothing = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, *nothing))
    qtbot.waitUntil(lambda: window.session.recording is not None)
    assert not window.source.editor.canInsertFromMimeData(data)


def test_what_cannot_be_opened_may_be_dropped_and_is_told_why(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    note = tmp_path / "note.txt"
    note.write_text("hello", encoding="utf-8")
    for path, words in ((note, "neither a Python script (.py) nor a recording (.chain)"), (tmp_path, "is a folder")):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        nothing = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        entering = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, *nothing)
        window.dragEnterEvent(entering)
        assert entering.isAccepted()
        window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, *nothing))
        qtbot.waitUntil(lambda words=words: words in _text(window))  # type: ignore[misc]


def test_a_script_that_is_still_the_recorded_one_can_be_run_again(
    window: MainWindow, script: Path, tmp_path: Path
) -> None:
    recording = make_bow(tmp_path / "bow.chain")
    assert window.open_path(recording)
    assert window.source.script is None
    assert not window.actions_table["run"].isEnabled()
    info = window.session.recording.info  # type: ignore[union-attr]
    assert not Path(info.script).exists()


def test_an_edited_script_is_asked_about(
    window: MainWindow, script: Path, bow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert window.open_path(script)
    window.source.editor.insertPlainText("# ")
    assert window.isWindowModified()
    monkeypatch.setattr(dialogs, "ask_to_save", lambda *_: "cancel")
    assert not window.open_path(bow)
    assert window.source.modified
    monkeypatch.setattr(dialogs, "ask_to_save", lambda *_: "save")
    assert window.open_path(bow)
    assert script.read_text(encoding="utf-8").startswith("# import")


# --- playing ---------------------------------------------------------------------------------------------------------


def test_space_plays_and_pauses(walked: MainWindow, qtbot: QtBot) -> None:
    walked.transport.set_speed_position(100)
    QTest.keyClick(walked, Qt.Key.Key_Space)
    assert _is_playing(walked)
    assert walked.actions_table["play"].text() == "Pause"
    qtbot.waitUntil(lambda: walked.session.playhead > 0)
    QTest.keyClick(walked, Qt.Key.Key_Space)
    assert not _is_playing(walked)
    assert walked.actions_table["play"].text().replace("&", "") == "Play"


def test_playing_stops_at_the_end_and_starts_over(walked: MainWindow, qtbot: QtBot) -> None:
    walked.transport.set_speed_position(100)
    walked.session.seek(walked.session.last - 1)
    walked.actions_table["play"].trigger()
    qtbot.waitUntil(lambda: not walked.transport.player.is_playing)
    assert walked.session.playhead == walked.session.last
    assert not walked.actions_table["play"].isChecked()
    walked.actions_table["play"].trigger()
    assert walked.session.playhead == 0
    walked.actions_table["play"].trigger()


# --- saving ----------------------------------------------------------------------------------------------------------


def test_a_recording_is_saved_while_it_is_open(
    walked: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "kept"
    monkeypatch.setattr(dialogs, "save_file", lambda *_: target)
    with qtbot.waitSignal(walked.copier.done):
        walked.actions_table["save_recording"].trigger()
        assert _text(walked) == f"Saving as {target}.chain…"
    with open_recording(target.with_suffix(".chain")) as copy:
        assert len(copy.timeline) == walked.session.event_count
    assert "Saved as" in _text(walked)


def test_an_ending_that_is_none_stays_a_part_of_the_name(
    walked: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialogs, "save_file", lambda *_: tmp_path / "lr0.01")
    with qtbot.waitSignal(walked.copier.done):
        walked.actions_table["save_recording"].trigger()
    assert (tmp_path / "lr0.01.chain").is_file()
    assert not (tmp_path / "lr0.01").exists()


def test_two_that_are_saved_under_one_name_at_once_do_not_mix(
    walked: MainWindow, bow: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = files.copy_recording
    at_work: list[Path] = []
    most: list[int] = []

    def slow(source: Path, target: Path) -> None:
        at_work.append(target)
        most.append(len(at_work))
        time.sleep(0.05)
        real(source, target)
        at_work.pop()

    monkeypatch.setattr(files, "copy_recording", slow)
    with qtbot.waitSignals([walked.copier.done, walked.copier.done]):
        for _ in range(2):
            walked.copier.copy(bow, tmp_path / "kept.chain")
    assert most == [1, 1]


def test_what_is_there_is_not_written_over_because_of_an_ending_that_was_left_out(
    walked: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file dialog asks about the name that was typed."""
    asked: list[str] = []
    monkeypatch.setattr(dialogs, "save_file", lambda *_: tmp_path / "kept")

    def refuse(_: object, name: str) -> bool:
        asked.append(name)
        return False

    monkeypatch.setattr(dialogs, "ask_to_replace", refuse)
    (tmp_path / "kept.chain").write_bytes(b"mine")
    walked.actions_table["save_recording"].trigger()
    assert asked == ["kept.chain"]
    assert _text(walked) == ""
    assert (tmp_path / "kept.chain").read_bytes() == b"mine"
    monkeypatch.setattr(dialogs, "ask_to_replace", lambda *_: True)
    with qtbot.waitSignal(walked.copier.done):
        walked.actions_table["save_recording"].trigger()


def test_a_place_that_cannot_be_written_is_told(
    walked: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialogs, "save_file", lambda *_: tmp_path / "no" / "folder.chain")
    with qtbot.waitSignal(walked.copier.failed):
        walked.actions_table["save_recording"].trigger()
    qtbot.waitUntil(lambda: "could not be saved" in _text(walked))


@pytest.mark.parametrize("linked", [False, True])
def test_a_recording_is_not_saved_over_itself(
    walked: MainWindow, bow: Path, tmp_path: Path, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = bow
    if linked:
        (tmp_path / "link").symlink_to(bow.parent)
        target = tmp_path / "link" / bow.name
    monkeypatch.setattr(dialogs, "save_file", lambda *_: target)
    monkeypatch.setattr(dialogs, "ask_to_replace", lambda *_: True)
    walked.actions_table["save_recording"].trigger()
    assert "is this recording itself" in _text(walked)
