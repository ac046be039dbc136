"""Rows looked up once, often and never; padding; bags of every kind, empty ones too."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.rules.proving import leaf, prove

NUMBERS = torch.tensor([[1, 2, 2, 7], [0, 2, 5, 5]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"padding_idx": 2}, {"padding_idx": -1}, {"scale_grad_by_freq": True}], ids=str
)
def test_embedding(options: dict[str, Any], dtype: torch.dtype) -> None:
    for numbers in (NUMBERS, NUMBERS[0], NUMBERS[0, 0], NUMBERS[:0]):
        table = leaf(9, 3, dtype=dtype)
        prove(lambda w, at=numbers: functional.embedding(at, w, **options), table, type_="EmbeddingBackward0")


def test_of_the_second_order() -> None:
    def penalty(table: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        rows = functional.embedding(NUMBERS, table, padding_idx=2)
        (gradient,) = torch.autograd.grad((rows**2 * weights).sum(), table, create_graph=True)
        return gradient

    prove(penalty, leaf(9, 3), leaf(2, 4, 3), type_="EmbeddingDenseBackwardBackward0")


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 2])
def test_bags(mode: str, padding: int | None) -> None:
    options: dict[str, Any] = {"mode": mode, "padding_idx": padding}
    node = "EmbeddingBagBackward0"
    begin, beyond = torch.tensor([0, 3, 3, 5]), torch.tensor([0, 3, 8])
    prove(lambda w: functional.embedding_bag(NUMBERS.ravel(), w, begin, **options), leaf(9, 3), type_=node)
    prove(lambda w: functional.embedding_bag(NUMBERS, w, **options), leaf(9, 3), type_=node)
    options["include_last_offset"] = True
    prove(lambda w: functional.embedding_bag(NUMBERS.ravel(), w, beyond, **options), leaf(9, 3), type_=node)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_scaled_by_frequency(mode: str) -> None:
    """Every row is looked up as often as every other: where they differ, torch divides by another row's count."""
    numbers = torch.tensor([[1, 4, 4, 7], [7, 1, 0, 0]])
    prove(
        lambda w: functional.embedding_bag(numbers, w, mode=mode, scale_grad_by_freq=True),
        leaf(9, 3),
        type_="EmbeddingBagBackward0",
    )


@pytest.mark.parametrize("padding", [None, 2])
def test_bags_with_weights(padding: int | None) -> None:
    def bags(table: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return functional.embedding_bag(NUMBERS, table, mode="sum", per_sample_weights=weights, padding_idx=padding)

    prove(bags, leaf(9, 3), leaf(2, 4), type_="EmbeddingBagBackward0")
    prove(lambda w: bags(w, torch.rand(2, 4)), leaf(9, 3), type_="EmbeddingBagBackward0")
    prove(lambda x: bags(torch.ones(9, 3), x), leaf(2, 4), type_="EmbeddingBagBackward0")
