"""What the graph looks like at a playhead: a pure function of (recording, scene, playhead).

A `Track` holds, for one graph, the event at which each thing happens; `state_at` compares those with the playhead, so
walking and jumping are the same. `draw_state` does both for those who need it once.

A value travels along an edge, against its direction, when the operation at its source runs forward. A gradient leaves
the source when that runs backward, and has travelled when the target has taken it in: there, contributions are summed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt

from engine.recording.model import EVENT_KINDS, PHASE_OF_KIND, EventKind, Phase, Role
from gui.canvas.cards import DATA, OPERATION, PARAMETER

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.scene import Scene

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

NEVER = np.iinfo(np.int64).max  # the event of what does not happen
# Powers of ten that the scale of brightness spans: small differences do not look large, and nothing drowns in the rest.
FEWEST_DECADES, MOST_DECADES = 3.0, 8.0

NOT_YET, VALUE, GRADIENT = 0, 1, 2  # status of a node
HAS_INFINITY, HAS_NAN = 1, 2  # of a gradient
IDLE, CARRIES_VALUE, WAITING, CARRIES_GRADIENT = 0, 1, 2, 3  # status of an edge


@dataclass(frozen=True, eq=False)
class Track:
    """Events by position: `forward`, `backward`, `accumulate`, `update` (n) are NEVER where there is none.

    `value_event` (n) is the forward event that tells a node's number. `parameter` (n) is -1 for others. `norm` (n) is
    that of the gradient that entered a node (NaN: unknown), `magnitude` (n) the same on a log scale from 0 to 1. `odd`
    (n): HAS_NAN or HAS_INFINITY where that gradient is not finite, else 0. `edge_magnitude` (e) is that of what an edge
    brings to its target, or of all that enters the target where that was not recorded.
    `update_keys` are all updates of the recording as parameter * `span` + event, sorted. `scale`: the powers of ten at
    which `magnitude` is 0 and 1, None if there is no gradient.
    """

    forward: Ints
    backward: Ints
    accumulate: Ints
    update: Ints
    parameter: Ints
    norm: Floats
    magnitude: Floats
    odd: Bytes
    edge_magnitude: Floats
    update_keys: Ints
    span: int
    scale: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class DrawState:
    """Per node: `status`, `arrived` and `updated` (a parameter's gradient, its update), `magnitude` (NaN: no gradient
    yet), `norm`, `odd`; `value_event` and `gradient_event` tell where the numbers stand in the recording (-1: none
    yet), and `value_role` indexes VALUE_ROLES. Per edge: `edge` (status) and `edge_magnitude` (0..1).
    `active` is the position of the node of the playhead's event, -1 if that is not in this graph.
    """

    playhead: int
    phase: Phase | Literal[""]
    kind: EventKind | Literal[""]
    active: int
    status: Bytes
    arrived: Flags
    updated: Flags
    magnitude: Floats
    norm: Floats
    odd: Bytes
    value_event: Ints
    value_role: Bytes
    gradient_event: Ints
    edge: Bytes
    edge_magnitude: Floats

    def key(self) -> tuple[object, ...]:
        """Everything in it as one comparable value."""
        arrays = (
            self.status, self.arrived, self.updated, self.magnitude, self.norm, self.value_event, self.value_role,
            self.gradient_event, self.edge, self.edge_magnitude, self.odd,
        )  # fmt: skip
        return (self.playhead, self.phase, self.kind, self.active, *(array.tobytes() for array in arrays))


class Drawn(Protocol):
    """What a track is made for: a scene, or the recorded graph under one."""

    @property
    def node_ids(self) -> Ints: ...
    @property
    def node_count(self) -> int: ...
    @property
    def kind(self) -> Ints: ...
    @property
    def position(self) -> dict[int, int]: ...
    @property
    def source(self) -> Ints: ...
    @property
    def target(self) -> Ints: ...
    @property
    def slot(self) -> Ints: ...
    @property
    def data_edge(self) -> Flags: ...


VALUE_ROLES: tuple[Role, ...] = ("output", "input", "param_before", "param_after")
_OUTPUT, _INPUT, _BEFORE, _AFTER = range(4)


def draw_state(recording: Recording, scene: Scene, playhead: int, graph_id: int) -> DrawState:
    """The state of `scene`, which shows graph `graph_id`, at `playhead`."""
    return state_at(recording, scene, make_track(recording, scene, graph_id), playhead)


def make_track(recording: Recording, scene: Drawn, graph_id: int) -> Track:
    """Look up once when everything in the graph happens. Recorded later events need a new track."""
    inner = getattr(scene, "inner", None)
    if inner is not None:
        from gui.canvas.modules import flow

        return flow.grouped_track(make_track(recording, inner.plain, graph_id), inner)
    timeline = recording.timeline
    order = np.argsort(scene.node_ids)
    of_graph = timeline.events_of_graph(graph_id)
    events = {
        kind: _by_node(of_graph[timeline.kind[of_graph] == EVENT_KINDS.index(kind)], timeline.node, scene, order)
        for kind in EVENT_KINDS[1:]
    }
    rows = {node.id: node for node in recording.nodes(graph_id)}
    nodes = [rows[node] for node in scene.node_ids.tolist()]
    forward = np.array([NEVER if n.forward_event is None else n.forward_event for n in nodes], dtype=np.int64)
    _use_of_leaves(forward, scene)
    parameter = np.array([-1 if n.parameter is None else n.parameter for n in nodes], dtype=np.int64)
    norm, odd = _norms(recording, np.minimum(events["backward"], events["accumulate"]))
    updates = np.flatnonzero(timeline.kind == EVENT_KINDS.index("update"))
    span = max(len(timeline), 1)
    scale = scale_of(norm)
    return Track(
        forward=forward,
        backward=events["backward"],
        accumulate=events["accumulate"],
        update=events["update"],
        parameter=parameter,
        norm=norm,
        magnitude=on_scale(norm, scale),
        odd=odd,
        edge_magnitude=_brought(recording, scene, events["backward"], on_scale(norm, scale), scale),
        update_keys=np.sort(timeline.parameter[updates] * span + updates),
        span=span,
        scale=scale,
    )


def _by_node(events: Ints, node_of_event: Ints, scene: Drawn, order: Ints) -> Ints:
    """The event of each node among `events`; the last if there are several, NEVER if there is none."""
    found = np.full(scene.node_count, NEVER, dtype=np.int64)
    nodes = node_of_event[events]
    ids = scene.node_ids[order]
    place = np.minimum(np.searchsorted(ids, nodes), max(len(ids) - 1, 0))
    known = ids[place] == nodes if len(ids) else np.zeros(len(nodes), dtype=np.bool_)
    found[order[place[known]]] = events[known]
    return found


def _use_of_leaves(forward: Ints, scene: Drawn) -> None:
    """A leaf is lit when an operation first reads it."""
    leaf = scene.kind != OPERATION
    used = np.full(len(forward), NEVER, dtype=np.int64)
    np.minimum.at(used, scene.target, forward[scene.source])
    forward[leaf] = used[leaf]


def _norms(recording: Recording, events: Ints) -> tuple[Floats, Bytes]:
    """Gradient norm at each of `events`, NaN for NEVER and where none was recorded; and what is not finite in it."""
    norms, odd = np.full(len(events), np.nan), np.zeros(len(events), dtype=np.uint8)
    known = np.flatnonzero(events != NEVER)
    steps = recording.timeline.step[events[known]]
    for step in np.unique(steps).tolist():
        first, _ = recording.timeline.step_bounds(step)
        mine = known[steps == step]
        norms[mine] = recording.norms(step)[events[mine] - first]
        odd[mine] = recording.odd(step)[events[mine] - first]
    return norms, odd


def _brought(
    recording: Recording, scene: Drawn, backward: Ints, magnitude: Floats, scale: tuple[float, float] | None
) -> Floats:
    event = backward[scene.source]
    norm = np.full(len(event), np.nan)
    known = np.flatnonzero(event != NEVER)
    for step in np.unique(recording.timeline.step[event[known]]).tolist():
        places, norms = recording.sent_norms(step)
        if len(norms):
            slots = int(max(places[:, 1].max(), scene.slot.max())) + 1
            keys, wanted = places[:, 0] * slots + places[:, 1], event[known] * slots + scene.slot[known]
            found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            hit = keys[found] == wanted
            norm[known[hit]] = norms[found[hit]]
    own = on_scale(norm, scale)
    shares: Floats = np.where(np.isnan(own), np.nan_to_num(magnitude[scene.target], nan=0.0), own)
    return shares


def scale_of(norms: Floats) -> tuple[float, float] | None:
    """The powers of ten between which norms are told apart; None if none is positive."""
    positive = norms[np.isfinite(norms) & (norms > 0)]
    if not len(positive):
        return None
    high = float(np.log10(positive.max()))
    return min(max(float(np.log10(positive.min())), high - MOST_DECADES), high - FEWEST_DECADES), high


def on_scale(norms: Floats, scale: tuple[float, float] | None) -> Floats:
    """Norms to 0..1: the largest is 1, zero is 0, NaN stays."""
    if scale is None:
        return np.where(np.isnan(norms), np.nan, 0.0)
    low, high = scale
    with np.errstate(divide="ignore"):
        share = (np.log10(norms) - low) / (high - low)
    scaled: Floats = np.where(np.isnan(norms), np.nan, np.clip(share, 0.0, 1.0))
    return scaled


def state_at(recording: Recording, scene: Drawn, track: Track, playhead: int) -> DrawState:
    """Compare every event of the track with the playhead."""
    inner = getattr(scene, "inner", None)
    if inner is not None:
        from gui.canvas.modules import flow

        return flow.grouped_state(recording, inner, track, playhead)
    valued = track.forward <= playhead
    passed = track.backward <= playhead
    arrived = track.accumulate <= playhead
    taken = passed | arrived
    status = np.where(taken, GRADIENT, np.where(valued, VALUE, NOT_YET)).astype(np.uint8)
    value_event, value_role = _values(scene, track, playhead, valued)
    edge, edge_magnitude = _edges(scene, track, valued, passed, taken)
    active, kind, phase = _active(recording, scene, playhead)
    gradient_event = np.where(passed, track.backward, np.where(arrived, track.accumulate, -1))
    return DrawState(
        playhead=playhead,
        phase=phase,
        kind=kind,
        active=active,
        status=status,
        arrived=arrived,
        updated=track.update <= playhead,
        magnitude=np.where(taken, track.magnitude, np.nan),
        norm=np.where(taken, track.norm, np.nan),
        odd=np.where(taken, track.odd, 0).astype(np.uint8),
        value_event=value_event,
        value_role=value_role,
        gradient_event=gradient_event,
        edge=edge,
        edge_magnitude=edge_magnitude,
    )


def _values(scene: Drawn, track: Track, playhead: int, valued: Flags) -> tuple[Ints, Bytes]:
    event = np.where(valued, track.forward, -1)
    role = np.where(scene.kind == DATA, _INPUT, _OUTPUT).astype(np.uint8)
    places = np.flatnonzero((scene.kind == PARAMETER) & (track.parameter >= 0))
    if len(places):
        event[places], role[places] = _parameter_values(track, places, playhead)
    return event, role


def _parameter_values(track: Track, places: Ints, playhead: int) -> tuple[Ints, Bytes]:
    """The last update up to the playhead tells the value after it; before the first, the next one tells it.

    Of a parameter that is never updated, the accumulation of its gradient tells the value.
    """
    keys, span = track.update_keys, track.span
    parameter, accumulate = track.parameter[places], track.accumulate[places]
    untold = np.where(accumulate == NEVER, -1, accumulate)
    after = np.searchsorted(keys, parameter * span + min(playhead, span - 1), "right")
    last = np.maximum(after - 1, 0)
    following = np.minimum(after, len(keys) - 1)
    if not len(keys):
        return untold, np.full(len(parameter), _BEFORE, dtype=np.uint8)
    was = (after > 0) & (keys[last] // span == parameter)
    will = ~was & (after < len(keys)) & (keys[following] // span == parameter)
    event = np.where(was, keys[last] % span, np.where(will, keys[following] % span, untold))
    return event, np.where(was, _AFTER, _BEFORE).astype(np.uint8)


def _edges(scene: Drawn, track: Track, valued: Flags, passed: Flags, taken: Flags) -> tuple[Bytes, Floats]:
    source, target = scene.source, scene.target
    gradient = ~scene.data_edge & passed[source]
    edge = np.where(valued[source], CARRIES_VALUE, IDLE).astype(np.uint8)
    edge[gradient] = WAITING
    travelled = gradient & taken[target]
    edge[travelled] = CARRIES_GRADIENT
    magnitude = np.where(travelled, track.edge_magnitude, 0.0)
    return edge, magnitude


def _active(
    recording: Recording, scene: Drawn, playhead: int
) -> tuple[int, EventKind | Literal[""], Phase | Literal[""]]:
    timeline = recording.timeline
    if not 0 <= playhead < len(timeline):
        return -1, "", ""
    kind = EVENT_KINDS[int(timeline.kind[playhead])]
    return scene.position.get(int(timeline.node[playhead]), -1), kind, PHASE_OF_KIND[kind]
