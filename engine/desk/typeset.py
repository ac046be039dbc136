"""Formulas as pictures: LaTeX to outlines, by ziamath, which is imported when the first formula is wanted.

Setting a formula takes some 20 ms, so the desk does it: it sends pictures along with its answers (`news`), and the
window, which keeps them (`keep`), finds them there.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

SIZE = 16.0  # px of the font that formulas are set in; views scale them
KEPT = 4096  # pictures; of those that were sent half as many are remembered, and the others sent again
_SIGN = re.compile(r"(^|[({\[=,]|\\cdot|\\approx)(\s*)-(?=\S)")
_NUMBER = re.compile(r"\\left\((-?[\d.]+)\\right\)")  # needs no brackets that grow, which take twice as long to set
_TAG = re.compile(r'<svg[^>]*?width="([\d.]+)" height="([\d.]+)" viewBox="([-\d. ]+)"')
_LOCK = threading.Lock()  # ziamath keeps fonts in tables of its own


@dataclass(frozen=True)
class Formula:
    """An SVG whose colour is "currentColor"; `ascent` and `descent` are above and below the line, in px at SIZE."""

    svg: str
    width: float
    ascent: float
    descent: float


_pictures: dict[str, Formula | None] = {}
_wanted: dict[str, None] = {}  # in order, since the last news
_sent: set[str] = set()


def set_formula(latex: str) -> Formula | None:
    """The formula set at SIZE, or None if it cannot be: whoever asked shows the text instead."""
    if not latex:
        return None
    if latex not in _pictures:
        keep([(latex, _set(latex))])
    if latex not in _sent:
        _wanted[latex] = None
    return _pictures[latex]


def keep(pictures: Iterable[tuple[str, Formula | None]]) -> None:
    """Have these formulas at hand."""
    for latex, picture in pictures:
        if len(_pictures) >= KEPT:
            for oldest in list(_pictures)[: KEPT // 2]:
                del _pictures[oldest]
        _pictures[latex] = picture


def news() -> tuple[tuple[str, Formula | None], ...]:
    """The formulas that were asked for since the last call, and were not told of before."""
    if len(_sent) >= KEPT // 2:
        _sent.clear()
    found = tuple((latex, _pictures[latex]) for latex in _wanted if latex in _pictures)
    _sent.update(_wanted)
    _wanted.clear()
    return found


def _set(latex: str) -> Formula | None:
    with _LOCK:
        try:
            svg: str = _typesetter()(tidy(latex), size=SIZE, color="currentColor").svg()
        except Exception:  # a formula that the typesetter does not take must not take the inspector with it
            return None
    found = _TAG.search(svg)
    if found is None:
        return None
    svg = svg.replace('"black"', '"currentColor"')  # ziamath's bars over letters have no other
    _, top, width, height = map(float, found[3].split())
    return Formula(svg, width, -top, height + top)


@cache
def _typesetter() -> Any:
    """ziamath's class for a formula in LaTeX."""
    with warnings.catch_warnings():
        # It asks importlib.resources for its font in a way that Python 3.11 to 3.12 call outdated.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ziamath.config import config
        from ziamath.zmath import Latex
    config.svg2 = False  # Qt knows SVG 1.2 only
    return Latex


def tidy(latex: str) -> str:
    """A minus that is a sign, and not between two operands, stands close to its number."""
    return _SIGN.sub(lambda found: f"{found[1]}{found[2]}{{-}}", _NUMBER.sub(r"(\1)", latex))


def pieces(latex: str) -> tuple[str, ...]:
    """The parts between which a long formula may be broken: before each =, ≈, + and − that is in no bracket, and
    between two formulas."""
    depth, start, found, place = 0, 0, [], 0
    while place < len(latex):
        if latex.startswith((r"\left", r"\begin"), place) and not latex.startswith(r"\leftarrow", place):
            depth += 1
        elif latex.startswith((r"\right", r"\end"), place) and not latex.startswith(r"\rightarrow", place):
            depth -= 1
        elif latex[place] in "{([":
            depth += 1
        elif latex[place] in "})]":
            depth -= 1
        elif depth == 0 and _breaks(latex, start, place):
            found.append(latex[start:place].strip())
            start = place
        place += 1
    return tuple(part for part in (*found, latex[start:].strip()) if part)


def _breaks(latex: str, start: int, place: int) -> bool:
    """Whether a line may begin at `place`: at an operator that has something before it."""
    before = latex[start:place].strip()
    if not before or before in ("=", r"\approx", "+", "-"):
        return False
    if latex.startswith(r"\quad", place):
        return True
    if latex[place] == "=" and before.startswith(r"\quad") and "=" not in before:
        return False  # a second formula, which tells what a sign of the first one stands for
    if latex[place] in "+-":
        return not before.endswith((r"\cdot", "="))
    return latex[place] == "=" or latex.startswith(r"\approx", place)
