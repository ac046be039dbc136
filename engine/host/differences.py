"""The gradient of a function from its values alone: central differences.

The function runs in float64 at x ± h and x ± h/2; the two quotients are put together so that the error of order h² is
gone (Richardson), and their difference bounds what remains. A few steps h are tried, and the best is kept: near a kink
a small one, where there is much noise a large one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.arithmetic import unit_roundoff
from engine.arithmetic.bounded import roundings
from engine.capture.measure import dtype_name

ALL_ELEMENTS = 1024  # of a larger tensor, some elements and some directions are tried
SOME_ELEMENTS = 192
DIRECTIONS = 8
_STEPS = (1.0, 0.1, 1e-3, 10.0)
_CAREFUL = 4.0  # times the estimated error of a quotient
_FORMULA = 32.0  # roundings of a formula that is not known, for each product that is summed
_BLURRED = 0.01  # a quotient whose error is a larger part of the gradient's largest element says nothing

Floats = npt.NDArray[np.float64]
Forward = Callable[[Sequence[torch.Tensor]], Sequence[torch.Tensor]]


@dataclass(frozen=True)
class Found:
    """What differences say of one gradient: the element that is worst, and how much was tried.

    `holds` is None if not one element could be told.
    """

    holds: bool | None
    max_abs: float
    max_rel: float
    worst: tuple[int, ...]
    computed: float
    recorded: float
    bound: float
    remark: str = ""


@dataclass(frozen=True)
class _Quotient:
    value: float
    error: float
    absolute: float  # the sum of the absolute values of the terms


@dataclass(frozen=True)
class _Slope:
    """Over both sides of x; `bend`: how much more it rises on the right than on the left."""

    value: float
    absolute: float
    bend: float


class Differences:
    """A function of `inputs` and the gradients that entered at its outputs (float64 arrays, None where none did)."""

    def __init__(self, forward: Forward, inputs: Sequence[torch.Tensor], entered: Sequence[Floats | None]) -> None:
        self._forward = forward
        self._inputs = inputs
        self._entered = entered
        outputs = self._outputs(0, None, 0.0)
        self._middle = outputs
        used = [output for output, g in zip(outputs, entered, strict=False) if g is not None]
        self._noise = max((float(torch.finfo(output.dtype).eps) for output in used), default=2.0**-52)
        self._size = max((float(output.abs().max()) for output in used if output.numel()), default=0.0)

    def check(self, number: int, recorded: Floats, dtype: str) -> Found:
        """The recorded gradient of input `number`, of torch's `dtype`, beside the differences."""
        if recorded.size == 0:
            return Found(True, 0.0, 0.0, (), 0.0, 0.0, 0.0)
        scale = float(np.max(np.abs(recorded[np.isfinite(recorded)]), initial=0.0))
        unit = unit_roundoff(dtype)
        worst: tuple[float, tuple[int, ...], float, float, float] | None = None
        largest, told, tried = 0.0, 0, 0
        for index, direction in self._ways(recorded):
            tried += 1
            quotient = self._quotient(number, direction)
            there = float(recorded[index] if index or not recorded.shape else (recorded * direction.numpy()).sum())
            bound = _bound(quotient, unit, dtype, sum(g.size for g in self._entered if g is not None))
            if not quotient.error <= _BLURRED * max(scale, quotient.absolute, 1e-300) and quotient.error > 0.0:
                continue
            told += 1
            difference = abs(there - quotient.value)
            largest = max(largest, difference if index else 0.0)
            excess = difference / bound if bound else (0.0 if difference == 0.0 else math.inf)
            if not math.isfinite(there):
                excess = math.inf
            if worst is None or excess > worst[0]:
                worst = (excess, index, quotient.value, there, bound)
        if worst is None:
            return Found(None, 0.0, 0.0, (), math.nan, math.nan, 0.0, "no difference quotient was steady enough")
        remark = (
            "" if told == tried and recorded.size <= ALL_ELEMENTS else f"{told} of {recorded.size} derivatives tried"
        )
        largest = max(largest, abs(worst[2] - worst[3]))
        return Found(
            worst[0] <= 1.0, largest, largest / scale if scale else math.inf if largest else 0.0, *worst[1:], remark
        )

    def _ways(self, recorded: Floats) -> list[tuple[tuple[int, ...], torch.Tensor]]:
        """Directions to go: one element at a time, with its index; of large tensors some, and some random ones."""
        flat = np.arange(recorded.size)
        if recorded.size > ALL_ELEMENTS:
            spread = np.linspace(0, recorded.size - 1, SOME_ELEMENTS // 2).astype(int)
            flat = np.unique(np.concatenate([spread, np.argsort(-np.abs(recorded).ravel())[: SOME_ELEMENTS // 2]]))
        ways = []
        for place in flat:
            direction = torch.zeros(recorded.shape, dtype=torch.float64)
            direction.view(-1)[int(place)] = 1.0
            ways.append((tuple(int(i) for i in np.unravel_index(place, recorded.shape)), direction))
        if recorded.size > ALL_ELEMENTS:
            signs = np.random.default_rng(0).choice((-1.0, 1.0), (DIRECTIONS, *recorded.shape))
            ways += [((), torch.from_numpy(sign)) for sign in signs]
        return ways

    def _quotient(self, number: int, direction: torch.Tensor) -> _Quotient:
        """The derivative along `direction`, with the step that gives the smallest error."""
        x = self._inputs[number].double()
        along = float(x[direction != 0].abs().mean()) if x.numel() else 0.0
        best = _Quotient(math.nan, math.inf, 0.0)
        for step in _STEPS:
            h = step * self._noise**0.2 * max(along, 1.0)
            coarse, fine = self._slope(number, direction, h), self._slope(number, direction, h / 2)
            value = (4 * fine.value - coarse.value) / 3
            noise = 4 * self._noise * self._weight() / h
            error = _CAREFUL * (abs(fine.value - coarse.value) / 8 + noise)
            # Half the way, half the bend: unless there is a kink right here.
            kink = abs(fine.bend) > 0.75 * abs(coarse.bend) and abs(fine.bend) > 8 * noise + 1e-6 * fine.absolute
            if math.isfinite(value) and not kink and error < best.error:
                best = _Quotient(value, error, max(coarse.absolute, fine.absolute))
            if best.error <= 1e-9 * best.absolute:
                break
        return best

    def _weight(self) -> float:
        return self._size * sum(float(np.abs(g).sum()) for g in self._entered if g is not None)

    def _slope(self, number: int, direction: torch.Tensor, h: float) -> _Slope:
        """Sums of what entered times the change of the outputs."""
        right, left = self._outputs(number, direction, h), self._outputs(number, direction, -h)
        value = absolute = bend = 0.0
        for g, one, middle, other in zip(self._entered, right, self._middle, left, strict=False):
            if g is not None:
                products = g * (one.double() - other.double()).numpy() / (2 * h)
                value += float(products.sum())
                absolute += float(np.abs(products).sum())
                bend += float((g * (one.double() + other.double() - 2 * middle.double()).numpy()).sum()) / h
        return _Slope(value, absolute, bend)

    def _outputs(self, number: int, direction: torch.Tensor | None, h: float) -> Sequence[torch.Tensor]:
        inputs = [_wide(tensor) for tensor in self._inputs]
        if direction is not None:
            inputs[number] = inputs[number] + h * direction
        with torch.no_grad():
            return [output.detach() for output in self._forward(inputs)]


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    """A copy, in float64 if it is of floating point: the forward may write to it."""
    return tensor.detach().double().clone() if tensor.is_floating_point() else tensor.detach().clone()


def _bound(quotient: _Quotient, unit: float, dtype: str, terms: int) -> float:
    """Truncation and noise of the quotient, and the rounding of the recorded gradient."""
    tiny = float(torch.finfo(getattr(torch, dtype)).tiny)
    return quotient.error + (_FORMULA + roundings(terms)) * unit * (quotient.absolute + abs(quotient.value)) + tiny


def close(again: torch.Tensor, recorded: npt.NDArray[np.generic]) -> bool:
    """Whether a forward that ran again in the recorded precision gave what was recorded."""
    here = again.detach().double().numpy()
    there = np.asarray(recorded, dtype=np.float64)
    if here.shape != there.shape:
        return False
    scale = float(np.max(np.abs(there[np.isfinite(there)]), initial=0.0))
    with np.errstate(invalid="ignore"):
        difference = np.abs(here - there)
    return bool(
        np.all((difference <= 256 * unit_roundoff(dtype_name(again.dtype)) * scale) | (here == there) | np.isnan(there))
    )
