"""Which models torchvision has here: asked of a process that may import it, once for each version, and remembered."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal

from gui.host_client import ROOT, process_environment, python_command
from gui.processes import kill
from gui.settings import cache_folder


def installed_version() -> str | None:
    """torchvision's version, found without importing it; None if it is not installed."""
    try:
        return metadata.version("torchvision")
    except metadata.PackageNotFoundError:
        return None


class ModelList(QObject):
    """`ask` answers with `found` or `failed`, at once if the answer is remembered."""

    found = Signal(list)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None

    def ask(self) -> None:
        if self._process is not None:
            return
        version = installed_version()
        if version is None:
            self.failed.emit(self.tr("torchvision is not installed. Install it with: pip install torchvision"))
            return
        remembered = _read(_cache_file(version))
        if remembered:
            self.found.emit(remembered)
            return
        process = QProcess(self)
        process.setProgram(python_command())
        process.setArguments(["-m", "engine.host", "--list-models"])
        process.setWorkingDirectory(str(ROOT))
        process.setProcessEnvironment(process_environment())
        process.finished.connect(lambda: self._on_finished(version))
        process.errorOccurred.connect(self._on_error)
        self._process = process
        process.start()

    def cancel(self) -> None:
        """Give up asking."""
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect()
            kill(process)
            process.deleteLater()

    def _on_finished(self, version: str) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        models = _names(bytes(process.readAllStandardOutput().data()))
        if models:
            _cache_file(version).write_text(json.dumps(models), encoding="utf-8")
            self.found.emit(models)
        else:
            said = bytes(process.readAllStandardError().data()).decode(errors="replace").strip().splitlines()
            reason = said[-1] if said else self.tr("the process ended with code {0}").format(process.exitCode())
            self.failed.emit(self.tr("torchvision's models cannot be listed: {0}").format(reason))
        process.deleteLater()

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            reason = self._process.errorString()
            self._process.deleteLater()
            self._process = None
            self.failed.emit(self.tr("Python cannot be started: {0}").format(reason))


def _cache_file(version: str) -> Path:
    return cache_folder("models") / f"torchvision-{version}.json"


def _read(path: Path) -> list[str]:
    try:
        return _names(path.read_bytes())
    except OSError:
        return []


def _names(text: bytes) -> list[str]:
    """A JSON array of names; anything else gives an empty list."""
    try:
        names = json.loads(text)
    except ValueError:
        return []
    good = isinstance(names, list) and all(isinstance(name, str) and name.isidentifier() for name in names)
    return names if good else []
