"""An update taken apart: its quantities at one element, what was remembered, and how that went on. Runs at the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.desk.typeset import set_formula
from engine.recording.model import EVENT_KINDS

if TYPE_CHECKING:
    from engine.recording.reader import Recording

Index = tuple[int, ...]
Number = float | complex | None
BY_HAND = "by hand"
MOST_UPDATES = 120  # of which a history tells
MOST_NUMBERS = 2e7  # that are read for it
COUNTERS = ("step count",)


@dataclass(frozen=True)
class Part:
    """A named quantity. `value` is its number at the element, `norm` that of the whole if it is more than one."""

    name: str
    symbol: str
    formula: str
    words: str
    value: Number
    norm: float | None

    @property
    def counts(self) -> bool:
        """Whether it counts something, and so has no place on a scale with the others."""
        return self.name in COUNTERS


@dataclass(frozen=True)
class Remembered:
    """An entry of the optimizer's state at the element, before and after; `tensors`: how many it is made of."""

    key: str
    words: str
    before: Number
    after: Number
    tensors: int = 1


@dataclass(frozen=True)
class Anatomy:
    """All that is shown of one update at one element. `problem` says why there are no parts.

    `before` and `after` are the parameter's number there.
    """

    event: int
    element: Index
    optimizer: str
    parts: tuple[Part, ...]
    memory: tuple[Remembered, ...]
    hyperparameters: Mapping[str, Any]
    state: str
    reason: str
    before: Number = None
    after: Number = None
    paper: str = ""
    problem: str = ""


def take_apart(recording: Recording, event_id: int, element: Index | None) -> Anatomy:
    """The update at `element`, or at the one that it changed most."""
    from engine.optimizers.reading import NoDataError, UnknownError
    from engine.optimizers.registry import optimizer_of
    from engine.optimizers.verify import explain_update, verify_update

    event = recording.event(event_id)
    optimizer = str(event.info.get("optimizer", ""))
    proof = verify_update(recording, event_id)
    tensors = {(str(value.role), value.name, value.slot): value.tensor for value in recording.values(event_id)}
    shape, place = _element(recording, tensors, element)
    parts: tuple[Part, ...] = ()
    problem = ""
    try:
        with np.errstate(all="ignore"):
            quantities = explain_update(recording, event_id).quantities
            parts = tuple(
                Part(q.name, q.symbol, q.formula.partition(" = ")[2], q.words, at(q.value, shape, place), norm(q.value))
                for q in quantities
            )
    except (NoDataError, UnknownError) as missing:
        problem = str(missing)
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        problem = f"{type(error).__name__}: {error}"
    for part in parts:
        for latex in (part.symbol, "=", part.formula):
            set_formula(latex)
    rule = optimizer_of(event.info)
    memory = _memory(recording, event.info, tensors, shape, place, {} if rule is None else rule.remembers)
    ends = (_whole(recording, tensors.get((role, "", 0))) for role in ("param_before", "param_after"))
    before, after = (None if data is None else at(data, shape, place) for data in ends)
    return Anatomy(event_id, place, optimizer, parts, memory, event.info.get("hyperparameters", {}), proof.state,
                   proof.reason, before, after, "" if rule is None else rule.paper, problem)  # fmt: skip


Tensors = Mapping[tuple[str, str, int], int]


def _element(recording: Recording, tensors: Tensors, element: Index | None) -> tuple[Index, Index]:
    """(the parameter's shape, the element to look at)."""
    number = tensors.get(("param_after", "", 0), tensors.get(("param_before", "", 0)))
    shape = () if number is None else tuple(recording.tensor(number).shape)
    fits = element is not None and len(element) == len(shape)
    if fits and element is not None and all(0 <= i < length for i, length in zip(element, shape, strict=True)):
        return shape, element
    before, after = (_whole(recording, tensors.get((role, "", 0))) for role in ("param_before", "param_after"))
    if before is None or after is None or not after.size:
        return shape, (0,) * len(shape)
    with np.errstate(all="ignore"):
        change = np.nan_to_num(np.abs(after - before), nan=-1.0)
    return shape, tuple(int(i) for i in np.unravel_index(int(np.argmax(change)), shape))


def _whole(recording: Recording, tensor: int | None) -> npt.NDArray[Any] | None:
    """A tensor that was recorded in full."""
    if tensor is None or recording.tensor(tensor).level != "full":
        return None
    return recording.data(tensor)


def at(value: Any, shape: Index, index: Index) -> Number:
    """A quantity's number at an element: one for all, one of each, or of a row or column; None if it has none there."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":
            return None
        if array.size == 1:
            return _plain(array.reshape(())[()])
        if array.shape == (*shape, 2) and len(shape) != array.ndim:
            return complex(*array[index])
        if array.ndim == len(shape):
            return _plain(np.broadcast_to(array, shape)[index])
    except (ValueError, TypeError):
        pass
    return None


def _plain(number: Any) -> Number:
    return complex(number) if np.iscomplexobj(number) else float(number)


def norm(value: Any) -> float | None:
    """The L2 norm of what is more than one number."""
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    if array.size <= 1 or array.dtype.kind not in "biufc":
        return None
    return float(np.linalg.norm(array.reshape(-1)))


def _memory(
    recording: Recording,
    info: Mapping[str, Any],
    tensors: Tensors,
    shape: Index,
    place: Index,
    words: Mapping[str, str],
) -> tuple[Remembered, ...]:
    """Every entry of the state, in the order in which the optimizer's description has them."""
    plain_before, plain_after = _mapping(info.get("state")), _mapping(info.get("state_after"))
    there = {name for role, name, _ in tensors if role in ("state_before", "state_after")}
    there |= {
        name for name in (*plain_before, *plain_after) if plain_after.get(name, plain_before.get(name)) is not None
    }
    keys = [key for key in words if key in there] + sorted(there - set(words))

    def number(role: str, plain: Mapping[str, Any], key: str) -> Number:
        tensor = tensors.get((role, key, 0))
        if tensor is not None:
            data = _whole(recording, tensor)
            return None if data is None else at(data, shape, place)
        value = plain.get(key)
        return float(value) if isinstance(value, int | float) else None

    return tuple(
        Remembered(
            key, words.get(key, ""), number("state_before", plain_before, key), number("state_after", plain_after, key),
            max(sum(role == "state_after" and name == key for role, name, _ in tensors), 1),
        )
        for key in keys
    )  # fmt: skip


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


# --- over the training steps -----------------------------------------------------------------------------------------

GRADIENT, PARAMETER = "grad", "param_after"


@dataclass(frozen=True)
class Histories:
    """Numbers at one element after each update: `events`, and for each key as many numbers, NaN where unknown."""

    events: tuple[int, ...]
    numbers: Mapping[str, tuple[float, ...]]


def histories(recording: Recording, event: int, element: Index, keys: Sequence[str]) -> Histories:
    """The gradient, the parameter and the state's `keys` at `element`, at updates round `event`."""
    timeline = recording.timeline
    parameter = int(timeline.parameter[event])
    found = np.flatnonzero((timeline.kind == EVENT_KINDS.index("update")) & (timeline.parameter == parameter))
    count = recording.parameter(parameter).shape
    most = max(8, min(MOST_UPDATES, int(MOST_NUMBERS / (max(int(np.prod(count)), 1) * (len(keys) + 2)))))
    here = int(np.searchsorted(found, event))
    start = max(0, min(here - most * 2 // 3, len(found) - most))
    events = tuple(int(number) for number in found[start : start + most])
    wanted = (GRADIENT, PARAMETER, *keys)
    columns: dict[str, list[float]] = {key: [] for key in wanted}
    for number in events:
        tensors = {(str(value.role), value.name, value.slot): value.tensor for value in recording.values(number)}
        for key in wanted:
            role = (key, "", 0) if key in (GRADIENT, PARAMETER) else ("state_after", key, 0)
            data = _whole(recording, tensors.get(role))
            value = None if data is None else at(data, tuple(count), element)
            columns[key].append(float("nan") if value is None else float(value.real))
    return Histories(events, {key: tuple(column) for key, column in columns.items()})
