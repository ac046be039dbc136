"""Products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.arithmetic.bounded import value_of
from engine.rules.registry import find_rule
from engine.rules.terms import break_down
from tests.rules.proving import leaf, prove, recorded

Function = Callable[..., torch.Tensor]
CASES: list[tuple[str, Function, tuple[tuple[int, ...], ...]]] = [
    ("MmBackward0", torch.mm, ((3, 4), (4, 2))),
    ("BmmBackward0", torch.bmm, ((2, 3, 4), (2, 4, 5))),
    ("MvBackward0", torch.mv, ((3, 4), (4,))),
    ("DotBackward0", torch.dot, ((5,), (5,))),
    ("VdotBackward0", torch.vdot, ((5,), (5,))),
    ("AddmmBackward0", lambda b, x, w: torch.addmm(b, x, w, beta=0.5, alpha=-2), ((2,), (3, 4), (4, 2))),
    ("AddmmBackward0", torch.addmm, ((3, 1), (3, 4), (4, 2))),
    ("AddmvBackward0", lambda b, x, v: torch.addmv(b, x, v, beta=2, alpha=3), ((1,), (3, 4), (4,))),
    ("AddrBackward0", lambda b, x, y: torch.addr(b, x, y, beta=2, alpha=3), ((3, 4), (3,), (4,))),
    ("AddbmmBackward0", lambda b, x, y: torch.addbmm(b, x, y, alpha=3), ((3, 5), (2, 3, 4), (2, 4, 5))),
    ("BaddbmmBackward0", lambda b, x, y: torch.baddbmm(b, x, y, beta=3), ((1, 5), (2, 3, 4), (2, 4, 5))),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64], ids=str)
@pytest.mark.parametrize(("type_", "function", "shapes"), CASES, ids=[f"{case[0]}{case[2]}" for case in CASES])
def test_products(type_: str, function: Function, shapes: tuple[tuple[int, ...], ...], dtype: torch.dtype) -> None:
    leaves = [leaf(*shape, dtype=dtype, seed=seed) for seed, shape in enumerate(shapes)]
    prove(function, *leaves, type_=type_)


def test_only_the_factors_that_need_it_get_a_gradient() -> None:
    prove(torch.mm, leaf(3, 4), leaf(4, 2).detach(), type_="MmBackward0")
    prove(torch.mm, leaf(3, 4).detach(), leaf(4, 2), type_="MmBackward0")
    prove(torch.addmm, leaf(2).detach(), leaf(3, 4), leaf(4, 2).detach(), type_="AddmmBackward0")


@settings(max_examples=8, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 5)] * 3), seed=st.integers(0, 99))
def test_linear_layers_of_any_size(shape: tuple[int, int, int], seed: int) -> None:
    rows, inputs, outputs = shape
    layer = (leaf(outputs, inputs, seed=seed), leaf(outputs, seed=seed + 1))
    prove(torch.nn.functional.linear, leaf(rows, inputs, seed=seed + 2), *layer, type_="AddmmBackward0")


def test_nothing_to_multiply() -> None:
    with recorded(lambda a, b: torch.mm(a, b).sum(), leaf(3, 0), leaf(0, 2), type_="MmBackward0") as found:
        assert [proof.state for _, proof, _ in found] == ["proved"]


def test_bilinear_layers() -> None:
    for shapes in (((4, 3), (4, 5), (2, 3, 5)), ((2, 4, 3), (2, 4, 5), (2, 3, 5))):
        leaves = [leaf(*shape, seed=seed) for seed, shape in enumerate(shapes)]
        prove(torch.nn.functional.bilinear, *leaves, type_="TrilinearBackward0")


def test_the_terms_of_a_weight_are_products_with_each_row() -> None:
    with recorded(torch.mm, leaf(3, 4), leaf(4, 2, seed=1), type_="MmBackward0") as [(_, _, values)]:
        rule = find_rule("MmBackward0")
        assert rule is not None
        terms = break_down(rule, values, 1, (2, 1))
        g, x = value_of(values.grad()), value_of(values.saved("self"))
    assert terms.count == 3
    for term in terms.listed:
        assert term.index[1] == 1
        np.testing.assert_allclose(term.value, g[term.index] * x[term.index[0], 2])


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_a_sparse_matrix_times_a_dense_one(layout: str) -> None:
    sparse = torch.tensor([[0.0, 2.0, 0.0], [1.5, 0.0, -1.0]])
    sparse = sparse.to_sparse() if layout == "coo" else sparse.to_sparse_csr()
    prove(lambda x: torch.sparse.mm(sparse, x), leaf(3, 4), type_="SparseAddmmBackward0")
    prove(
        lambda s, x: torch.sparse.addmm(s, sparse, x, beta=0.5, alpha=2.0),
        leaf(2, 4),
        leaf(3, 4, seed=1),
        type_="SparseAddmmBackward0",
    )


def test_only_what_a_sparse_matrix_stores_gets_a_gradient() -> None:
    """A stored zero, too."""
    places, kept = torch.tensor([[0, 1, 1], [1, 0, 2]]), torch.tensor([1.0, 0.0, 1.0])

    def product(values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        sparse = torch.sparse_coo_tensor(places, values * kept, (2, 3), check_invariants=True)
        result: torch.Tensor = torch.sparse.mm(sparse, x)
        return result

    prove(product, leaf(3), leaf(3, 4, seed=1), type_="SparseAddmmBackward0")


def test_factors_of_complex_products_may_be_complex() -> None:
    matrices = [leaf(*shape, dtype=torch.complex64, seed=seed) for seed, shape in enumerate([(2, 4), (2, 3), (3, 4)])]
    prove(lambda *a: torch.addmm(*a, beta=0.5 - 1j, alpha=1 + 2j), *matrices, type_="AddmmBackward0")
