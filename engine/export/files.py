"""Writing a text to where the user wants it."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from engine.errors import UsageError


def save(text: str, target: Path | TextIO) -> None:
    """To a file as UTF-8, or to an open stream. UsageError if the file cannot be written."""
    if not isinstance(target, (str, Path)):
        target.write(text)
        return
    try:
        Path(target).write_bytes(text.encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(f"Cannot write {target}: {error.strerror or error}.") from error
