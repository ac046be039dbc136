"""The arithmetic of the forward pass, for the operations that a reader does by hand: sums, products, powers, losses.

Not every operator is here: what is not counts as "as recorded". To add one, give its formula, with `<name>` for each
operand in the order of the operator's arguments, and a function of those operands and the node's values:

    "SubBackward0": Forward(r"<self> - <other>", lambda a, n: a[0] - n.argument("alpha", 1) * a[1]),
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.arithmetic import Array, exact, unit_roundoff, value_of
from engine.recording.model import Node
from engine.rules.reading import GraphValues
from engine.rules.values import NoDataError, NodeValues, UnsupportedError

Function = Callable[[Sequence[Array], NodeValues], Array]


@dataclass(frozen=True)
class Operand:
    """What goes into an operation: its value, the user's `name` for it or "", and the node that made it, if one did."""

    name: str
    value: Array
    dtype: str
    node: int | None = None


@dataclass(frozen=True)
class Forward:
    """How one type of node was computed. `formula` is LaTeX with `<name>` for each operand, in order."""

    formula: str
    function: Function


def forward_of(type_: str) -> Forward | None:
    """The forward arithmetic of a type of node, or None."""
    return FORWARD.get(type_)


def operands(graph: GraphValues, node: Node) -> tuple[Operand, ...]:
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
        Operand("", np.float64(arguments[name]), "float64")
        for name in ("other", "exponent")
        if _is_number(arguments, name)
    ]
    return tuple(found)


def _is_number(arguments: Mapping[str, Any], name: str) -> bool:
    return isinstance(arguments.get(name), int | float) and not isinstance(arguments[name], bool)


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


def _axes(n: NodeValues, array: Array) -> Any:
    """Dimensions that a reduction was over; None for all."""
    dims = n.argument("dim", None)
    if dims is None or dims == []:
        return None
    wrapped = [dims] if isinstance(dims, int) else dims
    return tuple((dim if dim < 2**63 else dim - 2**64) % max(1, np.ndim(value_of(array))) for dim in wrapped)


def _reduced(function: Callable[..., Array]) -> Function:
    return lambda a, n: function(a[0], axis=_axes(n, a[0]), keepdims=bool(n.argument("keepdim", False)))


def _mse(a: Sequence[Array], n: NodeValues) -> Array:
    squares = np.square(a[0] - a[1])
    return (squares, np.mean(squares), np.sum(squares))[n.argument("reduction", 1)]


def _addmm(a: Sequence[Array], n: NodeValues) -> Array:
    return n.argument("beta", 1) * a[0] + n.argument("alpha", 1) * (a[1] @ a[2])


def _relu(a: Sequence[Array], n: NodeValues) -> Array:
    return np.where(value_of(a[0]) > 0, a[0], 0.0 * a[0])


def _unary(function: Callable[[Array], Array]) -> Function:
    return lambda a, n: function(a[0])


_SUM = Forward(r"\sum <self>", _reduced(np.sum))
_MEAN = Forward(r"\mathrm{mean}\left(<self>\right)", _reduced(np.mean))

FORWARD: Mapping[str, Forward] = {
    "AddBackward0": Forward("<self> + <other>", lambda a, n: a[0] + n.argument("alpha", 1) * a[1]),
    "SubBackward0": Forward("<self> - <other>", lambda a, n: a[0] - n.argument("alpha", 1) * a[1]),
    "RsubBackward1": Forward("<other> - <self>", lambda a, n: a[1] - n.argument("alpha", 1) * a[0]),
    "MulBackward0": Forward(r"<self> \cdot <other>", lambda a, n: a[0] * a[1]),
    "DivBackward0": Forward(r"<self> / <other>", lambda a, n: a[0] / a[1]),
    "PowBackward0": Forward("<self>^{<exponent>}", lambda a, n: a[0] * a[0] if n.argument("exponent") == 2
                            else np.power(a[0], float(n.argument("exponent")))),
    "NegBackward0": Forward("-<self>", _unary(np.negative)),
    "ExpBackward0": Forward("e^{<self>}", _unary(np.exp)),
    "LogBackward0": Forward(r"\ln <self>", _unary(np.log)),
    "SqrtBackward0": Forward(r"\sqrt{<self>}", _unary(np.sqrt)),
    "SinBackward0": Forward(r"\sin <self>", _unary(np.sin)),
    "CosBackward0": Forward(r"\cos <self>", _unary(np.cos)),
    "TanhBackward0": Forward(r"\tanh <self>", _unary(np.tanh)),
    "SigmoidBackward0": Forward(r"\frac{1}{1 + e^{-<self>}}", lambda a, n: 1.0 / (1.0 + np.exp(-a[0]))),
    "ReluBackward0": Forward(r"\max(0, <self>)", _relu),
    "AbsBackward0": Forward(r"|<self>|", _unary(np.abs)),
    "SumBackward0": _SUM,
    "SumBackward1": _SUM,
    "MeanBackward0": _MEAN,
    "MeanBackward1": _MEAN,
    "MseLossBackward0": Forward(r"\mathrm{mean}\left((<self> - <target>)^2\right)", _mse),
    "MmBackward0": Forward("<self> <mat2>", lambda a, n: a[0] @ a[1]),
    "MvBackward0": Forward("<self> <vec>", lambda a, n: a[0] @ a[1]),
    "DotBackward0": Forward(r"<self> \cdot <tensor>", lambda a, n: a[0] @ a[1]),
    "BmmBackward0": Forward("<self> <mat2>", lambda a, n: a[0] @ a[1]),
    "AddmmBackward0": Forward("<self> + <mat1> <mat2>", _addmm),
    "TBackward0": Forward(r"<self>^\mathsf{T}", lambda a, n: np.swapaxes(a[0], 0, 1) if np.ndim(a[0]) > 1 else a[0]),
    "CloneBackward0": Forward("<self>", lambda a, n: a[0]),
}  # fmt: skip
