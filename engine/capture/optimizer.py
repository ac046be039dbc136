"""Sees every update of a parameter: by an optimizer, or written by hand."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from engine.capture.forward import plain_value
from engine.capture.guard import Quiet

if TYPE_CHECKING:
    from engine.capture.recorder import Recorder

Values = list[tuple[str, int, str, int]]


@dataclass(slots=True)
class _Before:
    """A parameter as it was before an update."""

    tensor: torch.Tensor
    parameter: int
    values: Values
    info: dict[str, Any] = field(default_factory=dict)


class Updates:
    """Writes update events. Leaves are known from the backward passes that they took part in."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._leaves: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}
        self._before: list[list[_Before]] = []
        self._handles: list[Any] = []

    def watch(self) -> None:
        """See every `torch.optim` optimizer from now on."""
        self._handles = [
            register_optimizer_step_pre_hook(self._before_step),
            register_optimizer_step_post_hook(self._after_step),
        ]

    def unwatch(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def know(self, leaf: torch.Tensor, parameter: int) -> None:
        """Remember where a leaf's memory is, to notice writes to it. The caller holds a `Quiet`."""
        if leaf.layout is torch.strided and leaf.device.type != "meta":
            self._leaves[leaf.untyped_storage()._cdata] = (weakref.ref(leaf), parameter)

    def _before_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        recorder = self._recorder
        if not recorder.active:
            return
        has_closure = any(callable(argument) for argument in (*args[1:], *kwargs.values()))  # args[0] is the optimizer
        if has_closure:
            recorder.before_operation()  # a forward pass is to come
        found: list[_Before] = []
        with recorder.careful(), Quiet():
            for index, group in enumerate(optimizer.param_groups):
                hyperparameters = _plain_items(group, skip=("params",))
                for tensor in group["params"]:
                    if tensor.grad is not None or has_closure:
                        info = {
                            "optimizer": type(optimizer).__name__,
                            "group": index,
                            "hyperparameters": hyperparameters,
                        }
                        found.append(self._read(tensor, optimizer.state.get(tensor, {}), info))
        self._before.append(found)
        recorder.in_optimizer += 1

    def _after_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        recorder = self._recorder
        if not recorder.active or not self._before:
            return
        recorder.in_optimizer -= 1
        with recorder.careful(), Quiet():
            for before in self._before.pop():
                self._finish(before, optimizer.state.get(before.tensor, {}))

    def _read(self, tensor: torch.Tensor, state: Mapping[str, Any], info: dict[str, Any]) -> _Before:
        """The parameter, its gradient and its optimizer state. The caller holds a `Quiet`."""
        store = self._recorder.store
        values: Values = [("param_before", 0, "", store.take(tensor))]
        if tensor.grad is not None:
            values.append(("grad", 0, "", store.take(tensor.grad)))
        values += [("state_before", slot, name, store.take(item)) for name, slot, item in _tensor_items(state)]
        plain = _plain_items(state)
        if plain:
            info["state"] = plain
        return _Before(tensor, self._recorder.parameter(tensor), values, info)

    def _finish(self, before: _Before, state: Mapping[str, Any]) -> None:
        """Read what the update left, and write the event. The caller holds a `Quiet`."""
        recorder = self._recorder
        before.values.append(("param_after", 0, "", self._take_written(before.tensor)))
        for name, slot, item in _tensor_items(state):
            before.values.append(("state_after", slot, name, self._take_written(item)))
        plain = _plain_items(state)
        if plain:
            before.info["state_after"] = plain
        graph, node = recorder.place_of(before.parameter)
        recorder.event("update", before.values, graph=graph, node=node, parameter=before.parameter, info=before.info)

    def _take_written(self, tensor: torch.Tensor) -> int:
        """Older optimizers write through `.data`, which counts no version up: forget what was known of the memory."""
        if tensor.layout is torch.strided:
            self._recorder.store.forget_storage(tensor.untyped_storage()._cdata)
        return self._recorder.store.take(tensor)

    def before_writing(self, written: Iterable[torch.Tensor]) -> list[_Before]:
        """Leaves among what an operator is about to write to, as they are. The caller holds a `Quiet`."""
        found = []
        for tensor in written if self._leaves else ():
            if tensor.layout is not torch.strided:
                continue
            reference, _ = self._leaves.get(tensor.untyped_storage()._cdata, (None, 0))
            leaf = reference() if reference is not None else None
            if leaf is not None and leaf.untyped_storage()._cdata == tensor.untyped_storage()._cdata:
                found.append(self._read(leaf, {}, {"optimizer": "by hand", "group": 0, "hyperparameters": {}}))
        return found

    def before_assigning(self, leaf: Any, new: Any) -> list[_Before]:
        """The same for `leaf.data = new`; assigning a tensor its own memory (`leaf.data -= …`) changes nothing more."""
        if not isinstance(leaf, torch.Tensor) or not isinstance(new, torch.Tensor):
            return []
        address = leaf.untyped_storage()._cdata
        if address not in self._leaves or address == new.untyped_storage()._cdata:
            return []
        return [self._read(leaf, {}, {"optimizer": "by hand", "group": 0, "hyperparameters": {}})]

    def after_writing(self, found: list[_Before], operation: str) -> None:
        """The operator has run: each leaf that it wrote to is an update event."""
        for before in found:
            before.info["hyperparameters"] = {"operation": operation}
            self.know(before.tensor, before.parameter)
            self._finish(before, {})


def _tensor_items(state: Mapping[str, Any]) -> Iterable[tuple[str, int, torch.Tensor]]:
    """(name, slot, tensor) of an optimizer's state; LBFGS keeps lists of tensors."""
    for name, value in state.items():
        members = value if isinstance(value, list | tuple) else (value,)
        for slot, member in enumerate(members):
            if isinstance(member, torch.Tensor):
                yield str(name), slot, member


def _plain_items(mapping: Mapping[str, Any], skip: tuple[str, ...] = ()) -> dict[str, Any]:
    """What JSON can hold, tensors of one element included (a learning rate may be one)."""
    found = {}
    for name, value in mapping.items():
        if name in skip:
            continue
        if isinstance(value, torch.Tensor):
            if skip and value.numel() == 1:
                found[str(name)] = value.item()
            continue
        plain = plain_value(value)
        if plain is not None or value is None:
            found[str(name)] = plain
    return found
