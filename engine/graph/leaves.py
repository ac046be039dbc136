"""What a data leaf is to the operation that reads it: they are no `grad_fn` nodes, and no gradient runs to them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from engine.graph.category import category
from engine.recording.model import Edge, Node

LeafRole = Literal["input", "target", "buffer", "constant"]
ROLES: tuple[LeafRole, ...] = ("input", "target", "buffer", "constant")

DATA_SLOT = 1000  # an edge to a data leaf has this plus the number of the argument
_TARGET = 1  # PyTorch's losses take (input, target, …)


def leaf_roles(nodes: Iterable[Node], edges: Iterable[Edge]) -> dict[int, LeafRole]:
    """The role of each data leaf, by its id.

    A target is what an operator that is a loss takes as such; a buffer bears the name of a module of the graph before
    its own; a constant is a single number without a name. Everything else is an input: what the script brought in.
    """
    nodes = tuple(nodes)
    by_id = {node.id: node for node in nodes}
    modules = {node.module for node in nodes if node.module}
    roles: dict[int, LeafRole] = {
        node.id: _by_name(node, modules) for node in nodes if node.kind == "data"
    }  # fmt: skip
    for edge in edges:
        if edge.target not in roles or roles[edge.target] == "buffer":
            continue
        reader = by_id.get(edge.source)
        if reader is not None and edge.slot == DATA_SLOT + _TARGET and category(reader.type) == "loss":
            roles[edge.target] = "target"
    return roles


def _by_name(node: Node, modules: set[str]) -> LeafRole:
    owner = node.name.rpartition(".")[0]
    if owner and owner != "self" and owner in modules:
        return "buffer"
    alone = node.shape is not None and math.prod(node.shape) == 1
    return "constant" if alone and not node.name else "input"
