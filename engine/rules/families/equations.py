"""Linear equations: determinants, inverses, solutions, least squares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine.arithmetic import Array, Bounded, value_of
from engine.arithmetic.bounded import Floats
from engine.arithmetic.equations import (
    adjoint,
    lu_matrices,
    permutation,
    pinv,
    solve,
    solve_triangular,
)
from engine.rules.registry import rule, unbroadcast
from engine.rules.values import NodeValues, UnsupportedError


@contextmanager
def _solvable() -> Iterator[None]:
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise UnsupportedError(f"the equations have no solution that is one of a kind: {error}") from None


def _columns(array: Array, vector: bool) -> Array:
    """A vector as a matrix of one column."""
    return array[..., None] if vector else array


def _is_vector(matrix: Array, other: Array) -> bool:
    """Whether the right-hand side is a batch of vectors (`linalg_solve_is_vector_rhs`)."""
    return bool(other.ndim == 1 or (matrix.ndim - 1 == other.ndim and matrix.shape[:-1] == other.shape))


def _halved(matrix: Array, upper: bool, unit: bool) -> Array:
    """The triangle of a triangular matrix that counts: without the diagonal if that is all ones."""
    return np.triu(matrix, 1 if unit else 0) if upper else np.tril(matrix, -1 if unit else 0)


def _triangle(matrix: Array, upper: bool, unit: bool) -> Array:
    half = _halved(matrix, upper, unit)
    if not unit:
        return half
    whole = half + np.eye(matrix.shape[-1])
    return Bounded(whole.value, half.error, half.unit) if isinstance(half, Bounded) else whole  # nothing was rounded


@rule(
    "LinalgInvExBackward0",
    {"A": r"-A^{-\mathsf{H}} \cdot G \cdot A^{-\mathsf{H}}"},
    "An inverse shrinks as the matrix grows: the gradient goes through it on both sides, with the sign turned.",
)
def inverse(n: NodeValues) -> tuple[Any, ...]:
    back = adjoint(n.saved("inverse"))
    return (-np.matmul(back, np.matmul(n.grad(), back)),)


def _transposed_lu(n: NodeValues) -> bool:
    """torch decomposes the transpose of a matrix where that spares it a copy: whether it did here."""
    lu, a = value_of(n.saved("LU")), value_of(n.saved("A"))
    lower, upper = lu_matrices(lu)
    product = permutation(n.saved("pivots"), a.shape[-1]) @ lower @ upper
    off = np.abs(product - a).sum(), np.abs(product - np.swapaxes(a, -1, -2)).sum()
    return bool(off[1] < off[0])


def _adjoint_solution(n: NodeValues, lu: Array, b: Array) -> Array:
    """x with A^H x = b, from the saved decomposition of A, or of its transpose."""
    lower, upper = lu_matrices(lu)
    p = permutation(n.saved("pivots"), lu.shape[-1])
    if _transposed_lu(n):
        x = solve_triangular(np.conj(lower), np.matmul(np.swapaxes(p, -1, -2), b), upper=False)
        return solve_triangular(np.conj(upper), x, upper=True)
    x = solve_triangular(adjoint(upper), b, upper=False)
    return np.matmul(p, solve_triangular(adjoint(lower), x, upper=True))


_EPSILON = {"float32": 2.0**-23, "complex64": 2.0**-23, "float64": 2.0**-52, "complex128": 2.0**-52}


@rule(
    "LinalgDetBackward0",
    {"A": r"\overline{\det A} \cdot G \cdot A^{-\mathsf{H}}"},
    "The determinant grows with each element by its cofactor: the determinant times the inverse, turned over.",
)
def determinant(n: NodeValues) -> tuple[Any, ...]:
    lu = n.saved("LU")
    diagonal = np.diagonal(value_of(lu), axis1=-2, axis2=-1)
    zero = (diagonal == 0)[..., None] * np.eye(lu.shape[-1])
    moved = np.where(zero != 0, _EPSILON[n.dtype(0)], lu)  # torch does this to a singular matrix
    scale = (n.grad() * np.conj(n.saved("result")))[..., None, None]
    return (_adjoint_solution(n, moved, scale * np.eye(lu.shape[-1])),)


@rule(
    "LinalgSlogdetBackward0",
    {"A": r"G_{\log} \cdot A^{-\mathsf{H}}"},
    "The logarithm of the determinant grows with each element by the inverse, turned over.",
)
def log_determinant(n: NodeValues) -> tuple[Any, ...]:
    g = n.grad(1)
    sign = n.saved("sign")
    if np.iscomplexobj(sign):
        g = g - 1j * np.imag(np.conj(n.grad(0)) * sign)
    lu = n.saved("LU")
    return (_adjoint_solution(n, lu, g[..., None, None] * np.eye(lu.shape[-1])),)


def _pair(n: NodeValues, first: Callable[[], Array], second: Callable[[], Array]) -> tuple[Any, ...]:
    """Both gradients, summed over where the batch was broadcast."""
    return (
        unbroadcast(first(), n.shape(0)) if n.needs(0) else None,
        unbroadcast(second(), n.shape(1)) if n.needs(1) else None,
    )


@rule(
    "LinalgSolveExBackward0",
    {"A": r"-\left( A^{-\mathsf{H}} G \right) \cdot X^{\mathsf{H}}", "B": r"A^{-\mathsf{H}} \cdot G"},
    "The right-hand side gets the solution of the equations turned over, with the gradient on the right; the matrix "
    "gets the product of that and the solution, with the sign turned.",
)
def solve_equations(n: NodeValues) -> tuple[Any, ...]:
    a, x, g, left = n.saved("A"), n.saved("result"), n.grad(), n.argument("left", True)
    vector = _is_vector(a, g)
    x, g = _columns(x, vector), _columns(g, vector)
    with _solvable():
        back = solve(adjoint(a), g) if left else np.swapaxes(solve(np.conj(a), np.swapaxes(g, -1, -2)), -1, -2)
    return _pair(
        n,
        lambda: -np.matmul(back, adjoint(x)) if left else -np.matmul(adjoint(x), back),
        lambda: back[..., 0] if vector else back,
    )


def _triangular_back(t: Array, g: Array, upper: bool, left: bool) -> Array:
    """y with T^H y = g, or y T^H = g."""
    if left:
        return solve_triangular(adjoint(t), g, upper=not upper)
    return np.swapaxes(solve_triangular(np.conj(t), np.swapaxes(g, -1, -2), upper=upper), -1, -2)


@rule(
    "LinalgSolveTriangularBackward0",
    {"self": r"-\mathrm{tri} \left( T^{-\mathsf{H}} G \cdot X^{\mathsf{H}} \right)", "B": r"T^{-\mathsf{H}} \cdot G"},
    "The right-hand side gets the solution of the equations turned over; the matrix the product of that and the "
    "solution, with the sign turned, where it is not zero by its shape.",
)
def solve_triangular_equations(n: NodeValues) -> tuple[Any, ...]:
    upper, unit, left = n.argument("upper"), n.argument("unitriangular", False), n.argument("left", True)
    t, x = _triangle(n.saved("self"), upper, unit), n.saved("result")
    back = _triangular_back(t, n.grad(), upper, left)

    def matrix() -> Array:
        product = np.matmul(back, adjoint(x)) if left else np.matmul(adjoint(x), back)
        return -_halved(product, upper, unit)

    return _pair(n, matrix, lambda: back)


@rule(
    "TriangularSolveBackward0",
    {"self": r"T^{-\mathsf{H}} \cdot G", "A": r"-\mathrm{tri} \left( T^{-\mathsf{H}} G \cdot X^{\mathsf{H}} \right)"},
    "The right-hand side gets the solution of the equations turned over; the matrix the product of that and the "
    "solution, with the sign turned, where it is not zero by its shape.",
)
def solve_triangular_equations_once(n: NodeValues) -> tuple[Any, ...]:
    upper, unit, turned = (n.argument(name, False) for name in ("upper", "unitriangular", "transpose"))
    t, x = _triangle(n.saved("A"), upper, unit), n.saved("solution")
    back: Array = np.zeros(x.shape)
    if n.has_grad(0):
        g = n.grad(0)
        back = solve_triangular(np.conj(t), g, upper=upper) if turned else _triangular_back(t, g, upper, True)

    def matrix() -> Array:
        product = np.matmul(np.conj(x), np.swapaxes(back, -1, -2)) if turned else np.matmul(back, adjoint(x))
        total = -_halved(product, upper, unit)
        return total + n.grad(1) if n.has_grad(1) else total

    return _pair(n, lambda: back, matrix)


def _both_triangles(n: NodeValues, factor: Array, b: Array, upper: bool) -> Array:
    """The solution of A x = b, where A is the square of a triangular `factor`."""
    lower = adjoint(factor) if upper else factor
    return solve_triangular(adjoint(lower), solve_triangular(lower, b, upper=False), upper=True)


@rule(
    "CholeskySolveBackward0",
    {"self": r"A^{-1} \cdot G", "input2": r"-\left( B' X^{\mathsf{H}} + X B'^{\mathsf{H}} \right) \cdot L"},
    "The right-hand side gets the solution of the same equations with the gradient on the right; the factor gets twice "
    "the product of that and the solution, as it stands in its square twice.",
)
def solve_by_cholesky(n: NodeValues) -> tuple[Any, ...]:
    upper, x = n.argument("upper", False), n.saved("result")
    factor = n.saved("input2")
    half = np.triu(factor) if upper else np.tril(factor)
    back = _both_triangles(n, half, n.grad(), upper)

    def matrix() -> Array:
        product = np.matmul(back, adjoint(x))
        both = product + adjoint(product)
        return -np.matmul(factor, both) if upper else -np.matmul(both, factor)

    return _pair(n, lambda: back, matrix)


@rule(
    "CholeskyInverseBackward0",
    {"self": r"-A^{-1} \cdot \left( G + G^{\mathsf{H}} \right) \cdot A^{-1} \cdot L"},
    "The inverse shrinks as the factor grows, which stands in the matrix twice.",
)
def inverse_by_cholesky(n: NodeValues) -> tuple[Any, ...]:
    g, factor, found = n.grad(), n.saved("self"), n.saved("result")
    both = np.matmul(np.matmul(found, g + adjoint(g)), found)
    return (-np.matmul(factor, both) if n.argument("upper", False) else -np.matmul(both, factor),)


@rule(
    "LinalgLuSolveBackward0",
    {"LU": r"-\left( A^{-\mathsf{H}} G \cdot X^{\mathsf{H}} \right)_{L U}", "B": r"A^{-\mathsf{H}} \cdot G"},
    "The right-hand side gets the solution of the equations turned over; each factor gets the gradient of the matrix, "
    "through the other factor, in its own triangle.",
)
def solve_by_lu(n: NodeValues) -> tuple[Any, ...]:
    lower, upper = lu_matrices(n.saved("LU"))
    p = permutation(n.saved("pivots"), lower.shape[-1])
    x, g, left = n.saved("result"), n.grad(), n.argument("left", True)
    if not left:
        x, g = adjoint(x), adjoint(g)
    turned = n.argument("adjoint", False) != (not left)
    factors, back = _lu_turned(lower, upper, p, x, g) if turned else _lu_straight(lower, upper, p, x, g)
    return _pair(n, lambda: factors, lambda: back if left else adjoint(back))


def _lu_straight(lower: Array, upper: Array, p: Floats, x: Array, g: Array) -> tuple[Array, Array]:
    """The gradients of both factors, in one matrix, and of B where A X = B."""
    half = solve_triangular(adjoint(upper), g, upper=False)
    back = np.matmul(p, solve_triangular(adjoint(lower), half, upper=True))
    through = -np.matmul(half, adjoint(x))
    lowers = solve_triangular(adjoint(lower), np.matmul(through, adjoint(upper)), upper=True)
    return np.triu(through) + np.tril(lowers, -1), back


def _lu_turned(lower: Array, upper: Array, p: Floats, x: Array, g: Array) -> tuple[Array, Array]:
    """The same where A^H X = B."""
    flipped = np.swapaxes(p, -1, -2)
    half = solve_triangular(lower, np.matmul(flipped, g), upper=False)
    back = solve_triangular(upper, half, upper=True)
    seen = np.matmul(flipped, x)
    uppers = -np.matmul(np.matmul(adjoint(lower), seen), adjoint(back))
    return np.triu(uppers) + np.tril(-np.matmul(seen, adjoint(half)), -1), back


@rule(
    "LinalgPinvBackward0",
    {"self": r"-\left( A^{+} G^{\mathsf{H}} A^{+} \right)^{\mathsf{H}} + \ldots"},
    "A pseudoinverse shrinks as the matrix grows, as an inverse does; two more parts come from what the matrix does "
    "not reach (Golub and Pereyra, 1973).",
)
def pseudoinverse(n: NodeValues) -> tuple[Any, ...]:
    return (_pinv_gradient(n.grad(), n.saved("result"), n.saved("self")),)


def _pinv_gradient(g: Array, p: Array, a: Array) -> Array:
    """With the smaller products, as torch forms them (`pinv_backward`)."""
    rows, columns = a.shape[-2:]
    back, turned = adjoint(p), adjoint(g)
    if rows <= columns:
        k = np.matmul(turned, p)
        kp = np.matmul(k, back)
        total = -adjoint(np.matmul(p, k)) + kp - np.matmul(np.matmul(a, p), kp)
        return total + np.matmul(np.matmul(back, p), turned - np.matmul(k, a))
    k = np.matmul(p, turned)
    pk = np.matmul(back, k)
    total = -adjoint(np.matmul(k, p)) + np.matmul(np.matmul(turned - np.matmul(a, k), p), back)
    return total + pk - np.matmul(np.matmul(pk, p), a)


@rule(
    "LinalgLstsqBackward0",
    {"self": r"\frac{\partial}{\partial A} \left\langle G, A^{+} B \right\rangle", "b": r"A^{+\mathsf{H}} \cdot G"},
    "The solution is the pseudoinverse times the right-hand side, and that is how the gradient goes back; what the "
    "residuals send is twice the residual times their gradient.",
)
def least_squares(n: NodeValues) -> tuple[Any, ...]:
    a, b = n.saved("self"), n.saved("b")
    vector = _is_vector(a, b)
    b = _columns(b, vector)
    first: Array = np.zeros(a.shape)
    second: Array = np.zeros(b.shape)
    if n.has_grad(0):
        g = _columns(n.grad(0), vector)
        p = pinv(a)
        if n.needs(0):
            first = _pinv_gradient(np.matmul(g, adjoint(b)), p, a)
        second = np.matmul(adjoint(p), g)
    if n.has_grad(1) and n.grad_shape(1) != (0,):
        x = _columns(n.saved("solution"), vector)
        residual = 2.0 * (np.matmul(a, x) - b) * n.grad(1)[..., None, :]
        first, second = first + np.matmul(residual, adjoint(x)), second - residual
    return _pair(n, lambda: first, lambda: second[..., 0] if vector else second)
