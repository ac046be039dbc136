"""Where the columns of the lines stand, so that equals signs and decimal points stand below each other."""

from __future__ import annotations

from dataclasses import dataclass

from gui import numbers, theme
from gui.manual.story import Story, off_by, split_result
from gui.proof.inline import width_of
from gui.tensor_views.painting import metrics

GUTTER, SIGN = 116, 36
NARROW = 820  # px of width below which only the results are told
WIDEST_NAME, WIDEST_VALUE = 0.24, 0.17  # of the width
LEAST_VALUE = 72
MANY = 60  # lines: from here on the columns do not wait for the names
WORD_GAP = 20


@dataclass(frozen=True)
class Columns:
    """Widths in px, from left to right: stages, names, (formulas: what is left), by hand, sign, autograd, who did it,
    difference. `after`: characters from the decimal point on in the widest number."""

    width: int
    gutter: int
    name: int
    value: int
    doer: int
    off: int
    after: int

    @property
    def by_hand_right(self) -> int:
        """Where the results by hand end."""
        return self.autograd_right - self.value - SIGN

    @property
    def autograd_right(self) -> int:
        return self.width - theme.MEDIUM - self.off - self.doer


def measure(story: Story, width: int) -> Columns:
    """Columns for what is known of the story."""
    lines = [row.line for row in story.rows if row.line is not None]
    results = [split_result(text)[1] for line in lines for text in (line.by_hand, line.autograd) if text]
    after = max((_after(text) for text in results), default=0)
    widest = max((metrics("number").horizontalAdvance(padded(text, after)) for text in results), default=0)
    gutter = GUTTER if width >= NARROW else GUTTER - WORD_GAP
    most = int(width * WIDEST_NAME)
    names = most
    if len(story.rows) <= MANY:
        names = min(int(max((width_of([line.name]) for line in lines), default=0)) + 2, most)
    doers = max((metrics("caption").horizontalAdvance(row.doer) for row in story.rows), default=0)
    offs = max((metrics("small_number").horizontalAdvance(off_by(line)) for line in lines), default=0)
    header = metrics("caption").horizontalAdvance(off_title())
    return Columns(
        width,
        gutter,
        names,
        max(LEAST_VALUE, min(widest + 2, int(width * WIDEST_VALUE))),
        min(doers, width // 8) + WORD_GAP if width >= NARROW else 0,
        max(offs, header) + WORD_GAP if offs else 0,
        after,
    )


def off_title() -> str:
    """What stands above the differences."""
    from PySide6.QtCore import QCoreApplication

    return QCoreApplication.translate("manual", "differ by at most")


def padded(text: str, after: int) -> str:
    """A result as it is shown: a true minus, and decimal points below each other."""
    shown = text.replace("-", numbers.MINUS)
    return numbers.padded(shown, after) if after else shown


def _after(text: str) -> int:
    """Characters from the decimal point on."""
    return len(text) - len(text.partition(".")[0]) if text[-1:].isdigit() and not text.startswith("[") else 0
