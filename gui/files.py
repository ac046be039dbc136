"""Files: what kind one is, where runs are recorded, how a recording is copied while it may still be growing."""

from __future__ import annotations

import contextlib
import threading
import time
from itertools import count
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QMimeData, QObject, QThreadPool, Signal

from gui.settings import cache_folder

RECORDING_SUFFIX = ".chain"
SQLITE_MAGIC = b"SQLite format 3\0"
KEPT_RUNS = 5
KEPT_BYTES = 8 << 30
RUN_BYTES = KEPT_BYTES // 2  # so that the run before is kept as well
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
    """Bytes of a recording on the disk, with what lies beside it: large tensors, and a log while it is written."""
    total = 0
    for part in _parts(path):
        with contextlib.suppress(OSError):
            total += part.stat().st_size
    return total


def _parts(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{suffix}") for suffix in ("", "-data", "-wal", "-shm")]


def is_run_file(path: Path) -> bool:
    """Whether a recording lies where runs are recorded, that is, was not saved elsewhere."""
    return path.parent == cache_folder("recordings")


def is_ours(path: Path) -> bool:
    """Whether a file lies in a folder of the program's, in which no user would look for theirs."""
    return path.absolute().parent in (EXAMPLES, cache_folder("recordings"), cache_folder("models"))


def own_script(name: str, text: str) -> Path:
    """Write a script that was made for the user, beside those that they may have edited since. Raises OSError."""
    for number in count(1):
        path = cache_folder("models") / (f"{name}-{number}.py" if number > 1 else f"{name}.py")
        if not path.exists():
            path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8", errors="replace") != text:
            continue
        break
    return path


def clean_up_runs(keep: Path | None = None, runs: int = KEPT_RUNS, size: int = KEPT_BYTES) -> None:
    """Delete all but the newest runs, and more if they are larger than `size` bytes together.

    Never `keep`, nor what a script of another window is still being recorded to.
    """
    files = []
    for path in cache_folder("recordings").glob(f"*{RECORDING_SUFFIX}"):
        with contextlib.suppress(OSError):  # another window deletes them, too
            files.append((path.stat().st_mtime, path))
    total = 0
    for number, (_, path) in enumerate(sorted(files, reverse=True)):
        total += size_of(path)
        if path != keep and (number >= runs or total > size) and not _is_written(path):
            for part in _parts(path):
                _delete(part)


def _is_written(path: Path) -> bool:
    from engine.errors import RecordingError
    from engine.recording import writers

    try:
        return writers.is_written(path)
    except RecordingError:  # nothing that could still be read
        return False


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # open elsewhere (Windows); the next start tries again


def copy_recording(source: Path, target: Path) -> None:
    """Write what `source` holds now, growing or not, into one file. Raises RecordingError or OSError."""
    from engine.recording import onefile
    from engine.recording.reader import open_recording

    with open_recording(source) as recording:
        onefile.write(recording, target)


class Copier(QObject):
    """Copies recordings in another thread, one after the other: two may be of one name."""

    done = Signal(Path)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._turn = threading.Lock()

    def copy(self, source: Path, target: Path) -> None:
        QThreadPool.globalInstance().start(lambda: self._copy(source, target))

    def _copy(self, source: Path, target: Path) -> None:
        from engine.errors import RecordingError

        problem = ""
        try:
            with self._turn:
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
