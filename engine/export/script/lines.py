"""Python text as a formatter would leave it: at most 120 columns, long calls over several lines."""

from __future__ import annotations

from collections.abc import Iterable

WIDTH = 120
INDENT = "    "
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def block(lines: Iterable[str], depth: int = 1) -> list[str]:
    """Statements (with the indentation that they have among themselves) at `depth`, none too long."""
    found: list[str] = []
    for line in lines:
        if not line:
            found.append("")
            continue
        inner = (len(line) - len(line.lstrip())) // len(INDENT)
        found += statement(line.strip(), depth + inner)
    return found


def statement(text: str, depth: int) -> list[str]:
    """One statement, perhaps with a comment at its end, which moves above it if both do not fit."""
    indent = INDENT * depth
    if len(indent + text) <= WIDTH or text.startswith("#"):
        return [indent + text]
    code, mark, remark = text.partition("  # ")
    if mark:
        return [f"{indent}# {remark}", *statement(code, depth)]
    opening = _last_bracket(code)
    if opening is None:
        left, equals, right = code.partition(" = ")
        return [f"{indent}{left} = (", f"{indent}{INDENT}{right}", f"{indent})"] if equals else [indent + code]
    inside = code[opening + 1 : -1]
    if len(indent) + len(INDENT) + len(inside) <= WIDTH:
        return [indent + code[: opening + 1], indent + INDENT + inside, indent + code[-1]]
    parts = [f"{indent}{INDENT}{part}," for part in split(inside)]
    return [indent + code[: opening + 1], *parts, indent + code[-1]]


def _last_bracket(code: str) -> int | None:
    """Where the bracket opens that closes at the very end."""
    if not code or code[-1] not in _PAIRS.values():
        return None
    depth = 0
    for position in range(len(code) - 1, -1, -1):
        if code[position] in _PAIRS.values():
            depth += 1
        elif code[position] in _PAIRS:
            depth -= 1
            if depth == 0:
                return position
    return None


def split(text: str) -> list[str]:
    """Parts between commas that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in _PAIRS) - (character in _PAIRS.values())
        if character == "," and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    return [part for part in (*parts, text[start:].strip()) if part]
