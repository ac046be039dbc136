"""Plain words are known for common types, and not invented for others."""

from __future__ import annotations

import pytest

from engine.recording.model import Node
from gui.inspector.explanations import BY_TYPE, explanation


def node(type_: str, module: str = "", module_type: str = "") -> Node:
    return Node(0, 0, "operation", type_, module=module, module_type=module_type)


def test_a_modules_operation_is_told_as_the_module() -> None:
    assert "fc" in explanation(node("AddmmBackward0", "fc", "Linear"))
    assert explanation(node("AddmmBackward0", "fc", "MyLayer")) == BY_TYPE["AddmmBackward0"]


@pytest.mark.parametrize("type_", ["MyFunctionBackward", "NoSuchBackward0", ""])
def test_what_is_unknown_is_not_guessed(type_: str) -> None:
    assert explanation(node(type_)) == ""


def test_data_is_explained() -> None:
    assert explanation(Node(0, 0, "data", "")) == "Data: a tensor that needs no gradient."
