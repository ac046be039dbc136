"""Where the columns of the lines stand, so that equals signs and decimal points stand below each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from gui import numbers, theme
from gui.manual.story import EQUALS, Story, off_by, split_result
from gui.proof.inline import width_of
from gui.tensor_views.painting import metrics

if TYPE_CHECKING:
    from engine.manual import Line

GUTTER, SIGN = 140, 36
NARROW = 820  # px of width below which the stages have less room
WITH_DOER = 1100  # px of width below which it is not said who ran a line: formulas need the room
WIDEST_NAME, WIDEST_VALUE = 0.24, 0.17  # of the width
LEAST_FORMULA = 0.42  # of the room for formulas
WRITTEN_OUT = 0.11  # of the width, for the elements of a small tensor
LEAST_VALUE = 72
MANY = 60  # lines: from here on the columns do not wait for the names
WORD_GAP = 20


@dataclass(frozen=True)
class Columns:
    """Widths in px, from left to right: stages, names, formulas, by hand, sign, autograd, who did it, difference.

    `after`: characters from the decimal point on in the widest number.
    """

    width: int
    gutter: int
    name: int
    formula: int
    value: int
    doer: int
    off: int
    after: int

    @property
    def by_hand_right(self) -> int:
        """Where the results by hand end."""
        return self.gutter + theme.SMALL + self.name + theme.SMALL + self.formula + self.value

    @property
    def autograd_right(self) -> int:
        return self.by_hand_right + SIGN + self.value

    @property
    def off_right(self) -> int:
        return self.autograd_right + self.doer + self.off


def measure(story: Story, width: int) -> Columns:
    """Columns for what is known of the story."""
    lines = [row.line for row in story.rows if row.line is not None]
    results = {split_result(text)[1] for line in lines for text in (line.by_hand, line.autograd) if text}
    single = [text for text in results if not text.startswith("[")]
    after = max((_after(text) for text in single), default=0)
    widest = max((metrics("number").horizontalAdvance(padded(text, after)) for text in single), default=0)
    if len(single) < len(results):  # small tensors are written out, as far as there is room
        widest = max(widest, int(width * WRITTEN_OUT))
    gutter = GUTTER if width >= NARROW else GUTTER - WORD_GAP
    most = int(width * WIDEST_NAME)
    names = most
    if len(story.rows) <= MANY:
        names = min(int(max((width_of([line.name]) for line in lines), default=0)) + 2, most)
    doers = max((metrics("caption").horizontalAdvance(doer) for doer in {row.doer for row in story.rows}), default=0)
    offs = max((metrics("small_number").horizontalAdvance(off) for off in {off_by(line) for line in lines}), default=0)
    value = max(LEAST_VALUE, min(widest + 2, int(width * WIDEST_VALUE)))
    doer = min(doers, width // 8) + WORD_GAP if width >= WITH_DOER else 0
    off = max(offs, metrics("caption").horizontalAdvance(off_title())) + WORD_GAP if offs else 0
    room = width - gutter - names - 2 * theme.SMALL - 2 * value - SIGN - doer - off - theme.MEDIUM
    formula = room
    if len(story.rows) <= MANY:  # the results stand close to what they come from
        widest_formula = max((_formula_width(line) for line in lines), default=0.0)
        formula = max(min(round(widest_formula) + theme.WIDE, room), round(room * LEAST_FORMULA))
    return Columns(width, gutter, names, formula, value, doer, off, after)


def _formula_width(line: Line) -> float:
    shape = split_result(line.by_hand or line.autograd)[0]
    wide = float(metrics("small_number").horizontalAdvance(shape)) + theme.MEDIUM
    if line.remark and not line.formula:
        return wide + metrics("caption").horizontalAdvance(line.remark)
    parts = [part for part in (line.formula, line.numbers) if part]
    return wide + width_of([sign for part in parts for sign in (EQUALS, part)] + [EQUALS] * bool(line.numbers))


def off_title() -> str:
    """What stands above the differences."""
    return QCoreApplication.translate("manual", "differ by at most")


def padded(text: str, after: int) -> str:
    """A result as it is shown: a true minus, and decimal points below each other."""
    shown = text.replace("-", numbers.MINUS)
    return numbers.padded(shown, after) if after else shown


def fitted(text: str, room: int) -> str:
    """A small tensor as it is written out, without as many of its middle numbers as there is no room for."""
    advance = metrics("number").horizontalAdvance
    if not text.startswith("[") or advance(text) <= room:
        return text
    members = text[1:-1].split(", ")
    for kept in range(len(members) - 1, 0, -1):
        first, last = members[: (kept + 1) // 2], members[len(members) - kept // 2 :]
        shorter = f"[{', '.join([*first, '…', *last])}]"
        if advance(shorter) <= room:
            return shorter
    return text


def _after(text: str) -> int:
    """Characters from the decimal point on."""
    return len(text) - len(text.partition(".")[0]) if text[-1:].isdigit() and not text.startswith("[") else 0
