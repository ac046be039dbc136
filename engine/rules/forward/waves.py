"""Complex numbers, their parts, and Fourier transforms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.families.complex_numbers import pair
from engine.rules.families.fourier import axes_of, factor, mirrored, waves
from engine.rules.forward.model import Forward, Function, Table, spread
from engine.rules.values import NodeValues

Operands = Sequence[Array]


def _unary(function: Callable[[Array], Array]) -> Function:
    return lambda a, n: function(a[0])


def _parts(z: Array) -> Array:
    return np.stack([z.real, z.imag], axis=-1)


def _of_parts(real: Array, imaginary: Array) -> Array:
    shape = np.broadcast_shapes(value_of(real).shape, value_of(imaginary).shape)
    return pair(np.stack([np.broadcast_to(real, shape), np.broadcast_to(imaginary, shape)], axis=-1))


def _angle(z: Array) -> Array:
    """A real number has the angle 0 or π."""
    if not np.iscomplexobj(value_of(z)):
        return np.where(np.isnan(value_of(z)), np.nan, np.where(value_of(z) < 0, np.pi, 0.0) + 0.0 * z)
    return np.arctan2(z.imag, z.real)


def _polar(a: Operands, n: NodeValues) -> Array:
    radius, angle = a
    return _of_parts(radius * np.cos(angle), radius * np.sin(angle))


def _complex_waves(a: Operands, n: NodeValues) -> Array:
    axes = axes_of(n)
    return waves(a[0], axes, forward=bool(n.argument("forward"))) * factor(n, _count(a[0], axes))


def _waves_of_real(a: Operands, n: NodeValues) -> Array:
    """Of a real input the second half of the frequencies mirrors the first, and may be left out."""
    axes = axes_of(n)
    kept = [slice(length) for length in n.output_shape()]
    return waves(a[0], axes, forward=True)[tuple(kept)] * factor(n, _count(a[0], axes))


def _waves_to_real(a: Operands, n: NodeValues) -> Array:
    """Half of the frequencies stand for their mirror images too."""
    axes, shape = axes_of(n), n.output_shape()
    last = axes[-1]
    kept = value_of(a[0]).shape[last]
    weighted = np.moveaxis(np.moveaxis(a[0], last, -1) * mirrored(n, kept), -1, last)
    grown = [(0, shape[last] - kept if axis == last else 0) for axis in range(len(shape))]
    whole = np.pad(weighted, grown)
    return waves(whole, axes, forward=False).real * factor(n, _count(whole, axes))


def _count(array: Array, axes: Sequence[int]) -> int:
    return math.prod(value_of(array).shape[axis] for axis in axes)


def _vdot(a: Operands, n: NodeValues) -> Array:
    return np.conj(a[0]) @ a[1]


def _named(name: str, function: Function) -> Forward:
    return Forward(rf"\mathrm{{{name}}}\left(<self>\right)", function, (0,))


TABLE: Table = {
    **spread(
        "ConjBackward0 ConjPhysicalBackward0 ConjPhysicalBackward1",
        Forward(r"\overline{<self>}", _unary(np.conj), (0,)),
    ),
    "ComplexBackward0": Forward(r"<real> + i \cdot <imag>", lambda a, n: _of_parts(a[0], a[1]), (0, 1)),
    "PolarBackward0": Forward(r"<abs> \cdot e^{i \cdot <angle>}", _polar, (0, 1)),
    "AngleBackward0": _named("angle", _unary(_angle)),
    "ViewAsRealBackward0": _named("parts", _unary(_parts)),
    "ViewAsComplexBackward0": _named("complex", _unary(pair)),
    "VdotBackward0": Forward(r"\overline{<self>} \cdot <other>", _vdot, (0, 1)),
    "FftC2CBackward0": _named("FFT", _complex_waves),
    "FftR2CBackward0": _named("FFT", _waves_of_real),
    "FftC2RBackward0": _named("FFT", _waves_to_real),
}
