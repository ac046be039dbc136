"""What a recorded forward was given: its tensors and its other arguments, and torch's own operators to give them to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from engine.graph.labels import TORCHSCRIPT
from engine.host.differences import Forward
from engine.recording.model import Edge, Node
from engine.rules.reading import GraphValues
from engine.rules.registry import OF_TORCHSCRIPT
from engine.rules.values import NoDataError, UnsupportedError

_LIST = 100  # members of a list of tensors are that far apart
_CUSTOM = re.compile(r"\w*Backward")


@dataclass(frozen=True)
class Operands:
    """`tensors` of the recorded dtypes; `places`: the argument of each; `slots`: its number in `tensors` by slot.

    `operator` is torch's name, "" for a custom function; `arguments` are those that are no tensors, by name.
    """

    operator: str
    tensors: tuple[torch.Tensor, ...]
    places: tuple[int, ...]
    slots: Mapping[int, int]
    arguments: Mapping[str, Any]


def operands_of(graph: GraphValues, node: Node) -> Operands:
    """Raises NoDataError if a tensor was not recorded in full, UnsupportedError if one was not recorded at all."""
    arguments = dict(node.info.get("args", {}))
    given = _given(graph, node)
    if node.type == TORCHSCRIPT:
        raise UnsupportedError(OF_TORCHSCRIPT)
    if _CUSTOM.fullmatch(node.type):
        places = sorted(given)
        tensors = tuple(_tensor(graph, given[place]) for place in places)
        return Operands("", tensors, tuple(places), {}, arguments)
    if not node.operation or node.type == "CopySlices":
        raise UnsupportedError("it is not known which operator made it")
    edges = graph.edges_of(node)
    places = _places(_operator(node.operation), set(given), len(edges), [edge.slot for edge in edges])
    for edge, place in zip(edges, places, strict=True):
        given[place] = _value_of(graph, edge)
    order = sorted(given)
    slots = {edge.slot: order.index(place) for edge, place in zip(edges, places, strict=True)}
    return Operands(
        node.operation, tuple(_tensor(graph, given[place]) for place in order), tuple(order), slots, arguments
    )


def _given(graph: GraphValues, node: Node) -> dict[int, int]:
    """Numbers of the tensors that were recorded as arguments, by place."""
    if node.forward_event is None:
        return {}
    values = graph.recording.values(node.forward_event)
    return {
        value.slot: value.tensor
        for value in values
        if value.role == "input" or (value.role == "operand" and not value.name)
    }


def _operator(name: str) -> Any:
    try:
        space, packet, overload = name.split(".")
        return getattr(getattr(getattr(torch.ops, space), packet), overload)
    except (AttributeError, ValueError, RuntimeError) as error:
        raise UnsupportedError(f"{name} is not known here") from error


def _places(operator: Any, given: set[int], count: int, slots: Sequence[int]) -> list[int]:
    """The argument of each edge: the tensors that were not recorded as inputs, in their order."""
    free: list[int] = []
    every: list[int] = []
    for position, argument in enumerate(operator._schema.arguments):
        kind = str(argument.type)
        if kind in ("List[Tensor]", "List[Optional[Tensor]]"):
            members = [position + _LIST * index for index in range(count + len(given))]
            free += [place for place in members if place not in given][:count]
        elif kind in ("Tensor", "Optional[Tensor]"):
            every.append(position)
            free += [position] if position not in given else []
    if len(free) == count:
        return free
    named = [every[slot] for slot in slots if slot < len(every)]  # the others were left out
    if len(named) != count or given.intersection(named):
        raise UnsupportedError("it is not known which argument is which")
    return named


def _value_of(graph: GraphValues, edge: Edge) -> int:
    """The tensor that flowed along an edge in the forward pass."""
    target = graph.recording.node(edge.target)
    if target.kind == "parameter":
        event = graph.event_of(target)
        role, slot, number = "param_before", 0, None if event is None else event.id
    else:
        role, slot, number = "output", edge.input_number, target.forward_event
    for value in graph.recording.values(number) if number is not None else ():
        if value.role == role and value.slot == slot:
            return value.tensor
    raise UnsupportedError("what went into it was not recorded")


def _tensor(graph: GraphValues, number: int) -> torch.Tensor:
    data = graph.data(number)
    shape, dtype = graph.describe(number)
    if data is None or tuple(data.shape) != tuple(shape):
        raise NoDataError("what went into it was not recorded in full")
    if dtype.startswith("complex"):
        raise UnsupportedError("complex numbers are not checked by differences")
    return torch.from_numpy(np.array(data)).to(getattr(torch, dtype))


def forward_of_operator(node: Node, operands: Operands) -> Forward:
    """The operator as a function of the tensors. What it writes to, it gets a copy of."""
    operator = _operator(node.operation)
    schema = operator._schema.arguments

    def forward(tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        by_place = dict(zip(operands.places, tensors, strict=True))
        wide = any(tensor.dtype is torch.float64 for tensor in tensors)
        args = {
            argument.name: value
            for position, argument in enumerate(schema)
            if (value := _argument(position, argument, by_place, operands.arguments, wide)) is not None
            or not argument.has_default_value()
        }
        result = operator(**args)
        return result if isinstance(result, list | tuple) else (result,)

    return forward


def _argument(
    position: int, argument: Any, tensors: Mapping[int, torch.Tensor], plain: Mapping[str, Any], wide: bool
) -> Any:
    """The value of one argument; None for one that was left out."""
    kind = str(argument.type)
    if "Tensor" in kind and "List" in kind:
        members = sorted(place for place in tensors if place % _LIST == position)
        return [tensors[place] for place in members]
    if "Tensor" in kind:
        return tensors.get(position)
    value = plain.get(argument.name)
    if isinstance(value, str) and hasattr(torch, value) and kind not in ("str", "Optional[str]"):
        found = getattr(torch, value)
        widened = wide and isinstance(found, torch.dtype) and found.is_floating_point
        return torch.float64 if widened else found
    return value
