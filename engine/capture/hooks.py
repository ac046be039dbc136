"""Sees what hooks of the user do to gradients.

A hook on a tensor may replace the gradient that came, and one that runs after accumulation may use up `.grad`. So
the hook is registered in a wrapper that notes what came, and puts the modes of capture on while it runs.
"""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any

import torch

from engine.capture.guard import Quiet

if TYPE_CHECKING:
    from engine.capture.recorder import Recorder

Place = tuple[str, int, int]
_KEPT = 100_000


class UserHooks:
    """What hooks of the user were given since it was asked for last: numbers of tensors by place."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = weakref.ref(recorder)
        self._seen: dict[Place, int] = {}
        self._wrappers: weakref.WeakSet[Any] = weakref.WeakSet()

    def wrapped(self, tensor: torch.Tensor, hook: Any, *, accumulated: bool) -> Any:
        """`hook`, watched. `accumulated`: it runs after accumulation and is given the leaf, not its gradient."""
        if not callable(hook):
            return hook
        with torch._C.DisableTorchFunction():
            place = _leaf_place(tensor, accumulated) if tensor.grad_fn is None else _node_place(tensor)

        def watched(argument: Any) -> Any:
            recorder = self._recorder()
            if recorder is None or not recorder.active:
                return hook(argument)
            with recorder.careful(), Quiet():
                content = argument.grad if accumulated else argument
                if isinstance(content, torch.Tensor) and len(self._seen) < _KEPT:
                    self._seen.setdefault(place, recorder.store.take(content))
            with recorder.modes.entered():
                return hook(argument)

        functools.update_wrapper(watched, hook, updated=())
        self._wrappers.add(watched)
        return watched

    def forget(self) -> None:
        """Nothing of what was seen so far is asked for again."""
        self._seen.clear()

    def were_given(self) -> bool:
        """Whether there is anything to ask for."""
        return bool(self._seen)

    def arrived(self, number: int, slot: int) -> int | None:
        """The gradient that came to output `slot` of the node with this sequence number, if a hook was given it."""
        return self._seen.pop(("node", number, slot), None)

    def arrived_at(self, leaf: torch.Tensor) -> int | None:
        """The same for a leaf."""
        return self._seen.pop(_leaf_place(leaf, False), None)

    def accumulated(self, leaf: torch.Tensor) -> int | None:
        """What `.grad` of a leaf held when the first hook after accumulation was given it."""
        return self._seen.pop(_leaf_place(leaf, True), None)

    def unseen(self, leaf: torch.Tensor) -> bool:
        """Whether a leaf has hooks that were registered before the recording began."""
        registered = (leaf._backward_hooks, getattr(leaf, "_post_accumulate_grad_hooks", None))
        return any(hook not in self._wrappers for hooks in registered if hooks for hook in hooks.values())


def _leaf_place(leaf: torch.Tensor, accumulated: bool) -> Place:
    return "accumulated" if accumulated else "leaf", id(leaf), 0


def _node_place(tensor: torch.Tensor) -> Place:
    fn: Any = tensor.grad_fn
    return "node", fn._sequence_nr(), tensor.output_nr


def has_others(handle: Any) -> bool:
    """Whether other hooks stand beside the one of this handle."""
    hooks = handle.hooks_dict_ref()
    return hooks is not None and len(hooks) > 1


def to_front(handle: Any) -> None:
    """Let this hook run before the others beside it. The engine takes them in the order in which they were put in."""
    hooks = handle.hooks_dict_ref()
    for number in list(hooks):
        if number != handle.id:
            hooks[number] = hooks.pop(number)
