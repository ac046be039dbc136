"""Rules that say where numbers go, with a factor or without: vector-Jacobian product and terms follow from that.

    @routing("GatherBackward0", {"self": "…"}, "…")
    def gather(n):
        return (Sent(places),)           # number j of the gradient is added to place places[j] of the input

    @routing("ScatterBackward0", …)
    def scatter(n):
        return (Taken(own), Taken(at))   # place i of the input takes number at[i] of the gradient

Places are flat; -1 stands for nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.arithmetic import Array, linear, value_of
from engine.arithmetic.bounded import Bounded, Floats
from engine.arithmetic.limits import in_any_order, limited
from engine.recording.model import Shape
from engine.rules.axes import Integers, reduced_index, restored
from engine.rules.registry import Function, by_slot, rule, unbroadcast
from engine.rules.terms import Index, TermGroup, broadcast_sources
from engine.rules.values import NodeValues


@dataclass(frozen=True)
class Sent:
    """`places`, of the shape of the gradient: where each of its numbers is added."""

    places: Integers

    def gradient(self, g: Array, shape: Shape) -> Array:
        """The gradient of an input of `shape`."""
        flat = self.places.reshape(g.shape).ravel()
        kept = flat >= 0
        places = flat[kept]
        size = int(np.prod(shape, dtype=np.int64))

        def scatter(array: Floats) -> Floats:
            array = array.ravel()[kept]
            if array.dtype.kind != "c":
                return np.bincount(places, array, size).astype(np.float64).reshape(shape)
            return (np.bincount(places, array.real, size) + 1j * np.bincount(places, array.imag, size)).reshape(shape)

        most = int(np.bincount(places).max(initial=1)) if isinstance(g, Bounded) else 1
        return linear(scatter, g, most)

    def terms(self, index: Index, shape: Shape, grad: Shape) -> tuple[tuple[Any, ...], Floats]:
        """Index arrays of the numbers that are added up in element `index`, and their factors."""
        place = np.ravel_multi_index(index, shape) if shape else 0
        found = np.nonzero(np.atleast_1d(self.places.reshape(grad)) == place)
        return (found if grad else ()), np.ones(len(found[0]))


@dataclass(frozen=True)
class Taken:
    """`places`: which number of the gradient goes to each element; times `factor`, if there is one.

    They may be larger than the input, which was broadcast to them then: what it takes is summed.
    """

    places: Integers
    factor: Array | None = None

    def gradient(self, g: Array, shape: Shape) -> Array:
        """The gradient of an input of `shape`."""
        if not g.size:
            return unbroadcast(np.zeros(self.places.shape), shape)
        picked = np.reshape(g, (-1,))[np.maximum(self.places, 0)]
        if np.any(self.places < 0):
            picked = np.where(self.places < 0, 0.0, picked)
        return unbroadcast(picked if self.factor is None else _times(picked, self.factor), shape)

    def terms(self, index: Index, shape: Shape, grad: Shape) -> tuple[tuple[Any, ...], Floats]:
        """Index arrays of the numbers that are added up in element `index`, and their factors."""
        at = broadcast_sources(index, shape, self.places.shape)
        places = np.atleast_1d(self.places[at] if at else self.places)
        factor: Floats = np.ones(places.shape)
        if self.factor is not None:
            whole = np.broadcast_to(value_of(self.factor), self.places.shape)
            factor = np.atleast_1d(whole[at] if at else whole)
        real = places >= 0
        return (np.unravel_index(places[real], grad) if grad else ()), factor[real]


def _times(g: Array, factor: Array) -> Array:
    """`g · factor`; where range counts, the factor may have been a product or a quotient of its own."""
    product = g * factor
    return in_any_order(product, (g, factor)) if limited() and isinstance(product, Bounded) else product


def routing(types: str, formulas: Mapping[str, str], words: str) -> Callable[[Function], Function]:
    """Register a function that gives a `Sent` or a `Taken` for each input."""

    def register(function: Function) -> Function:
        def vjp(n: NodeValues) -> dict[int, Array]:
            g = n.grad()
            return {slot: way.gradient(g, n.shape(slot)) for slot, way in by_slot(function(n)).items() if n.needs(slot)}

        def terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
            indices, factors = by_slot(function(n))[slot].terms(index, n.shape(slot), n.output_shape())
            return [TermGroup(0, indices, factors, "the same number" if np.all(factors == 1) else "factor")]

        rule(types, formulas, words, terms=terms)(vjp)
        return function

    return register


@dataclass(frozen=True)
class Share:
    """What of the gradient for output `output`, which is reduced over `axes`, each element of the input gets.

    `factor` broadcasts against the input; None is 1.
    """

    axes: tuple[int, ...]
    factor: Array | None = None
    output: int = 0
    label: str = "share"

    def gradient(self, n: NodeValues, shape: Shape) -> Array:
        """This share of the gradient of an input of `shape`."""
        g = restored(n.grad(self.output), shape, self.axes)
        return np.broadcast_to(g if self.factor is None else _times(g, self.factor), shape)

    def terms(self, n: NodeValues, index: Index) -> TermGroup:
        """The one number that element `index` gets a share of."""
        indices = reduced_index(index, self.axes, len(n.output_shape(self.output)))
        factor = 1.0 if self.factor is None else np.broadcast_to(value_of(self.factor), n.shape(0))[index]
        return TermGroup(self.output, indices, np.array([factor]), self.label)


def reducing(types: str, formulas: Mapping[str, str], words: str) -> Callable[[Function], Function]:
    """Register a function that gives the `Share` of each output (one, or a list: they are added)."""

    def shares(function: Function, n: NodeValues) -> list[Share]:
        found = function(n)
        return [found] if isinstance(found, Share) else list(found)

    def register(function: Function) -> Function:
        def vjp(n: NodeValues) -> tuple[Array, ...]:
            parts = [share.gradient(n, n.shape(0)) for share in shares(function, n)]
            return (sum(parts[1:], start=parts[0]),) if parts else ()

        def terms(n: NodeValues, _slot: int, index: Index) -> list[TermGroup]:
            return [share.terms(n, index) for share in shares(function, n)]

        rule(types, formulas, words, terms=terms)(vjp)
        return function

    return register
