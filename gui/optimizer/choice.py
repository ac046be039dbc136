"""Which update is shown, and how its numbers are written: what is cheap, and not left to the desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.errors import RecordingError
from engine.recording.model import EVENT_KINDS
from gui import numbers

if TYPE_CHECKING:
    from engine.recording.reader import Recording

Number = float | complex | None
FIGURES, LARGEST_WHOLE = 6, 1e6


@dataclass(frozen=True)
class Choice:
    """The parameter that is looked at, and its update in the playhead's step: the last that happened, or the next.

    `event` is None if this step does not update it. `place` of `count` tells which it is, if there are several.
    """

    parameter: int
    node: int | None
    event: int | None
    passed: bool = False
    place: int = 0
    count: int = 0


def choose(recording: Recording, playhead: int, selection: int | None) -> Choice | None:
    """The selected parameter's update, else that of the playhead's event, else the latest of the step."""
    timeline = recording.timeline
    if playhead < 0:
        return None
    step = int(timeline.step[playhead])
    first, last = timeline.step_bounds(step)
    updates = np.flatnonzero(timeline.kind[first : last + 1] == EVENT_KINDS.index("update")) + first
    parameter, node = _selected(recording, selection)
    if parameter is None:
        event = _latest(updates, playhead)
        here = int(timeline.parameter[playhead])
        parameter = here if here >= 0 else -1 if event is None else int(timeline.parameter[event])
        if parameter < 0:
            return None
    mine = updates[timeline.parameter[updates] == parameter]
    event = _latest(mine, playhead)
    if event is None:
        return Choice(parameter, node, None)
    if node is None:
        node = int(timeline.node[event]) if timeline.node[event] >= 0 else None
    place = int(np.searchsorted(mine, event))
    return Choice(parameter, node, event, event <= playhead, place, len(mine))


def _selected(recording: Recording, selection: int | None) -> tuple[int | None, int | None]:
    try:
        node = None if selection is None else recording.node(selection)
    except RecordingError:
        return None, None
    if node is None or node.parameter is None:
        return None, None
    return node.parameter, node.id


def _latest(updates: npt.NDArray[Any], playhead: int) -> int | None:
    """The last one that has happened, else the next."""
    if not len(updates):
        return None
    passed = int(np.searchsorted(updates, playhead, "right"))
    return int(updates[max(passed - 1, 0)])


def figure(value: Number) -> str:
    """A number with up to six significant digits, without idle zeros."""
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_WHOLE:
        return numbers.number(int(value))
    text = numbers.number(value, FIGURES)
    mantissa, e, exponent = text.partition("e")
    if "." in mantissa and mantissa[-1].isdigit():
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}{e}{exponent}"
