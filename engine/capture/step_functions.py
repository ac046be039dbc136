"""Lets the step of torch's own optimizers run without the dispatch mode.

`torch.optim.Optimizer` puts a function around the `step` of each class that calls the hooks and, between them, the step
itself, which it keeps in a cell of its closure. Only from in there can the mode be put back whatever the step raises: a
hook is not told of that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import CellType
from typing import Any

_Around = Callable[[], AbstractContextManager[None]]


class StepFunctions:
    """The steps that run inside `around()`."""

    def __init__(self, around: _Around) -> None:
        self._around = around
        self._changed: dict[int, tuple[CellType, Any, Any]] = {}  # by the cell: what it held, and what it holds now

    def enclose(self, step: Any) -> None:
        """`step`, a class's as torch has wrapped it, runs inside `around()` from now on; torch may be about to call it.

        Nothing happens where another version of torch wraps it otherwise.
        """
        cell = _cell_of(step)
        if cell is None or id(cell) in self._changed:
            return
        inner = cell.cell_contents
        cell.cell_contents = enclosed = _enclosed(inner, self._around)
        self._changed[id(cell)] = cell, inner, enclosed

    def restore(self) -> None:
        """All steps are as they were, unless others have changed them since."""
        for cell, inner, enclosed in self._changed.values():
            if cell.cell_contents is enclosed:
                cell.cell_contents = inner
        self._changed.clear()


def _cell_of(step: Any) -> CellType | None:
    names = getattr(getattr(step, "__code__", None), "co_freevars", ())
    if not getattr(step, "hooked", False) or "func" not in names:
        return None
    found: CellType = step.__closure__[names.index("func")]
    return found


def _enclosed(step: Callable[..., Any], around: _Around) -> Callable[..., Any]:
    @functools.wraps(step)
    def enclosed(*args: Any, **kwargs: Any) -> Any:
        with around():
            return step(*args, **kwargs)

    return enclosed
