"""Linear equations: batches, vectors, both sides, complex numbers, singular matrices."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.rules.proving import leaf, prove

DTYPES = [torch.float32, torch.complex64]
linalg = torch.linalg
pytestmark = pytest.mark.filterwarnings("ignore:torch.triangular_solve is deprecated")


def _matrix(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Well conditioned."""
    return (leaf(*shape, dtype=dtype).detach() + 3 * torch.eye(shape[-1], dtype=dtype)).requires_grad_()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 3), (1, 1)])
def test_inverse_and_determinants(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    a = _matrix(*shape, dtype=dtype)
    prove(linalg.inv, a, type_="LinalgInvExBackward0")
    prove(linalg.det, a, type_="LinalgDetBackward0")
    prove(lambda a: linalg.det(a.mT), a, type_="LinalgDetBackward0")
    prove(lambda a: linalg.slogdet(a)[1], a, type_="LinalgSlogdetBackward0")
    if dtype.is_complex:
        prove(lambda a: torch.stack([part.real for part in linalg.slogdet(a)]), a, type_="LinalgSlogdetBackward0")


def test_determinant_of_a_singular_matrix() -> None:
    prove(linalg.det, torch.tensor([[1.0, 2.0], [2.0, 4.0]]).requires_grad_(), type_="LinalgDetBackward0")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("left", [True, False])
def test_solve(left: bool, dtype: torch.dtype) -> None:
    def solve(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = linalg.solve(a, b, left=left)
        return found

    node = "LinalgSolveExBackward0"
    b = leaf(5, 4, 2, dtype=dtype) if left else leaf(5, 2, 4, dtype=dtype)
    prove(solve, _matrix(4, 4, dtype=dtype), b, type_=node)
    prove(solve, _matrix(5, 4, 4, dtype=dtype), b, type_=node)
    if left:
        prove(solve, _matrix(4, 4, dtype=dtype), leaf(4, dtype=dtype), type_=node)
        prove(solve, _matrix(3, 4, 4, dtype=dtype), leaf(3, 4, dtype=dtype), type_=node)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("unit", [True, False])
def test_triangular(upper: bool, unit: bool, dtype: torch.dtype) -> None:
    for left, shape in ((True, (2, 4, 3)), (False, (2, 3, 4))):
        prove(
            lambda t, b, left=left: linalg.solve_triangular(t, b, upper=upper, left=left, unitriangular=unit),
            _matrix(4, 4, dtype=dtype),
            leaf(*shape, dtype=dtype),
            type_="LinalgSolveTriangularBackward0",
        )
    for transpose in (True, False):
        prove(
            lambda b, t, turned=transpose: torch.triangular_solve(b, t, upper, turned, unit)[0],
            leaf(4, 3, dtype=dtype),
            _matrix(4, 4, dtype=dtype),
            type_="TriangularSolveBackward0",
        )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("upper", [True, False])
def test_by_cholesky(upper: bool, dtype: torch.dtype) -> None:
    def half(a: torch.Tensor) -> torch.Tensor:
        return a.triu() if upper else a.tril()

    prove(
        lambda b, a: torch.cholesky_solve(b, half(a), upper),
        leaf(2, 4, 3, dtype=dtype),
        _matrix(2, 4, 4, dtype=dtype),
        type_="CholeskySolveBackward0",
    )
    prove(lambda a: torch.cholesky_inverse(half(a), upper), _matrix(4, 4, dtype=dtype),
          type_="CholeskyInverseBackward0")  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_by_lu(left: bool, turned: bool, dtype: torch.dtype) -> None:
    _, pivots = linalg.lu_factor(leaf(2, 4, 4, dtype=dtype).detach())

    def solve(lu: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = linalg.lu_solve(lu, pivots, b, left=left, adjoint=turned)
        return found

    b = leaf(2, 4, 3, dtype=dtype) if left else leaf(2, 3, 4, dtype=dtype)
    prove(solve, _matrix(2, 4, 4, dtype=dtype), b, type_="LinalgLuSolveBackward0")
    prove(lambda b: solve(_matrix(2, 4, 4, dtype=dtype).detach(), b), b, type_="LinalgLuSolveBackward0")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (2, 3, 5)])
def test_least_squares_and_pseudoinverse(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    a = _matrix(*shape, dtype=dtype) if shape[-2] == shape[-1] else leaf(*shape, dtype=dtype)
    prove(linalg.pinv, a, type_="LinalgPinvBackward0")
    for part in _parts(shape):
        b = leaf(*shape[:-1], 2, dtype=dtype)
        prove(lambda a, b, part=part: part(linalg.lstsq(a, b)), a, b, type_="LinalgLstsqBackward0")


def _parts(shape: tuple[int, ...]) -> list[Callable[..., torch.Tensor]]:
    """The solution, and the residuals, which only too many equations have."""
    parts: list[Callable[..., torch.Tensor]] = [lambda found: found.solution]
    return [*parts, lambda found: found.residuals] if shape[-2] > shape[-1] else parts
