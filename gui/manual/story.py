"""What the two columns show of a training step, and how it is put in words. No widgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication

from engine.rules.naming import plain_text
from gui import numbers
from gui.manual import verdicts

if TYPE_CHECKING:
    from engine.manual import Line, Place, Stage

translate = QCoreApplication.translate

PHASES = {"forward": "forward", "loss": "forward", "gradient": "backward", "update": "update"}
EQUALS = "="


@dataclass(frozen=True)
class Row:
    """A line, as far as it is known: its place, what autograd calls it, and `line` once it has been worked out."""

    place: Place
    doer: str
    line: Line | None = None


@dataclass(frozen=True)
class Story:
    """A training step's lines, and how many of them have happened."""

    rows: tuple[Row, ...] = ()
    passed: int = 0

    def is_now(self, number: int) -> bool:
        """Whether a line is of the last event that has happened; a node with several inputs has several lines."""
        return number < self.passed and self.rows[number].place.event == self.rows[self.passed - 1].place.event

    @property
    def now(self) -> int:
        """The first line of the last event that has happened, −1 if none has."""
        return next((number for number in range(self.passed) if self.is_now(number)), -1)


def stage_words(stage: Stage) -> tuple[str, str]:
    """What a stage is called, and what it is to the archer."""
    return {
        "forward": (translate("manual", "Forward"), translate("manual", "the shot")),
        "loss": (translate("manual", "Loss"), translate("manual", "the miss")),
        "gradient": (translate("manual", "Gradients"), translate("manual", "the whisper")),
        "update": (translate("manual", "Update"), translate("manual", "the correction")),
    }[stage]


def tell(places: Sequence[Place], doers: Sequence[str], known: Mapping[Place, Line], playhead: int) -> Story:
    """The story up to the playhead: a pure function of what was recorded and worked out."""
    rows = tuple(Row(place, doer, known.get(place)) for place, doer in zip(places, doers, strict=True))
    return Story(rows, sum(place.event <= playhead for place in places))


def verdict_of(row: Row, *, passed: bool) -> str:
    """The sign in the middle of a row."""
    if not passed:
        return verdicts.PENDING
    return verdicts.WORKING if row.line is None else row.line.verdict


def split_result(text: str) -> tuple[str, str]:
    """A result as (shape, number): the shape of a tensor too large to be written out, "" of others."""
    shape, comma, norm = text.partition(", norm ")
    return (shape, norm) if comma else ("", text)


def equation(line: Line) -> tuple[str, ...]:
    """The parts between which equals signs stand: name, formula, numbers."""
    return tuple(part for part in (line.name, line.formula, line.numbers) if part)


def off_by(line: Line) -> str:
    """The largest difference, for lines that are not equal."""
    if line.comparison is None or line.verdict not in ("within_rounding", "wrong"):
        return ""
    return numbers.number(line.comparison.max_abs, 2)


def as_text(row: Row, *, passed: bool) -> str:
    """A row for the clipboard and for screen readers: "w = w - lr · ∂L/∂w = 1.3 | autograd: 1.3 | equal …"."""
    verdict = verdicts.words(verdict_of(row, passed=passed))
    if row.line is None:
        return f"{row.doer} | {verdict}"
    parts = equation(row.line) if passed else (row.line.name, row.line.formula)  # numbers come with the playhead
    left = " = ".join(plain_text(part) for part in parts if part)
    if not passed:
        return f"{left} | {verdict}"
    by_hand = f"{left} = {row.line.by_hand}" if row.line.by_hand else left
    tail = f"{verdict}: {row.line.remark}" if row.line.remark else verdict
    return f"{by_hand} | {translate('manual', 'autograd')}: {row.line.autograd} | {tail}"


def all_text(story: Story) -> str:
    """The whole step as text, stage by stage."""
    text: list[str] = []
    stage: Any = None
    for number, row in enumerate(story.rows):
        if row.place.stage != stage:
            stage = row.place.stage
            text += ["", stage_words(stage)[0]] if text else [stage_words(stage)[0]]
        text.append(as_text(row, passed=number < story.passed))
    return "\n".join(text)


def counts_of(story: Story) -> Counter[str]:
    """How many of the lines that have happened have which verdict; of those not worked out `verdicts.WORKING`."""
    return Counter(verdict_of(row, passed=True) for row in story.rows[: story.passed])


def summary(story: Story) -> tuple[str, str]:
    """(the verdict on all that has happened, the same in words)."""
    counts, passed, whole = counts_of(story), story.passed, len(story.rows)
    if not whole:
        return "", ""
    if not passed:
        return verdicts.PENDING, translate("manual", "{0} lines, none of them yet").format(f"{whole:,}")
    if counts["equal"] == passed:
        if passed < whole:
            text = translate("manual", "{0} of {1} lines so far, equal in every digit")
        else:
            text = translate("manual", "{0} of {1} lines equal in every digit")
        return "equal", text.format(f"{passed:,}", f"{whole:,}")
    parts = [f"{counts[verdict]:,} {verdicts.words(verdict)}" for verdict in verdicts.VERDICTS if counts[verdict]]
    if counts[verdicts.WORKING]:
        parts.append(translate("manual", "{0} not worked out").format(f"{counts[verdicts.WORKING]:,}"))
    if passed < whole:
        lines = translate("manual", "{0} of {1} lines so far").format(f"{passed:,}", f"{whole:,}")
    else:
        lines = translate("manual", "{0} lines").format(f"{whole:,}")
    told = " \u00b7 ".join(parts)
    return _worst(counts), f"{lines}: {told}"


def _worst(counts: Counter[str]) -> str:
    if counts["wrong"]:
        return "wrong"
    if counts[verdicts.WORKING]:
        return verdicts.WORKING
    for verdict in ("within_rounding", "equal", "as_recorded"):
        if counts[verdict]:
            return verdict
    return "no_data"
