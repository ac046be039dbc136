"""Factorizations: shapes beyond the square, batches, complex numbers, each output alone and all together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.recording.model import Node
from engine.rules.registry import find_rule
from engine.rules.values import NodeValues, UnsupportedError
from tests.rules.proving import leaf, prove

linalg = torch.linalg
DTYPES = [torch.float64, torch.complex64]
pytestmark = pytest.mark.filterwarnings("ignore:torch.cholesky is deprecated", "ignore:Casting complex values to real")


def _hermitian(a: torch.Tensor) -> torch.Tensor:
    return a @ a.mH + 2 * torch.eye(a.shape[-1], dtype=a.dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(upper: bool, dtype: torch.dtype) -> None:
    a = leaf(2, 3, 3, dtype=dtype)
    prove(lambda a: linalg.cholesky(_hermitian(a), upper=upper), a, type_="LinalgCholeskyExBackward0")
    prove(lambda a: torch.cholesky(_hermitian(a), upper=upper), a, type_="CholeskyBackward0")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("part", ["values", "vectors", "both"])
def test_eigenvalues(part: str, dtype: torch.dtype) -> None:
    """Of complex vectors only what does not depend on their phase has a gradient."""

    def chosen(values: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        sizes = vectors.abs().square()
        choices: dict[str, torch.Tensor] = {"values": values.real, "vectors": sizes, "both": sizes * values.abs()}
        return choices[part]

    a = leaf(4, 4, dtype=dtype)
    prove(lambda a: chosen(*linalg.eigh(_hermitian(a))), a, type_="LinalgEighBackward0")
    prove(lambda a: chosen(*linalg.eig(a)), a, type_="LinalgEigBackward0")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (2, 3, 5)], ids=str)
@pytest.mark.parametrize("part", ["u", "s", "v", "all"])
def test_singular_values(part: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    def chosen(a: torch.Tensor) -> torch.Tensor:
        u, s, vh = linalg.svd(a, full_matrices=False)
        choices: dict[str, torch.Tensor] = {
            "u": u.abs(),
            "s": s,
            "v": vh.abs(),
            "all": u @ (s.sqrt().to(u.dtype).unsqueeze(-1) * vh),
        }
        return choices[part]

    prove(chosen, leaf(*shape, dtype=dtype), type_="LinalgSvdBackward0")


def test_singular_values_with_full_matrices() -> None:
    def chosen(a: torch.Tensor) -> torch.Tensor:
        u, s, vh = linalg.svd(a)
        result: torch.Tensor = (u[..., :3] * s).abs() + vh[..., :3].abs().sum()
        return result

    prove(chosen, leaf(5, 3, dtype=torch.float64), type_="LinalgSvdBackward0")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (2, 3, 5)], ids=str)
@pytest.mark.parametrize("part", ["q", "r", "both"])
def test_qr(part: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    def chosen(a: torch.Tensor) -> torch.Tensor:
        q, r = linalg.qr(a)
        choices: dict[str, torch.Tensor] = {"q": q, "r": r, "both": q @ r.sin()}
        return choices[part]

    prove(chosen, leaf(*shape, dtype=dtype), type_="LinalgQrBackward0")


def test_a_mode_without_a_gradient_is_unknown() -> None:
    tensors = {("saved", 0, "Q"): 0, ("saved", 0, "R"): 1}
    arrays = [np.eye(4), np.ones((4, 2))]
    node = Node(0, 0, "operation", "LinalgQrBackward0", info={"saved": {"mode": "complete"}})
    values = NodeValues(node, tensors, arrays.__getitem__, lambda i: (arrays[i].shape, "float64"), plain=True)
    rule = find_rule("LinalgQrBackward0")
    assert rule is not None
    with pytest.raises(UnsupportedError, match="mode"):
        rule.function(values)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (2, 3, 5)], ids=str)
@pytest.mark.parametrize("part", ["l", "u", "both"])
def test_lu(part: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    def chosen(lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
        choices: dict[str, torch.Tensor] = {"l": lower, "u": upper, "both": lower @ upper.sin()}
        return choices[part]

    def unpacked(a: torch.Tensor) -> torch.Tensor:
        return chosen(*torch.lu_unpack(*linalg.lu_factor(a))[1:])

    a = leaf(*shape, dtype=dtype)
    prove(lambda a: chosen(*linalg.lu(a)[1:]), a, type_="LinalgLuBackward0")
    prove(unpacked, a, type_="LinalgLuFactorExBackward0")
    prove(unpacked, a, type_="LuUnpackBackward0")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3)], ids=str)
def test_householder_product(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    a, tau = leaf(*shape, dtype=dtype), leaf(shape[-1], dtype=dtype)
    prove(linalg.householder_product, a, tau, type_="LinalgHouseholderProductBackward0")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("transposed", [True, False])
def test_ormqr(left: bool, transposed: bool, dtype: torch.dtype) -> None:
    a, tau, other = leaf(4, 3, dtype=dtype), leaf(3, dtype=dtype), leaf(*((4, 2) if left else (2, 4)), dtype=dtype)
    product: Callable[..., torch.Tensor] = torch.ormqr
    prove(lambda *x: product(*x, left=left, transpose=transposed), a, tau, other, type_="OrmqrBackward0")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [0.01, 1.0, 4.0])
def test_matrix_exponential(scale: float, dtype: torch.dtype) -> None:
    prove(lambda a: linalg.matrix_exp(a * scale), leaf(2, 3, 3, dtype=dtype), type_="LinalgMatrixExpBackward0")
