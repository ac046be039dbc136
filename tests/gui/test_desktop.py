"""Asking the desktop whether it wants less motion: of a program that stands in for `gdbus`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import desktop, theme
from gui.desktop import DesktopMotion, asks_for_less, has_bus

GNOME = "({'org.gnome.desktop.interface': {'cursor-size': <24>, 'enable-animations': <%s>}},)"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of programs, of which one is to be `gdbus`."""
    (tmp_path / "bus").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv(theme.REDUCED_MOTION, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(theme.switch, "desktop_reduces", False)
    monkeypatch.setattr(theme, "_desktop_without_motion", lambda: False)
    monkeypatch.setattr(desktop, "ASK_AFTER_MS", 0)
    monkeypatch.setattr("sys.platform", "linux")
    theme.set_reduced_motion(None)
    yield tmp_path
    theme.set_reduced_motion(None)


def answers(folder: Path, script: str) -> None:
    program = folder / "gdbus"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.fixture
def asking(bus: Path, qapp: QApplication) -> Iterator[list[DesktopMotion]]:
    """Those that were made; nothing of them is left."""
    made: list[DesktopMotion] = []
    yield made
    for each in made:
        each.stop()
        qapp.applicationStateChanged.disconnect(each._on_state)
        qapp.aboutToQuit.disconnect(each.stop)
        each.setParent(None)


@pytest.mark.parametrize(
    ("answer", "less"),
    [
        (GNOME % "false", True),
        (GNOME % "true", False),
        ("({'org.freedesktop.appearance': {'color-scheme': <uint32 1>, 'reduced-motion': <uint32 1>}},)", True),
        ("({'org.freedesktop.appearance': {'color-scheme': <uint32 1>, 'reduced-motion': <uint32 0>}},)", False),
        ("(@a{sa{sv}} {},)", False),
    ],
)
def test_both_settings_are_understood(answer: str, less: bool) -> None:
    assert asks_for_less(answer) is less


def test_what_the_desktop_asks_for_is_done_and_taken_back(
    bus: Path, asking: list[DesktopMotion], qapp: QApplication, qtbot: QtBot
) -> None:
    answers(bus, f'echo "{GNOME % "false"}"')
    asking.append(DesktopMotion(qapp))
    qtbot.waitUntil(theme.reduced_motion)
    theme.set_reduced_motion(False)
    assert not theme.reduced_motion()  # what was chosen in the window comes first
    theme.set_reduced_motion(None)
    answers(bus, f'echo "{GNOME % "true"}"')
    qtbot.waitUntil(lambda: asking[0]._process is None)
    qapp.applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)  # back from the desktop's settings
    qtbot.waitUntil(lambda: not theme.reduced_motion())


@pytest.mark.parametrize("script", ["exit 1", "kill -9 $$"])
def test_a_bus_without_an_answer_changes_nothing(
    bus: Path, asking: list[DesktopMotion], qapp: QApplication, qtbot: QtBot, script: str
) -> None:
    answers(bus, f'echo "{GNOME % "false"}"; touch {bus}/asked; {script}')
    asking.append(DesktopMotion(qapp))
    qtbot.waitUntil(lambda: (bus / "asked").exists() and asking[0]._process is None)
    assert not theme.reduced_motion()


def test_it_does_not_wait_for_one_that_hangs(
    bus: Path, asking: list[DesktopMotion], qapp: QApplication, qtbot: QtBot
) -> None:
    answers(bus, f"touch {bus}/asked; exec sleep 60")
    asking.append(DesktopMotion(qapp))
    qtbot.waitUntil((bus / "asked").exists)
    asking[0].ask()  # once is enough
    asking[0].stop()
    assert asking[0]._process is None


def test_without_a_bus_nobody_is_asked(bus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_bus()
    (bus / "bus").unlink()
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    assert not has_bus()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    assert has_bus()
    monkeypatch.setattr("sys.platform", "darwin")
    assert not has_bus()
