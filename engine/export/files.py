"""Writing to where the user wants it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from engine.errors import UsageError


def save(text: str, target: Path | TextIO) -> None:
    """To a file as UTF-8, or to an open stream. UsageError if the file cannot be written."""
    if not isinstance(target, (str, Path)):
        target.write(text)
        return
    with whole(Path(target)) as part:
        part.write_bytes(text.encode("utf-8", "replace"))


def part_of(path: Path) -> Path:
    """A name beside `path` for what is being written, hidden, and with the same ending."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name to write to, which becomes `path` if all went well: nobody ever sees half a file, and what was there
    stays if it fails. Raises UsageError for an OSError."""
    part = part_of(path)
    try:
        part.touch()
        yield part
        os.replace(part, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def cannot_write(path: Path | str, error: OSError) -> UsageError:
    return UsageError(f"Cannot write {path}: {error.strerror or error}.")
