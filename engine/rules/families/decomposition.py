"""Factorizations of matrices: Cholesky, eigenvalues, singular values, QR, LU; products of reflections; exponentials.

The formulas are those of the literature on matrix backpropagation (Giles, "Collected Matrix Derivative Results for
Forward and Reverse Mode Algorithmic Differentiation", 2008; Townsend, "Differentiating the Singular Value
Decomposition", 2016), in the form in which PyTorch computes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine.arithmetic import Array, Bounded, value_of
from engine.arithmetic.equations import adjoint, permutation, solve, solve_triangular
from engine.arithmetic.limits import limited
from engine.rules.reflections import reflected, reflectors
from engine.rules.registry import moving, rule
from engine.rules.values import NodeValues, UnsupportedError

_NO_MIRROR = 20.0


@contextmanager
def _solvable() -> Iterator[None]:
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise UnsupportedError(f"the factors cannot be inverted: {error}") from None


def _real_if(array: Array, n: NodeValues) -> Array:
    """A real matrix gets the real part."""
    return array if n.dtype(0).startswith("complex") else np.real(array)


def _divided_right(array: Array, triangle: Array, *, upper: bool) -> Array:
    """array · triangle⁻¹."""
    turned = solve_triangular(np.swapaxes(triangle, -1, -2), np.swapaxes(array, -1, -2), upper=not upper)
    return np.swapaxes(turned, -1, -2)


def _diagonal(vector: Array) -> Array:
    """A diagonal matrix."""
    return vector[..., None] * np.eye(vector.shape[-1])


def _off_diagonal(matrix: Array) -> Array:
    return np.where(np.eye(matrix.shape[-1]) != 0, 0.0, matrix)


@rule(
    "LinalgCholeskyExBackward0 CholeskyBackward0",
    {"A": r"L^{-\mathsf{H}} \cdot \Phi(L^{\mathsf{H}} G) \cdot L^{-1}"},
    "The triangle below is what counts: it is mirrored, halved, and taken through the inverse factor on both sides.",
)
def cholesky(n: NodeValues) -> tuple[Any, ...]:
    upper = n.argument("upper", False)
    factor, g = n.saved("L" if n.has("L") else "result"), n.grad()
    if upper:
        factor, g = adjoint(factor), adjoint(g)
    below = np.tril(np.matmul(adjoint(factor), g))
    mirrored = 0.5 * (below + adjoint(np.tril(below, -1)))
    with _solvable():
        left = solve_triangular(adjoint(factor), mirrored, upper=True)
        return (_divided_right(left, factor, upper=False),)


def _gaps(values: Array) -> Array:
    """λⱼ - λᵢ, with ones on the diagonal."""
    gaps = values[..., None, :] - values[..., :, None]
    return np.where(np.eye(values.shape[-1]) != 0, 1.0, gaps)


@rule(
    "LinalgEighBackward0",
    {
        "A": r"V \left(\mathrm{diag}(G_\lambda) + "
        r"\frac{\mathrm{skew}(V^{\mathsf{H}} G_V)}{2 (\lambda_j - \lambda_i)}\right) V^{\mathsf{H}}"
    },
    "Eigenvalues move with what their vectors see of the matrix; vectors turn the more, the closer two of them are.",
)
def symmetric_eigenvalues(n: NodeValues) -> tuple[Any, ...]:
    vectors, values = n.saved("eigenvectors"), n.saved("eigenvalues")
    if not n.has_grad(1):
        return (np.matmul(vectors * n.grad(0)[..., None, :], adjoint(vectors)),)
    turned = 0.5 * _skew(np.matmul(adjoint(vectors), n.grad(1)))  # vectors can turn, and nothing else
    inner = _off_diagonal(turned / _gaps(values))
    if n.has_grad(0):
        inner = inner + _diagonal(n.grad(0))
    return (np.matmul(vectors, np.matmul(inner, adjoint(vectors))),)


@rule(
    "LinalgEigBackward0",
    {"A": r"V^{-\mathsf{H}} \left(\mathrm{diag}(G_\lambda) + "
          r"\frac{V^{\mathsf{H}} (G_V - V D)}{\overline{\lambda_j - \lambda_i}}\right) V^{\mathsf{H}}"},
    "Eigenvalues move with what their vectors see of the matrix; vectors turn the more, the closer two of them are.",
)  # fmt: skip
def eigenvalues(n: NodeValues) -> tuple[Any, ...]:
    vectors, values = n.saved("eigenvectors"), n.saved("eigenvalues")
    back = adjoint(vectors)
    with _solvable():
        if not n.has_grad(1):
            return (_real_if(solve(back, n.grad(0)[..., :, None] * back), n),)
        seen = np.matmul(back, n.grad(1))
        along = np.real(np.diagonal(seen, axis1=-2, axis2=-1))
        turned = seen - np.matmul(back, vectors * along[..., None, :])  # a vector's length does not count
        inner = _off_diagonal(turned / np.conj(_gaps(values)))
        if n.has_grad(0):
            inner = inner + _diagonal(n.grad(0))
        return (_real_if(solve(back, np.matmul(inner, back)), n),)


def _skew(matrix: Array) -> Array:
    return matrix - adjoint(matrix)


@rule(
    "LinalgSvdBackward0",
    {"A": r"U \left(\mathrm{diag}(G_S) + "
          r"\frac{\mathrm{skew}(U^{\mathsf{H}} G_U) S + S\, \mathrm{skew}(V^{\mathsf{H}} G_V)}"
          r"{s_j^2 - s_i^2}\right) V^{\mathsf{H}} + \dots"},
    "Singular values move with what their two vectors see of the matrix; the vectors turn the more, the closer two "
    "singular values are.",
)  # fmt: skip
def singular_values(n: NodeValues) -> tuple[Any, ...]:
    s = n.saved("S")
    count = s.shape[-1]
    u, vh = n.saved("U")[..., :count], n.saved("Vh")[..., :count, :]
    if not n.has_grad(0) and not n.has_grad(2):
        return (np.matmul(u * n.grad(1)[..., None, :], vh),)
    gu = n.grad(0)[..., :count] if n.has_grad(0) else None
    gv = n.grad(2)[..., :count, :] if n.has_grad(2) else None
    squares = _gaps(s * s)
    inner = _inner(gu, gv, u, vh, s) / squares
    if np.iscomplexobj(value_of(u)) and gu is not None and gv is not None:
        turned = np.diagonal(_skew(np.matmul(adjoint(u), gu)), axis1=-2, axis2=-1)
        inner = inner + _diagonal(turned / (2.0 * s))
    if n.has_grad(1):
        inner = inner + _diagonal(n.grad(1))
    whole = np.matmul(np.matmul(u, inner), vh)
    if gu is not None and u.shape[-2] > count:
        scaled = gu / s[..., None, :]
        whole = whole + np.matmul(scaled - np.matmul(u, np.matmul(adjoint(u), scaled)), vh)
    if gv is not None and vh.shape[-1] > count:
        scaled = gv / s[..., :, None]
        whole = whole + np.matmul(u, scaled - np.matmul(np.matmul(scaled, adjoint(vh)), vh))
    return (whole,)


def _inner(gu: Array | None, gv: Array | None, u: Array, vh: Array, s: Array) -> Array:
    """How both sets of vectors turn, before the division by the gaps."""
    total: Any = 0.0
    if gu is not None:
        total = _skew(np.matmul(adjoint(u), gu)) * s[..., None, :]
    if gv is not None:
        total = total + s[..., :, None] * _skew(np.matmul(vh, adjoint(gv)))
    return total


@rule(
    "LinalgQrBackward0",
    {"A": r"\left(G_Q + Q\, \mathrm{copyltu}(G_R R^{\mathsf{H}} - Q^{\mathsf{H}} G_Q)\right) R^{-\mathsf{H}}"},
    "The upper triangle of both gradients is mirrored and goes back through the two factors.",
)
def qr(n: NodeValues) -> tuple[Any, ...]:
    q, r = n.saved("Q"), n.saved("R")
    rows, columns = q.shape[-2], r.shape[-1]
    if n.argument("mode", "reduced") == "r" or (n.argument("mode", "reduced") == "complete" and rows > columns):
        raise UnsupportedError("a QR decomposition in this mode has no gradient")
    gq = n.grad(0, like=value_of(q).shape)
    if columns <= rows:
        return (_tall_qr(gq, n.grad(1) if n.has_grad(1) else None, q, r),)
    gr = n.grad(1, like=value_of(r).shape)
    rest, g_rest = r[..., rows:], gr[..., rows:]
    if n.has_grad(1):
        gq = gq + np.matmul(np.matmul(q, rest), adjoint(g_rest))
    first = _tall_qr(gq, gr[..., :rows] if n.has_grad(1) else None, q, r[..., :rows])
    return (np.concatenate([first, np.matmul(q, g_rest)], -1),)


def _tall_qr(gq: Array, gr: Array | None, q: Array, r: Array) -> Array:
    """For a matrix with no more columns than rows."""
    inner = -np.matmul(adjoint(q), gq)
    if gr is not None:
        inner = np.matmul(gr, adjoint(r)) + inner
    above = np.triu(inner)
    mirrored = above + adjoint(np.triu(above, 1))
    if np.iscomplexobj(value_of(mirrored)):
        diagonal = np.real(np.diagonal(above, axis1=-2, axis2=-1))
        mirrored = np.where(np.eye(diagonal.shape[-1]) != 0, _diagonal(diagonal), mirrored)
    with _solvable():
        return _divided_right(gq + np.matmul(q, mirrored), adjoint(r), upper=False)


def _lu_gradient(gl: Array | None, gu: Array | None, lower: Array, upper: Array) -> Array:
    """Of P⁻¹ A, from those of the factors; the zeros and ones of the triangles have none."""
    rows, columns = lower.shape[-2], upper.shape[-1]
    k = min(rows, columns)
    l1, u1 = lower[..., :k, :], upper[..., :, :k]
    total: Any = np.zeros((*value_of(lower).shape[:-2], k, k))
    if gl is not None:
        total = np.tril(np.matmul(adjoint(l1), np.tril(gl[..., :k, :], -1)), -1)
    if gu is not None:
        total = total + np.triu(np.matmul(np.triu(gu[..., :, :k]), adjoint(u1)))
    with _solvable():
        if columns > k:
            return _wide_lu(total, gu, l1, upper, k)
        if rows > k:
            return _tall_lu(total, gl, lower, u1, k)
        return _through(total, l1, u1)


def _through(inner: Array, lower: Array, upper: Array) -> Array:
    """L⁻ᴴ · inner · U⁻ᴴ."""
    right = _divided_right(inner, adjoint(upper), upper=False)
    return solve_triangular(adjoint(lower), right, upper=True)


def _wide_lu(inner: Array, gu: Array | None, lower: Array, upper: Array, k: int) -> Array:
    """More columns than rows: those beyond the square one depend on the lower factor."""
    if gu is None:
        rest: Any = np.zeros((*value_of(upper).shape[:-1], upper.shape[-1] - k))
        return np.concatenate([_through(inner, lower, upper[..., :k]), _like(rest, inner)], -1)
    beyond = gu[..., k:]
    inner = inner - np.tril(np.matmul(beyond, adjoint(upper[..., k:])), -1)
    first = _through(inner, lower, upper[..., :k])
    return np.concatenate([first, solve_triangular(adjoint(lower), beyond, upper=True)], -1)


def _tall_lu(inner: Array, gl: Array | None, lower: Array, upper: Array, k: int) -> Array:
    """More rows than columns: those below the square one depend on the upper factor."""
    if gl is None:
        rest: Any = np.zeros((*value_of(lower).shape[:-2], lower.shape[-2] - k, k))
        return np.concatenate([_through(inner, lower[..., :k, :], upper), _like(rest, inner)], -2)
    below = gl[..., k:, :]
    inner = inner - np.triu(np.matmul(adjoint(lower[..., k:, :]), below))
    first = _through(inner, lower[..., :k, :], upper)
    return np.concatenate([first, _divided_right(below, adjoint(upper), upper=False)], -2)


def _like(zeros: Any, array: Array) -> Array:
    return Bounded(zeros, None, array.unit) if isinstance(array, Bounded) else zeros


_LU = (
    {"A": r"P \cdot L^{-\mathsf{H}} \left(\mathrm{tril}(L^{\mathsf{H}} G_L) + \mathrm{triu}(G_U U^{\mathsf{H}})\right) "
          r"U^{-\mathsf{H}}"},
    "What enters at the two triangles goes back through both factors, and the rows return to where they were.",
)  # fmt: skip


@rule("LinalgLuBackward0", *_LU)
def lu(n: NodeValues) -> tuple[Any, ...]:
    found = _lu_gradient(
        n.grad(0) if n.has_grad(0) else None, n.grad(1) if n.has_grad(1) else None, n.saved("L"), n.saved("U")
    )
    return (np.matmul(n.saved("P"), found) if n.argument("pivot", True) else found,)


@rule("LinalgLuFactorExBackward0", *_LU)
def lu_factors(n: NodeValues) -> tuple[Any, ...]:
    both, g = n.saved("LU"), n.grad()
    rows, columns = both.shape[-2:]
    k = min(rows, columns)
    lower = np.tril(both[..., :k], -1)
    unit = lower + np.eye(rows, k)  # puts ones where there were zeros: nothing is rounded
    lower = Bounded(unit.value, lower.error, unit.unit) if isinstance(unit, Bounded) else unit
    found = _lu_gradient(g[..., :k], g[..., :k, :], lower, np.triu(both[..., :k, :]))
    if not n.argument("pivot", True):
        return (found,)
    return (np.matmul(permutation(n.saved("pivots"), rows), found),)


@moving(
    "LuUnpackBackward0",
    {"LU_data": r"\mathrm{tril}(G_L) + \mathrm{triu}(G_U)"},
    "The two triangles are put side by side again; the ones and zeros that were written into them get nothing.",
)
def unpacked_lu(n: NodeValues) -> tuple[Any, ...]:
    shape = n.shape(0)
    whole: Any = np.zeros(shape)
    below = np.tril(np.ones(shape[-2:]), -1) != 0
    for slot, inside in ((0, below), (1, ~below)):
        if n.has_grad(slot):
            triangle = n.grad(slot)
            missing = [(0, 0)] * (len(shape) - 2) + [(0, shape[axis] - triangle.shape[axis]) for axis in (-2, -1)]
            whole = np.where(inside, np.pad(triangle, missing), whole)
    return (whole,)


@rule(
    "LinalgHouseholderProductBackward0",
    {"input": r"\sum_i -\tau_i (G_i w_i^{\mathsf{T}} + Y_i G_i^{\mathsf{T}} v_i)", "tau": r"-\sum G_i \odot v_i w_i"},
    "A product of reflections: the gradient passes one mirror after the other, and each gets its share on the way.",
)
def householder_product(n: NodeValues) -> tuple[Any, ...]:
    packed, tau = n.saved("input"), n.saved("tau")
    rows, columns = packed.shape[-2:]
    start = np.broadcast_to(np.eye(rows, columns), (*value_of(packed).shape[:-2], rows, columns))
    vectors = reflectors(packed, tau.shape[-1])
    if limited() and not _mirrors(vectors, tau):
        raise UnsupportedError("its factors are no reflections: undoing them one by one loses all digits")
    g_vectors, g_tau, _ = reflected(vectors, tau, start, n.grad(), adjoint_of_product=False)
    return (_packed(g_vectors, n) if n.needs(0) else None, g_tau if n.needs(1) else None)


def _mirrors(vectors: list[Array], tau: Array) -> bool:
    """Whether every I - τ v vᴴ is about unitary, as those of decompositions are: |τ|² |v|² = 2 Re τ, or short."""
    factors = np.moveaxis(value_of(tau), -1, 0)
    lengths = [np.sum(np.square(np.abs(value_of(v)[..., 0])), axis=-1) for v in vectors]
    return all(
        np.all(np.abs(np.abs(t) ** 2 * size - 2 * t.real) <= _NO_MIRROR * np.abs(t))
        for t, size in zip(factors, lengths, strict=True)
    )


def _packed(vectors: list[Array], n: NodeValues) -> Array:
    """The gradients of the mirrors' vectors as columns below the diagonal, where they were kept."""
    shape = n.shape(0)
    columns = vectors[: shape[-1]]
    columns += [np.zeros(shape[:-1])] * (shape[-1] - len(columns))
    return np.tril(np.stack(columns, -1), -1)


@rule(
    "OrmqrBackward0",
    {"self": r"\sum_i -\tau_i (G_i w_i^{\mathsf{T}} + Y_i G_i^{\mathsf{T}} v_i)", "tau": r"-\sum G_i \odot v_i w_i",
     "input3": r"Q^{\mathsf{H}} \cdot G"},
    "A matrix in front of mirrors: the gradient passes them in turn, and each gets its share on the way.",
)  # fmt: skip
def reflected_matrix(n: NodeValues) -> tuple[Any, ...]:
    left, transposed = n.argument("left", True), n.argument("transpose", False)
    packed, tau, other, g = n.saved("self"), n.saved("input2"), n.saved("input3"), n.grad()
    if not left:  # (B Q)ᴴ = Qᴴ Bᴴ
        other, g, transposed = adjoint(other), adjoint(g), not transposed
    vectors = reflectors(packed, tau.shape[-1])
    g_vectors, g_tau, g_other = reflected(vectors, tau, other, g, adjoint_of_product=transposed)
    return (
        _packed(g_vectors, n) if n.needs(0) else None,
        g_tau if n.needs(1) else None,
        (g_other if left else adjoint(g_other)) if n.needs(2) else None,
    )


@rule(
    "LinalgMatrixExpBackward0",
    {"self": r"\int_0^1 e^{t A^{\mathsf{H}}}\, G\, e^{(1-t) A^{\mathsf{H}}}\, dt"},
    "The exponential grows with the matrix at every moment of its way: the gradient adds all of these moments up.",
)
def matrix_exponential(n: NodeValues) -> tuple[Any, ...]:
    """In the corner of the exponential of [[Aᴴ, G], [0, Aᴴ]] (Mathias, "A Chain Rule for Matrix Functions", 1996)."""
    back, g = adjoint(n.saved("self")), n.grad()
    size = back.shape[-1]
    above = np.concatenate([back, g], -1)
    below = np.concatenate([np.zeros(back.shape), back], -1)
    return (_exponential(np.concatenate([above, below], -2))[..., :size, size:],)


def _exponential(matrix: Array) -> Array:
    """Taylor's series of the matrix divided by a power of two, squared as often."""
    size = float(np.max(np.sum(np.abs(value_of(matrix)), -1), initial=0.0))
    if not np.isfinite(size):
        raise UnsupportedError("the exponential of a matrix that is not finite")
    halvings = max(0, int(np.ceil(np.log2(size))) + 1) if size > 0 else 0
    small: Array = matrix / 2.0**halvings
    small = Bounded(small.value, matrix.error, matrix.unit) if isinstance(small, Bounded) else small  # exact
    term: Array = small
    total: Array = np.eye(matrix.shape[-1]) + small
    for order in range(2, 20):
        term = np.matmul(term, small) / order
        total = total + term
    for _ in range(halvings):
        total = np.matmul(total, total)
    return total
