"""Where what travels in a backward pass is drawn: recorded edges on the edges of a scene."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from engine.errors import ChainruleError
from engine.graph.flow import NEVER, Contributions, contributions, log_shares

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.scene import Scene

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

KEPT = 8
AT_ONCE = 1_000  # events of a graph: what has fewer is worked out sooner than a thread is started
_making: set[tuple[int, int, int]] = set()
_failed: set[tuple[int, int, int]] = set()
_MOST_SLOTS = 1 << 20


@dataclass(frozen=True, eq=False)
class Lanes:
    """By recorded edge: `drawn` is the scene's edge along which it runs (-1: none, as inside a collapsed module).

    `gradient` and `value` are magnitudes, 0 to 1 on a log scale; what is unknown is 0.5.
    """

    facts: Contributions
    drawn: Ints
    gradient: Floats
    value: Floats

    @cached_property
    def _forward(self) -> tuple[Ints, Ints]:
        return _by_event(self.facts.forward, self.drawn)

    @cached_property
    def _backward(self) -> tuple[Ints, Ints]:
        return _by_event(np.where(self.facts.branches > 0, self.facts.taken, NEVER), self.drawn)

    def between(self, after: int, until: int, *, forward: bool) -> Ints:
        """Recorded edges along which something ran in the events after `after` up to `until`, in their order."""
        order, events = self._forward if forward else self._backward
        low, high = np.searchsorted(events, [after, until], "right")
        return order[low:high]


def _by_event(events: Ints, drawn: Ints) -> tuple[Ints, Ints]:
    mine = np.flatnonzero((events != NEVER) & (drawn >= 0))
    order = mine[np.argsort(events[mine], kind="stable")]
    return order, events[order]


_kept: WeakKeyDictionary[Recording, dict[tuple[int, int, int], tuple[Scene, Lanes]]] = WeakKeyDictionary()


def lanes_of(recording: Recording, scene: Scene, graph_id: int) -> Lanes:
    """Worked out once for as long as the recording does not grow and the same is drawn. Raises RecordingError."""
    kept = _kept.setdefault(recording, {})
    key = (graph_id, len(recording.timeline), id(scene.pieces))
    known = kept.get(key)  # in one go: another thread may take it out
    if known is None:
        known = (scene, make_lanes(recording, scene, graph_id))  # with the scene, so that its id is not given away
        for old in list(kept)[: max(len(kept) + 1 - scene.kept(KEPT), 0)]:
            kept.pop(old, None)
        kept[key] = known
    return known[1]


def at_hand(recording: Recording, scene: Scene, graph_id: int) -> bool:
    """Whether `lanes_of` takes no time. If not, they are made in a thread, for the next time that one asks."""
    key = (graph_id, len(recording.timeline), id(scene.pieces))
    if len(recording.timeline.events_of_graph(graph_id)) <= AT_ONCE or key in _kept.get(recording, {}):
        return True
    if key in _failed:
        return True  # and who asks is told why
    if key not in _making:
        _making.add(key)
        threading.Thread(target=_make, args=(recording, scene, graph_id, key), name="lanes", daemon=True).start()
    return False


def _make(recording: Recording, scene: Scene, graph_id: int, key: tuple[int, int, int]) -> None:
    try:
        lanes_of(recording, scene, graph_id)
    except ChainruleError:
        _failed.add(key)
    finally:
        _making.discard(key)


def busy() -> bool:
    """Whether a thread is at work that `at_hand` has started."""
    return bool(_making)


def make_lanes(recording: Recording, scene: Scene, graph_id: int) -> Lanes:
    """Raises RecordingError."""
    facts = contributions(recording, graph_id)
    with np.errstate(invalid="ignore"):
        gradient = log_shares(facts.norm, facts.norm)
        value = log_shares(facts.forward_norm, facts.forward_norm)
    return Lanes(
        facts=facts,
        drawn=_drawn(scene, facts),
        gradient=np.nan_to_num(gradient, nan=0.5),
        value=np.nan_to_num(value, nan=0.5),
    )


def _drawn(scene: Scene, facts: Contributions) -> Ints:
    """The drawn edge with the same ends and slot; else the first with the same ends."""
    source, target = scene.places(facts.source), scene.places(facts.target)
    found = np.full(len(source), -1, dtype=np.int64)
    if not len(scene.source):
        return found
    apart = (source >= 0) & (target >= 0) & (source != target)
    count = scene.node_count
    exact = _match(
        (scene.source * count + scene.target) * _MOST_SLOTS + scene.slot,
        (source * count + target) * _MOST_SLOTS + facts.slot,
    )
    alike = _match(scene.source * count + scene.target, source * count + target)
    found[apart] = np.where(exact >= 0, exact, alike)[apart]
    return found


def _match(keys: Ints, wanted: Ints) -> Ints:
    """Where each of `wanted` first stands in `keys`, or -1."""
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    return np.where(keys[order[place]] == wanted, order[place], -1)
