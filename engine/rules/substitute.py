"""A rule's formula with the numbers of one node: `1 \\cdot 2 \\cdot (-3)^{2 - 1}`.

`<name>` in the formula of an elementwise rule stands for one number: `G` for the gradient that entered, else for what
the node saved, or an argument of the operator. The formulas of other rules stand for whole tensors; one element of
their gradients is written as the sum that it is, largest terms first.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.arithmetic.bounded import value_of
from engine.recording.model import Shape
from engine.rules.registry import Rule
from engine.rules.terms import Index, Term, Terms, break_down
from engine.rules.values import NodeValues, UnsupportedError

WRITTEN = 3  # terms that are written out; the others are dots
DIGITS = 5
_PLACEHOLDER = re.compile(r"<(\w+)>")
_COMMAND = re.compile(r"\\mathrm\{[^}]*\}|\\[a-zA-Z]+")
_LETTER, _DEFINED = re.compile(r"[a-zA-Z]"), re.compile(r"([a-zA-Z]) = ")
_OPENING = "({[=,"


@dataclass(frozen=True)
class Substitution:
    """One element of one gradient in numbers.

    `numbers`: LaTeX of the sum or the formula, without its result. `value`: the result. `exact`: no number is rounded.
    `terms`: what the element is the sum of.
    """

    numbers: str
    value: complex
    exact: bool
    terms: Terms


def formula_of(rule: Rule, slot: int) -> tuple[str, str]:
    """PyTorch's name of the input at `slot`, and the formula of its gradient. All members of a list share one."""
    formulas = tuple(rule.formulas.items())
    return formulas[min(slot, len(formulas) - 1)] if formulas else ("", "")


def symbols(formula: str) -> str:
    """The formula as LaTeX, its placeholders as upright names."""
    return _PLACEHOLDER.sub(lambda found: symbol(found[1]), formula)


def symbol(name: str) -> str:
    """A name as LaTeX: one letter stands in italics, as in textbooks."""
    return name if len(name) == 1 else rf"\mathrm{{{name}}}".replace("_", r"\_")


def substitute(rule: Rule, values: NodeValues, slot: int, index: Index) -> Substitution:
    """Element `index` of the gradient of input `slot` in numbers. `values` must be plain.

    Raises UnsupportedError if it is not known what the element is the sum of, NoDataError if a number was not recorded.
    """
    terms = break_down(rule, values, slot, index)
    written = [_term(rule, values, slot, term) for term in terms.listed[:WRITTEN]]
    if not written:
        return Substitution("0", 0.0, True, terms)
    parts = [written[0][0], *(_addend(text) for text, _ in written[1:])]
    if terms.count > len(written):
        parts.append(r"+ \cdots")
    exact = terms.count == len(written) and all(fits for _, fits in written) and latex_number(terms.total)[1]
    return Substitution(" ".join(parts), terms.total, exact, terms)


def _addend(text: str) -> str:
    return f"- {text[1:].lstrip()}" if text.startswith("-") else f"+ {text}"


def _term(rule: Rule, values: NodeValues, slot: int, term: Term) -> tuple[str, bool]:
    """One term in numbers, and whether none of them is rounded."""
    if rule.kind == "moving" and term.coefficient == 1:
        return latex_number(term.grad)
    if rule.kind == "elementwise":
        filled = _filled(formula_of(rule, slot)[1], values, term.index)
        if filled is not None:
            return filled
    coefficient, gradient = latex_number(term.coefficient), latex_number(term.grad)
    return f"{_guarded(coefficient[0])} \\cdot {_bracketed(gradient[0])}", coefficient[1] and gradient[1]


def _filled(formula: str, values: NodeValues, index: Index) -> tuple[str, bool] | None:
    """The formula with the numbers at element `index` of the output; None if a name is no number that the node has."""
    exact, last, parts = True, 0, []
    found = list(_PLACEHOLDER.finditer(formula))
    if not found or _has_unknown(formula):
        return None
    for place in found:
        number = _number(values, place[1], index)
        if number is None:
            return None
        text, fits = latex_number(number)
        exact &= fits
        before, after = formula[: place.start()].rstrip(), formula[place.end() :].lstrip()
        power = after.startswith("^")
        alone = not before or before[-1] in _OPENING
        inside = text.startswith("-") or "+" in text or (power and "cdot" in text)
        parts += [formula[last : place.start()], _bracketed(text, inside and (power or not alone))]
        last = place.end()
    return "".join([*parts, formula[last:]]), exact


def _has_unknown(formula: str) -> bool:
    """Whether there is a letter, other than e, in it that stands for a number and that it does not define."""
    plain = _COMMAND.sub("", _PLACEHOLDER.sub("", formula)).replace("e^", "^")
    return bool(set(_LETTER.findall(plain)) - set(_DEFINED.findall(plain)))


def _number(values: NodeValues, name: str, index: Index) -> Any:
    """The number called `name` at an element of the output, or None."""
    if name == "G":
        return _element(value_of(values.grad()), index)
    if values.has(name):
        return _element(value_of(values.saved(name)), index)
    if name == "result":
        try:
            return _element(value_of(values.output()), index)
        except UnsupportedError:
            return None
    found = values.argument(name, None)
    return found if isinstance(found, int | float | complex) else None


def _element(array: Any, index: Index) -> Any:
    """The element of a tensor that was broadcast to a larger one, at `index` of the latter; None if it does not fit."""
    place = broadcast_index(index, array.shape)
    return None if place is None else array[place].item()


def broadcast_index(index: Index, shape: Shape) -> Index | None:
    """Where element `index` of a larger tensor comes from in one of `shape`."""
    extra = len(index) - len(shape)
    if extra < 0:
        return None
    place = tuple(0 if length == 1 else at for at, length in zip(index[extra:], shape, strict=True))
    return place if all(at < length for at, length in zip(place, shape, strict=True)) else None


def latex_number(value: Any, digits: int = DIGITS) -> tuple[str, bool]:
    """A number as LaTeX with so many significant digits, and whether that is all of it."""
    if isinstance(value, bool | np.bool_):
        return str(int(value)), True
    if isinstance(value, complex | np.complexfloating) and value.imag:
        (real, first), (imaginary, second) = (latex_number(part, digits) for part in (value.real, value.imag))
        sign = "-" if imaginary.startswith("-") else "+"
        return f"{real} {sign} {imaginary.removeprefix('-')} i", first and second
    number = value.real if isinstance(value, complex | np.complexfloating) else value
    if isinstance(number, int | np.integer):
        return str(int(number)), True
    return _real(float(number), digits)


def _real(number: float, digits: int) -> tuple[str, bool]:
    if math.isnan(number):
        return r"\mathrm{NaN}", True
    if math.isinf(number):
        return (r"\infty" if number > 0 else r"-\infty"), True
    text = f"{number:.{digits}g}"
    exact = float(text) == number
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return ("0" if number == 0 else text), exact
    power = f"10^{{{int(exponent)}}}"
    if mantissa in ("1", "-1"):
        return mantissa.removesuffix("1") + power, exact
    return rf"{mantissa} \cdot {power}", exact


def _bracketed(text: str, needed: bool | None = None) -> str:
    """In brackets if it has a sign of its own."""
    if needed is None:
        needed = text.startswith("-") or "+" in text or " - " in text
    return rf"\left({text}\right)" if needed else text


def _guarded(text: str) -> str:
    """As the first factor: brackets only round sums."""
    return _bracketed(text, "+" in text or " - " in text)
