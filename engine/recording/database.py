"""The SQLite file under a recording: its identity, its schema, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
from functools import cache
from pathlib import Path

from engine.errors import RecordingError
from engine.recording import beside
from engine.recording.model import FORMAT_VERSION

APPLICATION_ID = 0x43684E72  # "ChNr"
PAGE_SIZE = 32768
MAX_LENGTH = 1_000_000_000
"""SQLite's own limit for one row, in bytes; a tensor beyond it is kept as statistics only."""

CLOSED = "closed"
"""Key in `meta` of the time at which the writer closed the recording; missing while it writes, or if it was killed."""

PID = "pid"
"""Key in `meta` of the writing process's number."""

IDENTITY = "identity"
"""Key in `meta` of a random number in hexadecimal digits: what lies beside the recording begins with it."""

_SCHEMA = Path(__file__).with_name("schema.sql")
_BUSY_SECONDS = 5.0
_CACHE_BYTES = 24 << 20  # one of the writer's transactions fits


def create(path: Path) -> sqlite3.Connection:
    """A new, empty recording at `path`, in WAL mode, for one writer; an older recording there is replaced.

    Raises RecordingError if it cannot be made, or if something that is not a recording has that name.
    """
    try:
        _make_room(path)
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except OSError as error:
        raise RecordingError(f"cannot write {path}: {error.strerror or error}.") from error
    except sqlite3.Error as error:
        raise RecordingError(f"cannot write {path}: {error}.") from error
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")  # a killed process loses nothing, only a power cut may
        connection.execute(f"PRAGMA cache_size = -{_CACHE_BYTES >> 10}")
        connection.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT_VERSION};"
            f"{_SCHEMA.read_text('utf-8')} COMMIT;"
        )
    except (sqlite3.Error, OSError) as error:
        connection.close()
        raise RecordingError(f"cannot write {path}: {error}") from error
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """Read-only access to the recording at `path`; nothing in the file can make this run code.

    Raises RecordingError if the file is missing, is no recording, is damaged, or is of a newer format.
    """
    _check_file(path)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = None
    try:
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        _harden(connection)
        _check_identity(connection, path)
    except (sqlite3.Error, RecordingError) as error:
        if connection is not None:
            connection.close()
        raise explain(path, error) from error
    return connection


def identity(path: Path) -> tuple[int, int]:
    """The device and the number of the file that `path` names now; RecordingError if there is none any more."""
    try:
        status = path.stat()
    except OSError as error:
        raise _gone(path, error) from error
    return status.st_dev, status.st_ino


def recording_identity(connection: sqlite3.Connection) -> bytes | None:
    """What `meta` says that the recording is, whatever file it is in. Raises sqlite3.Error or ValueError."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (IDENTITY,)).fetchone()
    return bytes.fromhex(str(row[0])) if row is not None else None


def explain(path: Path, error: Exception) -> RecordingError:
    """The RecordingError to raise in place of `error`, which came from reading `path`."""
    if isinstance(error, RecordingError):
        return error
    text = str(error)
    if "not a database" in text:
        return _foreign(path)
    if "locked" in text or "busy" in text:
        return RecordingError(f"{path} is in use by another program; try again when it has finished.")
    if "unable to open" in text or "readonly" in text:
        return RecordingError(
            f"{path} cannot be opened: {text}. A recording that was not closed needs a folder that can be written to."
        )
    return damaged(path, text)


def damaged(path: Path, what: str) -> RecordingError:
    return RecordingError(f"{path} is damaged: {what}. Record the script again, or use another copy of the file.")


def _foreign(path: Path) -> RecordingError:
    return RecordingError(f"{path} is not a chainrule recording. Choose a .chain file that chainrule has written.")


def _make_room(path: Path) -> None:
    if path.is_dir():
        raise RecordingError(f"cannot write {path}: it is a folder; give a file name that ends in .chain.")
    if not path.parent.is_dir():
        raise RecordingError(f"cannot write {path}: its folder does not exist. Make it, or choose another.")
    if not os.access(path.parent, os.W_OK):
        raise RecordingError(f"cannot write {path}: no permission to write to its folder. Choose another.")
    if beside.is_foreign(path):
        raise RecordingError(f"cannot write {path}: {beside.name_of(path)} is in the way. Choose another name.")
    if path.exists():
        if not path.is_file():
            raise RecordingError(f"cannot write {path}: it is a device or a pipe; give the name of a file.")
        if path.stat().st_size and not _is_recording(path):
            raise RecordingError(f"cannot write {path}: a file that is not a recording has that name; choose another.")
        path.unlink()
    remove_logs(path)
    beside.remove(path)


def remove_logs(path: Path) -> None:
    """Delete what SQLite left beside a file that is no more, or it would be read with the next of that name."""
    for suffix in ("-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _is_recording(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(72)
    return head[:15] == b"SQLite format 3" and head[68:72] in (APPLICATION_ID.to_bytes(4, "big"), bytes(4))


def _gone(path: Path, error: Exception) -> RecordingError:
    if isinstance(error, FileNotFoundError):
        return RecordingError(f"{path} does not exist. Check the path; it may have been moved or deleted.")
    return RecordingError(f"{path} cannot be opened: {error}.")


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise RecordingError(f"{path} is a folder, not a chainrule recording. Choose a .chain file in it.")
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise _gone(path, error) from error
    if not os.access(path, os.R_OK):
        raise RecordingError(f"{path} cannot be opened: no permission to read it. Ask its owner for a copy.")
    if size == 0:
        raise RecordingError(f"{path} is empty: it is not a chainrule recording. Record the script again.")


def _harden(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_LENGTH)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)


def _check_identity(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise _foreign(path)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT_VERSION:
        raise RecordingError(
            f"{path} was written by a newer chainrule (format {version}; this one reads up to {FORMAT_VERSION}): "
            "update chainrule to open it."
        )
    if version < 1:
        raise damaged(path, f"its format version is {version}")
    if _schema_of(connection) != _expected_schema():
        raise damaged(path, "its tables are not those of a recording")


def _schema_of(connection: sqlite3.Connection) -> frozenset[tuple[str, str, str, str | None]]:
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT 100").fetchall()
    return frozenset(rows)


@cache
def _expected_schema() -> frozenset[tuple[str, str, str, str | None]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(_SCHEMA.read_text("utf-8"))
        return _schema_of(connection)
    finally:
        connection.close()
