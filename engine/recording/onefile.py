"""Makes one file of a recording and the large tensors that lie beside it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from engine.errors import RecordingError
from engine.recording import beside, database
from engine.recording.reader import Recording, open_recording

_CACHE_BYTES = 24 << 20


def write(recording: Recording, target: Path) -> None:
    """Write what a recording holds now, growing or not, into one file; what `target` was is replaced.

    Raises RecordingError if it cannot be read, OSError if it cannot be written; `target` is as it was then.
    """
    with _whole(recording, target) as part:
        _put(part, target)


def replace(path: Path, identity: bytes | None = None) -> None:
    """Make one file of a closed recording, in its own place, if it still has that `identity`. Raises as `write`."""
    path = Path(os.path.realpath(path))
    file = database.identity(path)
    with open_recording(path) as recording:
        if identity not in (None, recording.identity):
            raise _taken(path)
        with _whole(recording, path) as part:
            if database.identity(path) != file:  # a gigabyte takes some seconds
                raise _taken(path)
            _put(part, path)


def _taken(path: Path) -> RecordingError:
    return RecordingError(f"{path} is another recording by now.")


def _put(part: Path, target: Path) -> None:
    database.remove_logs(target)
    os.replace(part, target)
    with contextlib.suppress(OSError):  # somebody has it open (Windows); the next recording of that name removes it
        beside.remove(target)


@contextlib.contextmanager
def _whole(recording: Recording, target: Path) -> Iterator[Path]:
    """One file with what a recording holds now, in the folder of `target`; it is gone afterwards, if it is there."""
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with recording.held() as connection, _faults_of(target):
            copy = sqlite3.connect(part, isolation_level=None)
            try:
                connection.backup(copy)
                _take_in(copy, recording)
            finally:
                copy.close()
        yield part
    finally:
        part.unlink(missing_ok=True)


def _take_in(copy: sqlite3.Connection, recording: Recording) -> None:
    copy.execute("PRAGMA journal_mode = DELETE")
    copy.execute("PRAGMA journal_mode = OFF")  # who is interrupted leaves nothing behind
    copy.execute("PRAGMA synchronous = OFF")
    copy.execute(f"PRAGMA cache_size = -{_CACHE_BYTES >> 10}")
    copy.execute("BEGIN")
    outside = copy.execute("SELECT id, data FROM tensor WHERE typeof(data) = 'integer' ORDER BY data").fetchall()
    for tensor, place in outside:
        size = beside.size_at(recording.path, recording.identity, place)
        copy.execute("UPDATE tensor SET data = zeroblob(?) WHERE id = ?", (size, tensor))
        with copy.blobopen("tensor", "data", tensor) as blob:
            for piece in beside.pieces(recording.path, recording.identity, place):
                blob.write(piece)
    copy.execute("COMMIT")


@contextlib.contextmanager
def _faults_of(target: Path) -> Iterator[None]:
    """What goes wrong in writing there is not held against what is read."""
    try:
        yield
    except sqlite3.Error as error:
        if error.sqlite_errorname.startswith(
            ("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR_WRITE")
        ):
            raise OSError(f"{target.parent} cannot be written to: {error}.") from error
        raise
