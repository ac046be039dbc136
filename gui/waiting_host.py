"""A Python that has imported torch already and waits for the next run.

Importing torch takes seconds, torchvision as many again: more than everything else between "Run" and the first picture.
So a host is started while the user still looks at the script. It knows of nothing to run until it is told.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from PySide6.QtCore import QProcess

from engine.host import protocol
from gui.processes import kill


class WaitingHost:
    """At most one process. `make` gives a process with the program set, ready to be started with these arguments."""

    ARGUMENTS = ("-u", "-m", "engine.host", "--wait")

    def __init__(self, make: Callable[[list[str]], QProcess]) -> None:
        self._make = make
        self._process: QProcess | None = None

    def start(self, script: str = "") -> None:
        """See to it that one waits, and that it has imported what `script` (its text) will import."""
        if self._process is None or self._process.state() == QProcess.ProcessState.NotRunning:
            self._process = self._make(list(self.ARGUMENTS))
            self._process.start()
        modules = slow_imports(script)
        if modules:
            self._process.write(protocol.encode(protocol.Prepare(modules)))

    def take(self) -> QProcess | None:
        """The process that waits, which is the caller's from now on; None if there is none."""
        process, self._process = self._process, None
        if process is None or process.state() == QProcess.ProcessState.NotRunning:
            return None
        return process

    def end(self) -> None:
        """It has nothing to lose."""
        process = self.take()
        if process is not None:
            kill(process)


def slow_imports(script: str) -> tuple[str, ...]:
    """Modules that a script of this text imports and that are worth importing ahead."""
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return tuple(sorted(names & protocol.PREPARED))
