"""How a sum forms, in words: what has come so far, what `.grad` held, what it is in the end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication

from gui.canvas.readings import text_of
from gui.numbers import MINUS

if TYPE_CHECKING:
    from engine.graph.flow import Contributions
    from engine.recording.model import Role
    from gui.canvas.flow.lanes import Ints
    from gui.canvas.readings import Readings

WRITTEN_OUT = 3  # branches: of more, how many have come is said instead of each


@dataclass(frozen=True)
class Sum:
    """`stages[i]` is what stands there when i branches have arrived, `total` once all are added up. `late`: another sum
    has to be there first."""

    stages: tuple[str, ...]
    total: str
    late: bool = False


def amount(number: float | complex | None, norm: float | None) -> str:
    """A number as it is, a tensor by its norm."""
    if number is not None and not (isinstance(number, float) and math.isnan(number)):
        return text_of(number)
    return "" if norm is None or math.isnan(norm) else f"‖{text_of(norm)}‖"


def brought(facts: Contributions, edge: int) -> str:
    """What one edge brought back."""
    return amount(float(facts.value[edge]), float(facts.norm[edge]))


def carried(facts: Contributions, edge: int) -> str:
    """The value that ran forward along it."""
    return amount(float(facts.forward_value[edge]), float(facts.forward_norm[edge]))


def total_of(readings: Readings, event: int, role: Role, slot: int = 0) -> str:
    return amount(readings.number(event, role, slot), readings.norm(event, role, slot))


def fan_in(facts: Contributions, edges: Ints, total: str) -> Sum:
    """Of the gradients that meet at one output of a node, in the order in which they came."""
    count = len(edges)
    values = facts.value[edges]
    if not np.isnan(values).any() and count <= WRITTEN_OUT:
        written = [joined(values[:place].tolist()) for place in range(1, count + 1)]
        return Sum(("", *written), f"{written[-1]} = {total}" if total else written[-1])
    translate = QCoreApplication.translate
    counted = [translate("Canvas", "{0} of {1}").format(place, count) for place in range(1, count + 1)]
    if not np.isnan(values).any():
        running = np.cumsum(values).tolist()
        counted = [f"{words}: {text_of(sofar)}" for words, sofar in zip(counted, running, strict=True)]
    whole = translate("Canvas", "sum of {0}").format(count)
    return Sum(("", *counted), f"{whole} = {total}" if total else counted[-1])


def accumulation(readings: Readings, event: int, branches: int) -> Sum | None:
    """What arrives is added to what `.grad` held; if it held nothing, it is what arrives. None: that is not known."""
    after = total_of(readings, event, "grad_after")
    if not after:
        return None
    came, held = (total_of(readings, event, role) for role in ("grad_input", "grad_before"))
    stages = (f".grad = {held}" if held else "",) * (branches + 1)
    numbers = readings.number(event, "grad_before"), readings.number(event, "grad_input")
    total = f".grad = {after}"
    if held and all(isinstance(each, float) for each in numbers):
        total = f".grad = {joined([each for each in numbers if isinstance(each, float)])} = {after}"
    elif held:  # norms do not add up
        total = f".grad = {held} + {came} → {after}"
    return Sum(stages, total, late=branches > 1)


def joined(numbers: list[float]) -> str:
    """2 + 3 − 1."""
    text = text_of(numbers[0])
    for number in numbers[1:]:
        part = text_of(number)
        text += f" {MINUS} {part[len(MINUS) :]}" if part.startswith(MINUS) else f" + {part}"
    return text
