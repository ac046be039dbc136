"""A script's file: it is written back as it was, in its own encoding and with its own line ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from engine.errors import UsageError
from engine.source_text import decoded, encoding_of, unix_lines


@dataclass(frozen=True)
class TextFile:
    """`text` has "\\n" at the end of each line, whatever the file has."""

    text: str
    encoding: str = "utf-8"
    newline: str = "\n"


def read_text_file(path: Path) -> TextFile:
    """Raises OSError, or UsageError where Python could not read it either."""
    data = path.read_bytes()
    try:
        text, encoding = decoded(data), encoding_of(data)
    except UnicodeDecodeError as error:
        words = QCoreApplication.translate(
            "SourcePane",
            "it is not {0}, as byte {1} shows. If it is in another encoding, its first line can say so: "
            "# -*- coding: latin-1 -*-",
        )
        raise UsageError(words.format(error.encoding.upper(), error.start)) from error
    except SyntaxError as error:
        raise UsageError(str(error.msg)) from error
    return TextFile(unix_lines(text), encoding, "\r\n" if "\r\n" in text else "\n")


def write_text_file(path: Path, text: str, like: TextFile) -> TextFile:
    """What is in the file then: as `like` was, unless the text itself says that it is in another encoding. Raises
    OSError, or UsageError where the encoding lacks a character."""
    new = replace(like, text=text)
    try:
        said = encoding_of(text.encode())
        if said != "utf-8" or like.encoding != "utf-8-sig":
            new = replace(new, encoding=said)
    except SyntaxError:
        pass  # Python will complain of it, and say where
    try:
        data = text.replace("\n", like.newline).encode(new.encoding)
    except UnicodeEncodeError as error:
        words = QCoreApplication.translate("SourcePane", "there is no {0} in {1}, the encoding that it says it is in")
        raise UsageError(words.format(repr(text[error.start]), new.encoding)) from error
    path.write_bytes(data)
    return new
