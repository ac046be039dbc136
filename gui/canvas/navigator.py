"""Moves the camera: panning, zooming about a point, fitting, and short flights."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, QVariantAnimation, Signal

from gui import theme as tokens
from gui.canvas.camera import Bounds, Camera
from gui.canvas.lod import STEPS_PER_OCTAVE, snapped

SETTLE_MS = 140


class Navigator(QObject):
    """Holds the camera. `still_fitted` stays true from `fit` until the user moves the view.

    `jumps` is asked before each flight: where it returns true, the camera goes to its end at once.
    """

    moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.camera = Camera()
        self.still_fitted = True
        self._from = self._to = self.camera
        self._flight = QVariantAnimation(self)
        self._flight.setStartValue(0.0)
        self._flight.setEndValue(1.0)
        self._flight.setDuration(tokens.FLY_MS)
        self._flight.valueChanged.connect(self._fly)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._settled)

    @property
    def flying(self) -> bool:
        return self._flight.state() == QVariantAnimation.State.Running

    @property
    def target(self) -> Camera:
        """Where the camera is, or is flying to."""
        return self._to if self.flying else self.camera

    @property
    def sprite_scale(self) -> float:
        """While the scale changes, cards are stretched rather than drawn anew for each frame."""
        camera = self.camera
        nearest = snapped(camera.scale / camera.ratio) * camera.ratio
        if self.flying and self._to.scale != camera.scale:
            return self._to.scale if self._to.detail == camera.detail else nearest
        return nearest if self._settle.isActive() else camera.scale

    def stop(self) -> None:
        self._flight.stop()
        self._settle.stop()

    def resize(self, width: int, height: int, ratio: float) -> None:
        """The view has `width` x `height` device px at `ratio` of them for one logical px."""
        self.stop()
        scale = self.camera.scale * ratio / self.camera.ratio
        self._set(replace(self.camera, scale=scale, width=max(width, 1), height=max(height, 1), ratio=ratio))

    def fit(self, bounds: Bounds, *, fly: bool) -> None:
        """All of `bounds` in view."""
        self.still_fitted = True
        self._go(self.camera.fitted(bounds), fly=fly)

    def fly_to(self, x: float, y: float, *, least: float = 0.0, fly: bool = True) -> None:
        """Bring a scene point to the middle. `least`: come at least as near as this scale."""
        self.still_fitted = False
        camera = self.camera
        scale = max(camera.scale, snapped(least) * camera.ratio) if least else camera.scale
        self._go(replace(camera, x=x, y=y, scale=scale), fly=fly)

    def pan(self, dx: float, dy: float) -> None:
        """By device px."""
        self._flight.stop()
        self.still_fitted = False
        self._set(self.camera.panned(dx, dy))

    def shift(self, dx: float, dy: float) -> None:
        """The scene was drawn anew, and what is looked at has moved in it by (dx, dy) scene px: move along."""
        self.stop()
        self._set(replace(self.camera, x=self.camera.x + dx, y=self.camera.y + dy))

    def zoom(self, steps: float, px: float, py: float) -> None:
        """By steps of the ladder of scales, about a device point. Parts of steps settle on the ladder later."""
        start = self.target
        self._flight.stop()
        self.still_fitted = False
        whole = steps == round(steps)
        if not whole:
            self._settle.start()
        self._set(start.zoomed(2 ** (steps / STEPS_PER_OCTAVE), px, py, snap=whole))

    def _settled(self) -> None:
        """After a pinch: onto the ladder, where everything is sharp."""
        self._go(self.camera.zoomed(1.0, self.camera.width / 2, self.camera.height / 2), fly=True)

    def _go(self, target: Camera, *, fly: bool) -> None:
        self.stop()
        if not fly or tokens.reduced_motion():
            self._set(target)
        elif target != self.camera:
            self._from, self._to = self.camera, target
            self._flight.start()

    def _fly(self, time: float) -> None:
        share = 1.0 - (1.0 - float(time)) ** 3  # ease-out
        self._set(self._from.between(self._to, share))

    def _set(self, camera: Camera) -> None:
        """On whole pixels, unless it is on its way to another scale."""
        self.camera = camera
        self.camera = replace(camera, whole=self.sprite_scale == camera.scale)
        self.moved.emit()
