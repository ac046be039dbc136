"""Sees every update of a parameter: by an optimizer, or written by hand."""

from __future__ import annotations

import functools
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from engine.capture import step_hooks
from engine.capture.guard import Quiet
from engine.capture.kinds import base_of, is_own, is_wrapper
from engine.capture.measure import dtype_name
from engine.capture.plain import plain_value
from engine.capture.step_functions import StepFunctions

if TYPE_CHECKING:
    from engine.capture.recorder import Recorder

Values = list[tuple[str, int, str, int]]
ELSEWHERE = (
    "An optimizer took its step in a thread of its own. The graph is recorded only of what the script's first thread "
    "computes: call the training loop there to see it."
)
_TORCH_FILE = torch.optim.Optimizer.profile_hook_step.__code__.co_filename
# What Muon's Newton–Schulz iteration is made of: the division by the norm, and the products of matrices.
_ITERATION = {"aten.div_.Tensor", "aten.mm.default", "aten.addmm.default"}
# What every optimizer has, and what is no setting of its own.
_EVERY = ("_zero_grad_profile_name", "_warned_capturable_if_run_uncaptured")
# Arguments of torch._foreach_… operators that have a member for each tensor.
_LISTS = {"self", "other", "scalars", "tensors1", "tensor1", "tensor2", "weights", "exponent", "src"}


@dataclass(slots=True)
class _Before:
    """A parameter as it was before an update."""

    tensor: torch.Tensor
    values: Values
    info: dict[str, Any] = field(default_factory=dict)
    grad_read: tuple[int, int] | None = None  # which gradient was read, and its version


@dataclass(slots=True)
class _Step:
    """One call of `optimizer.step` that is under way."""

    optimizer: torch.optim.Optimizer
    closure: bool
    since: int  # what was taken for it comes after this mark
    found: list[_Before] = field(default_factory=list)
    followed: bool = False  # each call of the closure counts: LBFGS
    losses: list[Any] = field(default_factory=list)
    iterates: list[int] = field(default_factory=list)


def steps_under_way() -> Iterator[Any]:
    """The optimizers inside whose `step` this runs, the innermost first; one twice, if its `step` calls that of its
    base class. Where a step raised, its hook did not say that it ended."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename == _TORCH_FILE and frame.f_code.co_name == "wrapper":
            yield frame.f_locals.get("self")
        frame = frame.f_back


class _OfThread(threading.local):
    """The steps under way in this thread; others may take theirs at the same time."""

    def __init__(self, steps_of: dict[int, list[_Step]]) -> None:
        self.steps: list[_Step] = []
        steps_of[threading.get_ident()] = self.steps
        self.inner = 0  # steps of base classes under way: what they do is recorded as the outer one's


class Updates:
    """Writes update events. Leaves are known from the backward passes that they took part in."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._leaves: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}
        self._steps_of: dict[int, list[_Step]] = {}  # by thread
        self._mine = _OfThread(self._steps_of)
        self._calls = 0
        self._thread = threading.get_ident()
        self._stepped: weakref.WeakKeyDictionary[torch.optim.Optimizer, int] = weakref.WeakKeyDictionary()
        self.follows = False  # whether `follow` wants to see the operators that run
        self._torch_alone = False  # only an optimizer of torch's is at work: there is nothing to see until it is done
        self._functions = StepFunctions(self._unseen)

    def watch(self) -> None:
        """See every `torch.optim` optimizer from now on."""
        step_hooks.add(self)

    def unwatch(self) -> None:
        step_hooks.remove(self)
        self._functions.restore()

    def held_since(self) -> int | None:
        """The mark of the oldest step that is under way, of all threads."""
        return min((step.since for steps in tuple(self._steps_of.values()) for step in tuple(steps)), default=None)

    def know(self, leaf: torch.Tensor, parameter: int) -> None:
        """Remember where a leaf's memory is, to notice writes to it. The caller holds a `Quiet`."""
        if leaf.layout is torch.strided and leaf.device.type != "meta":
            self._leaves[leaf.untyped_storage()._cdata] = (weakref.ref(leaf), parameter)

    def before_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        recorder = self._recorder
        if not recorder.active or is_wrapper(optimizer):
            return None
        if any(step.optimizer is optimizer for step in self._mine.steps):
            if sum(other is optimizer for other in steps_under_way()) > 1:
                self._mine.inner += 1
                return None
            self.give_up()
        has_closure = any(callable(argument) for argument in (*args[1:], *kwargs.values()))  # args[0] is the optimizer
        # A call again without a forward pass since: the script sets the gradients.
        again = self._stepped.get(optimizer) == recorder.step
        if has_closure or again or recorder.step < 0:
            recorder.before_operation()
        self._stepped[optimizer] = recorder.step
        here = threading.get_ident() == self._thread
        step = _Step(optimizer, has_closure, recorder.store.mark(), followed=is_own(optimizer, "LBFGS"))
        self._mine.steps.append(step)
        with recorder.careful(), Quiet():
            if not here:
                recorder.note(ELSEWHERE)
            for index, group in enumerate(optimizer.param_groups):
                described = self._describe(optimizer, group, index)
                for tensor in group["params"]:
                    if tensor.grad is not None or has_closure:
                        step.found.append(self._read(tensor, optimizer.state.get(tensor, {}), dict(described), step))
        self._calls += 1
        if here:  # only what this thread computes is seen
            recorder.in_optimizer += 1
            self.follows = is_own(optimizer, "Muon")
            self._torch_alone = self._is_torch_alone(step)
            if self._torch_alone:
                self._functions.enclose(type(optimizer).step)
        if has_closure and base_of(type(optimizer)) in (None, type(optimizer)):
            watched = [self._watched(argument, step) for argument in args[1:]]
            return (args[0], *watched), {name: self._watched(argument, step) for name, argument in kwargs.items()}
        return None

    def _is_torch_alone(self, step: _Step) -> bool:
        """No code of the user's runs in it, and it writes to nothing but what is read again afterwards."""
        optimizer = step.optimizer
        kind = type(optimizer)
        hooked = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
        graphed = any(group.get("differentiable") for group in optimizer.param_groups)
        return base_of(kind) is kind and not (step.closure or hooked or graphed or self.follows)

    @contextmanager
    def _unseen(self) -> Iterator[None]:
        """Around a step that is under way: no operator of it is looked at where torch is alone."""
        if not self._torch_alone:
            yield
            return
        try:
            with self._recorder.modes.put_away():
                yield
        except BaseException:
            if len(self._mine.steps) == 1:  # it is not taken in the closure of another
                self.give_up()
            raise

    def _describe(self, optimizer: torch.optim.Optimizer, group: Mapping[str, Any], index: int) -> dict[str, Any]:
        """What an update event says of its optimizer."""
        kind = type(optimizer)
        described: dict[str, Any] = {
            "optimizer": kind.__name__,
            "group": index,
            "hyperparameters": _hyperparameters(group),
            "module": kind.__module__,
            "call": self._calls,
        }
        base = base_of(kind)
        if base is not kind:
            described["attributes"] = _plain_items({k: v for k, v in vars(optimizer).items() if k not in _EVERY})
            described["defaults"] = {
                name: value
                for name, value in _hyperparameters(optimizer.defaults).items()
                if described["hyperparameters"].get(name) != value
            }
        if base is not None and base is not kind:
            described["base"] = base.__name__
        tensors = {str(name): _tensor_dtype(value) for name, value in group.items() if name != "params"}
        if any(tensors.values()):
            described["tensors"] = {name: dtype for name, dtype in tensors.items() if dtype}
        hooks = len(optimizer._optimizer_step_pre_hooks) + len(optimizer._optimizer_step_post_hooks)
        if hooks:
            described["hooks"] = hooks
        return described

    def _watched(self, closure: Any, step: _Step) -> Any:
        """The closure, with a look at what the optimizer goes on from each time after it has run."""
        if not callable(closure):
            return closure

        @functools.wraps(closure)
        def watched(*args: Any, **kwargs: Any) -> Any:
            result = closure(*args, **kwargs)
            if self._recorder.active:
                with self._recorder.careful(), Quiet():
                    self._evaluated(step, result)
            return result

        return watched

    def _evaluated(self, step: _Step, loss: Any) -> None:
        """The closure has run: LBFGS reads the loss and every gradient, now; others, the gradients of its last call.

        One of torch's goes on from the parameters that it left, as Embedding(max_norm=…) writes to its weight in each
        forward pass. The caller holds a `Quiet`.
        """
        if not step.followed:
            for before in step.found:
                self._read_grad(before)
                if base_of(type(step.optimizer)) is not None:
                    before.values[0] = ("param_before", 0, "", self._recorder.store.take(before.tensor))
            return
        slot = len(step.losses)
        step.losses.append(loss.item() if isinstance(loss, torch.Tensor) else float(loss))
        for before in step.found:
            if before.tensor.grad is not None:
                before.values += self._gradient(before.tensor.grad, slot)

    def after_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        recorder = self._recorder
        if not recorder.active or not self._mine.steps or is_wrapper(optimizer):
            return
        if self._mine.inner:
            self._mine.inner -= 1
            return
        step = self._mine.steps[-1]
        if threading.get_ident() == self._thread:
            recorder.in_optimizer -= 1
            self.follows = self._torch_alone = False
        with recorder.careful(), Quiet(), recorder.lock:  # its events follow each other
            for before in step.found:
                if step.losses:
                    before.info["losses"] = step.losses
                elif base_of(type(optimizer)) is not None or "hooks" in before.info:
                    unseen = getattr(optimizer, "grad_scale", None) is not None or "hooks" in before.info
                    self._read_grad_again(before, unseen)
                found_inf = getattr(optimizer, "found_inf", None)  # torch.amp.GradScaler: the update does not happen
                if isinstance(found_inf, torch.Tensor) and found_inf.item():
                    before.info["found_inf"] = True
                self._finish(before, optimizer.state.get(before.tensor, {}))
        self._mine.steps.pop()

    def give_up(self) -> None:
        """A step that raised is over, although nobody was told."""
        self._mine.steps.clear()
        self._mine.inner = 0
        if threading.get_ident() == self._thread:
            self._recorder.in_optimizer = 0
            self.follows = self._torch_alone = False

    def _read_grad_again(self, before: _Before, unseen: bool) -> None:
        """What the optimizer read, where a closure or a hook has changed the gradient since. Needs a `Quiet`.

        An optimizer of torch writes to no gradient; others may use its memory for something else, and are not asked.
        `unseen`: the version may not tell. A fused optimizer divides gradients that torch.amp.GradScaler has scaled, in
        place, and counts none up; nor does clipping, in a hook of the optimizer.
        """
        grad = before.tensor.grad
        if unseen and grad is not None:
            self._recorder.store.forget(grad)
        if unseen or _identity(grad) != before.grad_read:
            self._read_grad(before)

    def _read_grad(self, before: _Before) -> None:
        """The gradient as it is now, in place of what was read of it. The caller holds a `Quiet`."""
        grad = before.tensor.grad
        before.values = [value for value in before.values if not _is_grad(value)]
        before.values += self._gradient(grad, 0) if grad is not None else []

    def follow(self, operation: str, args: tuple[Any, ...], result: Any) -> None:
        """Muon's matrices in bfloat16, as it computes them: each is known only from the one before."""
        with self._recorder.careful(), Quiet():
            step = self._mine.steps[-1]
            if operation in _ITERATION and isinstance(result, torch.Tensor) and result.dtype is torch.bfloat16:
                step.iterates.append(self._recorder.store.take(result, 1 if operation.endswith("_.Tensor") else 0))
            elif operation.startswith("aten.add_.") and step.iterates:
                for before in step.found:
                    if before.tensor is args[0]:
                        taken, step.iterates = step.iterates, []
                        before.values += [("output", slot, "", number) for slot, number in enumerate(taken)]

    def _read(
        self, tensor: torch.Tensor, state: Mapping[str, Any], info: dict[str, Any], step: _Step | None = None
    ) -> _Before:
        """The parameter, its gradient and its optimizer state. The caller holds a `Quiet`."""
        store = self._recorder.store
        values: Values = [("param_before", 0, "", store.take(tensor))]
        if tensor.grad is not None and not (step is not None and step.closure):
            values += self._gradient(tensor.grad, 0)
        values += [("state_before", slot, name, store.take(item)) for name, slot, item in _tensor_items(state)]
        if plain := _plain_items(state):
            info["state"] = plain
        read = None if step is not None and step.closure else _identity(tensor.grad)
        return _Before(tensor, values, info, read)

    def _gradient(self, grad: torch.Tensor, slot: int) -> Values:
        """A gradient; of a sparse one also its indices and values."""
        store = self._recorder.store
        values = [("grad", slot, "", store.take(grad))]
        if grad.layout is torch.sparse_coo:
            values.append(("input", slot, "grad.indices", store.take(grad._indices())))
            values.append(("input", slot, "grad.values", store.take(grad._values())))
        return values

    def _finish(self, before: _Before, state: Mapping[str, Any]) -> None:
        """Read what the update left, and write the event. The caller holds a `Quiet`."""
        recorder = self._recorder
        parameter = recorder.parameter(before.tensor)  # not before: a closure may call its model for the first time
        before.values.append(("param_after", 0, "", self._take_written(before.tensor)))
        for name, slot, item in _tensor_items(state):
            kept = isinstance(state[name], list | tuple)  # LBFGS makes new members, and never writes to an old one
            taken = recorder.store.take(item) if kept else self._take_written(item)
            before.values.append(("state_after", slot, name, taken))
        if plain := _plain_items(state):
            before.info["state_after"] = plain
        graph, node = recorder.place_of(parameter)
        recorder.event("update", before.values, graph=graph, node=node, parameter=parameter, info=before.info)

    def _take_written(self, tensor: torch.Tensor) -> int:
        """Older optimizers write through `.data`, which counts no version up: forget what was known of the memory."""
        self._recorder.store.forget(tensor)
        return self._recorder.store.take(tensor)

    def before_writing(
        self, written: Iterable[torch.Tensor], arguments: Callable[[], Mapping[str, Any]]
    ) -> list[_Before]:
        """Leaves among what an operator is about to write to, as they are. The caller holds a `Quiet`.

        `arguments()` gives all that the operator is called with, by name.
        """
        found = []
        for position, tensor in enumerate(written) if self._leaves else ():
            if tensor.layout is not torch.strided:
                continue
            reference, _ = self._leaves.get(tensor.untyped_storage()._cdata, (None, 0))
            leaf = reference() if reference is not None else None
            if leaf is not None and leaf.untyped_storage()._cdata == tensor.untyped_storage()._cdata:
                before = self._read(leaf, {}, {"optimizer": "by hand", "group": 0, "hyperparameters": {}})
                self._read_operands(before, tensor, arguments(), position)
                found.append(before)
        return found

    def _read_operands(self, before: _Before, written: torch.Tensor, arguments: Mapping[str, Any], index: int) -> None:
        """What the write is made of. Of lists (torch._foreach_add_) the member for this leaf."""
        plain: dict[str, Any] = {}
        for slot, (name, value) in enumerate(arguments.items()):
            item = value
            if isinstance(value, list | tuple) and name in _LISTS and index < len(value):
                item = value[index]
            if isinstance(item, torch.Tensor):
                if item is not written or name not in ("self", "out"):  # w.mul_(w) reads it too
                    before.values.append(("input", slot, name, self._recorder.store.take(item)))
            elif item is not None:
                plain[name] = plain_value(item)
        before.info["arguments"] = plain
        leaf = before.tensor
        differs = not written.is_nested and (written.shape, written.stride()) != (leaf.shape, leaf.stride())
        if differs or written.dtype != leaf.dtype:
            before.info["view"] = {
                "shape": list(written.shape),
                "stride": list(written.stride()),
                "offset": int(written.storage_offset()) - int(leaf.storage_offset()),
                "leaf_stride": list(leaf.stride()),
                "dtype": dtype_name(written.dtype),
            }

    def before_assigning(self, leaf: Any, new: Any) -> list[_Before]:
        """The same for `leaf.data = new`; assigning a tensor its own memory (`leaf.data -= …`) changes nothing more."""
        if not isinstance(leaf, torch.Tensor) or not isinstance(new, torch.Tensor):
            return []
        address = leaf.untyped_storage()._cdata
        if address not in self._leaves or address == new.untyped_storage()._cdata:
            return []
        before = self._read(leaf, {}, {"optimizer": "by hand", "group": 0, "hyperparameters": {}})
        before.values.append(("input", 1, "data", self._recorder.store.take(new)))
        return [before]

    def after_writing(self, found: list[_Before], operation: str) -> None:
        """The operator has run: each leaf that it wrote to is an update event."""
        for before in found:
            before.info["hyperparameters"] = {"operation": operation}
            self.know(before.tensor, self._recorder.parameter(before.tensor))
            self._finish(before, {})


def _identity(grad: torch.Tensor | None) -> tuple[int, int] | None:
    return None if grad is None else (id(grad), -1 if grad.is_inference() else grad._version)


def _is_grad(value: tuple[str, int, str, int]) -> bool:
    return value[0] == "grad" or value[2].startswith("grad.")


def _tensor_dtype(value: Any) -> str | None:
    """The dtype of a hyperparameter that is a tensor, or has one in it: PyTorch then computes with it in that dtype."""
    members = value if isinstance(value, list | tuple) else (value,)
    return next((dtype_name(member.dtype) for member in members if isinstance(member, torch.Tensor)), None)


def _hyperparameters(group: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter group's plain values; a tensor of one element (a learning rate may be one) counts as its number."""

    def number(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [number(member) for member in value]
        return value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value

    return _plain_items({name: number(value) for name, value in group.items() if name != "params"})


def _tensor_items(state: Mapping[str, Any]) -> Iterable[tuple[str, int, torch.Tensor]]:
    """(name, slot, tensor) of an optimizer's state; LBFGS keeps lists of tensors."""
    for name, value in state.items():
        members = value if isinstance(value, list | tuple) else (value,)
        for slot, member in enumerate(members):
            if isinstance(member, torch.Tensor):
                yield str(name), slot, member


def _plain_items(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON can hold."""
    found = {}
    for name, value in mapping.items():
        plain = plain_value(value)
        if not isinstance(value, torch.Tensor) and (plain is not None or value is None):
            found[str(name)] = plain
    return found
