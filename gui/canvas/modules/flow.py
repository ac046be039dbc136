"""Tracks and states of pictures with collapsed modules: what happens to the members, told of their group.

A group is lit as soon as one of its members is. Its gradient flow is the norm of the gradients of all its parameters
taken as one vector (what `torch.nn.utils.clip_grad_norm_` calls the total norm), of those that have arrived up to the
playhead; a group without parameters counts the gradients that entered it from outside instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gui.canvas import state as states
from gui.canvas.cards import PARAMETER
from gui.canvas.state import NEVER, DrawState, Track

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.modules.inner import Inner

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sums:
    """Squares that add up in each group: those of drawn node `place[k]` are the events from `start[k]` to
    `start[k + 1]`, sorted, with the sum of `squares` up to each."""

    place: Ints
    start: Ints
    event: Ints
    total: Floats

    def at(self, playhead: int) -> Floats:
        """The norm in each group of `place`; NaN before anything has arrived."""
        norms = np.full(len(self.place), np.nan)
        for index, (first, end) in enumerate(zip(self.start[:-1].tolist(), self.start[1:].tolist(), strict=True)):
            arrived = int(np.searchsorted(self.event[first:end], playhead, "right"))
            if arrived:
                norms[index] = np.sqrt(self.total[first + arrived - 1])
        return norms


@dataclass(frozen=True, eq=False)
class GroupedTrack(Track):
    """The track of what is drawn; `inner` is that of the recorded nodes. `edge_magnitude` is of the recorded edges."""

    inner: Track
    sums: Sums


def grouped_track(track: Track, inner: Inner) -> GroupedTrack:
    """Of a group, the first event of each kind among its members; `track` is that of all recorded nodes."""
    order, start = inner.node_order

    def first(events: Ints) -> Ints:
        return np.minimum.reduceat(events[order], start) if len(start) else events[:0]

    lone = order[start] if len(start) else order
    grouped = np.zeros(len(start), dtype=np.bool_)
    grouped[list(inner.groups)] = True
    sums = _sums(inner, track)
    norm = np.where(grouped, np.nan, track.norm[lone])
    norm[sums.place] = sums.at(NEVER - 1)
    magnitude = np.where(grouped, np.nan, track.magnitude[lone])
    magnitude[sums.place] = states.on_scale(norm[sums.place], track.scale)
    return GroupedTrack(
        forward=first(track.forward),
        backward=first(track.backward),
        accumulate=first(track.accumulate),
        update=first(track.update),
        parameter=np.where(grouped, -1, track.parameter[lone]),
        norm=norm,
        magnitude=magnitude,
        odd=np.maximum.reduceat(track.odd[order], start) if len(start) else track.odd[:0],
        edge_magnitude=track.edge_magnitude,
        update_keys=track.update_keys,
        span=track.span,
        scale=track.scale,
        inner=track,
        sums=sums,
    )


def _sums(inner: Inner, track: Track) -> Sums:
    plain = inner.plain
    order, start = inner.node_order
    end = np.append(start[1:], len(order))
    entered = np.zeros(plain.node_count, dtype=np.bool_)
    entered[plain.target[inner.edge_owner >= 0]] = True
    entered |= np.bincount(plain.target, minlength=plain.node_count) == 0  # the loss
    places, starts, events, totals = [], [0], [], []
    for place in sorted(inner.groups):
        members = order[start[place] : end[place]]
        parameters = members[plain.kind[members] == PARAMETER]
        if len(parameters):
            members = parameters
            when = np.minimum(track.accumulate[members], track.backward[members])
        else:
            members = members[entered[members]]
            when = track.backward[members]
        known = (when != NEVER) & ~np.isnan(track.norm[members])
        by_time = np.argsort(when[known], kind="stable")
        places.append(place)
        events.append(when[known][by_time])
        totals.append(np.cumsum(track.norm[members][known][by_time] ** 2))
        starts.append(starts[-1] + len(events[-1]))
    nothing = np.zeros(0)
    return Sums(
        np.array(places, dtype=np.int64),
        np.array(starts, dtype=np.int64),
        np.concatenate([nothing, *events]).astype(np.int64),
        np.concatenate([nothing, *totals]),
    )


def grouped_state(recording: Recording, inner: Inner, track: Track, playhead: int) -> DrawState:
    """The state of all recorded nodes, gathered by what is drawn for them."""
    if not isinstance(track, GroupedTrack):
        raise TypeError("a picture with collapsed modules needs the track that was made for it")
    every = states.state_at(recording, inner.plain, track.inner, playhead)
    order, start = inner.node_order
    edge_order, edge_start = inner.edge_order
    lone = order[start] if len(start) else order
    grouped = np.zeros(len(start), dtype=np.bool_)
    grouped[list(inner.groups)] = True
    norm, magnitude = every.norm[lone], every.magnitude[lone]
    norm[grouped] = magnitude[grouped] = np.nan
    norm[track.sums.place] = track.sums.at(playhead)
    magnitude[track.sums.place] = states.on_scale(norm[track.sums.place], track.scale)

    def gathered(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.maximum.reduceat(values[order], start) if len(start) else values[:0]

    def on_edges(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.maximum.reduceat(values[edge_order], edge_start) if len(edge_start) else values[:0]

    return DrawState(
        playhead=playhead,
        phase=every.phase,
        kind=every.kind,
        active=int(inner.owner[every.active]) if every.active >= 0 else -1,
        status=gathered(every.status).astype(np.uint8),
        arrived=gathered(every.arrived).astype(np.bool_),
        updated=gathered(every.updated).astype(np.bool_),
        magnitude=magnitude,
        norm=norm,
        odd=gathered(every.odd).astype(np.uint8),
        value_event=np.where(grouped, -1, every.value_event[lone]),
        value_role=np.where(grouped, 0, every.value_role[lone]).astype(np.uint8),
        gradient_event=np.where(grouped, -1, every.gradient_event[lone]),
        edge=on_edges(every.edge).astype(np.uint8),
        edge_magnitude=on_edges(every.edge_magnitude).astype(np.float64),
    )
