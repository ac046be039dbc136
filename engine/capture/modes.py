"""Puts the two modes of capture away while torch's own code of a backward pass runs, and on again for Python in it.

Some formulas that torch has in C++ ask whether a dispatch mode is active, and if one is, take a path that rounds
otherwise (`prod`, `masked_fill`). So a backward pass runs without ours: the engine restores, for each node, the modes
that were active when the pass began. Where a node or a hook is written in Python, it may make nodes, write to
parameters, or run a backward pass of its own; the modes are back for just that long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from engine.capture.forward import ForwardMode

Token = tuple[bool, bool]

_count: Callable[[], int] = torch._C._len_torch_dispatch_stack
_at: Callable[[int], object] = torch._C._get_dispatch_stack_at
_pop: Callable[[None], object] = torch._C._pop_torch_dispatch_stack
_push: Callable[[Any], None] = torch._C._push_on_torch_dispatch_stack


class Modes:
    """The dispatch mode and the function mode of one recorder."""

    def __init__(self, forward: ForwardMode, backward: TorchFunctionMode) -> None:
        self._forward = forward
        self._backward = backward

    @contextmanager
    def put_away(self) -> Iterator[None]:
        """The dispatch mode is not active inside; those of the user are. torch itself puts the function mode away."""
        if not self.dispatching():
            yield
            return
        above = []
        while (mode := _pop(None)) is not self._forward:
            above.append(mode)
        for other in reversed(above):
            _push(other)
        try:
            yield
        finally:
            above = [_pop(None) for _ in above]
            _push(self._forward)
            for other in reversed(above):
                _push(other)
            self._forward.catch_up()

    def dispatching(self) -> bool:
        """Whether the dispatch mode is active in this thread."""
        return any(_at(place) is self._forward for place in range(_count()))

    def enter(self) -> Token:
        """Put on what is not active in this thread; hand what this returns to `leave`.

        If what comes between raises, there is no need to leave: the engine restores the state of the thread.
        """
        dispatch = not self.dispatching()
        if dispatch:
            _push(self._forward)
            self._forward.catch_up()
        function = self._backward not in torch.overrides._get_current_function_mode_stack()
        if function:
            self._backward.__enter__()
        return dispatch, function

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Both are active inside."""
        token = self.enter()
        try:
            yield
        finally:
            self.leave(token)

    def leave(self, token: Token) -> None:
        """Put away what `enter` put on."""
        dispatch, function = token
        if function:
            self._backward.__exit__(None, None, None)
        if dispatch:
            _pop(None)
