"""The two-loop recursion of L-BFGS with a bound of its rounding error that does not explode.

Taking absolute values at each of the 2m stages, as a `Bounded` does, multiplies the bound by the condition of every
pair (y, s) and says nothing after a few of them. But the recursion is linear in its vector, and each stage mixes
elements only through one number. So an error is followed as what it is: either it stays in its element, or it moves
one of the numbers α, β, and what that does to all later stages is known exactly, signs included: a column of
`_Errors.columns`. To first order the error is then at most  direct + |columns| · amplitudes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic import Bounded
from engine.arithmetic.bounded import roundings

Floats = npt.NDArray[Any]


class _Errors:
    """`direct`: of each element; `columns` and `amplitudes`: what a unit of each moved number does, and how much."""

    def __init__(self, direct: Floats, unit: float) -> None:
        self.direct = direct
        self.unit = unit
        self.columns = np.zeros((direct.size, 0))
        self.amplitudes = np.zeros(0)

    def of_product(self, factor: float, left: Floats, vector: Floats) -> tuple[Floats, float]:
        """(how factor · left·vector follows each source, how far it may be off otherwise)."""
        scale = abs(factor)
        rounding = scale * roundings(left.size) * self.unit * float(np.abs(left) @ np.abs(vector))
        rounding += 2 * self.unit * abs(factor * float(left @ vector))
        return factor * (left @ self.columns), scale * float(np.abs(left) @ self.direct) + rounding

    def add(self, column: Floats, amplitude: float) -> None:
        """A new number is off by `amplitude`, and moves the vector along `column`."""
        self.columns = np.column_stack([self.columns, column])
        self.amplitudes = np.append(self.amplitudes, amplitude)

    def padded(self, follows: Floats) -> Floats:
        return np.pad(follows, (0, self.amplitudes.size - follows.size))

    def total(self) -> Floats:
        return np.asarray(self.direct + np.abs(self.columns) @ self.amplitudes)


def applies_to(history: Sequence[Any]) -> bool:
    """Whether all members are recorded, exact arrays."""
    return all(isinstance(member, Bounded) and member.error is None for member in history)


def direction(
    grad: Bounded, ys: Sequence[Bounded], ss: Sequence[Bounded], ros: Sequence[Bounded], scale: Bounded
) -> tuple[Bounded, list[Bounded]]:
    """(−H·grad, the numbers α, oldest first) from the exact history, oldest first; `scale` is H's first guess."""
    unit = grad.unit
    q, errors = -grad.value, _Errors(grad.errors.copy(), unit)
    alphas: list[float] = []
    follow: list[Floats] = []
    pairs = [(y.value, s.value, float(ro.value)) for y, s, ro in zip(ys, ss, ros, strict=True)]
    for y, s, ro in reversed(pairs):
        alpha = ro * float(s @ q)
        follows, own = errors.of_product(ro, s, q)
        errors.columns = errors.columns - np.outer(y, follows)
        errors.add(-y, own)
        alphas.append(alpha)
        follow.append(np.append(follows, 1.0))
        q = q - alpha * y
        errors.direct = errors.direct + unit * (np.abs(alpha * y) + np.abs(q))
    bounded = [_number(alpha, errors, follows) for alpha, follows in zip(alphas, follow, strict=True)]
    gamma = float(scale.value)
    errors.columns = errors.columns * gamma
    errors.add(q, float(scale.errors) + unit * abs(gamma))
    r = gamma * q
    errors.direct = abs(gamma) * errors.direct + unit * np.abs(r)
    for (y, s, ro), alpha, moved in zip(pairs, reversed(alphas), reversed(follow), strict=True):
        weight = alpha - ro * float(y @ r)
        follows, own = errors.of_product(ro, y, r)
        errors.columns = errors.columns + np.outer(s, errors.padded(moved) - follows)
        errors.add(-s, own)
        r = r + s * weight
        errors.direct = errors.direct + unit * (2 * np.abs(s * weight) + np.abs(r))
    return Bounded(r, errors.total(), unit), bounded[::-1]


def _number(value: float, errors: _Errors, follows: Floats) -> Bounded:
    error = np.abs(follows) @ errors.amplitudes[: follows.size]
    return Bounded(value, np.asarray(error), errors.unit)
