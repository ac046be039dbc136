"""The large tensors of a recording that is being written: they lie in a plain file beside it.

SQLite writes a byte into its log, sums it up, and copies it from there into the database, which takes several times as
long as a plain file does. So the `data` of a large tensor is a number, the place of its bytes in `NAME.chain-data`,
until a recording is made one file (`onefile`). docs/recording-format.md describes that file,
docs/decisions/recording-sqlite.md has the measurements.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple

SMALLEST = 64 << 10
"""Bytes of a tensor that is large: a smaller one is written into the database at once."""

_MAGIC = b"chainrule-data\n\0"  # begins the file; then comes the identity of the recording
_PIECE = 8 << 20
_SIZE = Struct("<Q")  # stands before the bytes of each tensor


class Placed(NamedTuple):
    """The bytes of a tensor that are written: where, and how many."""

    place: int
    nbytes: int


class Beside:
    """Takes in the large tensors of the recording `path`, which has that `identity`. May be used in any thread.

    The file is made for the first.
    """

    def __init__(self, path: Path, identity: bytes) -> None:
        self.path = path
        self.name = name_of(path)
        self.identity = identity
        self.size = 0
        """Bytes of the file."""
        self._head = _MAGIC + identity
        self._file: FileIO | None = None
        self._free: dict[int, list[Placed]] = {}
        self._lock = threading.Lock()

    def append(self, data: Any) -> Placed:
        """Write the bytes of a tensor (any contiguous buffer). Raises OSError."""
        content = memoryview(data).cast("B")
        with self._lock:
            if self._file is None:
                self._file = self._begun()
            free = self._free.get(len(content))
            if free:
                placed = free.pop()
            else:
                # Whatever interrupts what follows, nothing else is written there.
                placed = Placed(self.size, len(content))
                self.size += _SIZE.size + len(content)
            self._file.seek(placed.place)
            _write(self._file, _SIZE.pack(len(content)), content)
        return placed

    def free(self, placed: Placed) -> None:
        """Nothing will refer to it: the next that is as large may lie there."""
        with self._lock:
            self._free.setdefault(placed.nbytes, []).append(placed)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _begun(self) -> FileIO:
        """The file with its head; without a whole one, there is no file."""
        file = FileIO(self.name, "x")
        try:
            _write(file, self._head)
        except BaseException:
            file.close()
            self.name.unlink()
            raise
        self.size = len(self._head)
        return file


def _write(file: FileIO, *contents: bytes | memoryview) -> None:
    for content in contents:
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) or 0 :]


def name_of(path: Path) -> Path:
    """The file beside the recording `path`: as SQLite's own, it lies where a link leads to."""
    path = Path(os.path.realpath(path))
    return path.with_name(f"{path.name}-data")


def read(path: Path, identity: bytes, place: int) -> bytes:
    """The bytes at a place beside the recording `path`.

    Raises FileNotFoundError if there is no file (any more), ValueError if it has no such place, OSError.
    """
    with _open(path, identity, place) as (file, size):
        content = file.read(size)  # a system reads up to 2 GiB at once, and a tensor has less
        if len(content) != size:
            raise _too_early(path)
        return content


def pieces(path: Path, identity: bytes, place: int) -> Iterator[memoryview]:
    """The same bytes in pieces, each of which is gone when the next comes."""
    with _open(path, identity, place) as (file, size):
        buffer = memoryview(bytearray(min(size, _PIECE)))
        while size:
            count = file.readinto(buffer[: min(size, _PIECE)])
            if not count:
                raise _too_early(path)
            size -= count
            yield buffer[:count]


def size_at(path: Path, identity: bytes, place: int) -> int:
    """How many bytes there are; raises as `read`."""
    with _open(path, identity, place) as (_, size):
        return size


def is_foreign(path: Path) -> bool:
    """Whether something else has the name of what would lie beside a recording `path`. Raises OSError."""
    name = name_of(path)
    if not name.exists():
        return False
    if not name.is_file():
        return True
    with FileIO(name) as file:
        head = file.read(len(_MAGIC))
        return head != _MAGIC[: len(head)]  # who was killed may have left less than a head


def remove(path: Path) -> None:
    """Delete what lies beside the recording `path`. Raises OSError."""
    if not is_foreign(path):
        name_of(path).unlink(missing_ok=True)


@contextlib.contextmanager
def _open(path: Path, identity: bytes, place: int) -> Iterator[tuple[FileIO, int]]:
    """The file, to be read from where the bytes begin, and their number."""
    name = name_of(path)
    if name.exists() and not name.is_file():  # to open a pipe would wait for ever
        raise ValueError(f"{name.name} is no file")
    try:
        file = FileIO(name)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{name} is missing: large tensors of {path.name} lie in it. Put the two files together again."
        ) from error
    with file:
        begin = _MAGIC + identity
        if not identity or file.read(len(begin)) != begin:
            raise ValueError(f"{name.name} belongs to another recording")
        left = os.fstat(file.fileno()).st_size - place - _SIZE.size
        if place < len(begin) or left < 0:
            raise _too_early(path)
        file.seek(place)
        (size,) = _SIZE.unpack(file.read(_SIZE.size))
        if size > left:
            raise _too_early(path)
        yield file, size


def _too_early(path: Path) -> ValueError:
    return ValueError(f"{name_of(path).name} ends too early")
