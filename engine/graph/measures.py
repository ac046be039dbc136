"""What can be measured of each node of a backward pass: one function for each measure.

All of them take (recording, graph id) and return one number for each of `recording.nodes(graph_id)`, in that order; NaN
is what was not recorded, or does not apply. They look at the whole pass, wherever the playhead stands. Raises
RecordingError. To add a measure, write such a function and a row in `MEASURES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from engine.graph.memory import saved_bytes
from engine.recording.columns import TensorColumns, event_times, tensors_of
from engine.recording.model import EVENT_KINDS

if TYPE_CHECKING:
    from engine.recording.model import Role
    from engine.recording.reader import Recording

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# What `health` answers, from well to worst; NaN where there is no gradient.
HEALTHY, VANISHING, DEAD, EXPLODING, NOT_FINITE = range(5)
VANISHES_BELOW = 1e-7  # of the largest norm of the pass: what float32 can hardly tell from nothing beside it
EXPLODES_ABOVE = 1e4  # times the median norm of the pass

SPOILED = (
    -np.inf
)  # in place of a norm or ratio: the gradient holds NaN or infinities, and the norm of its rest misleads

GRADIENTS: tuple[Role, ...] = ("grad_output", "grad_input", "grad_arrived", "grad_after")


def gradient_norms(recording: Recording, graph_id: int) -> Floats:
    """The L2 norm of the gradient that entered the node, the largest if several did; of a parameter, what arrived."""
    norms = np.full(len(recording.nodes(graph_id)), np.nan)
    _fill(norms, recording, _last_event(recording, graph_id, "backward"), ("grad_output",))
    _fill(norms, recording, _last_event(recording, graph_id, "accumulate"), ("grad_input",))
    return norms


def sound_norms(recording: Recording, graph_id: int) -> Floats:
    """`gradient_norms`, but SPOILED where the gradient holds a NaN or an infinity."""
    norms = gradient_norms(recording, graph_id)
    _spoil(norms, recording, _last_event(recording, graph_id, "backward"), ("grad_output",))
    _spoil(norms, recording, _last_event(recording, graph_id, "accumulate"), ("grad_input",))
    return norms


def value_norms(recording: Recording, graph_id: int) -> Floats:
    """The L2 norm of what an operation gave out (the largest of several), or of a parameter before its update."""
    norms = np.full(len(recording.nodes(graph_id)), np.nan)
    _fill(norms, recording, _forward_event(recording, graph_id), ("output",))
    _fill(norms, recording, _last_event(recording, graph_id, "accumulate"), ("param_before",))
    _fill(norms, recording, _last_event(recording, graph_id, "update"), ("param_before",))
    return norms


def sound_value_norms(recording: Recording, graph_id: int) -> Floats:
    """`value_norms`, but SPOILED where the value holds a NaN or an infinity."""
    norms = value_norms(recording, graph_id)
    _spoil(norms, recording, _forward_event(recording, graph_id), ("output",))
    _spoil(norms, recording, _last_event(recording, graph_id, "accumulate", "update"), ("param_before",))
    return norms


def gradient_to_value(recording: Recording, graph_id: int) -> Floats:
    """Gradient norm over value norm: how much of a value its gradient is. Infinite where only the value is zero, NaN
    where both are, SPOILED where the gradient is."""
    norms = sound_norms(recording, graph_id)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(norms == SPOILED, SPOILED, norms / value_norms(recording, graph_id))


def seconds(recording: Recording, graph_id: int) -> Floats:
    """How long the node's events took together: each the time since the event before, its recording included.

    What happened before the first event of a phase belongs to no event, so that event counts nothing.
    """
    timeline, events = recording.timeline, recording.timeline.events_of_graph(graph_id)
    total = np.full(len(recording.nodes(graph_id)), np.nan)
    if not len(events):
        return total
    first, last = int(events.min()), int(events.max())
    before = max(first - 1, 0)
    took = np.diff(event_times(recording, before, last), prepend=np.nan)[events - before]
    starts = np.zeros(len(events), dtype=np.bool_)
    for step in np.unique(timeline.step[events]).tolist():
        starts |= np.isin(events, [start for _, start, _ in timeline.phase_spans(step)])
    place = _places(recording, graph_id, timeline.node[events])
    known = (place >= 0) & ~starts & np.isfinite(took)
    sums = np.bincount(place[known], weights=np.maximum(took[known], 0.0), minlength=len(total))
    seen = np.bincount(place[known], minlength=len(total)) > 0
    total[seen] = sums[seen]
    return total


def memory(recording: Recording, graph_id: int) -> Floats:
    """Bytes of activations that the node keeps for its backward, by `engine.graph.memory`; 0 if it keeps none."""
    kept = saved_bytes(recording, graph_id)
    return np.array([float(kept.get(node.id, 0)) for node in recording.nodes(graph_id)])


def health(recording: Recording, graph_id: int) -> Floats:
    """HEALTHY, VANISHING, DEAD, EXPLODING or NOT_FINITE, the worst that is true of the node's gradients.

    NOT_FINITE: one of its gradients holds a NaN or an infinity. EXPLODING: its norm is above EXPLODES_ABOVE times the
    median of the pass. DEAD: all of its gradient is zero. VANISHING: its norm is below VANISHES_BELOW of the largest.
    """
    events = _last_event(recording, graph_id, "backward", "accumulate")
    norms = gradient_norms(recording, graph_id)
    state = np.where(np.isnan(norms), np.nan, float(HEALTHY))
    alive = norms[np.isfinite(norms) & (norms > 0)]
    if len(alive):
        state[norms < VANISHES_BELOW * alive.max()] = VANISHING
        state[norms > EXPLODES_ABOVE * np.median(alive)] = EXPLODING
    state[norms == 0] = DEAD
    columns = _tensors_at(recording, events, GRADIENTS)
    bad = np.isin(events, columns.event[columns.not_finite > 0]) & (events >= 0)
    state[bad] = NOT_FINITE
    return state


@dataclass(frozen=True)
class Measure:
    """`of` measures; `scale`: how numbers are spread over colours. `together`: what several nodes have as one."""

    of: Callable[[Recording, int], Floats]
    scale: Literal["log", "states"]
    together: Literal["root of squares", "sum", "largest"]


MEASURES: Mapping[str, Measure] = {
    "norm": Measure(sound_norms, "log", "root of squares"),
    "ratio": Measure(gradient_to_value, "log", "largest"),
    "time": Measure(seconds, "log", "sum"),
    "memory": Measure(memory, "log", "sum"),
    "health": Measure(health, "states", "largest"),
}


def together(measure: Measure, values: Floats) -> float:
    """The measure of several nodes as one; NaN where none of them has one, SPOILED where one of them is."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan")
    if (known == SPOILED).any():
        return SPOILED
    if measure.together == "root of squares":
        return float(np.linalg.norm(known))
    if measure.together == "sum":
        return float(known.sum())
    finite = known[np.isfinite(known)]  # of a module that has one parameter at zero, there is more to say than that
    return float(finite.max() if len(finite) else known.max())


# --- finding events and tensors ---------------------------------------------------------------------------------------


def _places(recording: Recording, graph_id: int, nodes: Ints) -> Ints:
    """Places of node ids in `recording.nodes(graph_id)`, which is ordered by id; -1 for others."""
    ids = np.array([node.id for node in recording.nodes(graph_id)], dtype=np.int64)
    if not len(ids):
        return np.full(len(nodes), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(ids, nodes), len(ids) - 1)
    return np.where(ids[place] == nodes, place, -1)


def _forward_event(recording: Recording, graph_id: int) -> Ints:
    """For each node the event of its operation, -1 if it has none."""
    events = [-1 if node.forward_event is None else node.forward_event for node in recording.nodes(graph_id)]
    return np.array(events, dtype=np.int64)


def _last_event(recording: Recording, graph_id: int, *kinds: str) -> Ints:
    """For each node its last event of one of these kinds, -1 if it has none."""
    timeline, events = recording.timeline, recording.timeline.events_of_graph(graph_id)
    wanted = [number for number, kind in enumerate(EVENT_KINDS) if kind in kinds]
    events = events[np.isin(timeline.kind[events], wanted)]
    place = _places(recording, graph_id, timeline.node[events])
    found = np.full(len(recording.nodes(graph_id)), -1, dtype=np.int64)
    np.maximum.at(found, place[place >= 0], events[place >= 0])
    return found


def _fill(norms: Floats, recording: Recording, events: Ints, roles: tuple[Role, ...]) -> None:
    """Put in, where it was recorded, the largest norm of the tensors that played a role in each node's event."""
    columns = _tensors_at(recording, events, roles)
    event, first = np.unique(columns.event, return_index=True)
    if len(event):
        largest = np.fmax.reduceat(columns.norm, first)
        place = np.minimum(np.searchsorted(event, events), len(event) - 1)
        found = event[place] == events
        norms[found] = largest[place[found]]


def _spoil(norms: Floats, recording: Recording, events: Ints, roles: tuple[Role, ...]) -> None:
    """Put SPOILED where a tensor that played a role in a node's event holds a NaN or an infinity."""
    columns = _tensors_at(recording, events, roles)
    norms[np.isin(events, columns.event[columns.not_finite > 0]) & (events >= 0)] = SPOILED


def _tensors_at(recording: Recording, events: Ints, roles: tuple[Role, ...]) -> TensorColumns:
    known = events[events >= 0]
    first, last = (int(known.min()), int(known.max())) if len(known) else (0, -1)
    return tensors_of(recording, first, last, roles)
