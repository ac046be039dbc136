"""What the forward arithmetic of a type of node is, and what goes into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.arithmetic import Array
from engine.rules.values import NodeValues

Function = Callable[[Sequence[Array], NodeValues], Array]
Table = Mapping[str, "Forward"]


@dataclass(frozen=True)
class Operand:
    """What goes into an operation: its value, the user's `name` for it or "", and the node that made it, if one did.

    `value` is None where an argument was left out, as a bias may be.
    """

    name: str
    value: Any
    dtype: str
    node: int | None = None


@dataclass(frozen=True)
class Forward:
    """How one type of node was computed. `formula` is LaTeX with `<name>` for each operand, in order (`<self>` first).

    `positions`: for each operand, which argument of the operator it is, where that is not just its place; `listed`: the
    first argument is a list of tensors, and the operands are its members.
    """

    formula: str
    function: Function
    positions: tuple[int, ...] | None = None
    listed: bool = False


def spread(types: str, forward: Forward) -> dict[str, Forward]:
    """The same for several types, separated by spaces."""
    return dict.fromkeys(types.split(), forward)
