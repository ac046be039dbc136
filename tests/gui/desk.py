"""A desk without a process: does what it is asked when it is waited for or the event loop runs, over the same lines."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from engine.desk.serve import Server
from engine.desk.wire import dump
from gui.proof.desk import DeskProcess, Request


class DeskAtHand(DeskProcess):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = Server()
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._work)

    def settle(self) -> None:
        while self.busy:
            self._work()

    def _send(self, request: Request) -> None:
        self._soon.start()

    def _work(self) -> None:
        request = self._current
        if request is not None:
            question = (request.number, str(self._path), self._opening, request.task, request.arguments)
            self._answered(self._server.answer(dump(question)).encode())
