"""The templates by type of `grad_fn`: how each is written in NumPy, forwards and backwards.

To add one, write two functions of a `NodeText`. The forward puts the output, the backward gives each input its
gradient; `n.x(slot)` is the variable of an input, `n.out` that of the output, `n.g` that of the gradient that entered:

    @forward("TransposeBackward0")
    def transpose(n):
        n.put(f"{n.x()}.swapaxes({n.axis('dim0')}, {n.axis('dim1')})")

    @backward("TransposeBackward0")
    def transpose_backward(n):
        n.give(0, f"{n.g}.swapaxes({n.axis('dim0')}, {n.axis('dim1')})", broadcast=False)

What takes more than two lines is a function of the program's own, in `kernels*.py`: a plain function of NumPy arrays,
which is copied into the programs that call it (`n.call("softmax", n.x(), axis=1)`). Where a case is not covered, raise
NoTemplateError: the program then takes the recorded numbers, and says so.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.export.script.writing import NodeText

Template = Callable[[NodeText], None]
FORWARD: dict[str, Template] = {}
BACKWARD: dict[str, Template] = {}


def forward(types: str) -> Callable[[Template], Template]:
    """Register how the operators of `types` (separated by spaces) are computed."""
    return _register(FORWARD, types)


def backward(types: str) -> Callable[[Template], Template]:
    """Register how the gradients of `types` are computed."""
    return _register(BACKWARD, types)


def _register(table: dict[str, Template], types: str) -> Callable[[Template], Template]:
    def register(template: Template) -> Template:
        for name in types.split():
            if name in table:
                raise ValueError(f"there are two templates for {name}")
            table[name] = template
        return template

    return register
