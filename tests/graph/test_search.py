"""Searching: words, fields, shapes, source lines, letters; and that it answers at once in a large graph."""

from __future__ import annotations

import pytest

from engine.graph.search import SearchIndex, search_index
from engine.recording.model import Node
from engine.recording.reader import open_recording
from tests.recordings import make_bow


def _node(number: int, type_: str, name: str = "", module: str = "", module_type: str = "", shape: tuple[int, ...] = (),
          line: int | None = None, kind: str = "operation") -> Node:  # fmt: skip
    return Node(number, 0, kind, type_, "aten.x", name, module, module_type, 0, line, "", shape, "float32")  # type: ignore[arg-type]


NODES = (
    _node(10, "SumBackward0", "loss", line=23),
    _node(11, "AddmmBackward0", "", "fc", "Linear", (1, 1000), 12),
    _node(12, "AccumulateGrad", "fc.weight", shape=(1000, 512), kind="parameter"),
    _node(13, "ConvolutionBackward0", "", "layer1.0.conv1", "Conv2d", (1, 64, 16, 16), 112),
    _node(14, "ConvolutionBackward0", "", "layer1.0.conv2", "Conv2d", (1, 64, 16, 16), 12),
    _node(15, "AccumulateGrad", "layer1.0.conv1.weight", shape=(64, 64, 3, 3), kind="parameter"),
    _node(16, "ReluBackward0", "", "layer2.relu", "ReLU", (1, 164, 8, 8), 12),
)
INDEX = SearchIndex(NODES, {0: "/home/me/train.py"})


def found(query: str) -> list[int]:
    return [int(INDEX.ids[place]) for place in INDEX.find(query)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("conv", {13, 14, 15}),
        ("conv2d", {13, 14}),
        ("type:conv", {13, 14}),
        ("TYPE:Conv shape:64", {13, 14}),
        ("shape:64", {13, 14, 15}),  # not 164
        ("shape:64x3", {15}),
        ("shape:64×64×3×3", {15}),
        ("64,3", {15}),
        ("1000", {11, 12}),
        ("module:layer1", {13, 14}),
        ("param:layer1", {15}),
        ("line:12", {11, 14, 16}),  # not 112
        ("train.py:12", {11, 14, 16}),
        ("model.py:12", set()),
        ("train.py:12 relu", {16}),
        ("kind:parameter", {12, 15}),
        ("kind:normalization", set()),
        ("l2rl", {16}),  # letters in this order
        ("nothing like it", set()),
        ("", {10, 11, 12, 13, 14, 15, 16}),
        ("type:", {10, 11, 12, 13, 14, 15, 16}),
        ("(", set()),
    ],
)
def test_queries(query: str, expected: set[int]) -> None:
    assert set(found(query)) == expected


def test_the_best_come_first() -> None:
    assert found("fc")[0] == 11
    assert found("loss") == [10]
    assert found("layer1.0.conv1") == [13, 15]
    assert found("conv1")[:1] == [13]


def test_the_bow_by_its_script(tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        index = search_index(recording, 0)
        names = {recording.node(int(index.ids[place])).name for place in index.find("line:9")}
    assert "prediction" in names
