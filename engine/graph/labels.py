"""What a node is called on screen, in the user's words first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from engine.graph.category import base_name
from engine.pace import gently
from engine.recording.model import Node

# They only look at a tensor in another way, so they do not count as what a module does.
VIEWS = frozenset(
    {"T", "Transpose", "Permute", "View", "UnsafeView", "Reshape", "ReshapeAlias", "Expand", "Unsqueeze", "Squeeze",
     "Slice", "Select", "Alias", "Clone", "ToCopy", "Split", "Unbind"}
)  # fmt: skip
TORCHSCRIPT = "DifferentiableGraphBackward"  # what TorchScript compiled; `operation` is only what ran last in it
_HUMP = re.compile(r"(?<=[A-Za-z0-9])(?=[A-Z][a-z])")


class Labels:
    """Titles for the nodes of one graph: a module's own name where the module does one thing, else the variable's name,
    else the operator's."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._does: dict[str, set[str]] = {}
        self._inner: set[str] = set()
        seen: set[str] = set()
        for node in gently(nodes):
            if node.kind != "operation" or not node.module_type:
                continue
            if base_name(node.type) not in VIEWS:
                self._does.setdefault(node.module, set()).add(node.type)
            if node.module not in seen:
                seen.add(node.module)
                self._inner.update(_enclosing(node.module))

    def title(self, node: Node) -> str:
        """ "conv1 · Conv2d", "prediction", "mul"; a leaf's own name."""
        if node.kind == "parameter":
            return node.name or "parameter"
        if node.kind == "data":
            return node.name or "data"
        if self._is_the_module(node):
            return f"{node.module} · {node.module_type}" if node.module else node.module_type
        return node.name or operator_name(node)

    def _is_the_module(self, node: Node) -> bool:
        if not node.module_type or node.module in self._inner:
            return False
        return self._does.get(node.module) == {node.type}


def _enclosing(module: str) -> Iterable[str]:
    """Paths of the modules around one: "a.b.c" → "a.b", "a", "" (the outermost has no path)."""
    while module:
        module = module.rpartition(".")[0]
        yield module


def subtitle(node: Node) -> str:
    """The `grad_fn` type; empty for data, which has none."""
    return node.type


def operator_name(node: Node) -> str:
    """ "aten.add_.Tensor" → "add_"; without an operator, the type in the same spelling: "MulBackward0" → "mul".

    The user's own `autograd.Function` keeps the name of its class: "MyFunctionBackward" → "MyFunction".
    """
    return _operator_name(node.type, node.operation, node.kind)


@cache
def _operator_name(type_: str, operation: str, kind: str) -> str:
    base = base_name(type_)
    if type_.endswith("Backward"):  # PyTorch's own end in a digit; what ran last inside it says little
        return base
    parts = operation.split(".")
    name = parts[1] if len(parts) > 1 else parts[0]
    if name:
        return name
    return _HUMP.sub("_", base).lower() or kind
