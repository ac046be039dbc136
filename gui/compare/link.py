"""Moves one view along with the other, so that nodes that are the same stand at the same place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from engine.graph.compare import Comparison
    from gui.canvas.scene import Scene
    from gui.compare.view import CompareView

Floats = npt.NDArray[np.float64]


class Link(QObject):
    """Ties camera and selection of two views together, as far as `comparison` knows which nodes are the same."""

    def __init__(self, left: CompareView, right: CompareView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._left, self._right = left, right
        self.comparison: Comparison | None = None
        self._anchors: tuple[Scene, Scene, Comparison, Floats] | None = None
        left.moved.connect(lambda: self._follow(left, right))
        right.moved.connect(lambda: self._follow(right, left))

    def counterpart(self, node: int | None, *, on_left: bool) -> int | None:
        """The node on the other side that is the same as one on the left (or, `on_left` false, on the right)."""
        found = self.comparison
        if found is None or node is None:
            return None
        mine, its, other = (
            (found.left_ids, found.right_ids, found.right_of)
            if on_left
            else (found.right_ids, found.left_ids, found.left_of)
        )
        places = np.flatnonzero(mine == node)
        if not len(places) or other[places[0]] < 0:
            return None
        return int(its[other[places[0]]])

    def _follow(self, moved: CompareView, other: CompareView) -> None:
        if moved.scene is None or other.scene is None:
            return
        if moved.fitted:
            other.follow_fit()
            return
        camera = moved.camera
        dx, dy = self._offset(moved is self._left, camera.x, camera.y)
        other.follow(camera.x + dx, camera.y + dy, camera.scale)

    def _offset(self, from_left: bool, x: float, y: float) -> tuple[float, float]:
        """From a point of the one scene to the same of the other: that of the nearest node that both have."""
        anchors = self._places()
        if not len(anchors):
            return 0.0, 0.0
        mine, its = (anchors[:, :2], anchors[:, 2:]) if from_left else (anchors[:, 2:], anchors[:, :2])
        nearest = int(np.argmin(((mine - (x, y)) ** 2).sum(axis=1)))
        dx, dy = (its[nearest] - mine[nearest]).tolist()
        return dx, dy

    def _places(self) -> Floats:
        """(p, 4): the middles of each pair on the left and on the right."""
        left, right, found = self._left.scene, self._right.scene, self.comparison
        if left is None or right is None or found is None:
            return np.zeros((0, 4))
        known = self._anchors
        if known is None or known[0] is not left or known[1] is not right or known[2] is not found:
            pairs = found.pairs
            mine, its = left.places(found.left_ids[pairs[:, 0]]), right.places(found.right_ids[pairs[:, 1]])
            drawn = (mine >= 0) & (its >= 0)
            middles = [_middles(scene, places[drawn]) for scene, places in ((left, mine), (right, its))]
            self._anchors = known = (left, right, found, np.concatenate(middles, axis=1))
        return known[3]


def _middles(scene: Scene, places: npt.NDArray[np.int64]) -> Floats:
    x, y = (scene.left[places] + scene.right[places]) / 2, (scene.top[places] + scene.bottom[places]) / 2
    return np.stack([x, y], axis=1)
