"""Lets capture look at tensors without being seen, by autograd or by its own hooks."""

from __future__ import annotations

from types import TracebackType

import torch


class Quiet:
    """Inside `with Quiet():` tensor operations make no nodes, bump no sequence number, and reach no mode.

    The guards are thread-local, so a `Quiet` is made where it is used and not kept.
    """

    __slots__ = ("_guards",)

    def __enter__(self) -> None:
        self._guards = (
            torch._C.DisableTorchFunction(),
            torch._C._DisableTorchDispatch(),
            torch._C._AutoDispatchBelowAutograd(),
        )
        for guard in self._guards:
            guard.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for guard in reversed(self._guards):
            guard.__exit__(kind, error, trace)
