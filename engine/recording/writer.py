"""Writes a recording from a thread of its own.

The script's thread only appends rows to a list; encoding, SQLite and the disk are the writer thread's work, most of it
with the interpreter lock released. docs/decisions/recording-sqlite.md has the measurements behind the numbers here.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import sqlite3
import sys
import threading
import time
import warnings
import weakref
from collections import deque
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.errors import RecordingError
from engine.recording import beside, database, onefile, plain
from engine.recording.beside import Placed
from engine.recording.encode import TABLES, WITH_BLOB, Columns, Table, size_of, text, weight_of
from engine.recording.measurement import Content, measure_together
from engine.recording.model import Event, RecordingInfo, Row

_GATHER_SECONDS = 0.05  # rows wait this long for company; a commit is due within 0.1 s
_BATCH_BYTES = 8 << 20  # of one transaction
_BATCH_ROWS = 8192  # likewise
_POLITE_ROWS = 32  # encoded at a time while the script may want the interpreter lock
_ROWS_OF_STATEMENT = (128, 16, 1)
_ROW_BYTES = 512  # what a row costs in memory beside its blob
_CHECKPOINT_BYTES = 8 << 20  # the write-ahead log stays small, so that its pages are used again instead of new ones
_CLOSE_PATIENCE = 2.0  # seconds to wait for readers to let go of the file
_rest = time.sleep  # as it is, whatever a script may put in its place

_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


class Writer:
    """Appends rows to a new recording.

    Rows become visible to readers in the order in which they were put, so put what a row refers to before the row. An
    error in the thread (disk full) is kept, and raised as RecordingError by the next `put`, `flush` or `close`. In a
    forked child the writer does nothing.

    `queue_bytes` bounds the memory that waits to be written; `put` blocks while it is used up. Without `one_file` the
    large tensors stay beside the recording when it is closed. Raises RecordingError if the file cannot be made.
    """

    def __init__(self, path: Path, info: RecordingInfo, *, queue_bytes: int = 256 << 20, one_file: bool = True) -> None:
        self.path = path
        self.committed_events = 0
        self._queue_bytes = queue_bytes
        self._one_file = one_file
        self._connection = database.create(path)
        identity = os.urandom(16)
        # A script may go to another folder, and let a link lead elsewhere.
        self._beside = beside.Beside(Path(os.path.realpath(path)), identity)
        self._file = database.identity(path)
        self._insert_meta(info, identity)
        self._pid = os.getpid()
        self._rows: deque[Row | Content | Columns] = deque()
        self._bytes = 0
        self._put = 0
        self._committed = 0
        self._urgent = False
        self._closing = False
        self._error: RecordingError | None = None
        lock = threading.Lock()
        self._wake = threading.Condition(lock)  # for the thread: there is work
        self._done = threading.Condition(lock)  # for callers: a batch was committed
        self._thread = threading.Thread(target=self._run, name="chainrule-writer", daemon=True)
        self._thread.start()
        _writers.add(self)
        atexit.register(self._close_at_exit)

    def put(self, row: Row) -> None:
        """Queue one row. Blocks while the queue is full; does nothing after `close` and in a forked child."""
        self.put_all((row,))

    def put_all(self, rows: Iterable[Row | Content | Columns]) -> None:
        """Queue several rows at once, which costs less than as many `put`s. A tuple is a Value, as it is stored."""
        rows = tuple(rows)
        if self._inactive() or not rows:
            return
        size = _ROW_BYTES * len(rows) + sum([weight_of(row) for row in rows if type(row) in WITH_BLOB])
        with self._wake:
            while self._bytes and self._bytes + size > self._queue_bytes and self._error is None:
                self._urgent = True
                self._wake.notify()
                self._done.wait()
            self._raise_error()
            if self._inactive():
                return
            before = self._bytes
            self._rows.extend(rows)
            self._put += len(rows)
            self._bytes = before + size
            if before == 0 or before < _BATCH_BYTES <= self._bytes:
                self._wake.notify()

    def set_aside(self, content: Any) -> Placed | None:
        """Write the bytes of a large tensor now, in the caller's thread: a row may have their place for its data.

        For what lies in one piece that takes less than to copy it for the thread. None if nothing is written any more.
        Raises RecordingError; what was put before is written all the same, if there is room for it.
        """
        if self._inactive():
            return None
        self._raise_error()
        try:
            return self._append(content)
        except OSError as error:
            raise RecordingError(f"cannot write {self._beside.name}: {error}") from error

    @property
    def bytes_aside(self) -> int:
        """Bytes of the large tensors that lie beside the recording."""
        return self._beside.size

    @property
    def bytes_taken(self) -> int:
        """Bytes on the disk, but for the log, which stays small."""
        try:
            return self._beside.size + self._beside.path.stat().st_size
        except OSError:  # somebody has taken it away
            return self._beside.size

    @property
    def bytes_to_copy(self) -> int:
        """Bytes that it needs besides on the disk while it is made one file."""
        return self.bytes_taken if self._one_file and self._beside.size else 0

    def take_back(self, placed: Placed) -> None:
        """No row will have it."""
        self._beside.free(placed)

    def flush(self) -> None:
        """Return when everything put so far is committed."""
        if self._inactive():
            return
        with self._wake:
            goal = self._put
            while self._committed < goal and self._error is None:
                self._urgent = True
                self._wake.notify()
                self._done.wait()
            self._raise_error()

    def close(self) -> None:
        """Commit what is queued, and make it one file. May be called again.

        Where that cannot be, the recording stays as it is beside its large tensors, with a RuntimeWarning.
        """
        if self._inactive():
            return
        atexit.unregister(self._close_at_exit)
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        alone = False
        try:
            if self._error is None:
                alone = self._fold()
        except sqlite3.Error as error:
            self._error = RecordingError(f"cannot finish {self.path}: {error}")
        finally:
            self._beside.close()
            self._connection.close()
        self._raise_error()
        if self._one_file and self._beside.size:
            self._take_in(alone)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _close_at_exit(self) -> None:
        with contextlib.suppress(RecordingError):  # nobody is left who could hear of it
            self.close()

    def _inactive(self) -> bool:
        """Closed, or in a forked child."""
        return self._closing or os.getpid() != self._pid

    def _has_name(self) -> bool:
        """Whether the file is still there: as of two processes of one training, another recording may take its name."""
        try:
            return database.identity(self._beside.path) == self._file
        except RecordingError:
            return False

    def _append(self, data: Any) -> Placed:
        if not self._beside.size and not self._has_name():  # what is to lie there now is that recording's
            raise OSError("another recording has taken its name, or it was removed")
        return self._beside.append(data)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _insert_meta(self, info: RecordingInfo, identity: bytes) -> None:
        values = {
            "script": text(info.script),
            "argv": plain.dumps([text(argument) for argument in info.argv]),
            "cwd": text(info.cwd),
            "torch": info.torch,
            "python": info.python,
            "created": repr(info.created),
            "tensors": info.tensors,
            "budget": str(info.budget),
            "format_version": str(info.format_version),
            database.PID: str(os.getpid()),
            database.IDENTITY: identity.hex(),
        }
        self._connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_BYTES // database.PAGE_SIZE}")

    def _run(self) -> None:
        try:
            while self._wait_for_rows():
                self._write_batch()
        except Exception as error:  # kept, and raised where the caller can see it
            with self._wake:
                self._error = RecordingError(f"cannot write {self.path}: {error}")
                self._rows.clear()
                self._bytes = 0
                self._done.notify_all()

    def _wait_for_rows(self) -> bool:
        """True if there is something to write, False if the writer was closed and nothing is left."""
        with self._wake:
            while not self._rows and not self._closing:
                self._wake.wait()
            if self._bytes < _BATCH_BYTES and not self._closing and not self._urgent:
                self._wake.wait(_GATHER_SECONDS)
            self._urgent = False
            return bool(self._rows)

    def _write_batch(self) -> None:
        """One transaction: the oldest rows, up to `_BATCH_BYTES`."""
        rows, size = self._take_batch()
        measure_together(row.measurement for row in rows if isinstance(row, Content))
        batch: dict[type[Any], list[Columns]] = {}
        for place, row in enumerate(rows):
            if place % _POLITE_ROWS == 0:
                _rest(0)  # whoever waits for the interpreter lock has it now, instead of after 5 ms
            kind: type[Any] = type(row)
            columns = TABLES[kind].encode(row)
            if kind in WITH_BLOB and columns[-1] is not None and size_of(row) >= beside.SMALLEST:
                data = columns[-1]
                placed = data if type(data) is Placed else self._append(data)
                columns = (*columns[:-1], placed.place)
            batch.setdefault(kind, []).append(columns)
        self._connection.execute("BEGIN")
        for kind, encoded in batch.items():
            self._insert(TABLES[kind], encoded)
        self._connection.execute("COMMIT")
        with self._wake:
            self._bytes -= size
            self._committed += len(rows)
            self.committed_events += len(batch.get(Event, ()))
            self._done.notify_all()

    def _take_batch(self) -> tuple[list[Row | Content | Columns], int]:
        """The rows of the next transaction, and their weight."""
        taken: list[Row | Content | Columns] = []
        size = 0
        rows = self._rows  # append and popleft of a deque need no lock
        while rows and size < _BATCH_BYTES and len(taken) < _BATCH_ROWS:
            row = rows.popleft()
            size += _ROW_BYTES + (weight_of(row) if type(row) in WITH_BLOB else 0)
            taken.append(row)
        return taken, size

    def _insert(self, table: Table, rows: list[Columns]) -> None:
        """Many rows with few statements: after each one, this thread must wait for the interpreter lock again."""
        start = 0
        for count in _ROWS_OF_STATEMENT:
            sql = f"INSERT INTO {table.name} VALUES {','.join([table.values] * count)}"
            while start + count <= len(rows):
                self._connection.execute(sql, tuple(chain.from_iterable(rows[start : start + count])))
                start += count

    def _fold(self) -> bool:
        """Go on without a log. A reader that holds on to the file is waited for, but not for ever.

        Returns whether it is so: else the log stays beside the file, and both together are read as one.
        """
        self._connection.execute("INSERT INTO meta VALUES (?, ?)", (database.CLOSED, repr(time.time())))
        self._connection.execute("PRAGMA busy_timeout = 100")
        deadline = time.monotonic() + _CLOSE_PATIENCE
        while self._has_name():  # else SQLite would remove the log of another recording
            try:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if self._connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete":
                    return True
            except sqlite3.OperationalError:
                pass
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        return False

    def _take_in(self, alone: bool) -> None:
        """Put the large tensors into the database."""
        try:
            if not alone:  # a log that stays would be read with the file that is put in place of this
                raise RecordingError("another program is reading it.")
            onefile.replace(self._beside.path, self._beside.identity)
        except (RecordingError, OSError, KeyboardInterrupt) as error:
            if isinstance(error, RecordingError) and not self._has_name():
                told = f"{self.path} is lost: another recording has taken its name, or it was removed."
            else:
                told = (
                    f"{self.path} is complete, but two files: its large tensors stay in {self._beside.name}, since "
                    f"they could not be put into it: {str(error) or 'interrupted.'} Keep both together."
                )
            warnings.warn(told, RuntimeWarning, stacklevel=3)
            if isinstance(error, KeyboardInterrupt):
                raise

    def abandon(self) -> None:
        """For a forked child: never touch the connection, not even to close it at exit."""
        self._closing = True
        self._beside.close()
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))


def _after_fork_in_child() -> None:
    for writer in tuple(_writers):
        writer.abandon()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_after_fork_in_child)
