"""Names for the variables of a program, made from the user's names for parameters, tensors and modules."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata

from engine.recording.model import Node

_TAKEN = frozenset(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        "main",
        "math",
        "np",
        "number",
        "step",
        "sys",
        "values",
        "Path",
    }
)
_CALLED = {
    "unsafe_view": "view",
    "t": "transposed",
    "native_layer_norm": "layer_norm",
    "log_softmax": "log_shares",
    "softmax": "shares",
    "scaled_dot_product_flash_attention_for_cpu": "attended",
    "sum": "total",
    "max": "largest",
    "min": "smallest",
    "abs": "size",
    "pow": "power",
    "safe_softmax": "shares",
    "mm": "product",
    "bmm": "product",
    "addmm": "product",
}


class Names:
    """Hands out identifiers, each once; `reserved` are those of the program's own functions."""

    def __init__(self, reserved: frozenset[str] = frozenset()) -> None:
        self._reserved = _TAKEN | reserved
        self._used: set[str] = set()

    def new(self, wanted: str) -> str:
        """`wanted` as an identifier; one that was given out before, or means something else, gets a number."""
        base = identifier(wanted)
        base = f"{base}_" if base in self._reserved else base
        name, count = base, 2
        while name in self._used or name in self._reserved:
            name, count = f"{base}_{count}", count + 1
        self._used.add(name)
        return name


def identifier(text: str) -> str:
    """`text` with what no identifier may have turned into underscores: "layer1.0.weight" → "layer1_0_weight"."""
    plain = unicodedata.normalize("NFKC", text)
    name = re.sub(r"\W+", "_", plain).strip("_")
    if name and not name[0].isdigit() and name.isidentifier():
        return name
    name = f"layer_{name}" if name else "number_"
    return name if name.isidentifier() else "value"


def operator(node: Node) -> str:
    """The operator without namespace, overload and the underscore of those that write in place: "add"."""
    found = node.operation.split(".")
    name = (found[1] if len(found) > 1 else node.type.split("Backward")[0].lower()).strip("_")
    return _CALLED.get(name, name)


def of_output(node: Node, *, last_of_module: bool) -> str:
    """What to call the result of an operation: the user's variable, or its module, or module and operator."""
    if node.name:
        return node.name
    if not node.module:
        return operator(node)
    return node.module if last_of_module else f"{node.module}.{operator(node)}"


def comment(text: str, length: int = 100) -> str:
    """Recorded text as it may stand in a comment or docstring: one line of printable characters."""
    line = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(line.split()).replace("\\", "/").replace('"""', "'''")
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
