"""The text of a Python file, as Python itself reads it."""

from __future__ import annotations

import io
import tokenize


def encoding_of(data: bytes) -> str:
    """What a line at the beginning says (PEP 263), else UTF-8. Raises SyntaxError if there is no such encoding, or if
    that line is not even UTF-8."""
    return tokenize.detect_encoding(io.BytesIO(data).readline)[0]


def decoded(data: bytes) -> str:
    """The text, its line ends as they are. Raises SyntaxError or UnicodeDecodeError."""
    return data.decode(encoding_of(data))


def unix_lines(text: str) -> str:
    """The same text with "\\n" at the end of each line as Python counts them: a form feed ends none."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
