"""Copies, casts, and writes into a part of a tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.axes import Integers, numbered
from engine.rules.families.overlapping import memory, seen_through
from engine.rules.registry import Rule, find_rule, moving, reason_not_differentiable, rule
from engine.rules.routing import Taken, routing
from engine.rules.terms import Index, TermGroup, groups_of
from engine.rules.values import NodeValues, UnsupportedError


def _fitting(g: Array, dtype: str) -> Array:
    """A real input gets the real part of a complex gradient."""
    return g.real if value_of(g).dtype.kind == "c" and not dtype.startswith("complex") else g


@moving(
    "CloneBackward0 AliasBackward0 LiftBackward0 LiftFreshBackward0 PinMemoryBackward0 CoalesceBackward0",
    {"self": r"G"},
    "A copy: the gradient passes as it is.",
)
@moving(
    "ToCopyBackward0",
    {"self": r"\mathrm{cast}(G)"},
    "A copy in another dtype: the gradient is cast back to the old one, and is rounded to it.",
)
@moving(
    "ToSparseBackward0 ToSparseBackward1",
    {"self": r"G"},
    "The same numbers, kept in another way: the gradient passes as it is.",
)
def copy(n: NodeValues) -> tuple[Array]:
    return (_fitting(n.grad(), n.dtype(0)),)


@moving(
    "ToDenseBackward0",
    {"self": r"G"},
    "The same numbers, kept in another way: the gradient passes as it is, to the places that were kept.",
)
def to_dense(n: NodeValues) -> tuple[Array]:
    if n.argument("masked_grad", None) is not False and np.any(value_of(n.saved("self")) == 0):
        raise UnsupportedError("which places the sparse tensor keeps was not recorded")
    return (_fitting(n.grad(), n.dtype(0)),)


@routing(
    "CopyBackwards",
    {"self": "0", "src": r"\mathrm{cast}(G)"},
    "A tensor was written over: what was written gets the gradient, what was there before none.",
)
def copy_over(n: NodeValues) -> Mapping[int, Taken]:
    own = numbered(n.output_shape())
    return {0: Taken(np.full(own.shape, -1)), 1: Taken(own)}


# What the operators that write are without the write. Overloads have other numbers.
_INNER = {
    "copy_.default": "CopyBackwards", "zero_.default": "ZeroBackward0", "fill_.Scalar": "FillBackward2",
    "fill_.Tensor": "FillBackward3", "add_.Tensor": "AddBackward0", "add_.Scalar": "AddBackward1",
    "sub_.Tensor": "SubBackward0", "sub_.Scalar": "SubBackward1", "mul_.Tensor": "MulBackward0",
    "mul_.Scalar": "MulBackward1", "div_.Tensor": "DivBackward0", "div_.Scalar": "DivBackward1",
    "pow_.Scalar": "PowBackward0", "pow_.Tensor": "PowBackward1", "neg_.default": "NegBackward0",
    "masked_fill_.Scalar": "MaskedFillBackward0", "masked_fill_.Tensor": "MaskedFillBackward1",
    "index_put_.default": "IndexPutBackward0", "_index_put_impl_.default": "IndexPutImplBackward0",
    "index_fill_.int_Scalar": "IndexFillBackward0", "index_fill_.int_Tensor": "IndexFillBackward1",
    "index_add_.default": "IndexAddBackward0", "index_copy_.default": "IndexCopyBackward0",
    "scatter_.src": "ScatterBackward0", "scatter_.value": "ScatterBackward1",
    "scatter_add_.default": "ScatterAddBackward0",
    "relu_.default": "ReluBackward0", "sigmoid_.default": "SigmoidBackward0", "tanh_.default": "TanhBackward0",
    "exp_.default": "ExpBackward0", "log_.default": "LogBackward0", "sqrt_.default": "SqrtBackward0",
    "abs_.default": "AbsBackward0", "sin_.default": "SinBackward0", "cos_.default": "CosBackward0",
    "clamp_.default": "ClampBackward1", "clamp_.Tensor": "ClampBackward0", "clamp_min_.default": "ClampMinBackward0",
    "clamp_max_.default": "ClampMaxBackward0", "addcmul_.default": "AddcmulBackward0",
    "addcdiv_.default": "AddcdivBackward0", "lerp_.Scalar": "LerpBackward0", "lerp_.Tensor": "LerpBackward1",
    "reciprocal_.default": "ReciprocalBackward0", "rsqrt_.default": "RsqrtBackward0", "square_.default": "PowBackward0",
    "fmod_.Scalar": "FmodBackward0", "fmod_.Tensor": "FmodBackward1", "remainder_.Scalar": "RemainderBackward0",
    "remainder_.Tensor": "RemainderBackward1", "xlogy_.Tensor": "XlogyBackward0",
    "copysign_.Tensor": "CopysignBackward0", "scatter_reduce_.two": "ScatterReduceBackward0",
    "bernoulli_.float": "BernoulliBackward2", "bernoulli_.Tensor": "BernoulliBackward1",
    "log1p_.default": "Log1PBackward0", "deg2rad_.default": "Deg2RadBackward0",
}  # fmt: skip
_SLICE, _VIEW, _NUMBERS = -1, -2, -3  # tensors that stand for the part of the gradient, the view, and plain numbers


def _without_the_write(operation: str) -> str | None:
    """Type of the node that the operation has where it writes to nothing, if that can be told."""
    if operation in _INNER or not operation.endswith("_.default"):
        return _INNER.get(operation)
    words = operation.removesuffix("_.default").split("_")
    type_ = "".join(word.capitalize() for word in words) + "Backward0"
    known = find_rule(type_) is not None or reason_not_differentiable(type_) is not None
    return type_ if known else None


class _Write:
    """A write to a view, taken apart: where the view lies in its base, and the operation that wrote."""

    def __init__(self, n: NodeValues) -> None:
        view = n.node.info.get("view")
        if view is None:
            raise UnsupportedError("where the view lies in its base was not recorded")
        if view["dtype"] != n.node.dtype:
            raise UnsupportedError("a write to a view of another dtype than its base")
        base, part = (memory(tuple(shape), tuple(strides), offset) for shape, strides, offset in
                      (view["base"], view["view"]))  # fmt: skip
        self.places: Integers = seen_through(base, part)
        self.shape = base.shape
        if np.any(self.places < 0):
            raise UnsupportedError("a view that reaches beyond its base")
        type_ = _without_the_write(n.node.operation.removeprefix("aten."))
        if type_ is None:
            raise UnsupportedError(f"a write by {n.node.operation} to a view")
        tensors, arrays = self._tensors(n, view["arguments"]), self._arrays(n)
        for name, number in n.node.info.get("args", {}).items():
            if isinstance(number, float | int) and not isinstance(number, bool) and ("saved", 0, name) not in tensors:
                tensors[("saved", 0, name)] = _NUMBERS - len(arrays)  # what torch makes a tensor of
                arrays[_NUMBERS - len(arrays)] = (np.array(float(number)), "float64")
        self.values = n.within(type_, tensors, arrays)
        self.stops = reason_not_differentiable(type_) is not None
        self.rule: Rule | None = find_rule(type_)
        if self.rule is None and not self.stops:
            raise UnsupportedError(f"there is no rule for {type_} yet")

    def _arrays(self, n: NodeValues) -> dict[int, tuple[Any, str]]:
        g = value_of(n.grad()).ravel()[self.places]
        dtype = n.node.dtype or "float32"
        return {_SLICE: (g, dtype), _VIEW: (np.broadcast_to(np.zeros((), g.dtype), g.shape), dtype)}

    def _tensors(self, n: NodeValues, arguments: list[str]) -> dict[tuple[str, int, str], int]:
        """The operation's tensors by role: its arguments by name, as nodes save them."""
        found = {("grad_output", 0, ""): _SLICE, ("grad_input", 0, ""): _VIEW}
        for (role, slot, _), tensor in n.tensors.items():
            if role == "grad_input" and slot > 0:
                found[(role, slot, "")] = tensor
            elif role in ("input", "operand"):
                found[("saved", slot // 100, arguments[slot % 100])] = tensor
            elif role == "written":
                found[("saved", 0, "result")] = tensor
        return found

    def gradients(self, n: NodeValues) -> dict[int, Array]:
        """Of the base: its own, with what the operation passes on in place of the view's; and of what was written."""
        found = {} if self.rule is None else self.rule.vjp(self.values)
        if not n.needs(0):
            return found
        base = np.copy(np.reshape(n.grad(), (-1,)))
        base[self.places] = found.get(0, np.zeros(self.places.shape))
        return found | {0: np.reshape(base, self.shape)}

    def terms(self, slot: int, index: Index) -> list[TermGroup]:
        """Those of the operation, at the places of its numbers in the base."""
        own = tuple(np.array([at]) for at in index)
        if slot == 0:
            inside = np.argwhere(self.places == np.ravel_multi_index(index, self.shape))
            if not len(inside):
                return [TermGroup(0, own, np.ones(1), "the same number")]
            index = tuple(int(at) for at in inside[0])
        if self.rule is None:
            return []
        return [self._moved(group) for group in groups_of(self.rule, self.values, slot, index)]

    def _moved(self, group: TermGroup) -> TermGroup:
        places = self.places[group.indices] if group.indices else self.places
        return TermGroup(0, np.unravel_index(np.atleast_1d(places), self.shape), group.coefficients, group.label)


@rule(
    "CopySlices",
    {"base": r"G \mathrm{\ with\ zeros\ in\ the\ view}", "src": r"G \mathrm{\ in\ the\ view}"},
    "A part of a tensor was written over: what was written gets the gradient of that part; the rest passes as it is.",
    terms=lambda n, slot, index: _Write(n).terms(slot, index),
)
def copy_slices(n: NodeValues) -> dict[int, Array]:
    return _Write(n).gradients(n)


@moving(
    "BackwardHookFunctionBackward",
    {"input": "G"},
    "Put here by torch for the backward hooks of your module: the gradient passes as it is, then the hooks are called.",
)
def hooked(n: NodeValues) -> dict[int, Array]:
    return {slot: n.grad(slot, like=n.shape(slot)) for slot in n.slots}
