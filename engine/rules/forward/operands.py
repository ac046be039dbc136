"""What went into an operation, as it was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.arithmetic import Array, Bounded, exact, unit_roundoff
from engine.recording.model import Edge, Node
from engine.rules.forward.model import Forward, Operand
from engine.rules.reading import GraphValues
from engine.rules.values import NoDataError, UnsupportedError

MEMBERS = 100  # inputs that are members of a list are numbered in steps of this


def operands(graph: GraphValues, node: Node, how: Forward | None = None) -> tuple[Operand, ...]:
    """The operands of a node in the order of its operator's arguments, as `Bounded` where they are floating point.

    Raises NoDataError if one was not recorded in full, UnsupportedError if one is not known.
    """
    values = graph.values(node)
    if values is None:
        raise UnsupportedError("the node did not run")
    by_slot = {edge.slot: edge for edge in graph.edges_of(node)}
    inputs = {
        slot: (tensor, graph.input_name(node, slot))
        for (role, slot, _), tensor in values.tensors.items()
        if role == "input"
    }
    if how is not None and (how.positions is not None or how.listed):
        count = len(how.positions or ()) or max([*by_slot, *(slot // MEMBERS for slot in inputs)], default=-1) + 1
        positions = how.positions or tuple(MEMBERS * member for member in range(count))
        return tuple(_placed(graph, by_slot.get(slot), inputs.get(at)) for slot, at in enumerate(positions))
    found: list[Operand] = []
    for position in range(max([*by_slot, *inputs], default=-1) + 1):
        if position in by_slot:
            found.append(_produced(graph, by_slot[position].target, by_slot[position].input_number))
        elif position in inputs:
            tensor, name = inputs[position]
            found.append(Operand(name, _array(graph, tensor), graph.describe(tensor)[1]))
        else:
            raise UnsupportedError(f"operand {position} is not known")
    arguments: Mapping[str, Any] = node.info.get("args", {})
    found += [
        Operand("", _number(arguments[name], node.dtype or ""), _wide(arguments[name]))
        for name in ("other", "exponent")
        if _is_number(arguments, name, node.dtype or "")
    ]
    return tuple(found)


def _placed(graph: GraphValues, edge: Edge | None, given: tuple[int, str] | None) -> Operand:
    """What a node made, what the user gave, or nothing."""
    if edge is not None:
        return _produced(graph, edge.target, edge.input_number)
    if given is None:
        return Operand("", None, "")
    return Operand(given[1], _array(graph, given[0]), graph.describe(given[0])[1])


def _is_number(arguments: Mapping[str, Any], name: str, dtype: str) -> bool:
    """A complex one is written as its two parts."""
    found = arguments.get(name)
    if isinstance(found, list):
        return dtype.startswith("complex") and len(found) == 2
    return isinstance(found, int | float) and not isinstance(found, bool)


def _wide(given: Any) -> str:
    return "complex128" if isinstance(given, list) else "float64"


def _number(given: Any, dtype: str) -> Array:
    """A plain number as it is next to tensors of `dtype`: some kernels round it to 16 bits, and some to 32."""
    if isinstance(given, list):
        return np.complex128(np.complex64(complex(*given))) if dtype == "complex64" else np.complex128(complex(*given))
    value = float(given)
    if dtype in ("float32", "complex64"):
        with np.errstate(over="ignore"):
            return np.float64(np.float32(value))
    if dtype in ("float16", "bfloat16") and not value.is_integer():
        unit = unit_roundoff(dtype)
        return Bounded(np.float64(value), np.asarray(unit * abs(value)), unit)
    return np.float64(value)


def _produced(graph: GraphValues, node_id: int, number: int) -> Operand:
    """What a node gave out, or the value that a parameter had."""
    node = graph.recording.node(node_id)
    event = graph.event_of(node) if node.kind == "parameter" else None
    role, slot, number_of = ("param_before", 0, event.id if event else None) if node.kind == "parameter" else (
        "output", number, node.forward_event)  # fmt: skip
    for value in graph.recording.values(number_of) if number_of is not None else ():
        if value.role == role and value.slot == slot:
            return Operand(node.name, _array(graph, value.tensor), graph.describe(value.tensor)[1], node.id)
    raise UnsupportedError("what went in was not recorded")


def _array(graph: GraphValues, tensor: int) -> Array:
    data = graph.data(tensor)
    if data is None:
        raise NoDataError("what went in was not recorded in full")
    return exact(data, unit_roundoff(graph.describe(tensor)[1])) if data.dtype.kind in "fc" else data
