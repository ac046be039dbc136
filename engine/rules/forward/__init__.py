r"""The arithmetic of the forward pass, by type of node.

What is not here counts as "as recorded". To add an operation, give its formula, with `<name>` for each operand in the
order of the operator's arguments and `<:name>` for an argument that is a number, and a function of those operands and
the node's values, in the table of its family:

    "SubBackward0": Forward(r"<self> - <:alpha=1> \cdot <other>", lambda a, n: a[0] - n.argument("alpha", 1) * a[1]),

The same function runs on plain arrays and on `Bounded` ones, as a rule does.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from engine.rules.forward.model import Forward, Operand, Table
from engine.rules.forward.operands import operands

FAMILIES = ("arithmetic", "activations", "functions", "moves", "choices", "layers", "places", "waves", "losses")
__all__ = ["FAMILIES", "Forward", "Operand", "forward_of", "operands", "table"]


def forward_of(type_: str) -> Forward | None:
    """The forward arithmetic of a type of node, or None."""
    return table().get(type_)


@cache
def table() -> Table:
    """All of it, by type."""
    found: dict[str, Forward] = {}
    for family in FAMILIES:
        found |= import_module(f"engine.rules.forward.{family}").TABLE
    return found
