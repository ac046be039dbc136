"""LaTeX to outlines, and where long formulas are broken."""

from __future__ import annotations

import pytest

from engine.desk.typeset import pieces, set_formula, tidy
from engine.rules.registry import all_rules
from engine.rules.substitute import symbols


@pytest.mark.parametrize(
    ("latex", "parts"),
    [
        (r"\frac{\partial L}{\partial a} = G \cdot b", (r"\frac{\partial L}{\partial a}", r"= G \cdot b")),
        (r"= 1 \cdot 2 + 3 \cdot \left(-4 + 1\right) - 5 \approx 6",
         (r"= 1 \cdot 2", r"+ 3 \cdot \left(-4 + 1\right)", "- 5", r"\approx 6")),
        (r"= -7", ("= -7",)),
        (r"a = b c, \quad b = d + 1", ("a", "= b c,", r"\quad b = d", "+ 1")),
        (r"a \cdot -b", (r"a \cdot -b",)),
        (r"\begin{cases} a = 1 \\ b + 2 \end{cases} + c", (r"\begin{cases} a = 1 \\ b + 2 \end{cases}", "+ c")),
        (r"a \leftarrow b + c", (r"a \leftarrow b", "+ c")),
        ("", ()),
    ],
)  # fmt: skip
def test_a_formula_is_broken_outside_of_brackets(latex: str, parts: tuple[str, ...]) -> None:
    assert pieces(latex) == parts


@pytest.mark.parametrize(
    ("latex", "tidied"),
    [
        ("-4", "{-}4"),
        ("2 - 1", "2 - 1"),
        (r"\approx -1.5", r"\approx {-}1.5"),
        (r"2 \cdot \left(-4\right)^{2 - 1}", r"2 \cdot ({-}4)^{2 - 1}"),
        ("10^{-7}", "10^{{-}7}"),
    ],
)
def test_a_sign_stands_close_to_its_number(latex: str, tidied: str) -> None:
    assert tidy(latex) == tidied


def test_a_formula_has_a_size_and_a_line_to_stand_on() -> None:
    low, high = set_formula("x"), set_formula(r"\frac{x}{\sqrt{y}}")
    assert low is not None
    assert high is not None
    assert "currentColor" in low.svg
    assert high.ascent > low.ascent > 0
    assert high.descent > low.descent
    assert set_formula("x") is low


def test_a_bar_over_a_letter_has_the_colour_of_the_letter() -> None:
    """Black on a dark ground is not seen, and a conjugate without its bar is another number."""
    conjugate = set_formula(r"\overline{G}")
    assert conjugate is not None
    assert "<rect" in conjugate.svg
    assert "black" not in conjugate.svg


def test_what_cannot_be_set_is_left_to_the_caller() -> None:
    assert set_formula(r"\begin{cases} \left( ") is None


def test_formulas_of_rules_can_be_set() -> None:
    """A sample of them, since each takes its time; a different one each day would be no test."""
    formulas = sorted({formula for rule in all_rules().values() for formula in rule.formulas.values()})
    for formula in formulas[:: max(len(formulas) // 25, 1)]:
        for part in pieces(rf"\frac{{\partial L}}{{\partial x}} = {symbols(formula)}"):
            assert set_formula(part) is not None, part
