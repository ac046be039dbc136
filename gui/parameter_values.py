"""What each parameter holds at the playhead: the numbers behind the parameter table and the gradient chart. No widgets.

`StepValues` reads the events of one training step once, in small portions; every position in it is then a matter of a
few NumPy operations (`at`).
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from engine.errors import RecordingError
from engine.pace import give_way
from engine.recording.model import EVENT_KINDS, EventKind, Parameter, Role
from engine.recording.reader import Recording
from gui.tensor_views.loaded import element, load

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
GRAPHS_READ = 8  # to find where each parameter is used first
_NUMBER = re.compile(r" \(\d+\)$")  # of another leaf that a variable of the same name holds


@dataclass(frozen=True, eq=False)
class Cells:
    """Numbers, and which of them are known: NaN is a number that a gradient can well have."""

    numbers: Floats
    known: Bools

    @staticmethod
    def empty(count: int) -> Cells:
        return Cells(np.full(count, np.nan), np.zeros(count, np.bool_))

    def put(self, place: int, number: float | None) -> None:
        if number is not None:
            self.numbers[place], self.known[place] = number, True

    def pick(self, places: Numbers) -> Cells:
        """The cells at `places`; unknown for −1."""
        if not len(self.numbers):
            return Cells.empty(len(places))
        there = places >= 0
        return Cells(np.where(there, self.numbers[places], np.nan), there & self.known[places])

    def otherwise(self, other: Cells) -> Cells:
        """These, and where they are unknown the other's."""
        return Cells(np.where(self.known, self.numbers, other.numbers), self.known | other.known)


@dataclass(frozen=True, eq=False)
class AtPlayhead:
    """One entry for each parameter, in the order of the layers.

    `value` is the number of a parameter of one element, else the norm; `ratio` the update's norm by the value's norm
    before it. `updated` says whether this step's update has happened; `optimizer` is an index in
    `StepValues.optimizers`, −1 if there is none.
    """

    value: Cells
    gradient: Cells
    update: Cells
    ratio: Cells
    updated: Bools
    optimizer: Numbers

    def same_as(self, other: AtPlayhead) -> bool:
        """Whether all entries are equal, NaN to NaN."""
        mine = (self.value, self.gradient, self.update, self.ratio)
        theirs = (other.value, other.gradient, other.update, other.ratio)
        return (
            np.array_equal(self.updated, other.updated)
            and np.array_equal(self.optimizer, other.optimizer)
            and all(np.array_equal(a.known, b.known) for a, b in zip(mine, theirs, strict=True))
            and all(np.array_equal(a.numbers, b.numbers, equal_nan=True) for a, b in zip(mine, theirs, strict=True))
        )


class StepValues:
    """One training step's parameters, gradients and updates.

    `load` reads on for a while and returns whether everything is there; what has not been read is not known. Without
    `changes` the tensors themselves are not read, and the updates' norms stay unknown.
    """

    def __init__(self, recording: Recording, step: int, *, changes: bool = True) -> None:
        self.recording = recording
        self.step = step
        self.optimizers: list[str] = []
        self._wants_changes = changes
        self.first, self.last = recording.timeline.step_bounds(step)
        self.parameters = parameters_of(recording, step)
        self._place = {parameter.id: place for place, parameter in enumerate(self.parameters)}
        count = len(self._place)
        self._base = Cells.empty(count)
        self._gradients = _Column(recording, "accumulate", self.first, self.last, self._place)
        self._updates = _Column(recording, "update", self.first, self.last, self._place)
        events = len(self._updates.events)
        self._changes, self._sizes = Cells.empty(events), Cells.empty(events)
        self._optimizer = np.full(events, -1, np.int64)
        self._work: Iterator[None] = self._read()
        self._reading = threading.Lock()
        self.loaded = False

    def load(self, seconds: float | None = None) -> bool:
        """Read on, for about so long, or to the end. Raises RecordingError. May be called in several threads."""
        end = None if seconds is None else time.perf_counter() + seconds
        # While a recording is written, to keep it open is quicker; else others may read in between.
        held: AbstractContextManager[object] = nullcontext() if self.recording.complete else self.recording.held()
        with self._reading, held:
            while not self.loaded:
                give_way()
                if next(self._work, self) is self:
                    self.loaded = True
                elif end is not None and time.perf_counter() >= end:
                    break
        return self.loaded

    def at(self, playhead: int) -> AtPlayhead:
        """What holds after event `playhead` of this step."""
        gradient = self._gradients.latest(playhead)
        update = self._updates.latest(playhead)
        updated = update >= 0
        value = self._updates.cells.pick(update).otherwise(self._base)
        change, size = self._changes.pick(update), self._sizes.pick(update)
        known = change.known & size.known & (size.numbers != 0)
        ratio = np.divide(change.numbers, size.numbers, out=np.full(len(updated), np.nan), where=known)
        optimizer = np.where(updated, self._optimizer[update] if len(self._optimizer) else -1, -1)
        gradients = self._gradients.cells.pick(gradient)
        return AtPlayhead(value, gradients, change, Cells(ratio, known), updated, optimizer)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _read(self) -> Iterator[None]:
        yield from self._read_gradients()
        yield from self._read_updates()
        yield from self._read_others()
        if self._wants_changes:
            yield from self._read_changes()

    def _tensors(self, event: int) -> dict[Role, int]:
        return {value.role: value.tensor for value in self.recording.values(event)}

    def _read_gradients(self) -> Iterator[None]:
        for place, event in enumerate(self._gradients.events.tolist()):
            tensors = self._tensors(event)
            tensor = tensors.get("grad_after", tensors.get("grad_input"))
            self._gradients.cells.put(place, self._norm(tensor))
            yield

    def _read_updates(self) -> Iterator[None]:
        for place, event in enumerate(self._updates.events.tolist()):
            tensors = self._tensors(event)
            parameter = self._updates.places[place]
            if not self._base.known[parameter]:
                self._base.put(parameter, self._value(tensors.get("param_before")))
            self._sizes.put(place, self._norm(tensors.get("param_before")))
            self._updates.cells.put(place, self._value(tensors.get("param_after")))
            self._optimizer[place] = self._optimizer_number(str(self.recording.event(event).info.get("optimizer", "")))
            yield

    def _read_others(self) -> Iterator[None]:
        """The values of parameters that this step does not update: as the nearest update left or found them.

        Of those that are never updated, the accumulation of their gradient tells it.
        """
        timeline = self.recording.timeline
        kind, accumulate = EVENT_KINDS.index("update"), EVENT_KINDS.index("accumulate")
        touched = set(self._updates.places.tolist())
        for parameter, place in self._place.items():
            if place in touched:
                continue
            hits = np.flatnonzero((timeline.kind == kind) & (timeline.parameter == parameter))
            split = int(np.searchsorted(hits, self.first))
            if split > 0:
                tensor = self._tensors(int(hits[split - 1])).get("param_after")
            else:
                if not len(hits):
                    hits = np.flatnonzero((timeline.kind == accumulate) & (timeline.parameter == parameter))
                tensor = self._tensors(int(hits[0])).get("param_before") if len(hits) else None
            self._base.put(place, self._value(tensor))
            yield

    def _read_changes(self) -> Iterator[None]:
        """Norms of after − before: of data that was kept in full, else they are not known."""
        for place, event in enumerate(self._updates.events.tolist()):
            tensors = self._tensors(event)
            if "param_before" in tensors and "param_after" in tensors:
                norm = change_norm(self.recording, tensors["param_after"], tensors["param_before"])
                self._changes.put(place, norm)
            yield

    def _value(self, tensor: int | None) -> float | None:
        """The number, or the norm."""
        if tensor is None:
            return None
        described = self.recording.tensor(tensor)
        if described.numel != 1 or described.dtype.startswith("complex"):
            return self._norm(tensor)
        number = element(load(self.recording, tensor))
        return None if number is None else float(number)

    def _norm(self, tensor: int | None) -> float | None:
        """The norm of all elements: not finite if one of them is not."""
        if tensor is None:
            return None
        statistics = self.recording.tensor(tensor).statistics
        if statistics.nans:
            return np.nan
        return np.inf if statistics.infs else statistics.norm

    def _optimizer_number(self, name: str) -> int:
        if not name:
            return -1
        if name not in self.optimizers:
            self.optimizers.append(name)
        return self.optimizers.index(name)


_ordered: WeakKeyDictionary[Recording, tuple[tuple[int, int], tuple[Parameter, ...]]] = WeakKeyDictionary()


def layer_order(recording: Recording) -> tuple[Parameter, ...]:
    """The parameters in the order in which the forward pass comes to use them.

    A parameter counts with the first operation that reads it, directly or through views of its own (a transposed
    weight); of those that one operation reads, the argument numbers decide. What no graph has comes last.
    """
    extent = (len(recording.parameters), len(recording.graphs))
    known = _ordered.get(recording)
    if known is None or known[0] != extent:
        keys = _uses(recording)
        last = (len(recording.timeline), 0)
        ordered = sorted(recording.parameters, key=lambda parameter: keys.get(parameter.id, last))
        known = _ordered[recording] = (extent, tuple(ordered))
    return known[1]


def parameters_of(recording: Recording, step: int) -> tuple[Parameter, ...]:
    """Those of a training step, in the order of the layers, each new leaf of one name in the place of the first.

    A script that makes a new leaf in each step (an input to attack, a noise) has a row for each in the recording: "x",
    "x (2)", "x (3)". Each of these belongs to the steps from the first to the last that an event of it is in. What is
    alone in its name belongs to every step.
    """
    ordered = layer_order(recording)
    names = [_NUMBER.sub("", parameter.name) for parameter in ordered]
    count = Counter(names)
    if len(count) == len(ordered):
        return ordered
    timeline, most = recording.timeline, 1 + max(parameter.id for parameter in ordered)
    hits = np.flatnonzero((timeline.parameter >= 0) & (timeline.parameter < most))
    ids, steps = timeline.parameter[hits], timeline.step[hits]
    first, last = np.full(most, step + 1), np.full(most, -1)
    first[ids[::-1]], last[ids] = steps[::-1], steps  # steps never decrease, and of several the last one is kept
    there = (first <= step) & (step <= last)
    place = {name: at for at, name in reversed(list(enumerate(names)))}
    named = zip(names, ordered, strict=True)
    shown = [(place[name], each.id, each) for name, each in named if count[name] == 1 or there[each.id]]
    return tuple(each for _, _, each in sorted(shown, key=lambda entry: entry[:2]))


def _uses(recording: Recording) -> dict[int, tuple[int, int]]:
    """Parameter → forward event and argument number of its first use; as many graphs are read as it takes."""
    uses: dict[int, tuple[int, int]] = {}
    wanted = {parameter.id for parameter in recording.parameters}
    for graph in recording.graphs[:GRAPHS_READ]:
        try:
            nodes, edges = {node.id: node for node in recording.nodes(graph.id)}, recording.edges(graph.id)
        except RecordingError:
            continue  # a damaged file: the canvas says so, and the order is only for the eye
        for edge in edges:
            parameter, event = nodes[edge.target].parameter, nodes[edge.source].forward_event
            if parameter is not None and event is not None:
                uses[parameter] = min(uses.get(parameter, (event, edge.slot)), (event, edge.slot))
        if wanted <= uses.keys():
            break
    return uses


def change_norm(recording: Recording, after: int, before: int) -> float | None:
    """The L2 norm of after − before; None unless both were recorded in full."""
    if after == before:
        return 0.0
    if recording.tensor(after).level != "full" or recording.tensor(before).level != "full":
        return None
    new, old = recording.data(after), recording.data(before)
    if new is None or old is None or new.shape != old.shape:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.linalg.norm(np.subtract(new, old).reshape(-1)))


class _Column:
    """The events of one kind in a step: ids, the place of each one's parameter, and a number each."""

    def __init__(self, recording: Recording, kind: EventKind, first: int, last: int, places: dict[int, int]) -> None:
        timeline = recording.timeline
        span = slice(first, last + 1)
        hits = np.flatnonzero(timeline.kind[span] == EVENT_KINDS.index(kind)) + first
        ids, at = np.fromiter(places, np.int64, len(places)), np.fromiter(places.values(), np.int64, len(places))
        order = np.argsort(ids)
        ids, at = ids[order], at[order]
        asked = timeline.parameter[hits]
        found = np.minimum(np.searchsorted(ids, asked), max(len(ids) - 1, 0))
        known = ids[found] == asked if len(ids) else np.zeros(len(hits), np.bool_)
        self.events = hits[known]
        self.places = at[found[known]]
        self.cells = Cells.empty(len(self.events))
        self._count = len(places)

    def latest(self, playhead: int) -> Numbers:
        """For each parameter the number of its last event up to `playhead`, -1 if there is none."""
        result = np.full(self._count, -1, np.int64)
        passed = int(np.searchsorted(self.events, playhead, "right"))
        # Of several the last one wins: they are in order of time.
        np.maximum.at(result, self.places[:passed], np.arange(passed))
        return result
