"""Files: what kind one is, where runs are recorded, how a recording is copied while it may still be growing."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QMimeData, QObject, QThreadPool, Signal

from gui.settings import cache_folder

RECORDING_SUFFIX = ".chain"
SQLITE_MAGIC = b"SQLite format 3\0"
KEPT_RUNS = 5
KEPT_BYTES = 8 << 30
EXAMPLES = Path(__file__).resolve().parent.parent / "resources" / "examples"

Kind = Literal["script", "recording", "unknown"]


def kind_of(path: Path) -> Kind:
    """By its name, or, where that says nothing, by its first bytes. Of a file that is not there: by its name."""
    if path.suffix == RECORDING_SUFFIX:
        return "recording"
    if path.suffix in (".py", ".pyw"):
        return "script"
    try:
        with path.open("rb") as file:
            return "recording" if file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC else "unknown"
    except OSError:
        return "unknown"


def local_files(data: QMimeData) -> list[Path]:
    """What is dragged from the desktop."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def example(name: str) -> Path:
    return EXAMPLES / f"{name}.py"


def new_run_file(script: Path) -> Path:
    """Where a run of `script` is recorded until it is saved: an empty file, so that no other window takes its name."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = cache_folder("recordings")
    for number in count(1):
        again = f"-{number}" if number > 1 else ""
        path = folder / f"{script.stem}-{stamp}{again}{RECORDING_SUFFIX}"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        except OSError:
            break  # who is to write there will say why it cannot
        break
    return path


def drop_unused(path: Path) -> None:
    """Delete what `new_run_file` made if nothing was written to it: it would count as one of the runs that are kept."""
    with contextlib.suppress(OSError):
        if path.stat().st_size == 0:
            _delete(path)


def size_of(path: Path) -> int:
    """Bytes of a recording on the disk, with the log that lies beside it while it is written."""
    total = 0
    for part in (path, path.with_name(f"{path.name}-wal")):
        with contextlib.suppress(OSError):
            total += part.stat().st_size
    return total


def is_run_file(path: Path) -> bool:
    """Whether a recording lies where runs are recorded, that is, was not saved elsewhere."""
    return path.parent == cache_folder("recordings")


def clean_up_runs(keep: Path | None = None, runs: int = KEPT_RUNS, size: int = KEPT_BYTES) -> None:
    """Delete all but the newest runs, and more if they are larger than `size` bytes together; never `keep`."""
    files = [(path.stat().st_mtime, path) for path in cache_folder("recordings").glob(f"*{RECORDING_SUFFIX}")]
    total = 0
    for number, (_, path) in enumerate(sorted(files, reverse=True)):
        total += path.stat().st_size
        if path != keep and (number >= runs or total > size):
            for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                _delete(name)


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # open elsewhere (Windows); the next start tries again


def copy_recording(source: Path, target: Path) -> None:
    """Write what `source` holds now, growing or not, into one file. Raises RecordingError or OSError."""
    import sqlite3

    from engine.recording.reader import open_recording

    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with open_recording(source) as recording, recording.held() as connection, _faults_of(target):
            copy = sqlite3.connect(part, isolation_level=None)
            try:
                connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _faults_of(target: Path) -> Iterator[None]:
    """What goes wrong in writing there is not held against what is read."""
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        if error.sqlite_errorname.startswith(
            ("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR_WRITE")
        ):
            raise OSError(f"{target.parent} cannot be written to: {error}.") from error
        raise


class Copier(QObject):
    """Copies recordings in another thread."""

    done = Signal(Path)
    failed = Signal(str)

    def copy(self, source: Path, target: Path) -> None:
        QThreadPool.globalInstance().start(lambda: self._copy(source, target))

    def _copy(self, source: Path, target: Path) -> None:
        from engine.errors import RecordingError

        problem = ""
        try:
            copy_recording(source, target)
        except (RecordingError, OSError) as error:
            problem = str(error)
        with contextlib.suppress(RuntimeError):  # the window is gone
            if problem:
                self.failed.emit(self.tr("The recording could not be saved as {0}: {1}").format(target, problem))
            else:
                self.done.emit(target)


def short(folder: Path) -> str:
    """A folder as people write it: from their own on."""
    home = Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
