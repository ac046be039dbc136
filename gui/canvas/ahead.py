"""What a new picture is put together from, drawn before it is shown: bit by bit, for all of it takes as long as several
turns of the window's loop should.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gui.canvas.lod import Detail
from gui.canvas.modules import boxes
from gui.canvas.painter import GraphPainter

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.scene import Scene

AT_A_TIME = 8  # cards: two milliseconds


class PreparedPainter(GraphPainter):
    """Paints the same, and sooner what was prepared."""

    def prepare(self, scene: Scene, camera: Camera) -> Iterator[None]:
        """Draw the cards and titles that `camera` will see, in the colours of their kinds."""
        if camera.detail == Detail.DOT:
            return
        needed = np.unique(scene.card[scene.visible(*camera.bounds(2.0))])
        for start in range(0, len(needed), AT_A_TIME):
            self._stamps.prepare(scene.cards, needed[start : start + AT_A_TIME], camera)
            yield
        boxes.titles(scene, camera, self.theme)
        yield
