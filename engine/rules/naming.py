"""Formulas in the user's names, and with their numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from engine.arithmetic import value_of
from engine.recording.model import Node
from engine.rules.forward import Operand, forward_of, operands
from engine.rules.reading import GraphValues
from engine.rules.substitute import symbol
from engine.rules.values import NoDataError, UnsupportedError

PLACEHOLDER = re.compile(r"<(\w+)>")
NUMPY = {"float16": np.float16, "float32": np.float32, "float64": np.float64}
_INLINED = 2  # unnamed results within one another that are written out
_SHORT = (r"<self>^\mathsf{T}",)  # formulas that are written out however deep they stand


class Names:
    """Formulas in the user's names: an unnamed result is written as the formula that made it."""

    def __init__(self, graph: GraphValues) -> None:
        self._graph = graph
        self._alone: set[str] | None = None

    def formula(self, formula: str, given: Sequence[Operand], depth: int = _INLINED) -> str:
        """`formula` with the operands' names in the place of its placeholders, in order."""
        of = _by_placeholder(formula, given)
        return PLACEHOLDER.sub(lambda found: self._operand(found, of.get(found[1]), depth), formula)

    def _operand(self, found: re.Match[str], operand: Operand | None, depth: int) -> str:
        if operand is None or (operand.node is None and operand.value is None):
            return symbol(found[1])
        if operand.name:
            return symbol(operand.name)
        if operand.node is None and value_of(operand.value).size != 1:
            return symbol(found[1])
        if operand.node is None:
            return in_brackets(number_text(operand), found)
        node = self._graph.recording.node(operand.node)
        called = self.called(node)
        if called:
            return symbol(called)
        how = forward_of(node.type)
        try:
            if how is not None and (depth or how.formula in _SHORT):
                given = operands(self._graph, node, how)
                deeper = max(depth - (how.formula not in _SHORT), 0)
                return in_brackets(self.formula(how.written(node), given, deeper), found)
        except (NoDataError, UnsupportedError):
            pass
        short = _short(node.type)
        return symbol(f"{node.module}.{short}" if _is_name(node.module) else short)

    def called(self, node: Node) -> str:
        """The name of a node's result: the script's, else that of the module whose only operation it is; or ""."""
        if node.name or not _is_name(node.module):
            return node.name
        if self._alone is None:
            modules = Counter(other.module for other in self._graph.nodes if other.kind == "operation")
            outer = {module.rpartition(".")[0] for module in modules}
            self._alone = {module for module, count in modules.items() if count == 1} - outer
        kinds = (node.module.rpartition(".")[2].lower().replace("_", ""), node.module_type.lower())
        return node.module if node.module in self._alone or _short(node.type) in kinds else ""

    def of(self, node: Node) -> str:
        """A node's result: its name, or its formula."""
        called = self.called(node)
        operand = Operand(called, np.zeros(()), "", node.id)
        return symbol(called) if called else self.formula("<it>", [operand])


def numbered(formula: str, given: Sequence[Operand]) -> str:
    """The formula with numbers; "" if an operand is no single number."""
    of = _by_placeholder(formula, given)
    if not of or any(operand.value is None or value_of(operand.value).size != 1 for operand in of.values()):
        return ""
    return PLACEHOLDER.sub(lambda found: in_brackets(number_text(of[found[1]]), found), formula)


def _by_placeholder(formula: str, given: Sequence[Operand]) -> dict[str, Operand]:
    """In the order in which they stand; but `self` is the first operand, as it is the operator's first argument."""
    names = sorted(dict.fromkeys(PLACEHOLDER.findall(formula)), key=lambda name: name != "self")
    return dict(zip(names, given, strict=False))


def in_brackets(text: str, found: re.Match[str]) -> str:
    """In brackets where precedence or a sign asks for it: as a base, or after something else."""
    before, after = found.string[: found.start()].rstrip(), found.string[found.end() :].lstrip()
    sum_ = bool(re.search(r"(?<=.)[ ][+-][ ]", text))
    product = r"\cdot" in text or "/" in text or sum_
    factor = after.startswith((r"\cdot", "/")) or before.endswith((r"\cdot", "/"))
    needed = (
        (after.startswith("^") and (product or text.startswith("-")))
        or (factor and sum_)
        or (bool(before) and before[-1] not in "({[=," and text.startswith("-"))
        or (before.endswith("-") and sum_)
    )
    return rf"\left({text}\right)" if needed else text


def number_text(operand: Operand) -> str:
    number = value_of(operand.value).reshape(())
    if number.dtype.kind in "iub" or (number.dtype.kind == "f" and float(number).is_integer() and abs(number) < 1e15):
        return str(int(number))
    return digits(number.astype(NUMPY.get(operand.dtype, number.dtype.type)))


def derivative(names: Names, node: Node | None) -> str:
    """The loss's derivative with respect to a node's result, as LaTeX."""
    if node is None:
        return r"\frac{\partial L}{\partial \,?}"
    result = names.of(node)
    return rf"\frac{{\partial L}}{{\partial {result if names.called(node) else rf'({result})'}}}"


def digits(number: Any) -> str:
    return str(number.item()) if number.dtype == np.float64 else str(number[()])


def _is_name(module: str) -> bool:
    """Whether a module's path tells people something: numbers, as in nn.Sequential, do not."""
    return bool(re.search(r"[A-Za-z]", module))


def _short(type_: str) -> str:
    return type_.split("Backward", maxsplit=1)[0].lower()


_HAT = "\0"  # goes over the letter that follows
_SIGNS = {
    "cdot": "·", "partial": "∂", "sum": "Σ", "left": "", "right": "", "times": "×", "mathrm": "", "mathsf": "",
    "mathbf": "", "infty": "∞", "odot": "⊙", "gamma": "γ", "theta": "θ", "lambda": "λ", "beta": "β", "mu": "μ",
    "epsilon": "ε", "hat": _HAT, "leftarrow": "←", "le": "≤", "ge": "≥", ",": " ", "_": "_", "alpha": "α", "delta": "δ",
    "Delta": "Δ", "eta": "η", "rho": "ρ", "sigma": "σ", "tau": "τ", "nu": "ν", "phi": "φ", "nabla": "∇", "sqrt": "√",
    "text": "", "overline": "", "bar": "", "tilde": "", "operatorname": "", "mathbb": "", "quad": " ", ";": " ",
    "qquad": " ", "!": "", "|": "‖", "approx": "≈", "rightarrow": "→", "to": "→", "cdots": "…", "dots": "…",
    "ldots": "…", "neq": "≠", "ne": "≠", "pm": "±", "in": "∈", "prod": "Π", "limits": "",
    "lVert": "‖", "rVert": "‖", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "bmod": "mod", "psi": "ψ",
    "Gamma": "Γ", "Phi": "Φ", "pi": "π", "ast": "∗",
    "geq": "≥", "leq": "≤", "langle": "⟨", "rangle": "⟩", "zeta": "ζ", "varphi": "φ", "int": "∫",
}  # fmt: skip
_TOKEN = re.compile(r"\\([a-zA-Z]+|.)|([{}])|([^\\{}]+)")


def plain_text(latex: str) -> str:
    """A formula for people who see or hear text only: fractions get a slash, groups of more than a sign brackets."""
    text = " ".join(_group(iter(_TOKEN.findall(latex))).replace("^T", "ᵀ").split())
    return re.sub(rf"{_HAT}\s*(\w?)", "\\1\N{COMBINING CIRCUMFLEX ACCENT}", text)


def _group(tokens: Iterator[tuple[str, str, str]]) -> str:
    """Up to the brace that closes the group."""
    text = ""
    for command, brace, plain in tokens:
        if brace == "}":
            break
        if brace == "{":
            inner = _group(tokens)
            text += f"({inner})" if text.endswith(("^", "_", "√")) and len(inner) > 1 else inner
        elif command == "frac":
            above, below = _argument(tokens), _argument(tokens)
            text += f"{above}/{below}" if above.startswith("∂") else f"({above})/({below})"
        else:
            text += _SIGNS.get(command, command) if command else plain
    return text


def _argument(tokens: Iterator[tuple[str, str, str]]) -> str:
    """The next group, which a command takes."""
    next(tokens, None)
    return _group(tokens).replace("∂ ", "∂")
