"""Many events at a time: everything that happened lately is still on its way, each as old as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gui.canvas.flow.moment import TRAIL, Dots, dots

if TYPE_CHECKING:
    from gui.canvas.flow.lanes import Lanes
    from gui.canvas.scene import Scene

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LIFE = 0.30  # seconds that a pulse takes for its edge where events come faster than that
MOST_DOTS = 2400  # trails become shorter where more would be drawn
MOST_RINGS = 12


@dataclass(frozen=True, eq=False)
class Batch:
    """Pulses that set out: along which drawn `edges`, which way, how large, and when (`born`, seconds). `nodes` are
    where something happened, with the time in `lit`."""

    edges: Ints
    back: Flags
    magnitude: Floats
    born: Floats
    nodes: Ints
    lit: Floats

    @property
    def last(self) -> float:
        """When the youngest of it was born."""
        return float(max(self.born.max(initial=-np.inf), self.lit.max(initial=-np.inf)))


@dataclass(frozen=True, eq=False)
class Now:
    """`forward` and `backward` pulses; `nodes` that something happened at lately, and how bright they still are."""

    forward: Dots
    backward: Dots
    nodes: tuple[tuple[int, float], ...]


def batch(scene: Scene, lanes: Lanes, node_of_event: Ints, after: int, until: int, since: float, now: float) -> Batch:
    """The pulses of the events after `after` up to `until`, spread evenly over the time from `since` to `now`."""
    forward = lanes.between(after, until, forward=True)
    backward = lanes.between(after, until, forward=False)
    recorded = np.concatenate([forward, backward])
    events = np.concatenate([lanes.facts.forward[forward], lanes.facts.taken[backward]])
    pace = (now - since) / max(until - after, 1)
    recent = np.arange(max(after + 1, until - MOST_RINGS + 1), until + 1)
    places = [scene.position.get(int(node_of_event[event]), -1) for event in recent.tolist()]
    known = np.array([place >= 0 for place in places], dtype=np.bool_)
    return Batch(
        edges=lanes.drawn[recorded],
        back=np.arange(len(recorded)) < len(forward),
        magnitude=np.concatenate([lanes.value[forward], lanes.gradient[backward]]),
        born=since + (events - after) * pace,
        nodes=np.array(places, dtype=np.int64)[known],
        lit=since + pace * (recent - after)[known].astype(np.float64),
    )


def flowing(scene: Scene, batches: Sequence[Batch], now: float, life: float, spacing: float) -> Now:
    """Where the pulses of `batches` are, each having taken `life` seconds for its whole way."""
    edges = _joined([each.edges for each in batches], np.int64)
    back = _joined([each.back for each in batches], np.bool_)
    magnitude = _joined([each.magnitude for each in batches], np.float64)
    way = (now - _joined([each.born for each in batches], np.float64)) / life
    alive = (way > 0.0) & (way < 1.0)
    trail = int(min(max(MOST_DOTS // max(int(alive.sum()), 1) - 1, 0), TRAIL))
    found = [
        dots(scene, edges[mine], back[mine], _glide(way[mine]), magnitude[mine], spacing, trail)
        for mine in (alive & back, alive & ~back)
    ]
    nodes = _joined([each.nodes for each in batches], np.int64).tolist()
    fading = (1.0 - (now - _joined([each.lit for each in batches], np.float64)) / life).tolist()
    lit = {node: strength for node, strength in zip(nodes, fading, strict=True) if 0.0 < strength <= 1.0}
    return Now(found[0], found[1], tuple(sorted(lit.items(), key=lambda pair: pair[1])[-MOST_RINGS:]))


def _glide(way: Floats) -> Floats:
    """Out quickly, in gently."""
    eased: Floats = 1.0 - (1.0 - way) ** 2
    return eased


def _joined(parts: Sequence[npt.NDArray[Any]], dtype: type) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)
