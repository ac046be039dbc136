"""Sequences of different lengths."""

from __future__ import annotations

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from tests.rules.proving import leaf, prove


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("lengths", [[4, 4, 4], [4, 2, 1], [3, 3, 1]])
def test_pack(first: bool, lengths: list[int]) -> None:
    """Also where the longest is shorter than the tensor."""
    x = leaf(3, 4, 2) if first else leaf(4, 3, 2)
    prove(lambda x: pack_padded_sequence(x, lengths, batch_first=first).data, x, type_="PackPaddedSequenceBackward0")


def test_pack_unsorted() -> None:
    def packed(x: torch.Tensor) -> torch.Tensor:
        return pack_padded_sequence(x, [2, 5, 3], batch_first=True, enforce_sorted=False).data

    prove(packed, leaf(3, 5, 2), type_="PackPaddedSequenceBackward0")
