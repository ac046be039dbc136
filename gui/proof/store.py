"""What was proved of the opened recording when somebody asked for it, node by node. No widgets, no numpy.

What the inspector works out by itself is not kept here: the canvas would show where one has been.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

GATHER_MS = 150  # proofs come by the hundred: whoever draws them is told a few times a second

STATES: tuple[str, ...] = (
    "proved", "finite_differences", "not_differentiable", "unknown", "wrong", "no_data", "not_run",
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What was found out about one node. `state` is one of STATES; errors are absolute and relative, the largest."""

    node: int
    state: str
    max_abs: float = 0.0
    max_rel: float = 0.0
    reason: str = ""
    step: int = 0
    type: str = ""
    name: str = ""


class ProofStore(QObject):
    """Verdicts by node id. `changed` follows a moment after they came."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._verdicts: dict[int, Verdict] = {}
        self._timer = QTimer(self, singleShot=True, interval=GATHER_MS)
        self._timer.timeout.connect(self.tell)
        self.version = 0

    @property
    def verdicts(self) -> Mapping[int, Verdict]:
        return self._verdicts

    def get(self, node: int) -> Verdict | None:
        return self._verdicts.get(node)

    def add(self, verdicts: Iterable[Verdict]) -> None:
        """Take in what was found out. What was checked by finite differences stays so where there is still no rule."""
        news = {verdict.node: verdict for verdict in verdicts if self._is_news(verdict)}
        if news:
            self._verdicts |= news
            self.version += 1
            if not self._timer.isActive():
                self._timer.start()

    def _is_news(self, verdict: Verdict) -> bool:
        known = self._verdicts.get(verdict.node)
        if known is not None and known.state in ("finite_differences", "wrong") and verdict.state == "unknown":
            return False
        return known != verdict

    def clear(self) -> None:
        """Another recording."""
        self._timer.stop()
        if self._verdicts:
            self._verdicts = {}
            self.version += 1
            self.changed.emit()

    def tell(self) -> None:
        """Tell at once what has come in."""
        self._timer.stop()
        self.changed.emit()

    def counts(self) -> Counter[str]:
        """How many nodes are in each state."""
        return Counter(verdict.state for verdict in self._verdicts.values())
