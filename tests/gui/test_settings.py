"""What is remembered: known at once, written later, and never waited for."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QSettings
from PySide6.QtWidgets import QSlider
from pytestqt.qtbot import QtBot

from gui import settings as module
from gui.settings import APPLICATION, ORGANIZATION, Settings
from gui.window import MainWindow


@pytest.fixture
def settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setattr(module, "SAVE_AFTER_MS", 20)
    made = Settings()
    yield made
    made.sync()


@pytest.fixture
def file(_fresh_settings: None) -> Path:
    """The one that settings are written to. (A new QSettings writes what has changed, so none is made to ask it.)"""
    return Path(QSettings(ORGANIZATION, APPLICATION).fileName())


def on_disk(file: Path) -> str:
    return file.read_text("utf-8") if file.exists() else ""


def test_a_change_is_known_at_once_and_written_a_while_later(settings: Settings, file: Path, qtbot: QtBot) -> None:
    settings.theme = "light"
    QCoreApplication.sendPostedEvents()  # with which QSettings would write it
    assert settings.theme == "light"
    assert "light" not in on_disk(file)
    qtbot.waitUntil(lambda: "light" in on_disk(file))


def test_another_thread_waits_for_the_disk(settings: Settings, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    writers: list[threading.Thread] = []
    monkeypatch.setattr(module, "_write", lambda: writers.append(threading.current_thread()))
    settings.theme = "light"
    settings.speed = 7
    qtbot.waitUntil(lambda: bool(writers))
    assert writers != [threading.main_thread()]
    assert len(writers) == 1


def test_what_stays_as_it_was_is_not_written(settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.theme = "light"
    settings.sync()
    assert "light" in on_disk(file)
    monkeypatch.setattr(QSettings, "setValue", lambda *_: pytest.fail("written again"))
    settings.theme = "light"


def test_a_file_that_cannot_be_asked_about_is_none_of_the_recent_ones(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a folder that is not one's own any more, or on a server that does not answer."""
    known, unknown = tmp_path / "known.py", tmp_path / "unknown.py"
    for path in (known, unknown):
        path.touch()
        settings.add_recent(path)
    stat = os.stat

    def refused(path: Any, **options: Any) -> os.stat_result:
        if os.fspath(path) == str(unknown):
            raise PermissionError(errno.EACCES, "Permission denied")
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", refused)
    assert settings.recent == [known]


def test_closing_waits_until_all_is_on_the_disk(window: MainWindow, file: Path) -> None:
    window.actions_table["theme_light"].trigger()
    window.actions_table["theme_dark"].trigger()
    window.close()
    assert "theme=dark" in on_disk(file)


def test_walking_leaves_the_settings_alone_and_the_slider_does_not(
    walked: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[tuple[str, object]] = []
    monkeypatch.setattr(QSettings, "setValue", lambda _, key, value: changed.append((key, value)))
    for event in (1, 5, 20, 0):  # another training step among them
        walked.session.seek(event)
    assert changed == []
    slider = walked.transport.findChild(QSlider, "speed")
    assert isinstance(slider, QSlider)
    slider.setValue(slider.value() + 3)
    assert changed == [("speed", slider.value())]
