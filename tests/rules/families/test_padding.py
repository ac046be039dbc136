"""Padding with copies, and windows as columns."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.rules.proving import leaf, prove
from tests.rules.twice import gradient_of


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64], ids=str)
@pytest.mark.parametrize(("mode", "name"), [("reflect", "Reflection"), ("replicate", "Replication")])
def test_padding(mode: str, name: str, dtype: torch.dtype) -> None:
    for rank, pad in ((1, (2, 3)), (2, (1, 2, 3, 0)), (3, (1, 0, 2, 2, 0, 1))):
        x = leaf(1, 2, *(4, 5, 6)[:rank], dtype=dtype)
        prove(lambda x, pad=pad: functional.pad(x, pad, mode=mode), x, type_=f"{name}Pad{rank}DBackward0")
        single = leaf(2, *(4, 5, 6)[:rank], dtype=dtype)
        prove(lambda x, pad=pad: functional.pad(x, pad, mode=mode), single, type_=f"{name}Pad{rank}DBackward0")


def test_a_border_of_constants_gets_nothing() -> None:
    x = leaf(2, 3, 4, dtype=torch.complex64)
    prove(lambda x: functional.pad(x, (2, -1, -1, 3), value=7.0), x, type_="ConstantPadNdBackward0")


WINDOWS: list[dict[str, Any]] = [
    {"kernel_size": 3},
    {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 2)},
    {"kernel_size": 2, "dilation": (2, 3)},
]


@pytest.mark.parametrize("options", WINDOWS, ids=str)
def test_columns(options: dict[str, Any]) -> None:
    shape = (2, 3, 8, 9)
    prove(lambda x: functional.unfold(x, **options), leaf(*shape), type_="Im2ColBackward0")
    prove(lambda x: functional.unfold(x, **options), leaf(*shape[1:]), type_="Im2ColBackward0")
    columns = leaf(*functional.unfold(torch.zeros(shape), **options).shape)
    prove(lambda x: functional.fold(x, shape[-2:], **options), columns, type_="Col2ImBackward0")
    single = leaf(*columns.shape[1:])
    prove(lambda x: functional.fold(x, shape[-2:], **options), single, type_="Col2ImBackward0")


@pytest.mark.parametrize(("mode", "name"), [("reflect", "ReflectionPad"), ("replicate", "ReplicationPad")])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_gradients_gradient(rank: int, mode: str, name: str) -> None:
    padding = (1, 2, 2, 0, 1, 1)[: 2 * rank]
    once = gradient_of(lambda x: functional.pad(x, padding, mode=mode))
    prove(once, leaf(2, 2, *(4, 5, 3)[:rank]), leaf(1, seed=2)[0], type_=f"{name}{rank}DBackwardBackward0")
