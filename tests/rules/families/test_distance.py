"""Norms of differences, where they are smooth and where they are not: equal points, equal coordinates, ties."""

from __future__ import annotations

import math

import pytest
import torch

from tests.rules.proving import leaf, prove

POWERS = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf]


def _with_ties(*shape: int) -> torch.Tensor:
    return torch.randint(-2, 3, shape, generator=torch.Generator().manual_seed(3)).float().requires_grad_()


@pytest.mark.parametrize("p", POWERS[1:])  # there is none for p = 0
def test_dist(p: float) -> None:
    prove(lambda a, b: torch.dist(a, b, p), leaf(4, 3), leaf(4, 3, seed=1), type_="DistBackward0")
    prove(lambda a, b: torch.dist(a, b, p), leaf(4, 3), leaf(3, seed=1), type_="DistBackward0")
    if p >= 1:
        prove(lambda a, b: torch.dist(a, b, p), _with_ties(4, 3), _with_ties(3), type_="DistBackward0")


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("make", [leaf, _with_ties])
def test_pairs(p: float, make: object) -> None:
    assert callable(make)
    mode = "donot_use_mm_for_euclid_dist"
    prove(lambda a, b: torch.cdist(a, b, p, mode), make(5, 3), make(4, 3) * 2, type_="CdistBackward0")
    prove(lambda a, b: torch.cdist(a, b, p, mode), make(2, 5, 3), make(1, 4, 3) * 2, type_="CdistBackward0")
    prove(lambda a: torch.nn.functional.pdist(a, p), make(6, 3), type_="PdistBackward0")


def test_many_pairs() -> None:
    """More than 25 points, for which torch multiplies matrices; what cancels there loses digits."""
    prove(torch.cdist, leaf(40, 6), leaf(30, 6, seed=3), type_="EuclideanDistBackward0", tight=1e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64], ids=str)
def test_cross(dtype: torch.dtype) -> None:
    node = "LinalgCrossBackward0"
    one, other = leaf(4, 3, dtype=dtype), leaf(4, 3, dtype=dtype, seed=1)
    prove(lambda a, b: torch.linalg.cross(a, b), one, other, type_=node)
    one, other = leaf(3, 2, 5, dtype=dtype), leaf(3, 1, 5, dtype=dtype, seed=1)
    prove(lambda a, b: torch.linalg.cross(a, b, dim=0), one, other, type_=node)
