"""Many numbers become one: sums, means, products, extremes, medians, and how far they are spread."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic import Array, Bounded, value_of
from engine.arithmetic.bounded import Floats
from engine.arithmetic.limits import in_any_order, limited
from engine.recording.model import Shape
from engine.rules.axes import axes, restored, signed
from engine.rules.routing import Share, reducing
from engine.rules.values import NodeValues, UnsupportedError


def _all(n: NodeValues) -> tuple[int, ...]:
    return tuple(range(len(n.shape(0))))


@reducing("SumBackward0", {"self": r"G"}, "A sum hands the same gradient to each of its addends.")
@reducing("SumBackward1", {"self": r"G"}, "Sums along some dimensions hand the same gradient to each of their addends.")
def total(n: NodeValues) -> Share:
    return Share(axes(n, len(n.shape(0))), label="a copy")


@reducing(
    "NansumBackward0",
    {"self": r"G \cdot [\mathrm{self} \neq \mathrm{nan}]"},
    "A sum hands the same gradient to each of its addends; what is not a number was left out and gets none.",
)
def nansum(n: NodeValues) -> Share:
    present = ~np.isnan(value_of(n.saved("self")))
    return Share(axes(n, len(n.shape(0))), present.astype(np.float64), label="a copy")


def _counted(shape: Shape, reduced: tuple[int, ...]) -> int:
    return math.prod(shape[position] for position in reduced)


@reducing(
    "MeanBackward0 MeanBackward1",
    {"self": r"\frac{1}{N} \cdot G"},
    "A mean of N numbers hands each of them one Nth of the gradient.",
)
def mean(n: NodeValues) -> Share:
    reduced = axes(n, len(n.shape(0)))
    return Share(reduced, _one_over(_counted(n.shape(0), reduced)), label="one of N")


def _one_over(count: int) -> Floats:
    return np.asarray(1.0 / count if count else np.inf)


def _evenly(mask: npt.NDArray[np.bool_], reduced: tuple[int, ...]) -> Array:
    """Those under the mask share what their group gets."""
    chosen = mask.astype(np.float64)
    return chosen / np.sum(chosen, axis=reduced, keepdims=True) if reduced else chosen / chosen


_TIES = {"self": r"\frac{G}{k} \; \mathrm{for\ the\ } k \mathrm{\ elements\ that\ equal\ the\ result}, \; 0"}


@reducing(
    "AmaxBackward0 AminBackward0",
    _TIES,
    "Only the extreme gets the gradient; where several are equal, they share it evenly.",
)
def extreme(n: NodeValues) -> Share:
    reduced = axes(n, len(n.shape(0)))
    result = restored(value_of(n.saved("result")), n.shape(0), reduced)
    return Share(reduced, _evenly(result == value_of(n.saved("self")), reduced), label="shared evenly")


@reducing(
    "AminmaxBackward0",
    _TIES,
    "The smallest and the largest get the gradients that come for them; where several are equal, they share evenly.",
)
def aminmax(n: NodeValues) -> list[Share]:
    reduced = axes(n, len(n.shape(0)))
    x = value_of(n.saved("self"))
    found = []
    for output, name in enumerate(("min", "max")):
        if n.has_grad(output):
            result = restored(value_of(n.saved(name)), x.shape, reduced)
            found.append(Share(reduced, _evenly(result == x, reduced), output, name))
    return found


@reducing(
    "MaxBackward1 MinBackward1 MedianBackward0 NanmedianBackward0",
    _TIES,
    "Only the element that was chosen of all gets the gradient; where several are equal, they share it evenly.",
)
def chosen_of_all(n: NodeValues) -> Share:
    x, result = value_of(n.saved("self")), value_of(n.saved("result"))
    return Share(_all(n), _evenly(np.isnan(x) if np.isnan(result) else x == result, _all(n)), label="shared evenly")


@reducing(
    "ProdBackward0 ProdBackward1",
    {"self": r"G \cdot \prod_{j \neq i} x_j"},
    "Each factor gets the gradient times the product of all other factors.",
)
def product(n: NodeValues) -> Share:
    shape = n.shape(0)
    if not shape:
        return Share(())
    reduced = axes(n, len(shape))
    x = n.saved("self")
    if not np.any(value_of(x) == 0):
        return Share(reduced, np.conj(restored(n.saved("result"), shape, reduced) / x), label="the other factors")
    line = np.reshape(x, (-1,)) if n.type == "ProdBackward0" else np.moveaxis(x, reduced[0], -1)
    others = _without_each(line)
    back = np.reshape(others, shape) if n.type == "ProdBackward0" else np.moveaxis(others, -1, reduced[0])
    return Share(reduced, np.conj(back), label="the other factors")


def _without_each(lines: Array) -> Array:
    """For each element of the last dimension the product of all others in it, without dividing."""
    one = np.ones_like(lines[..., :1])
    before = np.cumprod(np.concatenate([one, lines[..., :-1]], axis=-1), axis=-1)
    reverse = np.flip(lines, -1)
    after = np.flip(np.cumprod(np.concatenate([one, reverse[..., :-1]], axis=-1), axis=-1), -1)
    return before * after


def correction(n: NodeValues) -> float:
    given = n.argument("correction", None)
    return 1.0 if given is None else float(signed(given) if isinstance(given, int) else given)


def _spread(n: NodeValues, reduced: tuple[int, ...]) -> Array:
    """The slope of the variance: 2 (x - mean) / (N - correction)."""
    x = n.saved("self")
    centre = np.mean(x, axis=reduced, keepdims=True) if reduced else x
    free = np.float64(_counted(n.shape(0), reduced) - correction(n))
    if free <= 0 and (not x.ndim or n.argument("dim", None) is None):  # torch says so only where it takes all
        return np.where(value_of(x) == value_of(centre), np.nan, np.inf)
    return (x - centre) * (2.0 / free)


_VARIANCE = r"G \cdot \frac{2}{N - c} (x - \bar{x})"
_DEVIATION = r"G \cdot \frac{x - \bar{x}}{(N - c) \, s}"
_FAR = "The further a number is from the mean, the more of the gradient it gets."


@reducing("VarBackward0", {"self": _VARIANCE}, _FAR)
def variance(n: NodeValues) -> Share:
    reduced = axes(n, len(n.shape(0)))
    return Share(reduced, _spread(n, reduced), label="distance from the mean")


def _deviation(n: NodeValues, name: str, reduced: tuple[int, ...]) -> Array:
    result = restored(n.saved(name), n.shape(0), reduced)
    half = np.where(value_of(result) == 0, 0.0, 0.5 / result)
    return half * _spread(n, reduced)


@reducing("StdBackward0", {"self": _DEVIATION}, _FAR)
def deviation(n: NodeValues) -> Share:
    reduced = axes(n, len(n.shape(0)))
    return Share(reduced, _deviation(n, "result", reduced), label="distance from the mean")


def _with_mean(n: NodeValues, reduced: tuple[int, ...], slope: Any) -> list[Share]:
    found = []
    if n.has_grad(0):
        found.append(Share(reduced, slope(), 0, "distance from the mean"))
    if n.has_grad(1):
        found.append(Share(reduced, _one_over(_counted(n.shape(0), reduced)), 1, "one of N"))
    return found


@reducing("VarMeanBackward0", {"self": _VARIANCE + r" + \frac{1}{N} G_{\mathrm{mean}}"},
          _FAR + " What comes for the mean is shared evenly.")  # fmt: skip
def variance_and_mean(n: NodeValues) -> list[Share]:
    reduced = axes(n, len(n.shape(0)))
    return _with_mean(n, reduced, lambda: _spread(n, reduced))


@reducing("StdMeanBackward0", {"self": _DEVIATION + r" + \frac{1}{N} G_{\mathrm{mean}}"},
          _FAR + " What comes for the mean is shared evenly.")  # fmt: skip
def deviation_and_mean(n: NodeValues) -> list[Share]:
    reduced = axes(n, len(n.shape(0)))
    return _with_mean(n, reduced, lambda: _deviation(n, "result0", reduced))


@reducing("TraceBackward0", {"self": r"G \cdot I"}, "The trace is the sum of the diagonal: only the diagonal gets it.")
def trace(n: NodeValues) -> Share:
    return Share(_all(n), np.eye(n.shape(0)[0], n.shape(0)[1]), label="diagonal")


def norm_factor(x: Array, norm: Array, p: float, reduced: tuple[int, ...]) -> Array:
    """The slope of the p-norm, as torch's `norm_backward` takes it; `norm` broadcasts against `x`."""
    plain = value_of(x)
    size = np.abs(x)
    if p == 0:
        return np.zeros(plain.shape)
    direction = _sign(x)
    if p == 1:
        return direction
    zero = value_of(norm) == 0
    if p == 2:
        return np.where(zero, 0.0, x / norm)
    if math.isinf(p):
        return direction * _evenly(_furthest(plain, value_of(norm), p, reduced) | np.isnan(plain), reduced)
    if p < 1:
        return np.where(plain == 0, 0.0, direction * np.power(size, p - 1)) * np.power(norm, 1 - p)
    share = np.where(zero, 0.0, 1.0 / np.power(norm, p - 1))
    return (direction * np.power(size, p - 1) if p < 2 else x * np.power(size, p - 2)) * share


def _furthest(x: Floats, norm: Floats, p: float, reduced: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """The elements whose absolute value is the norm. That of complex numbers is rounded: theirs is found again."""
    size = np.abs(x)
    if x.dtype.kind != "c" or not reduced or not size.size:
        return np.asarray(size == norm)
    end = (np.max if p > 0 else np.min)(size, axis=reduced, keepdims=True)
    if np.any((np.abs(size - end) <= 1e-6 * end) & (size != end)):
        raise UnsupportedError("which of several complex numbers is the largest depends on how they were rounded")
    return np.asarray(size == end)


def _sign(x: Array) -> Array:
    """x / |x|, as torch's `sgn`: zero for a real number that is none."""
    plain = value_of(x)
    if plain.dtype.kind != "c":
        return np.where(np.isnan(plain), 0.0, np.sign(plain))
    return np.where(plain == 0, 0.0, x / np.abs(np.where(plain == 0, 1.0, x)))


_NORM = {"self": r"G \cdot \mathrm{sgn}(x) \left( \frac{|x|}{\|x\|_p} \right)^{p - 1}"}


@reducing(
    "NormBackward0 NormBackward1 NormBackward2 NormBackward3 LinalgVectorNormBackward0",
    _NORM,
    "The norm grows in the direction of the vector: each number gets the gradient times its share of the length.",
)
def norm(n: NodeValues) -> Share | list[Share]:
    p = n.argument("ord", None) if n.type.startswith("Linalg") else n.argument("p", None)
    if p is None:
        p = 2.0
    if isinstance(p, list):
        raise UnsupportedError("a norm of complex order")
    order = float(signed(p) if isinstance(p, int) else p)
    if order == 0 and not n.needs(0):  # it counts what is not zero: autograd gives nothing rather than zeros
        return []
    shape = n.shape(0)
    reduced = axes(n, len(shape))
    result = restored(n.saved("result"), shape, reduced)
    factor = norm_factor(n.saved("self"), result, order, reduced)
    if limited() and isinstance(factor, Bounded) and math.isfinite(order):
        powers = [np.power(np.abs(value_of(array)), order - 1) for array in (n.saved("self"), result)]
        factor = in_any_order(factor, (*powers, restored(n.grad(), shape, reduced)))
    return Share(reduced, factor, label="direction")
