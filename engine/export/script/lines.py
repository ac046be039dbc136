"""Python text as a formatter would leave it: at most 120 columns, long calls and sums over several lines."""

from __future__ import annotations

import re
from collections.abc import Iterable

WIDTH = 120
INDENT = "    "
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_OPERATORS = ((" + ", " - "), (" * ", " / ", " @ "))


def block(lines: Iterable[str], depth: int = 1) -> list[str]:
    """Statements (with the indentation that they have among themselves) at `depth`, none too long."""
    found: list[str] = []
    for line in lines:
        inner = (len(line) - len(line.lstrip())) // len(INDENT)
        found += statement(line.strip(), depth + inner) if line else [""]
    return found


def statement(text: str, depth: int) -> list[str]:
    """One statement, perhaps with a comment at its end, which moves above it if both do not fit."""
    indent = INDENT * depth
    if len(indent + text) <= WIDTH or text.startswith("#"):
        return [indent + text]
    code, mark, remark = text.partition("  # ")
    if mark:
        return [f"{indent}# {remark}", *statement(code, depth)]
    assigned = re.fullmatch(r"(.*?) ([*+]?=) (.*)", code)
    if assigned is None:
        return _expression(code, depth, "") if len(_terms(code)) == 1 else [indent + code]
    left = f"{assigned[1]} {assigned[2]} "
    broken = _expression(assigned[3], depth, left)
    if max(len(line) for line in broken) <= WIDTH:
        return broken
    return [f"{indent}{left}(", *_expression(assigned[3], depth + 1, ""), f"{indent})"]


def _expression(code: str, depth: int, before: str) -> list[str]:
    """An expression after `before`: on one line, or broken within its call, or before its operators."""
    indent = INDENT * depth
    if len(indent + before + code) <= WIDTH:
        return [indent + before + code]
    parts, opening = _terms(code), _last_bracket(code)
    head = WIDTH + 1 if opening is None else len(indent + before) + opening + 1
    if len(parts) > 2 or (len(parts) == 2 and head > WIDTH):
        return (
            [f"{indent}{before}{code}"] if before else [line for part in parts for line in _expression(part, depth, "")]
        )
    if opening is None:
        return [f"{indent}{before}{code}"]
    inside, end = code[opening + 1 : -1], code[-1]
    method = re.fullmatch(r"(.*\))(\.\w+\(.*\))", code)
    if method and len(method[2]) <= 40 and _last_bracket(method[1]) is not None:  # a call of what brackets enclose
        opening = _last_bracket(method[1]) or 0
        inside, end = method[1][opening + 1 : -1], f"){method[2]}"
    if len(indent) + len(INDENT) + len(inside) <= WIDTH:
        lines = [f"{indent}{INDENT}{inside}"]
    elif len(split(inside)) > 1:
        lines = [f"{indent}{INDENT}{part}," for part in split(inside)]
    else:
        lines = _expression(inside, depth + 1, "")
    return [indent + before + code[: opening + 1], *lines, indent + end]


def _last_bracket(code: str) -> int | None:
    """Where the bracket opens that closes at the very end."""
    if not code or code[-1] not in _PAIRS.values():
        return None
    depth = 0
    for position in range(len(code) - 1, -1, -1):
        depth += (code[position] in _PAIRS.values()) - (code[position] in _PAIRS)
        if depth == 0:
            return position
    return None


def _terms(code: str) -> list[str]:
    """The operands of the operators that bind least, each but the first with its operator."""
    for operators in _OPERATORS:
        parts, depth, start = [], 0, 0
        for position, character in enumerate(code):
            depth += (character in _PAIRS) - (character in _PAIRS.values())
            if depth == 0 and code[position : position + 3] in operators:
                parts.append(code[start:position])
                start = position + 1
        if parts:
            return [*parts, code[start:]]
    return [code]


def split(text: str) -> list[str]:
    """Parts between commas that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in _PAIRS) - (character in _PAIRS.values())
        if character == "," and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    return [part for part in (*parts, text[start:].strip()) if part]
