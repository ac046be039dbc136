"""Reading an image between its pixels, at places that a grid names; and the grid of an affine map."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from engine.arithmetic import Array, Bounded, unit_roundoff, value_of
from engine.arithmetic.bounded import Floats
from engine.arithmetic.limits import limited
from engine.recording.model import Shape
from engine.rules.families.resampling import cubic
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues, UnsupportedError
from engine.rules.windows import Integers, add_into_planes

_CUBIC = -0.75
_ZEROS, _BORDER, _REFLECTION = 0, 1, 2
_LINEAR, _NEAREST = 0, 1
_FAR = 2.0**23  # where float32 holds whole numbers only


@dataclass(frozen=True)
class _Axis:
    """Along one axis of the image, by corner, image of the batch and point: the neighbours that a point is read from.

    `place`: which element; `inside`: whether there is one; `weight`: its share; `slope`: how its share grows with the
    place. `stretch` (by image and point): how far the place moves for each unit of the grid.
    """

    place: Integers
    inside: Any
    weight: Array
    slope: Array
    stretch: Floats


@dataclass(frozen=True)
class _Corner:
    """A combination of one neighbour along each axis: its flat place in the image, and its number along each axis."""

    flat: Integers
    inside: Any
    numbers: tuple[int, ...]


def _unnormalized(n: NodeValues, grid: Floats, length: int) -> Floats:
    """From -1 … 1 to places in the image, rounded as torch rounds them."""
    kind = np.dtype("float64" if n.saved_dtype("grid") == "float64" else "float32")
    half = np.asarray((length - 1) / 2 if n.argument("align_corners") else length / 2, kind)
    place: Floats = (grid.astype(kind) + np.ones((), kind)) * half
    if not n.argument("align_corners"):
        place = place - np.asarray(0.5, kind)
    return place.astype(np.float64)


def _reflected(n: NodeValues, place: Floats, length: int) -> tuple[Floats, Floats]:
    """Places thrown back at the borders, and 1 or -1 for the direction in which they move then."""
    low, span = (0.0, length - 1.0) if n.argument("align_corners") else (-0.5, float(length))
    if span == 0:
        return np.zeros_like(place), np.zeros_like(place)
    away = np.abs(place - low)
    turns, extra = np.floor(away / span), np.fmod(away, span)
    back = turns % 2 == 1
    direction = np.where(place < low, -1.0, 1.0) * np.where(back, -1.0, 1.0)
    return np.where(back, span - extra, extra) + low, direction


def _padded(n: NodeValues, place: Floats, length: int) -> tuple[Floats, Floats]:
    """Places brought into the image as `padding_mode` says, and how they move for each unit of what they were."""
    padding = n.argument("padding_mode")
    direction = np.ones_like(place)
    if padding == _ZEROS:
        return place, direction
    if padding == _REFLECTION:
        place, direction = _reflected(n, place, length)
    within = (place > 0) & (place < length - 1)
    return np.clip(place, 0, length - 1), np.where(within, direction, 0.0)


def _cubic_slope(distance: Floats) -> Floats:
    """The derivative of the cubic kernel by the place, where `distance` is neighbour minus place."""
    d = np.abs(distance)
    near = (3 * (_CUBIC + 2) * d - 2 * (_CUBIC + 3)) * d
    far = (3 * _CUBIC * d - 10 * _CUBIC) * d + 8 * _CUBIC
    return -np.sign(distance) * np.where(d <= 1, near, far)


def _axis(n: NodeValues, place: Floats, length: int, unit: float) -> _Axis:
    """The neighbours of the unnormalized places along an axis of that length."""
    mode = n.argument("interpolation_mode")
    scale = (length - 1) / 2 if n.argument("align_corners") else length / 2
    error = 4 * unit * (np.abs(place) + 1.0)
    stretch = np.ones_like(place)
    if mode in (_LINEAR, _NEAREST):
        place, stretch = _padded(n, place, length)
    if mode == _NEAREST:
        at = np.rint(place)[None]
        weight, slope = np.ones(at.shape), np.zeros(at.shape)
    elif mode == _LINEAR:
        at = np.floor(place) + np.arange(2)[:, None, None]
        weight, slope = 1 - np.abs(at - place), np.array([-1.0, 1.0])[:, None, None] + np.zeros(at.shape)
    else:
        at = np.floor(place) + np.arange(-1, 3)[:, None, None]
        weight, slope = cubic(at - place, _CUBIC), _cubic_slope(at - place)
    inside = (at >= 0) & (at < length)
    if mode not in (_LINEAR, _NEAREST) and n.argument("padding_mode") != _ZEROS:
        at = _padded(n, at, length)[0]
        inside = np.ones_like(inside)
    weights: Array = weight * inside
    slopes: Array = slope * inside
    if not n.plain and mode != _NEAREST:
        steep = 1.0 if mode == _LINEAR else 2.0
        weights = Bounded(weights, inside * (steep * error + 16 * unit * (steep > 1)), unit)
        slopes = Bounded(slopes, inside * (5 * error + 24 * unit) * (steep > 1), unit)
    return _Axis(np.clip(at, 0, length - 1).astype(np.int64), inside, weights, slopes, stretch * scale)


@dataclass(frozen=True)
class _Sampling:
    """All that the gradients are computed from: image (batch, channel, flat), gradient (batch, channel, point)."""

    axes: Sequence[_Axis]
    image: Array
    gradient: Array
    plane: Shape

    def corners(self) -> Iterator[_Corner]:
        for numbers in product(*(range(len(axis.place)) for axis in self.axes)):
            flat, inside = np.zeros((), np.int64), np.ones((), np.bool_)
            for axis, number, length in zip(self.axes, numbers, self.plane, strict=True):
                flat = flat * length + axis.place[number]
                inside = inside & axis.inside[number]
            yield _Corner(flat, inside, numbers)

    def weight(self, corner: _Corner, sloped: int | None = None) -> Array:
        """The share of a corner, or how it grows with the place along the axis `sloped`."""
        shares = [
            (axis.slope if number == sloped else axis.weight)[at]
            for number, (axis, at) in enumerate(zip(self.axes, corner.numbers, strict=True))
        ]
        return math.prod(shares[1:], start=shares[0])

    def at(self, corner: _Corner) -> Array:
        """What the image has there, (batch, channel, point); 0 outside of it."""
        places = np.broadcast_to(corner.flat[:, None], (*self.image.shape[:2], corner.flat.shape[-1]))
        return np.take_along_axis(self.image, places, -1) * corner.inside[:, None]

    def result(self) -> Array:
        """(batch, channel, point)"""
        total: Array = 0.0
        for corner in self.corners():
            total = total + self.at(corner) * self.weight(corner)[:, None]
        return total

    def image_gradient(self) -> Array:
        corners = list(self.corners())
        shares = np.concatenate([self.gradient * self.weight(corner)[:, None] for corner in corners], axis=-1)
        places = np.concatenate([corner.flat for corner in corners], axis=-1)[:, None]
        return add_into_planes(shares, np.broadcast_to(places, shares.shape), (math.prod(self.plane),))

    def grid_gradient(self) -> list[Array]:
        """By axis of the image: (batch, point)."""
        totals: list[Array] = [np.zeros(1)] * len(self.axes)
        for corner in self.corners():
            both = np.einsum("ncp,ncp->np", self.at(corner), self.gradient)
            totals = [total + both * self.weight(corner, axis) for axis, total in enumerate(totals)]
        return [total * axis.stretch for total, axis in zip(totals, self.axes, strict=True)]


def _places(n: NodeValues) -> list[Floats]:
    """Unnormalized places by axis of the image, each (batch, point)."""
    grid = value_of(n.saved("grid"))
    flat = grid.reshape(len(grid), -1, grid.shape[-1])
    plane = n.saved_shape("input")[2:]
    found = [_unnormalized(n, flat[..., -1 - axis], length) for axis, length in enumerate(plane)]
    return [np.where(np.isfinite(place), place, -100.0) for place in found]


def _sampling(n: NodeValues, places: Sequence[Floats]) -> _Sampling:
    shape = n.saved_shape("input")
    unit = unit_roundoff(n.saved_dtype("grid"))
    axes = [_axis(n, place, length, unit) for place, length in zip(places, shape[2:], strict=True)]
    points = math.prod(n.grad_shape()[2:])
    image = np.reshape(n.saved("input"), (*shape[:2], math.prod(shape[2:])))
    return _Sampling(axes, image, np.reshape(n.grad(), (*shape[:2], points)), shape[2:])


def _gradients(n: NodeValues, places: Sequence[Floats]) -> list[Array | None]:
    sampling = _sampling(n, places)
    image = np.reshape(sampling.image_gradient(), n.shape(0)) if n.needs(0) else None
    grid = np.stack(sampling.grid_gradient()[::-1], axis=-1).reshape(n.shape(1)) if n.needs(1) else None
    return [image, grid]


def _grid_terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
    sampling = _sampling(n, _places(n))
    outputs, batch = n.grad_shape()[2:], index[0]
    if slot == 0:
        place = np.ravel_multi_index(index[2:], sampling.plane)
        coefficients = np.zeros(math.prod(outputs))
        for corner in sampling.corners():
            coefficients += np.where(corner.flat == place, sampling.weight(corner), 0.0)[batch]
        points = np.flatnonzero(coefficients)
        at = (np.full(points.size, batch), np.full(points.size, index[1]), *np.unravel_index(points, outputs))
        return [TermGroup(0, at, coefficients[points], "weight of the interpolation")]
    point = int(np.ravel_multi_index(index[1:-1], outputs))
    axis = len(outputs) - 1 - index[-1]
    channels = np.zeros(n.grad_shape()[1])
    for corner in sampling.corners():
        channels += sampling.image[batch, :, corner.flat[batch, point]] * sampling.weight(corner, axis)[batch, point]
    spread = [np.full(channels.size, one) for one in (batch, *index[1:-1])]
    coefficients = channels * sampling.axes[axis].stretch[batch, point]
    return [TermGroup(0, (spread[0], np.arange(channels.size), *spread[1:]), coefficients, "slope of the image")]


@rule(
    "GridSampler2DBackward0 GridSampler3DBackward0",
    {"input": r"\sum_o w_{o i} \, G_o", "grid": r"\sum_c G_c \cdot \frac{\partial \, \mathrm{image}_c}{\partial x}"},
    "Each output was a weighted mean of the pixels around its place: they get their shares, and the place gets how "
    "much the mean changes as the place moves.",
    terms=_grid_terms,
)
def grid_sample(n: NodeValues) -> tuple[Any, ...]:
    places = _places(n)
    found = _gradients(n, places)
    if n.plain:
        return tuple(found)
    if limited() and not np.all(np.abs(value_of(n.saved("grid"))) < _FAR):
        raise UnsupportedError("a place is so far from the image that its neighbours have no numbers")
    unit = unit_roundoff(n.saved_dtype("grid"))
    for sign in (-1, 1):
        moved = [place + sign * 4 * unit * (np.abs(place) + 1.0) for place in places]
        if _jumps(n, places, moved):
            found = [_widened(one, other) for one, other in zip(found, _gradients(n, moved), strict=True)]
    return tuple(found)


def sampled(n: NodeValues) -> Array:
    """The image read at the places: the weighted means of the pixels around them."""
    return np.reshape(_sampling(n, _places(n)).result(), n.output_shape())


def _jumps(n: NodeValues, places: Sequence[Floats], moved: Sequence[Floats]) -> bool:
    """Whether rounding may have taken a place to other neighbours, where the slope of the image is another."""
    for length, place, other in zip(n.saved_shape("input")[2:], places, moved, strict=True):
        one, two = _axis(n, place, length, 0.0), _axis(n, other, length, 0.0)
        if not (np.array_equal(one.place, two.place) and np.array_equal(one.stretch, two.stretch)):
            return True
    return False


def _widened(one: Array | None, other: Array | None) -> Array | None:
    """Either is right: the place is as near to the border between them as rounding can tell."""
    if one is None or other is None:
        return None
    return Bounded(one.value, np.maximum(one.errors, np.abs(one.value - other.value)), one.unit)


def base_grid(n: NodeValues) -> Floats:
    """The points of the identity map, (points, 3 or 4): x, y (, z), 1."""
    sizes = n.argument("size")[2:]
    ends = [1.0 if n.argument("align_corners") else (length - 1) / length for length in sizes]
    lines = [np.linspace(-end, end, length) if length > 1 else np.zeros(1)
             for end, length in zip(ends, sizes, strict=True)]  # fmt: skip
    axes = np.meshgrid(*lines, indexing="ij")
    return np.stack([axis.ravel() for axis in axes[::-1]] + [np.ones(math.prod(sizes))], axis=-1)


@rule(
    "AffineGridGeneratorBackward0",
    {"theta": r"\sum_p G_p \cdot \left( x_p, y_p, 1 \right)"},
    "Every point of the grid is a linear function of theta: theta gets each point's gradient times the point.",
)
def affine_grid(n: NodeValues) -> tuple[Any, ...]:
    base = base_grid(n)
    unit = unit_roundoff(n.dtype(0))
    points: Array = base if n.plain else Bounded(base, 4 * unit * np.abs(base), unit)
    g = np.reshape(n.grad(), (n.shape(0)[0], len(base), -1))
    return (np.matmul(np.swapaxes(g, 1, 2), points),)
