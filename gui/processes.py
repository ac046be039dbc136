"""Ending processes."""

from __future__ import annotations

from PySide6.QtCore import QProcess

KILLED_MS = 10_000  # a killed process is gone at once, unless the machine is very busy


def kill(process: QProcess) -> None:
    """End it at once, and wait until it has gone."""
    process.kill()
    process.waitForFinished(KILLED_MS)
