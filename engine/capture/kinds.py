"""What kind of optimizer it is that takes a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.optim import Optimizer


def is_own(optimizer: Optimizer, name: str) -> bool:
    """Whether this is PyTorch's own optimizer of that name, and no class made from it."""
    return type(optimizer) is getattr(torch.optim, name, None)


def base_of(kind: type) -> type | None:
    """The class of `torch.optim` that this one is, or that it is made from."""
    for found in kind.__mro__:
        if found.__module__.startswith("torch.optim.") and found is not Optimizer:
            return found
    return None


def is_wrapper(optimizer: Optimizer) -> bool:
    """Whether it hands its parameters to an optimizer that it holds, as Lookahead and ZeroRedundancyOptimizer do.

    Then that one updates them, and what the wrapper itself writes is written by hand.
    """
    if base_of(type(optimizer)) is type(optimizer):
        return False
    own = _ids(optimizer)
    for held in _members(vars(optimizer).values()):
        if isinstance(held, Optimizer) and held is not optimizer and own & _ids(held):
            return True
    return False


def _ids(optimizer: Optimizer) -> set[int]:
    """Of all its parameters."""
    return {id(tensor) for group in optimizer.param_groups for tensor in group["params"]}


def _members(values: Any) -> Iterator[Any]:
    """Each value; of plain lists, tuples and dicts what is in them."""
    for value in values:
        if type(value) is dict:
            yield from value.values()
        elif type(value) in (list, tuple):
            yield from value
        else:
            yield value
