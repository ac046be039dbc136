"""The product of groups of rows, each with a matrix of its own."""

from __future__ import annotations

import pytest
import torch

from engine.rules.verify import verify_node
from tests.rules.proving import leaf, prove, recorded

TYPE = "GroupedMmBackward0"
MATRICES = (3, 4, 8)  # of each, a multiple of 16 bytes


@pytest.mark.parametrize("ends", [[2, 5, 6], [0, 6, 6], [6, 6, 6]])
def test_groups_of_rows(ends: list[int]) -> None:
    """A group may be empty."""
    offs = torch.tensor(ends, dtype=torch.int32)
    prove(lambda rows, matrices: torch._grouped_mm(rows, matrices, offs=offs), leaf(6, 4), leaf(*MATRICES), type_=TYPE)


def test_what_cannot_be_done_by_hand_is_said() -> None:
    with recorded(lambda a, b: torch._grouped_mm(a, b), leaf(3, 4, 4), leaf(*MATRICES), type_=TYPE) as found:
        for graph, _, values in found:
            assert verify_node(graph, graph.recording.node(values.node.id)).state == "unknown"
