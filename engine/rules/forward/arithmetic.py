"""Sums, products, powers: what a reader does by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.forward.model import Forward, Function, Table
from engine.rules.scalars import number
from engine.rules.values import NodeValues


def _axes(n: NodeValues, array: Array) -> Any:
    """Dimensions that a reduction was over; None for all."""
    dims = n.argument("dim", None)
    if dims is None or dims == [] or not np.ndim(value_of(array)):
        return None
    wrapped = [dims] if isinstance(dims, int) else dims
    return tuple((dim if dim < 2**63 else dim - 2**64) % max(1, np.ndim(value_of(array))) for dim in wrapped)


def _reduced(function: Callable[..., Array]) -> Function:
    return lambda a, n: function(a[0], axis=_axes(n, a[0]), keepdims=bool(n.argument("keepdim", False)))


def _mse(a: Sequence[Array], n: NodeValues) -> Array:
    squares = np.square(a[0] - a[1])
    return (squares, np.mean(squares), np.sum(squares))[n.argument("reduction", 1)]


def _addmm(a: Sequence[Array], n: NodeValues) -> Array:
    return number(n, "beta", 1) * a[0] + number(n, "alpha", 1) * (a[1] @ a[2])


def _relu(a: Sequence[Array], n: NodeValues) -> Array:
    return np.where(value_of(a[0]) > 0, a[0], 0.0 * a[0])


def _unary(function: Callable[[Array], Array]) -> Function:
    return lambda a, n: function(a[0])


_ADDED = r"<:beta=1> \cdot <self> + <:alpha=1> \cdot "
_SUM = Forward(r"\sum <self>", _reduced(np.sum))
_MEAN = Forward(r"\mathrm{mean}\left(<self>\right)", _reduced(np.mean))

TABLE: Table = {
    "AddBackward0": Forward(r"<self> + <:alpha=1> \cdot <other>", lambda a, n: a[0] + number(n, "alpha", 1) * a[1]),
    "SubBackward0": Forward(r"<self> - <:alpha=1> \cdot <other>", lambda a, n: a[0] - number(n, "alpha", 1) * a[1]),
    "RsubBackward1": Forward(r"<other> - <:alpha=1> \cdot <self>", lambda a, n: a[1] - number(n, "alpha", 1) * a[0]),
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
    "MseLossBackward0": Forward(r"<:reduction>\left((<self> - <target>)^2\right)", _mse),
    "MmBackward0": Forward("<self> <mat2>", lambda a, n: a[0] @ a[1]),
    "MvBackward0": Forward("<self> <vec>", lambda a, n: a[0] @ a[1]),
    "DotBackward0": Forward(r"<self> \cdot <tensor>", lambda a, n: a[0] @ a[1]),
    "BmmBackward0": Forward("<self> <mat2>", lambda a, n: a[0] @ a[1]),
    "AddmmBackward0": Forward(_ADDED + "<mat1> <mat2>", _addmm),
    "TBackward0": Forward(r"<self>^\mathsf{T}", lambda a, n: np.swapaxes(a[0], 0, 1) if np.ndim(a[0]) > 1 else a[0]),
    "CloneBackward0": Forward("<self>", lambda a, n: a[0]),
    "AddBackward1": Forward(r"<self> + <:alpha=1> \cdot <other>", lambda a, n: a[0] + number(n, "alpha", 1) * a[1]),
    "SubBackward1": Forward(r"<self> - <:alpha=1> \cdot <other>", lambda a, n: a[0] - number(n, "alpha", 1) * a[1]),
    "MulBackward1": Forward(r"<self> \cdot <other>", lambda a, n: a[0] * a[1]),
    "DivBackward1": Forward(r"<self> / <other>", lambda a, n: a[0] / a[1]),
    "PowBackward1": Forward("<self>^{<exponent>}", lambda a, n: np.power(a[0], a[1])),
    "MaximumBackward0": Forward(r"\max\left(<self>, <other>\right)", lambda a, n: np.maximum(a[0], a[1])),
    "MinimumBackward0": Forward(r"\min\left(<self>, <other>\right)", lambda a, n: np.minimum(a[0], a[1])),
    "BaddbmmBackward0": Forward(_ADDED + "<batch1> <batch2>", _addmm),
    "AddmvBackward0": Forward(_ADDED + "<mat> <vec>", _addmm),
}  # fmt: skip
