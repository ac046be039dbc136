"""Many rows at a time are what they are one by one, whatever is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.recording import decode
from engine.recording.model import Edge, Node

ROW = (7, 0, "operation", "AddmmBackward0", "aten.addmm", "h", "fc", "Linear", 0, 3, "forward", "[2,3]", "float32",
       4, None, 5, '{"saved_bytes":24}')  # fmt: skip
BARE = (8, 0, "data", "Data", "", "", "", "", None, None, "", None, None, None, None, None, "{}")
WRONG = (None, -1, 2**63, True, 1.5, "", "x", "[1,-2]", "[", "{}", "[]", b"x")


def test_nodes() -> None:
    found = decode.nodes([ROW, BARE])
    assert found == (decode.node(ROW), decode.node(BARE))
    assert found[0] == Node(
        7, 0, "operation", "AddmmBackward0", "aten.addmm", "h", "fc", "Linear", 0, 3, "forward", (2, 3), "float32",
        4, None, 5, {"saved_bytes": 24},
    )  # fmt: skip
    assert type(found[0]) is Node
    assert (found[1].shape, found[1].dtype, found[1].info) == (None, None, {})
    assert decode.nodes([]) == ()


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize("column", range(len(ROW)))
def test_a_node_with_something_else_in_it(column: int, value: object) -> None:
    row = (*ROW[:column], value, *ROW[column + 1 :])
    assert outcome(lambda: decode.nodes([ROW, row])) == outcome(lambda: (decode.node(ROW), decode.node(row)))


@given(st.lists(st.tuples(*[st.sampled_from([0, 1, 5, -1, None, True, 1.0, "1"])] * 5), max_size=3))
def test_edges(rows: list[tuple[Any, ...]]) -> None:
    assert outcome(lambda: decode.edges(rows)) == outcome(lambda: tuple(map(decode.edge, rows)))


def test_an_edge_is_an_edge() -> None:
    (found,) = decode.edges([(0, 1, 0, 2, 0)])
    assert type(found) is Edge
    assert found == Edge(0, 1, 0, 2, 0)


def outcome(read: Any) -> object:
    """What is read, or why it cannot be."""
    try:
        return read()
    except (ValueError, OverflowError) as error:
        return type(error), str(error)
