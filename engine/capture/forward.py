"""Sees every operator call of the user's thread: forward operations, and parameters changed by hand.

A dispatch mode runs below autograd. When it sees an operator, autograd has already made the node for it, if it made
one; the running number then stands one above that node's sequence number. An operator under a number that was seen
before made no node: it is skipped, unless it writes to something.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from engine.capture.frames import Place, Spot
from engine.capture.guard import Quiet
from engine.capture.measure import dtype_name, shape_of
from engine.capture.operands import (
    Call,
    apply_frames,
    custom_call,
    geometry,
    is_known,
    named_operands,
    note_returned,
    view_operands,
    view_written,
)
from engine.capture.operations import Input, Operation, Output
from engine.capture.plain import plain_value

if TYPE_CHECKING:
    from engine.capture.recorder import Recorder

_next_number: Callable[[], int] = torch._C._autograd._get_sequence_nr
# Batch norm writes to its running statistics, and its schema does not say so.
_RUNNING = ("running_mean", "running_var")


@dataclass(frozen=True, slots=True)
class _Signature:
    """What an operator's schema says, looked up once.

    `changed` are the arguments that are `written` and those that it writes to without saying so; `foreach` is whether
    they are lists, of whose members each is written to as by an operator of its own.
    """

    name: str
    arguments: tuple[str, ...]
    results: tuple[str, ...]
    written: tuple[tuple[int, str], ...]
    changed: tuple[tuple[int, str], ...]
    defaults: Mapping[str, Any]
    foreach: bool
    ignored: bool


_NO_OPERATOR = _Signature("", (), (), (), (), {}, False, False)


class ForwardMode(TorchDispatchMode):
    """The eyes of the recorder on the forward pass."""

    supports_higher_order_operators = True

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._recorder = recorder
        self._thread = threading.get_ident()
        self._custom: Call | None = None
        self._signatures: dict[Any, _Signature] = {}
        self._last = _next_number() - 1
        self._skipped = False
        self._resolved: list[torch.Tensor] = []
        self._assigning: tuple[tuple[int, str, Spot], int, Operation] | None = None

    def catch_up(self) -> None:
        """Numbers were given to nodes while this mode was put away."""
        if threading.get_ident() == self._thread:
            self._last = _next_number() - 1
            self._skipped = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        recorder = self._recorder
        if not recorder.active:
            return func(*args, **kwargs)
        signature = self._signatures.get(func) or self._look_up(func)
        number = _next_number() - 1
        made_node = self._made_node(number, signature, args)
        if not made_node and (not signature.written or recorder.in_optimizer):
            result = _run_counted(func, signature, args, kwargs)
            if recorder.updates.follows:
                recorder.updates.follow(signature.name, args, result)
            if signature.changed:  # in an optimizer's step, too: its closure may clip gradients
                with recorder.careful(), Quiet():
                    self._forget(_arguments_at(signature.changed, args, kwargs))
            return result
        if made_node:
            recorder.before_operation()
        operation, by_hand = self._before(number, signature, args, kwargs, made_node)
        result = _run_counted(func, signature, args, kwargs)
        self._after(operation, by_hand, signature, args, kwargs, result)
        if self._skipped:
            if args[0].requires_grad:
                self._resolved.append(result)
        elif self._resolved:
            self._resolved.clear()
        return result

    def _look_up(self, func: Any) -> _Signature:
        schema = getattr(func, "_schema", None)
        if schema is None:
            signature = _Signature(str(func), (), (), (), (), {}, False, False)
        else:
            names = tuple(argument.name for argument in schema.arguments)
            written = tuple(
                (position, argument.name)
                for position, argument in enumerate(schema.arguments)
                if argument.alias_info is not None and argument.alias_info.is_write
            )
            unseen = tuple((place, name) for place, name in enumerate(names) if name in _RUNNING)
            changed = tuple(dict.fromkeys(written + unseen))
            foreach = bool(written) and str(func).startswith("aten._foreach_")
            ignored = str(func).startswith(("profiler.", "prim."))
            results, defaults = _results(schema), _defaults(schema)
            signature = _Signature(str(func), names, results, written, changed, defaults, foreach, ignored)
        self._signatures[func] = signature
        return signature

    def _made_node(self, number: int, signature: _Signature, args: tuple[Any, ...]) -> bool:
        """Whether this call made the node `number`, or runs inside the custom function that did."""
        if signature.ignored or threading.get_ident() != self._thread:
            return False
        before = self._last
        fresh = number > before
        if fresh:
            self._last = number
        clones = signature.name == "aten.clone.default"
        resolves = clones and _is_lazy(args)
        if fresh:
            self._skipped = resolves or (clones and number - before > 1)
        called = self._begin_custom(number, before) if fresh else False
        if not torch.is_grad_enabled():
            inside = called or self._inside_custom_function()
            if fresh and not inside and _hooks_keep():  # it may be such a hook that calls: the number is not its own
                self._last = before
            return inside
        if not called:
            self._custom = None
        if fresh:
            return True
        # The number before was taken by a node whose operation has not run yet: it clones first, then it runs. What
        # does not know how to read conjugated or negated numbers clones each of them, under the number of its own node.
        skipped = self._skipped
        self._skipped = skipped and resolves
        return skipped

    def _begin_custom(self, number: int, before: int) -> bool:
        """Custom functions that were called since the number `before`; whether this operator is part of the last.

        Their nodes have the first numbers. One whose forward computes with gradients (`torch.enable_grad`), or calls
        another at once, may have made more before an operator is seen: what went into it is written down all the same.
        """
        fresh = [frame for frame in apply_frames() if not is_known(frame)]
        if not fresh:
            return False
        first = before + 1 if torch.is_grad_enabled() else number - len(fresh) + 1
        with self._recorder.careful(), Quiet():
            for own, frame in zip(range(first, number + 1), fresh, strict=False):
                self._custom = custom_call(self._recorder, frame, own)
                if own == number:
                    return True
                self._recorder.operations.add(self._describe(own, _NO_OPERATOR, (), {}))
        return False

    def _inside_custom_function(self) -> bool:
        """Whether this call is part of the custom function of which something was seen last."""
        frames = apply_frames()
        if not frames or self._custom is None or not self._custom.is_of(frames[-1]):
            self._custom = None
        return self._custom is not None

    def _before(
        self, number: int, signature: _Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any], made_node: bool
    ) -> tuple[Operation | None, list[Any]]:
        """What must be read before the call may overwrite it."""
        recorder = self._recorder
        operation = None
        by_hand: list[Any] = []
        with recorder.careful(), Quiet():
            if made_node:
                operation = self._describe(number, signature, args, kwargs)
                if recorder.operations.expects:
                    note_returned(recorder, (*args, *kwargs.values()))
            if signature.written and not recorder.in_optimizer:
                by_hand = recorder.updates.before_writing(
                    _arguments_at(signature.written, args, kwargs),
                    lambda: dict(zip(signature.arguments, args, strict=False)) | dict(kwargs),
                )
        return operation, by_hand

    def _describe(
        self, number: int, signature: _Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Operation:
        recorder = self._recorder
        module, module_type = recorder.names.current_module()
        called = self._custom
        place = recorder.frames.place(3) if called is None else called.place
        operation = Operation(
            number=number if called is None else called.number,
            operation=signature.name if called is None else called.name,
            module=module,
            module_type=module_type,
            place=place,
            time=time.time(),
            during_backward=recorder.backward_depth > 0,
            hooked=_hooks_keep(),
            inputs=list(self._inputs(args)) if called is None else list(called.inputs),
            arguments=_plain_arguments(signature, args, kwargs) if called is None else called.arguments,
            operands=[] if called is None else list(called.operands),
        )
        if signature.written and called is None:
            written = next(_arguments_at(signature.written, args, kwargs), None)
            operation.view = view_written(written, signature.arguments)
            if operation.view is not None:
                operation.operands = view_operands(recorder.store, signature.name, args)
                recorder.operations.expect(number + 1)
                operation.arguments = {**signature.defaults, **operation.arguments}  # its node saves none of them
        if operation.hooked and called is None and operation.view is None and not operation.during_backward:
            operation.operands = named_operands(recorder.store, _named(signature, args, kwargs, changed=False))
        self._name(operation, place)
        return operation

    def _inputs(self, args: tuple[Any, ...]) -> Iterator[Input]:
        """Tensors that go in and need no gradient, by argument number (members of a list: 100 for each place).

        Not those that are clones of what may need one.
        """
        recorder = self._recorder
        for position, argument in enumerate(args):
            members = enumerate(argument) if isinstance(argument, list | tuple) else ((0, argument),)
            for index, tensor in members:
                if isinstance(tensor, torch.Tensor) and not tensor.requires_grad:
                    if any(tensor is clone for clone in self._resolved):
                        continue
                    slot = position + 100 * index
                    name = recorder.names.data_name(tensor)
                    number = recorder.store.take(tensor)
                    yield Input(slot, number, name, shape_of(tensor), dtype_name(tensor.dtype))

    def _name(self, operation: Operation, place: Place | None) -> None:
        """The last operation of an assignment has its name; one run of a statement comes with rising moments."""
        found = self._recorder.frames.assigned_name(place) if place else None
        if place is None or found is None:
            self._assigning = None
            return
        key = (place.frame, place.path, found[0])
        if self._assigning is not None:
            previous_key, moment, previous = self._assigning
            if previous_key == key and place.moment >= moment and previous.event is None:
                previous.name = ""
        operation.name = found[1]
        self._assigning = (key, place.moment, operation)

    def _after(
        self,
        operation: Operation | None,
        by_hand: list[Any],
        signature: _Signature,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        result: Any,
    ) -> None:
        recorder = self._recorder
        with recorder.careful(), Quiet():
            self._forget(_arguments_at(signature.changed, args, kwargs))
            if operation is not None:
                bumps = 1 if signature.written else 0
                if self._custom is None:
                    operation.outputs = tuple(self._outputs(result, bumps))
                if operation.stands_in:
                    named = _named(signature, args, kwargs, changed=True)
                    named += zip(signature.results, result if isinstance(result, tuple) else (result,), strict=False)
                    operation.operands += named_operands(recorder.store, named, bumps)
                recorder.operations.add(operation)
            if by_hand:
                recorder.updates.after_writing(by_hand, signature.name)

    def _forget(self, written: Iterator[torch.Tensor]) -> None:
        for tensor in written:
            self._recorder.store.forget(tensor)

    def _outputs(self, result: Any, bumps: int) -> Iterator[Output]:
        """Floating-point and complex results. Autograd counts a version up after a write: `bumps` anticipates it."""
        members = result if isinstance(result, list | tuple) else (result,)
        for slot, tensor in enumerate(members):
            if isinstance(tensor, torch.Tensor) and (tensor.is_floating_point() or tensor.is_complex()):
                number = self._recorder.store.take(tensor, bumps)
                yield Output(slot, number, shape_of(tensor), dtype_name(tensor.dtype))


def _is_lazy(args: Sequence[Any]) -> bool:
    """Whether the first argument is only marked as conjugated or negated."""
    return bool(args) and isinstance(args[0], torch.Tensor) and (args[0].is_conj() or args[0].is_neg())


def _hooks_keep() -> bool:
    """Whether hooks of the user's are given what nodes save."""
    return torch._C._autograd._top_saved_tensors_default_hooks(False) is not None


def _results(schema: Any) -> tuple[str, ...]:
    """Under which names a node saves what the operator returns."""
    count = len(schema.returns)
    return tuple(
        each.name or ("result" if count == 1 else f"result{place}") for place, each in enumerate(schema.returns)
    )


def _defaults(schema: Any) -> dict[str, Any]:
    """What plain arguments are where they are left out."""
    found = {each.name: plain_value(each.default_value) for each in schema.arguments if each.has_default_value()}
    return {name: value for name, value in found.items() if value is not None}


def _run_counted(func: Any, signature: _Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Run the operator, and let versions count up as they would without us.

    Where torch has no kernel of its own for a list, it runs the in-place operator of each member, which counts up; but
    not below a dispatch mode.
    """
    if not signature.foreach:
        return func(*args, **kwargs)
    written = [tensor for tensor in _arguments_at(signature.written, args, kwargs) if not tensor.is_inference()]
    versions = [tensor._version for tensor in written]
    result = func(*args, **kwargs)
    same = [tensor for tensor, version in zip(written, versions, strict=True) if tensor._version == version]
    if same:
        torch.autograd.graph.increment_version(same)
    return result


def _arguments_at(
    places: Sequence[tuple[int, str]], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Iterator[torch.Tensor]:
    """The tensors among some arguments, by position or name, lists taken apart."""
    for position, name in places:
        argument = args[position] if position < len(args) else kwargs.get(name)
        members = argument if isinstance(argument, list | tuple) else (argument,)
        for tensor in members:
            if isinstance(tensor, torch.Tensor):
                yield tensor


def _named(
    signature: _Signature, args: Sequence[Any], kwargs: Mapping[str, Any], *, changed: bool
) -> list[tuple[str, Any]]:
    """Arguments by name, as their node saves them: before the call, or after it those that the operator fills.

    What an in-place operation overwrites, its node saves as it was.
    """
    filled = {name for _, name in signature.changed if name != "self"}
    named = (*zip(signature.arguments, args, strict=False), *kwargs.items())
    return [(name, value) for name, value in named if (name in filled) is changed]


def _plain_arguments(signature: _Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that are no tensors, by the schema's names."""
    found = {}
    for name, value in (*zip(signature.arguments, args, strict=False), *kwargs.items()):
        plain = plain_value(value)
        if plain is not None and not isinstance(value, torch.Tensor):
            found[name] = plain
    if signature.name.startswith("aten.as_strided") and args:
        found["self_geometry"] = geometry(args[0])  # which its node does not tell
    return found
