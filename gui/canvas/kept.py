"""What a node keeps for its backward, as it stands on its card close up: bytes, worked out when they are first seen."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from engine.errors import ChainruleError
from engine.pace import unless
from gui.canvas.arrays import Kept as Known
from gui.canvas.cards import (
    BETWEEN,
    DETAIL,
    MODULE,
    NORM,
    NUMBER_WIDTH,
    OPERATION,
    SLACK,
    SMALLER,
    SUBTITLE,
    Card,
    Place,
    mono_width,
    number_places,
    text_width,
    third_line,
)
from gui.canvas.lod import Detail
from gui.canvas.modules import card as card_of_module

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.scene import Scene

Bytes = Mapping[int, int]
_sums: Known[dict[int, int]] = Known(8)
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Kept(QObject):
    """Bytes by node id, for each graph, by `engine.graph.memory`: without parameters and inputs. `changed` tells that
    those of one more are known."""

    changed = Signal()

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._recording = recording
        self._known: dict[int, tuple[int, Bytes]] = {}
        self._counted: tuple[int, int, int] | None = None  # events of which graph, among how many
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def of(self, graph_id: int) -> Bytes:
        """As far as they are known; asks for them where they are not."""
        events, found = self._known.get(graph_id, (-1, {}))
        if events != self._events(graph_id) and not self.is_working:
            self._thread = threading.Thread(target=self._work, args=(graph_id,), name="kept bytes", daemon=True)
            self._thread.start()
        return found

    def now(self, graph_id: int) -> Bytes:
        """The same, for those who can wait."""
        if graph_id not in self._known:
            self._read(graph_id)
        return self._known[graph_id][1]

    @property
    def is_working(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Nobody asks any more: what is being worked out is given up."""
        self._stop.set()

    def finish(self) -> None:
        """Wait for what is being worked out."""
        if self._thread is not None:
            self._thread.join()

    def _events(self, graph_id: int) -> int:
        """More of them, and more may be known: what was saved is recorded when a node runs backward."""
        timeline = self._recording.timeline
        if self._counted is None or self._counted[:2] != (graph_id, len(timeline)):
            self._counted = (graph_id, len(timeline), len(timeline.events_of_graph(graph_id)))
        return self._counted[2]

    def _read(self, graph_id: int) -> None:
        from engine.graph.memory import saved_bytes

        events, found = self._events(graph_id), {}
        with contextlib.suppress(ChainruleError):
            found = saved_bytes(self._recording, graph_id)
        self._known[graph_id] = (events, found)

    def _work(self, graph_id: int) -> None:
        try:
            with unless(self._stop.is_set):
                self._read(graph_id)
        except BaseException:  # a fault of the program: threading's hook tells it, and it is not tried again
            self._known[graph_id] = (self._events(graph_id), {})
            raise
        with contextlib.suppress(RuntimeError):  # the window is gone
            self.changed.emit()


def short_size(count: int) -> str:
    """A number of bytes in seven signs at most: "512 B", "8.2 KiB", "401 KiB"."""
    amount, unit = float(count), 0
    while amount >= 999.5 and unit < len(UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {UNITS[unit]}" if unit and amount < 9.95 else f"{amount:.0f} {UNITS[unit]}"


def kept_by(scene: Scene, node: int, kept: Bytes) -> int:
    """Bytes that a drawn node keeps, all that is in it taken together."""
    if scene.inner is None:
        return kept.get(scene.node_ids.item(node), 0)
    known = _sums.get((scene.inner, kept), dict)  # a module may have thousands of nodes
    if node not in known:
        known[node] = sum(map(kept.get, scene.members(node).tolist(), repeat(0)))
    return known[node]


@lru_cache(maxsize=16384)
def kept_place(card: Card, signs: int) -> Place | None:
    """Where a text of so many signs goes: between shape and norm, of a scalar between its type and its gradient; None
    where there is no room."""
    if card.kind == MODULE:
        return card_of_module.kept_place(card, signs)
    if card.kind != OPERATION:
        return None
    if card.scalar:
        gradient = number_places(card, Detail.CLOSE)[1]
        right = card.padding + text_width(card.subtitle, SUBTITLE) * SLACK + mono_width(BETWEEN + "0" * signs, DETAIL)
        if gradient is None or right > gradient.right - NUMBER_WIDTH:
            return None
        return Place(right, gradient.middle, DETAIL)
    words = mono_width(card.detail + BETWEEN if card.detail else "", DETAIL) * SMALLER
    right = card.padding + words + mono_width("0" * signs, DETAIL) * SMALLER
    if right > card.width - card.padding - mono_width(NORM, DETAIL) * SMALLER:
        return None
    return Place(right, third_line(card), DETAIL * SMALLER)
