"""A parameter on its way from its old to its new value: a number by itself, a tensor by its norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gui.numbers import DIGITS, number

if TYPE_CHECKING:
    from gui.canvas.readings import Readings

MOST_DIGITS = 8


@dataclass(frozen=True)
class Rolling:
    """`norm`: these are the norms of a tensor. `digits` are as many as it takes to see them change."""

    before: float
    after: float
    norm: bool
    digits: int

    def at(self, progress: float) -> float:
        return self.before + (self.after - self.before) * progress

    def text(self, progress: float) -> str:
        """The number as it stands after `progress`, 0 to 1: its ends are exact."""
        value = self.before if progress <= 0 else self.after if progress >= 1 else self.at(progress)
        written = number(value, self.digits)
        return f"‖{written}‖" if self.norm else written


def rolling(readings: Readings, event: int) -> Rolling | None:
    """What an update changes; None if that was not recorded, or is complex."""
    before, after = readings.number(event, "param_before"), readings.number(event, "param_after")
    if isinstance(before, float) and isinstance(after, float):
        return Rolling(before, after, norm=False, digits=DIGITS)
    if before is not None or after is not None:
        return None
    old, new = readings.norm(event, "param_before", 0), readings.norm(event, "param_after", 0)
    return None if old is None or new is None else Rolling(old, new, norm=True, digits=_digits(old, new))


def _digits(old: float, new: float) -> int:
    """Four, and one more than the first in which the two differ."""
    for digits in range(DIGITS, MOST_DIGITS):
        if number(old, digits) != number(new, digits):
            return digits + 1 if digits > DIGITS else digits
    return DIGITS if old == new else MOST_DIGITS
