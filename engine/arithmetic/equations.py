"""Solutions of linear equations, inverses and pseudoinverses, with bounds from the condition of the matrix.

To first order, a solution x of A x = b by elimination errs by no more than |A⁻¹| (eA |x| + eb + n u |A| |x|), element
by element, where eA and eb are the errors of A and b and n is the size of A (Higham, "Accuracy and Stability of
Numerical Algorithms", chapters 7 to 9; with partial pivoting |L| |U| is not much larger than |A|).

Matrices are the last two dimensions; those before are a batch and broadcast. Where there is no solution, NumPy's
LinAlgError is raised.
"""

from __future__ import annotations

import math

import numpy as np

from engine.arithmetic.bounded import Array, Bounded, Floats, roundings, value_of
from engine.arithmetic.limits import limited, limits, smallest_normal
from engine.arithmetic.ufuncs import product_roundings, unit_of

_ELIMINATION = 2.0  # growth of the factors over the matrix, beyond what the square root of its size leaves out


def adjoint(matrix: Array) -> Array:
    """Conjugated and transposed."""
    return np.conj(np.swapaxes(matrix, -1, -2))


def solve(a: Array, b: Array) -> Array:
    """The matrix x with `a @ x = b`."""
    if not isinstance(a, Bounded) and not isinstance(b, Bounded):
        return np.linalg.solve(a, b)
    x = np.linalg.solve(value_of(a), value_of(b))
    inverse = np.abs(np.linalg.inv(value_of(a)))
    return Bounded(x, _solution_error(inverse, a, b, x, _ELIMINATION), unit_of((a, b)))


def inv(a: Array) -> Array:
    """The inverse."""
    return solve(a, np.broadcast_to(np.eye(a.shape[-1]), a.shape))


def solve_triangular(t: Array, b: Array, *, upper: bool) -> Array:
    """The matrix x with `t @ x = b` for a triangular `t`; a zero on its diagonal makes infinities."""
    with np.errstate(all="ignore"):
        x = _substitute(value_of(t), value_of(b), upper)
        if not isinstance(t, Bounded) and not isinstance(b, Bounded):
            return x
        inverse = np.abs(_substitute(value_of(t), np.eye(t.shape[-1]), upper))
        return Bounded(x, _solution_error(inverse, t, b, x, 1.0), unit_of((t, b)))


def _solution_error(inverse: Floats, a: Array, b: Array, x: Floats, growth: float) -> Floats:
    unit, size = unit_of((a, b)), x.shape[-2]
    residual = growth * roundings(size) * product_roundings(x) * unit * (np.abs(value_of(a)) @ np.abs(x))
    if isinstance(a, Bounded) and a.error is not None:
        residual = residual + a.error @ np.abs(x)
    if isinstance(b, Bounded) and b.error is not None:
        residual = residual + b.error
    flushed = smallest_normal(unit) if limited() else 0.0  # LAPACK may take what is smaller for zero
    residual = residual + flushed * (size + np.sum(np.abs(value_of(a)), axis=-1, keepdims=True))
    error = np.asarray(inverse @ residual) + flushed
    if limited():  # elimination mixes everything: what does not fit anywhere may be anywhere
        parts = (inverse, np.abs(x), np.abs(value_of(a)) @ np.abs(x), inverse @ np.abs(value_of(b)), error)
        if not all(np.all(part <= limits(unit)[0]) for part in parts):
            return np.full(error.shape, np.inf)
    return error


def _substitute(t: Floats, b: Floats, upper: bool) -> Floats:
    size = t.shape[-1]
    batch = np.broadcast_shapes(t.shape[:-2], b.shape[:-2])
    x = np.zeros((*batch, *b.shape[-2:]), dtype=np.result_type(t, b))
    rows = range(size - 1, -1, -1) if upper else range(size)
    for row in rows:
        done = slice(row + 1, size) if upper else slice(0, row)
        known = (t[..., row, None, done] @ x[..., done, :])[..., 0, :]
        x[..., row, :] = (b[..., row, :] - known) / t[..., row, row, None]
    return x


def pinv(a: Array) -> Array:
    """The pseudoinverse of a matrix of full rank, as the singular value decomposition finds it.

    That is the exact pseudoinverse of a matrix which differs from `a` by a few roundings of its norm (Golub and
    Pereyra, 1973, for how it moves).
    """
    value = value_of(a)
    p = np.linalg.pinv(value)
    if not isinstance(a, Bounded):
        return p
    rows, columns = value.shape[-2:]
    norm = np.sqrt(np.sum(np.square(np.abs(value)), axis=(-2, -1), keepdims=True))
    moved = a.errors + 2 * math.sqrt(max(rows, columns)) * product_roundings(p) * a.unit * norm
    back, pa = np.swapaxes(moved, -1, -2), np.abs(p)
    outside, inside = np.abs(np.eye(rows) - value @ p), np.abs(np.eye(columns) - p @ value)
    error = pa @ moved @ pa
    error = error + np.abs(p @ adjoint(p)) @ back @ outside + inside @ back @ np.abs(adjoint(p) @ p)
    return Bounded(p, error + 2 * a.unit * pa, a.unit)


def lu_matrices(lu: Array) -> tuple[Array, Array]:
    """The unit lower and the upper factor from where both are kept in one matrix."""
    lower = np.tril(lu, -1) + np.eye(lu.shape[-1])
    return _exact_like(lu, lower), np.triu(lu)


def _exact_like(matrix: Array, other: Array) -> Array:
    """The sum put ones where there were zeros: nothing was rounded."""
    return Bounded(other.value, matrix.error, other.unit) if isinstance(other, Bounded) else other


def permutation(pivots: Floats, size: int) -> Floats:
    """The matrix P with `A = P L U`, from LAPACK's row exchanges (from 1), as float64."""
    batch = pivots.shape[:-1]
    flat = pivots.reshape(-1, pivots.shape[-1]) if pivots.size else np.zeros((math.prod(batch), 0), np.int64)
    matrices = np.zeros((len(flat), size, size))
    for matrix, exchanges in zip(matrices, flat, strict=True):
        order = np.arange(size)
        for row, other in enumerate(exchanges - 1):
            order[[row, other]] = order[[other, row]]
        matrix[order, np.arange(size)] = 1.0
    return matrices.reshape(*batch, size, size)


__all__ = ["adjoint", "inv", "lu_matrices", "permutation", "pinv", "solve", "solve_triangular"]
