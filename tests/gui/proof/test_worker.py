"""Work beside the window's thread."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.errors import ChainruleError
from gui.proof.worker import Desk, Worker
from tests.recordings import make_bow


def test_work_is_done_elsewhere_and_delivered_here(qapp: QApplication, qtbot: QtBot, bow: Path) -> None:
    worker, here = Worker(), threading.get_ident()
    found: list[Any] = []
    worker.reset(bow)
    worker.ask("a", lambda desk: (threading.get_ident(), len(desk.graph(0).nodes)), found.append)
    qtbot.waitUntil(lambda: bool(found))
    assert found[0][0] != here
    assert found[0][1] == 6
    worker.finish()


def test_of_a_lane_only_the_newest_counts(qapp: QApplication, bow: Path) -> None:
    worker, gate = Worker(), threading.Event()
    done: list[Any] = []
    ran: list[str] = []
    worker.reset(bow)

    def job(name: str) -> Any:
        def run(_: Desk) -> str:
            ran.append(name)
            if name == "first":
                gate.wait(10)
            return name

        return run

    worker.ask("a", job("first"), done.append)
    for name in ("second", "third"):
        worker.ask("a", job(name), done.append)
    worker.ask("b", job("other"), done.append)
    gate.set()
    worker.settle()
    assert done == ["third", "other"]
    assert "second" not in ran


def test_an_error_is_a_result(qapp: QApplication, bow: Path, tmp_path: Path) -> None:
    worker = Worker()
    found: list[Any] = []
    worker.reset(bow)
    worker.ask("a", lambda _: 1 / 0, found.append)
    worker.settle()
    assert isinstance(found[0], ChainruleError)
    assert "ZeroDivisionError" in str(found[0])
    worker.reset(tmp_path / "nothing.chain")
    worker.ask("a", lambda desk: desk.recording, found.append)
    worker.settle()
    assert "nothing.chain" in str(found[1])


def test_another_recording_makes_results_worthless(qapp: QApplication, bow: Path) -> None:
    worker, gate = Worker(), threading.Event()
    found: list[Any] = []
    worker.reset(bow)
    worker.ask("a", lambda _: gate.wait(10), found.append)
    worker.reset(None)
    gate.set()
    worker.settle()
    worker.ask("a", lambda _: 1, found.append)  # there is nothing to work on
    worker.settle()
    assert found == []


def test_what_is_dropped_is_not_delivered(qapp: QApplication, bow: Path) -> None:
    worker, gate = Worker(), threading.Event()
    found: list[Any] = []
    worker.reset(bow)
    worker.ask("a", lambda _: gate.wait(10), found.append)
    worker.drop("a")
    gate.set()
    worker.settle()
    assert found == []


def test_a_recording_that_grows_is_read_anew(qapp: QApplication, tmp_path: Path) -> None:
    desk = Desk(make_bow(tmp_path / "bow.chain"))
    first = desk.graph(0)
    assert desk.graph(0) is first
    for graph in (1, 2):
        assert desk.graph(graph) is not first
    desk.close()
