"""Whether whoever writes a recording still runs."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

from engine.recording import database


def runs(pid: int) -> bool:
    """Whether there is a process of that number; on Windows, where asking could end it, it is taken for granted."""
    if sys.platform == "win32":
        return True
    if pid < 1:  # a group of processes, or none that was written down
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def is_written(path: Path) -> bool:
    """Whether the recording at `path` is still being written, without reading the rest of it. Raises RecordingError."""
    connection = database.connect(path)
    try:
        meta = dict(
            connection.execute("SELECT key, value FROM meta WHERE key IN (?, ?)", (database.CLOSED, database.PID))
        )
        return database.CLOSED not in meta and runs(int(meta.get(database.PID, 0)))
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise database.explain(path, error) from error
    finally:
        connection.close()
