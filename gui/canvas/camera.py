"""Which part of the scene is in view. Everything is painted in device pixels; a camera converts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from gui.canvas.lod import LARGEST, SMALLEST, Detail, detail_at, snapped

Bounds = tuple[float, float, float, float]
FIT_MARGIN_X, FIT_MARGIN_Y = 24.0, 48.0  # logical px; above and below stand breadcrumbs and legend
LARGEST_FIT = 1.7  # a small graph is not blown up further than this
HAIR = 2.0**-22  # device px: more than errors of sums, less than what is seen


@dataclass(frozen=True)
class Camera:
    """`x`, `y` is the scene point in the middle of the view; `scale` device px for one scene px; `width`, `height` the
    view in device px; `ratio` device px for one logical px. `whole`: the scene's origin is on a whole device pixel."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    width: int = 1
    height: int = 1
    ratio: float = 1.0
    whole: bool = False

    @cached_property
    def offset(self) -> tuple[float, float]:
        """Device px of the scene's origin. A whole one has a hair more: what would fall between two pixels, or on the
        border of one, comes to the same one wherever the view is."""
        x, y = self.width / 2 - self.x * self.scale, self.height / 2 - self.y * self.scale
        return (math.floor(x + 0.5 + HAIR) + HAIR, math.floor(y + 0.5 + HAIR) + HAIR) if self.whole else (x, y)

    @cached_property
    def detail(self) -> Detail:
        return detail_at(self.scale, self.ratio)

    def bounds(self, margin: float = 0.0) -> Bounds:
        """The scene rectangle in view, and `margin` device px more on each side."""
        (x, y), scale = self.offset, self.scale
        return (
            (-margin - x) / scale,
            (-margin - y) / scale,
            (self.width + margin - x) / scale,
            (self.height + margin - y) / scale,
        )

    def covers(self, bounds: Bounds) -> bool:
        """Whether all of a scene rectangle is in view."""
        x0, y0, x1, y1 = self.bounds()
        return x0 <= bounds[0] and y0 <= bounds[1] and x1 >= bounds[2] and y1 >= bounds[3]

    def to_scene(self, px: float, py: float) -> tuple[float, float]:
        """Device px → scene px."""
        x, y = self.offset
        return (px - x) / self.scale, (py - y) / self.scale

    def to_device(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale + self.offset[0], y * self.scale + self.offset[1]

    def part(self, left: int, top: int, width: int, height: int) -> Camera:
        """What is seen in a rectangle of the view (device px), or beyond it."""
        x, y = self.to_scene(left + width / 2, top + height / 2)
        return replace(self, x=x, y=y, width=width, height=height)

    def panned(self, dx: float, dy: float) -> Camera:
        """Moved so that the scene goes by (dx, dy) device px."""
        return replace(self, x=self.x - dx / self.scale, y=self.y - dy / self.scale)

    def zoomed(self, factor: float, px: float, py: float, *, snap: bool = True) -> Camera:
        """Scaled about a device point, which stays where it is."""
        x, y = self.x + (px - self.width / 2) / self.scale, self.y + (py - self.height / 2) / self.scale
        scale = min(max(self.scale * factor, SMALLEST), LARGEST * self.ratio)
        if snap:
            scale = snapped(scale / self.ratio) * self.ratio
        return replace(self, scale=scale, x=x - (px - self.width / 2) / scale, y=y - (py - self.height / 2) / scale)

    def fitted(self, bounds: Bounds) -> Camera:
        """All of `bounds` in view, in the middle."""
        x0, y0, x1, y1 = bounds
        room_x = max(self.width - 2 * FIT_MARGIN_X * self.ratio, 1)
        room_y = max(self.height - 2 * FIT_MARGIN_Y * self.ratio, 1)
        scale = min(room_x / max(x1 - x0, 1.0), room_y / max(y1 - y0, 1.0)) / self.ratio
        scale = snapped(min(scale, LARGEST_FIT), down=True) * self.ratio
        return replace(self, x=(x0 + x1) / 2, y=(y0 + y1) / 2, scale=scale)

    def shows(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether a scene point is in view, at least `margin` device px from the border."""
        px, py = self.to_device(x, y)
        return margin <= px <= self.width - margin and margin <= py <= self.height - margin

    def between(self, other: Camera, share: float) -> Camera:
        """On the way to `other`; scales change at an even pace for the eye."""
        if share >= 1.0:
            return other
        scale = self.scale * (other.scale / self.scale) ** share
        # The point that stands still while zooming must not wander: move in step with the scale.
        moved = (
            share
            if abs(other.scale - self.scale) < 1e-9
            else (1 / self.scale - 1 / scale) / (1 / self.scale - 1 / other.scale)
        )
        return replace(other, x=self.x + (other.x - self.x) * moved, y=self.y + (other.y - self.y) * moved, scale=scale)
