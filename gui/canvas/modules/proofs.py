"""What is proved of a collapsed module: what is worst among its nodes, and nothing as long as one was not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gui.canvas.cards import DATA
from gui.proof.store import STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gui.canvas.modules.inner import Inner
    from gui.proof.store import Verdict

States = npt.NDArray[np.int8]

BEST_FIRST = ("not_differentiable", "proved", "finite_differences", "not_run", "no_data", "unknown", "wrong")
_RANK = np.array([BEST_FIRST.index(state) for state in STATES], dtype=np.int8)
_STATE = np.array([STATES.index(state) for state in BEST_FIRST], dtype=np.int8)


def gathered(inner: Inner, verdicts: Mapping[int, Verdict], none: int) -> States:
    """Index in STATES of what is known of each drawn node, `none` where nothing is.

    One wrong node makes its module wrong; it is proved only if every node in it that can be was proved.
    """
    plain = inner.plain
    known = np.full(plain.node_count, -1, dtype=np.int8)
    for node, verdict in verdicts.items():
        place = plain.position.get(node)
        if place is not None:
            known[place] = _RANK[STATES.index(verdict.state)]
    order, start = inner.node_order
    if not len(start):
        return np.zeros(0, dtype=np.int8)
    worst = np.maximum.reduceat(known[order], start)
    counted = np.where(plain.kind == DATA, BEST_FIRST.index("not_differentiable"), known)  # data has nothing to prove
    unseen = np.minimum.reduceat(counted[order], start) < 0
    state = np.where(worst < 0, none, _STATE[np.maximum(worst, 0)])
    incomplete = unseen & (worst < BEST_FIRST.index("wrong"))
    found: States = np.where(incomplete, none, state).astype(np.int8)
    return found
