"""Complex numbers: their parts, angles and conjugates.

The gradient of a complex number x + iy is ∂L/∂x + i ∂L/∂y: it points where the loss grows. A slope f' sends the
gradient G to G times the conjugate of f'; a function of several real parts is taken apart into them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.registry import elementwise, rule
from engine.rules.scalars import ones
from engine.rules.terms import Index, TermGroup
from engine.rules.values import NodeValues


def _at(index: Index) -> tuple[Any, ...]:
    return tuple(np.array([at]) for at in index)


@elementwise(
    "ComplexBackward0",
    {"real": r"\mathrm{Re}\, <G>", "imag": r"\mathrm{Im}\, <G>"},
    "The real part of the gradient goes to the real part, the imaginary to the imaginary.",
)
def complex_of(n: NodeValues) -> tuple[Any, ...]:
    return ones(n), ones(n) * 1j


def _real_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    return [
        TermGroup(0, _at((*index, 0)), np.array([1.0]), "real part"),
        TermGroup(0, _at((*index, 1)), np.array([1.0j]), "imaginary part"),
    ]


@rule(
    "ViewAsRealBackward0",
    {"self": r"G_{0} + i\, G_{1}"},
    "Both real numbers of a pair become one complex gradient again.",
    terms=_real_terms,
)
def view_as_real(n: NodeValues) -> tuple[Any, ...]:
    return (pair(n.grad()),)


def pair(g: Array) -> Array:
    """The last dimension's two numbers as one complex number: exact."""
    parts = value_of(g)
    joined = parts[..., 0].astype(np.complex128)
    joined.imag = parts[..., 1]
    if g is parts:
        return joined
    paired = g[..., 0].astype(np.complex128)
    paired.value = joined
    if g.error is not None:
        paired.error = np.hypot(g.error[..., 0], g.error[..., 1])
    return paired


def _complex_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    part = np.array([-1.0j if index[-1] else 1.0])
    return [TermGroup(0, _at(index[:-1]), part, "imaginary part" if index[-1] else "real part")]


@rule(
    "ViewAsComplexBackward0",
    {"self": r"(\mathrm{Re}\, G,\; \mathrm{Im}\, G)"},
    "The complex gradient is taken apart into the two real numbers of the pair.",
    terms=_complex_terms,
)
def view_as_complex(n: NodeValues) -> tuple[Any, ...]:
    g = n.grad()
    return (np.stack([g.real, g.imag], axis=-1),)


def _conjugated(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    return [TermGroup(0, _at(index), np.ones(1) if index else np.ones(()), "conjugate", conjugated=True)]


@rule(
    "ConjBackward0 ConjPhysicalBackward0 ConjPhysicalBackward1",
    {"self": r"\overline{G}"},
    "The sign of the imaginary part turns, on the way back as on the way there.",
    terms=_conjugated,
)
def conj(n: NodeValues) -> tuple[Any, ...]:
    return (np.conj(n.grad()),)


def _direction(z: Array, *, twice: bool = False) -> tuple[Array, Any]:
    """z / |z| (or z / |z|²), zero at zero; and where that is."""
    zero = value_of(z) == 0
    size = np.abs(np.where(zero, 1.0, z))
    return np.where(zero, 0.0, z / (size * size if twice else size)), zero


@elementwise(
    "AngleBackward0",
    {"self": r"<G> \cdot \frac{i \cdot <self>}{|<self>|^{2}}"},
    "The angle turns across the line to the origin, faster when that is near; a real number does not turn.",
)
def angle(n: NodeValues) -> tuple[Any, ...]:
    z = n.saved("self")
    if not np.iscomplexobj(value_of(z)):
        return (np.zeros(n.output_shape()),)
    return (np.conj(_direction(z, twice=True)[0] * 1j),)


@elementwise(
    "PolarBackward0",
    {
        "abs": r"\mathrm{Re}\left(\overline{<G>} \cdot \frac{<result>}{|<result>|}\right)",
        "angle": r"\mathrm{Re}\left(\overline{<G>} \cdot i \cdot <result>\right)",
    },
    "The radius gets what of the gradient points outwards, the angle what points around, times the radius.",
)
def polar(n: NodeValues) -> tuple[Any, ...]:
    z = n.saved("result")
    return _direction(z)[0], z * 1j


def _sgn_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    """G / |z| minus its part along z: half of it, and half of its mirror image, turned."""
    z = complex(value_of(n.saved("self"))[index])
    if not np.iscomplexobj(value_of(n.saved("self"))) or z == 0:
        return []
    once = np.array([0.5 / abs(z)])
    mirrored = np.array([-0.5 * (z / abs(z)) ** 2 / abs(z)])
    return [
        TermGroup(0, _at(index), once, "across"),
        TermGroup(0, _at(index), mirrored, "along, mirrored", conjugated=True),
    ]


@rule(
    "SgnBackward0",
    {"self": r"\frac{G}{|z|} - \mathrm{Re}\left(\frac{G}{s}\right) \cdot \frac{s}{|z|},\; s = \frac{z}{|z|}"},
    "A direction does not change along the line to the origin: only what of the gradient goes across passes.",
    terms=_sgn_terms,
)
def sgn(n: NodeValues) -> tuple[Any, ...]:
    z = n.saved("self")
    g = n.grad()
    if not np.iscomplexobj(value_of(z)):
        return (np.zeros_like(g),)
    direction, zero = _direction(z)
    size = np.where(zero, 1.0, np.abs(z))
    along = (g * np.conj(direction)).real
    return (np.where(zero, 0.0, g / size - along * direction / size),)
