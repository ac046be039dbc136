"""What the forward arithmetic of a type of node is, and what goes into it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.arithmetic import Array
from engine.recording.model import Node
from engine.rules.substitute import latex_number, symbol
from engine.rules.values import NodeValues

_ARGUMENT = re.compile(r"(?P<over> / )?<:(?P<name>\w+)(?:=(?P<default>[^>]*))?>(?P<times> \\cdot )?")
_REDUCED = {1: r"\mathrm{mean}", 2: r"\sum"}
_DIGITS = 9  # of an argument
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
    r"""How one type of node was computed. `formula` is LaTeX with `<name>` for each operand, in order (`<self>` first).

    `<:name>` is an argument that is a number, `<:name=1>` one that may be left out; as a factor or a divisor that is 1
    it is not written. `<:reduction>` is what is done with the single losses.

    `positions`: for each operand, which argument of the operator it is, where that is not just its place; `listed`: the
    first argument is a list of tensors, and the operands are its members.
    """

    formula: str
    function: Function
    positions: tuple[int, ...] | None = None
    listed: bool = False

    def written(self, node: Node) -> str:
        """The formula with the arguments that `node` was called with; the operands are still to be filled in."""
        given = node.info.get("saved", {}) | node.info.get("args", {})

        def filled(found: re.Match[str]) -> str:
            over, name, default, times = found["over"] or "", found["name"], found["default"], found["times"] or ""
            if name == "reduction":
                return _REDUCED.get(given.get(name, 1), "")
            value = given.get(name)
            if isinstance(value, list) and len(value) == 2 and node.dtype and node.dtype.startswith("complex"):
                value = complex(*value)
            if isinstance(value, bool) or not isinstance(value, int | float | complex):
                if default is None:
                    return f"{over}{symbol(name)}{times}"
                value = float(default)
            if value == 1 and (over or times):
                return ""
            text = latex_number(value, _DIGITS)[0]
            if (text.startswith("-") or text.endswith(" i")) and (over or times):
                text = rf"\left({text}\right)"
            return f"{over}{text}{times}"

        return _ARGUMENT.sub(filled, self.formula)


def spread(types: str, forward: Forward) -> dict[str, Forward]:
    """The same for several types, separated by spaces."""
    return dict.fromkeys(types.split(), forward)
