"""What is known of tensors that live, by identity and not by their elements."""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar

import torch
from torch.utils.weak import WeakIdKeyDictionary

T = TypeVar("T")


class ByTensor(Generic[T]):
    """A mapping that keeps no tensor alive. torch's own is exact, and slow: what was found there once is kept beside.

    A Python object of a tensor may go and come back while the tensor lives; torch's mapping sees to that.
    """

    def __init__(self) -> None:
        self._all: Any = WeakIdKeyDictionary()
        self._found: dict[int, tuple[weakref.ref[torch.Tensor], T]] = {}

    def get(self, tensor: torch.Tensor) -> T | None:
        """What is known of this very tensor, or None."""
        key = id(tensor)
        found = self._found.get(key)
        if found is not None:
            if found[0]() is tensor:
                return found[1]
            self._found.pop(key, None)  # another thread may have done it
        if not self._all:
            return None
        known: T | None = self._all.get(tensor)
        if known is not None:
            self._found[key] = weakref.ref(tensor), known
        return known

    def __setitem__(self, tensor: torch.Tensor, known: T) -> None:
        self._all[tensor] = known
        self._found[id(tensor)] = weakref.ref(tensor), known
