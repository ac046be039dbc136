"""Weight normalization: a weight as a direction times a length that is learnt by itself.

Salimans & Kingma, "Weight Normalization" (2016): w = g · v / ‖v‖, with one g for each output.
"""

from __future__ import annotations

import numpy as np

from engine.arithmetic import Array, value_of
from engine.recording.model import Shape
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues


def _shared(n: NodeValues) -> tuple[int, ...]:
    """The axes over which a length is taken: all but one."""
    dimensions = len(n.saved_shape("v"))
    kept = int(n.argument("dim", 0)) % dimensions
    return tuple(axis for axis in range(dimensions) if axis != kept)


def _terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
    v = value_of(n.saved("v"))
    shared = _shared(n)
    kept = next(axis for axis in range(v.ndim) if axis not in shared)
    at = index[kept] if n.shape(slot)[kept] > 1 else 0
    length, g = (value_of(n.saved(name)).reshape(-1)[at] for name in ("result1", "g"))
    places = np.indices(tuple(v.shape[axis] for axis in shared)).reshape(len(shared), -1)
    members = tuple(places[shared.index(axis)] if axis in shared else np.full(places.shape[1], at)
                    for axis in range(v.ndim))  # fmt: skip
    if slot == 1:
        return [TermGroup(0, members, v[members] / length, "direction")]
    own = tuple(np.array([axis]) for axis in index)
    return [
        TermGroup(0, own, np.array([g / length]), "by itself"),
        TermGroup(0, members, -g / length**3 * v[index] * v[members], "through the length"),
    ]


@rule(
    "WeightNormInterfaceBackward0",
    {
        "v": r"\frac{g}{\lVert v \rVert} \left( G - \frac{v}{\lVert v \rVert^2} \sum G \cdot v \right)",
        "g": r"\frac{1}{\lVert v \rVert} \sum G \cdot v",
    },
    "The length of a weight gets what the gradient has along its direction; the direction gets the rest, since a "
    "longer v would change nothing.",
    terms=_terms,
)
def weight_norm(n: NodeValues) -> tuple[Array | None, ...]:
    g, v, length = n.grad(), n.saved("v"), n.saved("result1")
    along = np.sum(g * v, axis=_shared(n), keepdims=True)
    direction = (g - v * (along / (length * length))) * (n.saved("g") / length) if n.needs(0) else None
    return direction, np.reshape(along / length, n.shape(1)) if n.needs(1) else None
