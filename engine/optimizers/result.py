"""One recorded array of an update beside the computed one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engine.arithmetic import Comparison, compare
from engine.optimizers.reading import NoDataError, Reading, UnknownError


@dataclass(frozen=True)
class Result:
    """`what` was compared: the parameter, an entry of the state (by name and slot), or a step in between."""

    what: Literal["param_after", "state_after", "output"]
    name: str
    slot: int
    comparison: Comparison

    @property
    def label(self) -> str:
        """What it is, in words."""
        if self.what == "param_after":
            return "the parameter"
        if self.what == "output":
            return self.name
        return f"the state's {self.name}" + (f"[{self.slot}]" if self.slot else "")

    def describe(self) -> str:
        """Where it is wrong, and by how much."""
        found = self.comparison
        if found.reason:
            return f"{self.label}: {found.reason}"
        where = f"[{', '.join(map(str, found.worst))}]" if found.worst else ""
        return (
            f"{self.label}{where} is {_number(found.recorded)}, by hand {_number(found.computed)}"
            f" (off by {abs(found.recorded - found.computed):.3g}, bound {found.bound:.3g})"
        )


def agreement(computed: Any, recorded: Any) -> Comparison:
    """Numbers and arrays that must be the same, bit by bit; a NaN equals a NaN."""
    here, there = np.asarray(computed, dtype=np.float64), np.asarray(recorded, dtype=np.float64)
    found = compare(here, there, "float64")
    if here.shape != there.shape or here.size == 0:
        return found
    same = (here == there) | (np.isnan(here) & np.isnan(there))
    worst = np.unravel_index(int(np.argmin(same)), same.shape)
    place = tuple(int(index) for index in worst)
    numbers = (here[worst].item(), there[worst].item())
    return Comparison(bool(np.all(same)), found.max_abs, found.max_rel, place, *numbers, 0.0)


def unchanged(reading: Reading, name: str | None = None, slot: int = 0) -> Iterator[Result]:
    """The parameter and all that was in the state (or one entry of it) must be what it was before."""
    if name is None:
        yield Result("param_after", "", 0, agreement(reading.array("param_before"), reading.array("param_after")))
    entries = reading.names("state_before") if name is None else [(name, slot)]
    for key, number in entries:
        if not reading.has("state_before", key, number):
            raise UnknownError(f"the optimizer keeps {key}, which the rule does not know")
        if not reading.has("state_after", key, number):
            raise NoDataError(f"state_after {key} was not recorded")
        before, after = reading.array("state_before", key, number), reading.array("state_after", key, number)
        yield Result("state_after", key, number, agreement(before, after))


def _number(value: complex) -> str:
    return f"{value.real:.9g}"  # complex arrays were taken apart into pairs
