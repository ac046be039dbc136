"""What goes into operations whose own nodes do not say it: custom functions, writes to views, what hooks keep."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from engine.capture.frames import Place
from engine.capture.measure import dtype_name, shape_of
from engine.capture.operations import Input, Operand, Output
from engine.capture.plain import plain_value

if TYPE_CHECKING:
    from engine.capture.recorder import Recorder
    from engine.capture.tensors import TensorStore

_APPLY = torch.autograd.Function.apply.__func__.__code__  # type: ignore[attr-defined]
_MARK = "__chainrule__"
# Writes whose gradient does not depend on any value: what is written replaces what was there.
_PURE_WRITES = {"aten.copy_.default", "aten.zero_.default", "aten.fill_.Scalar", "aten.fill_.Tensor"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of `torch.autograd.Function.apply`; `number` is that of its node, `name` that of the function.

    `place` is where it was called, not what ran in it.
    """

    number: int
    name: str
    place: Place | None
    inputs: tuple[Input, ...]
    operands: tuple[Operand, ...]
    arguments: Mapping[str, Any]

    def is_of(self, frame: FrameType) -> bool:
        """Whether `frame` is this very call; frames of other calls may come to lie where this one lay."""
        return frame.f_locals.get(_MARK) is self


def apply_frames() -> list[FrameType]:
    """The calls of custom functions among the callers, the outermost first."""
    frame: FrameType | None = sys._getframe(1)
    found = []
    while frame is not None:
        if frame.f_code is _APPLY:
            found.append(frame)
        frame = frame.f_back
    return found[::-1]


def is_known(frame: FrameType) -> bool:
    """Whether `custom_call` has seen this call."""
    return _MARK in frame.f_locals


def custom_call(recorder: Recorder, frame: FrameType, number: int) -> Call:
    """What the custom function that is running was called with. The caller holds a `Quiet`."""
    function, args = frame.f_locals["cls"], frame.f_locals["args"]
    note_returned(recorder, args)
    names = _parameter_names(function, len(args))
    inputs = []
    operands = []
    arguments = {}
    for slot, value in enumerate(args):
        if not isinstance(value, torch.Tensor):
            plain = plain_value(value)
            if plain is not None:
                arguments[names[slot]] = plain
        elif value.requires_grad:
            operands.append(Operand(slot, recorder.store.take(value)))
        else:
            name = recorder.names.data_name(value)
            taken = recorder.store.take(value)
            inputs.append(Input(slot, taken, name, shape_of(value), dtype_name(value.dtype)))
    recorder.operations.expect(number)
    place = recorder.frames.place_from(frame.f_back)
    call = Call(number, function.__name__, place, tuple(inputs), tuple(operands), arguments)
    frame.f_locals[_MARK] = call
    return call


def note_returned(recorder: Recorder, values: Iterable[Any]) -> None:
    """Of what is read here, write down what custom functions returned and writes to views left. The caller holds a
    `Quiet`.

    Nothing sees a custom function return: what runs inside it may compute many a tensor of the same shape. The whole
    of which a part was written is not read for each write: there may be as many as it has elements.
    """
    operations = recorder.operations
    for tensor in values:
        if isinstance(tensor, list | tuple):
            note_returned(recorder, tensor)
        elif isinstance(tensor, torch.Tensor) and tensor.requires_grad:
            fn: Any = tensor.grad_fn
            slot = tensor.output_nr
            if _tells_later(fn) and operations.gives(fn._sequence_nr(), slot):
                taken = recorder.store.take(tensor)
                operations.give(fn._sequence_nr(), Output(slot, taken, shape_of(tensor), dtype_name(tensor.dtype)))


def _tells_later(fn: Any) -> bool:
    return isinstance(fn, torch.autograd.function.BackwardCFunction) or type(fn).__name__ == "CopySlices"


def _parameter_names(function: Any, count: int) -> list[str]:
    """Names of the arguments of `function.forward`, without the context; the place where there is no name."""
    with_context = function.setup_context is torch.autograd.function._SingleLevelFunction.setup_context
    try:
        names = list(inspect.signature(function.forward).parameters)[int(with_context) :]
    except (TypeError, ValueError):
        names = []
    return [names[place] if place < len(names) else str(place) for place in range(count)]


def view_written(tensor: torch.Tensor | None, names: Sequence[str]) -> Mapping[str, Any] | None:
    """Where in the memory of its base a view lies that is about to be written to; None if it is no view.

    `names` are those of the operator's arguments.
    """
    base = tensor._base if tensor is not None and tensor._is_view() else None
    if tensor is None or base is None or torch.strided is not tensor.layout:
        return None
    return {
        "base": geometry(base),
        "view": geometry(tensor),
        "dtype": dtype_name(tensor.dtype),
        "arguments": list(names),
    }


def geometry(tensor: torch.Tensor) -> list[Any]:
    """Shape, strides and offset in memory."""
    return [list(shape_of(tensor)), list(tensor.stride()), int(tensor.storage_offset())]


def view_operands(store: TensorStore, name: str, args: Sequence[Any]) -> list[Operand]:
    """The tensors, by argument number, that the gradient of a write to a view may depend on."""
    if name in _PURE_WRITES:
        return []
    return [Operand(slot, store.take(tensor)) for slot, tensor in _tensors(args)]


def named_operands(store: TensorStore, named: Iterable[tuple[str, Any]], bumps: int = 0) -> list[Operand]:
    """Arguments or results by the names under which nodes may save them. Lists are taken apart: `slot` is the place."""
    return [
        Operand(slot, store.take(tensor, bumps), name)
        for name, value in named
        for slot, tensor in enumerate(value if isinstance(value, list | tuple) else (value,))
        if isinstance(tensor, torch.Tensor)
    ]


def _tensors(args: Sequence[Any]) -> Iterator[tuple[int, torch.Tensor]]:
    for position, argument in enumerate(args):
        members = enumerate(argument) if isinstance(argument, list | tuple) else ((0, argument),)
        for index, tensor in members:
            if isinstance(tensor, torch.Tensor) and tensor.requires_grad:
                yield position + 100 * index, tensor
