"""Titles in the user's words."""

from __future__ import annotations

from typing import Any

import pytest

from engine.graph.labels import Labels, operator_name, subtitle
from engine.recording.model import Node


def node(number: int, type_: str, **more: Any) -> Node:
    return Node(number, 0, more.pop("kind", "operation"), type_, **more)


def titles(*nodes: Node) -> list[str]:
    labels = Labels(nodes)
    return [labels.title(item) for item in nodes]


def test_a_module_that_does_one_thing() -> None:
    assert titles(
        node(0, "AddBackward0", operation="aten.add_.Tensor", module="layer1.0", module_type="BasicBlock"),
        node(1, "NativeBatchNormBackward0", module="layer1.0.bn1", module_type="BatchNorm2d"),
        node(2, "ConvolutionBackward0", module="layer1.0.conv1", module_type="Conv2d"),
    ) == ["add_", "layer1.0.bn1 · BatchNorm2d", "layer1.0.conv1 · Conv2d"]


def test_views_do_not_count_as_what_a_module_does() -> None:
    linear = {"module": "fc", "module_type": "Linear"}
    assert titles(
        node(0, "ViewBackward0", operation="aten.view", **linear),
        node(1, "AddmmBackward0", operation="aten.addmm", **linear),
        node(2, "TBackward0", operation="aten.t", **linear),
    ) == ["view", "fc · Linear", "t"]


def test_a_module_called_twice_has_its_name_twice() -> None:
    relu = {"module": "relu", "module_type": "ReLU"}
    assert titles(node(0, "ReluBackward0", **relu), node(1, "ReluBackward0", **relu)) == ["relu · ReLU"] * 2


def test_a_module_that_does_several_things() -> None:
    cell = {"module": "cell", "module_type": "LSTMCell"}
    assert titles(node(0, "MulBackward0", **cell), node(1, "TanhBackward0", name="hidden", **cell)) == ["mul", "hidden"]


def test_a_model_that_is_one_layer() -> None:
    assert titles(node(0, "AddmmBackward0", module_type="Linear")) == ["Linear"]


def test_a_model_around_layers_is_not_its_operation() -> None:
    assert titles(
        node(0, "ViewBackward0", operation="aten.view", module="", module_type="Net"),
        node(1, "SumBackward0", operation="aten.sum.dim_IntList", module="", module_type="Net"),
        node(2, "AddmmBackward0", module="fc", module_type="Linear"),
    ) == ["view", "sum", "fc · Linear"]


def test_plain_tensors() -> None:
    assert titles(
        node(0, "AddBackward0", operation="aten.add.Tensor", name="prediction"),
        node(1, "MulBackward0", operation="aten.mul.Tensor"),
        node(2, "AccumulateGrad", kind="parameter", name="w"),
        node(3, "", kind="data", name="x"),
        node(4, "", kind="data"),
        node(5, "AccumulateGrad", kind="parameter"),
    ) == ["prediction", "mul", "w", "x", "data", "parameter"]


@pytest.mark.parametrize(
    ("operation", "type_", "name"),
    [
        ("aten.add_.Tensor", "AddBackward0", "add_"),
        ("", "MulBackward0", "mul"),
        ("", "MaxPool2DWithIndicesBackward0", "max_pool2d_with_indices"),
        ("", "torch::autograd::CopySlices", "copy_slices"),
        ("", "MyFunctionBackward", "MyFunction"),
        ("aten.pow.Tensor_Scalar", "CubeBackward", "Cube"),
        ("", "", "operation"),
    ],
)
def test_operator_names(operation: str, type_: str, name: str) -> None:
    assert operator_name(node(0, type_, operation=operation)) == name


def test_the_subtitle_is_the_type() -> None:
    assert subtitle(node(0, "MulBackward0")) == "MulBackward0"
