"""Formulas on screen."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.desk.typeset import set_formula
from gui import theme
from gui.proof import formula as formula_module
from gui.proof.formula import FormulaView, arrange

PARTS = (r"\frac{\partial L}{\partial x}", r"= a \cdot b", r"+ c \cdot d", "= -6.25")


def test_a_wide_view_has_one_line_a_narrow_one_several(qapp: QApplication) -> None:
    wide, low = arrange([PARTS], 1000)
    narrow, high = arrange([PARTS], 90)
    assert len({part.baseline for part in wide}) == 1
    assert len({part.baseline for part in narrow}) > 1
    assert high > low
    assert [part.latex for part in narrow] == list(PARTS)
    for part in narrow:
        assert part.formula is not None
        assert part.x + part.formula.width * part.scale <= 91


def test_what_is_still_too_wide_is_shrunk_to_a_limit(qapp: QApplication) -> None:
    long = r"\mathrm{an\_input\_with\_a\_very\_long\_name\_indeed}"
    ((part,), _) = arrange([(long,)], 200)
    assert part.scale < formula_module.SCALE
    ((part,), _) = arrange([(long,)], 20)
    assert part.scale == pytest.approx(formula_module.SCALE * formula_module.SMALLEST)


def test_the_view_is_as_high_as_its_formulas_and_drawn_in_the_texts_colour(qapp: QApplication, qtbot: QtBot) -> None:
    view = FormulaView()
    qtbot.addWidget(view)
    view.resize(400, 10)
    view.set_rows([PARTS])
    one = view.height()
    view.set_rows([PARTS, (), PARTS])
    assert view.height() > 1.8 * one
    assert view.texts() == (" ".join(PARTS),) * 2
    theme.apply(qapp, "dark")
    view.show()
    image = view.grab().toImage()
    text = theme.current().text.rgb()
    assert any(image.pixel(x, y) == text for x in range(image.width()) for y in range(image.height()))


def test_what_cannot_be_set_is_written_out(qapp: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set_formula(r"\left( \begin{x}") is None
    view = FormulaView()
    qtbot.addWidget(view)
    view.set_rows([(r"\left( \begin{x}",)])
    view.resize(200, 40)
    view.show()
    assert not view.grab().isNull()
    assert view.height() >= formula_module.LEAST_ASCENT
