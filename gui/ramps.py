"""Numbers to colours: an even sequential ramp, and a diverging one with a neutral middle at zero.

Both walk through OKLab (B. Ottosson, "A perceptual color space for image processing", 2020) at a constant pace, so that
equal differences look equal. Not finite numbers get a colour of their own: NaN the theme's error colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PySide6.QtGui import QColor

    from gui.theme import Theme

LEVELS = 256

RGBA = npt.NDArray[np.uint8]
_Lab = npt.NDArray[np.float64]

_TO_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip


def oklab(rgb: npt.ArrayLike) -> _Lab:
    """sRGB in 0..1, (..., 3) → OKLab (lightness, green–red, blue–yellow), same shape."""
    values = np.asarray(rgb, dtype=np.float64)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    lab: _Lab = np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T
    return lab


def srgb(lab: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The way back; colours outside of sRGB are clipped."""
    linear = (np.asarray(lab, dtype=np.float64) @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_LMS).T
    linear = np.clip(linear, 0.0, 1.0)
    values: npt.NDArray[np.float64] = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return values


def sequential(values: npt.ArrayLike, theme: Theme | None = None, color: QColor | None = None) -> RGBA:
    """Magnitudes in 0..1 (clipped), any shape → (..., 4) uint8 RGBA.

    From the theme's ground over its ramp; with `color` one hue from the ground to that colour.
    """
    theme = theme or _current()
    table = _table(_codes([theme.ramp[0], color] if color is not None else theme.ramp))
    return _look_up(np.asarray(values, dtype=np.float64), table, theme)


def diverging(values: npt.ArrayLike, limit: float | None = None, theme: Theme | None = None) -> RGBA:
    """Signed values, any shape → (..., 4) uint8 RGBA; -limit and +limit are the ends, zero is neutral.

    `limit` is the largest finite absolute value if not given.
    """
    theme = theme or _current()
    array = np.asarray(values, dtype=np.float64)
    if limit is None:
        finite = array[np.isfinite(array)]
        limit = float(np.abs(finite).max()) if finite.size else 1.0
    negative, zero, positive = theme.ramp_signed
    halves = (_table(_codes([negative, zero])), _table(_codes([zero, positive])))
    table = np.concatenate([halves[0][::2], halves[1][1::2]])
    return _look_up(array / (2 * (limit or 1.0)) + 0.5, table, theme)


def _look_up(places: npt.NDArray[np.float64], table: RGBA, theme: Theme) -> RGBA:
    missing = np.isnan(places)
    levels = np.rint(np.clip(np.where(missing, 0.0, places), 0.0, 1.0) * (len(table) - 1)).astype(np.intp)
    colors: RGBA = np.array(table[levels])
    colors[missing] = (theme.error.red(), theme.error.green(), theme.error.blue(), 255)
    return colors


def _current() -> Theme:
    from gui import theme

    return theme.current()


def _codes(colors: Sequence[QColor]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(color.getRgbF())[:3] for color in colors)  # type: ignore[arg-type]


@lru_cache(maxsize=64)
def _table(anchors: tuple[tuple[float, ...], ...]) -> RGBA:
    """LEVELS colours, evenly spaced along the polyline through the anchors in OKLab."""
    points = oklab(np.array(anchors))
    fine: _Lab = np.concatenate(
        [points[i] + (points[i + 1] - points[i]) * np.linspace(0, 1, 257)[:, None] for i in range(len(points) - 1)]
    )
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    even = np.linspace(0.0, walked[-1], LEVELS)
    lab = np.stack([np.interp(even, walked, fine[:, axis]) for axis in range(3)], axis=1)
    table: Any = np.full((LEVELS, 4), 255, dtype=np.uint8)
    table[:, :3] = np.rint(srgb(lab) * 255)
    table.setflags(write=False)
    result: RGBA = table
    return result
