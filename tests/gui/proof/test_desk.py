"""The process that does the arithmetic: asked, overtaken, killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.errors import ChainruleError
from gui.proof import desk as desk_module
from gui.proof.desk import DeskProcess


@pytest.fixture
def desk(qapp: QApplication, bow: Path) -> Iterator[DeskProcess]:
    made = DeskProcess()
    made.set_recording(bow)
    yield made
    made.shut_down()


def pid(desk: DeskProcess) -> int:
    assert desk._process is not None
    return int(desk._process.processId())


def test_work_is_done_elsewhere_and_delivered_here(desk: DeskProcess, qtbot: QtBot) -> None:
    found: list[Any] = []
    desk.ask("a", "explain", (0, None), found.append)
    assert desk.busy
    qtbot.waitUntil(lambda: bool(found))
    assert found[0].proof.state == "proved"
    assert pid(desk) != os.getpid()
    assert not desk.busy


def test_of_a_lane_only_the_newest_counts(desk: DeskProcess) -> None:
    found: list[str] = []
    for name, step in (("first", 0), ("second", 1), ("third", 2)):
        desk.ask("a", "outline", (step,), partial(_note, found, name))
    desk.ask("b", "outline", (0,), partial(_note, found, "other"))
    desk.settle()
    assert found == ["third", "other"]


def _note(found: list[str], name: str, result: Any) -> None:
    found.append(name)


def test_what_is_dropped_or_of_another_recording_is_not_delivered(desk: DeskProcess, bow: Path) -> None:
    found: list[Any] = []
    desk.ask("a", "outline", (0,), found.append)
    desk.drop("a")
    desk.ask("b", "outline", (0,), found.append)
    desk.set_recording(bow)
    desk.settle()
    desk.ask("c", "explain", (0, None), found.append)
    desk.settle()
    assert [result.node for result in found] == [0]
    desk.set_recording(None)
    desk.ask("a", "outline", (0,), found.append)  # there is nothing to work on
    assert not desk.busy


def test_a_path_that_depends_on_the_folder_is_found(
    desk: DeskProcess, bow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Any] = []
    monkeypatch.chdir(bow.parent)
    desk.set_recording(Path(bow.name))
    desk.ask("a", "outline", (0,), found.append)
    desk.settle()
    assert not isinstance(found[0], ChainruleError)


def test_an_error_is_a_result(desk: DeskProcess, tmp_path: Path) -> None:
    found: list[Any] = []
    desk.set_recording(tmp_path / "nothing.chain")
    desk.ask("a", "outline", (0,), found.append)
    desk.settle()
    assert isinstance(found[0], ChainruleError)
    assert "nothing.chain" in str(found[0])


def test_it_is_started_again_when_it_was_killed(desk: DeskProcess) -> None:
    found: list[Any] = []
    desk.ask("a", "outline", (0,), found.append)
    desk.settle()
    first = pid(desk)
    os.kill(first, signal.SIGKILL)
    desk.ask("a", "outline", (1,), found.append)
    desk.settle()
    assert len(found[1][0]) == 11
    assert pid(desk) != first


def test_it_says_so_when_it_cannot(desk: DeskProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found: list[Any] = []
    broken = tmp_path / "engine" / "desk"
    broken.mkdir(parents=True)
    (broken / "__main__.py").write_text("import sys; sys.stdin.readline(); sys.exit('no memory')\n", encoding="utf-8")
    monkeypatch.setattr(desk_module, "ROOT", tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    desk.ask("a", "outline", (0,), found.append)
    desk.settle()
    assert str(found[0]) == "The process that does the arithmetic ended (exit code 1). no memory"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    desk.ask("a", "outline", (0,), found.append)
    desk.settle()
    assert isinstance(found[1], ChainruleError)
    assert not desk.busy


def test_nobody_waits_for_what_nobody_wants(
    desk: DeskProcess, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, tmp_path: Path
) -> None:
    slow = tmp_path / "engine" / "desk"
    slow.mkdir(parents=True)
    (slow / "__main__.py").write_text("import sys\nfor line in sys.stdin: pass\n", encoding="utf-8")
    monkeypatch.setattr(desk_module, "LOOK_EVERY_MS", 20)
    monkeypatch.setattr(desk_module, "PATIENCE_S", 0.0)
    monkeypatch.setattr(desk_module, "ROOT", tmp_path)
    desk._timer.setInterval(20)
    found: list[Any] = []
    desk.ask("a", "outline", (0,), found.append)
    monkeypatch.undo()
    monkeypatch.setattr(desk_module, "PATIENCE_S", 0.0)
    desk.ask("a", "outline", (1,), found.append)
    qtbot.waitUntil(lambda: bool(found))
    assert len(found) == 1


def test_a_window_that_goes_takes_it_along(qtbot: QtBot, bow: Path) -> None:
    window = QObject()
    desk = DeskProcess(window)
    desk.set_recording(bow)
    answers: list[Any] = []
    desk.ask("a", "explain", (1,), answers.append)
    assert desk._process is not None
    assert desk._process.waitForStarted()
    with qtbot.captureExceptions() as errors:
        shiboken6.delete(window)
        QApplication.processEvents()
    assert (errors, answers) == ([], [])
