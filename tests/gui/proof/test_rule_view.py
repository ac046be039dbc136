"""The section "By hand" of the inspector: formulas, badge, terms, and the way upstream."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine.desk.element import Element
from gui.inspector.panel import InspectorPanel, gradient_of
from gui.proof.rows import ROW_HEIGHT
from gui.proof.store import Verdict
from gui.session import Session
from gui.tensor_views.heatmap import HeatMap
from tests.gui import layers
from tests.gui.layers import make_layers
from tests.gui.walking import assert_walking_equals_seeking
from tests.recordings import make_bow

POW, SUB, ADD, MUL, B, W = range(6)
LAST_BACKWARD = 9  # the event after which the first training step's gradients are all there


def panel_of(qtbot: QtBot, session: Session) -> InspectorPanel:
    panel = InspectorPanel(session)
    qtbot.addWidget(panel)
    panel.resize(340, 900)
    panel.show()
    return panel


def disturb(path: Path, event_role: str, value: float) -> None:
    """Write another number into the first backward node's gradient."""
    with sqlite3.connect(path) as connection:
        ((tensor,),) = connection.execute(
            "SELECT value.tensor FROM value JOIN event ON event.id = value.event"
            " WHERE event.kind = 'backward' AND value.role = ? ORDER BY event.id LIMIT 1",
            (event_role,),
        ).fetchall()
        data = np.float32(value).tobytes()
        connection.execute("UPDATE tensor SET data = ? WHERE id = ?", (data, tensor))
    connection.close()


def test_walking_equals_seeking(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)

    def drawn() -> Hashable:
        panel.refresh()
        return panel.rule.drawn_state()

    forth = assert_walking_equals_seeking(session, drawn)
    assert len(set(forth.values())) > 5


def test_the_badge_waits_for_the_playhead(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    session.select(POW)
    panel.drawn_state()
    assert panel.rule._badge.state == "pending"
    (line,) = [view for view in panel.rule._lines if not view.isHidden()]
    assert len(line.formula.texts()) == 1  # the formula, without numbers
    assert line.element is None
    session.seek(LAST_BACKWARD)
    panel.drawn_state()
    assert panel.rule._badge.state == "proved"
    assert line.formula.texts()[1] == r"= 1 \cdot 2 \cdot \left(-3.75\right)^{2 - 1} = -7.5"
    (fact,) = panel.rule._facts.facts
    assert fact.value == "0, equal in every digit"
    assert session.proofs.get(POW) is None  # where one looked is not marked on the canvas


def test_nothing_waits_for_the_arithmetic(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    session.seek(LAST_BACKWARD)
    session.select(POW)
    panel.refresh()
    assert panel.rule._badge.state == "working"
    qtbot.waitUntil(lambda: panel.rule._badge.state == "proved")


def test_data_has_no_arithmetic(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    session.select(6)
    panel.drawn_state()
    assert panel.rule.isHidden()
    assert panel.rule.drawn_state() == ()


def test_a_wrong_gradient_is_named_with_both_numbers(qtbot: QtBot, tmp_path: Path) -> None:
    path = make_bow(tmp_path / "bow.chain", 1)
    disturb(path, "grad_input", -7.25)
    session = Session()
    assert session.open(path)
    panel = panel_of(qtbot, session)
    session.seek(session.last)
    session.select(POW)
    panel.drawn_state()
    assert panel.rule._badge.state == "wrong"
    text = panel.rule._fault.text()
    assert text.startswith("grad_input: ")
    assert "recorded −7.25" in text
    assert "by hand −7.5" in text
    session.close()


def test_a_click_on_a_line_shows_its_terms_and_a_row_leads_on(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    session.seek(LAST_BACKWARD)
    session.select(POW)
    panel.drawn_state()
    terms = panel.rule._terms
    assert terms.isHidden()
    line = next(view for view in panel.rule._lines if not view.isHidden())
    QTest.mouseClick(line, Qt.MouseButton.LeftButton)
    panel.drawn_state()
    assert session.element == Element("out", 0, ())
    assert terms._title.text() == "grad_input = −7.500"
    assert [(row.middle, row.value) for row in terms.rows.rows] == [("−7.50 · 1.00", "−7.500")]
    QTest.mouseClick(terms.rows, Qt.MouseButton.LeftButton, pos=QPoint(20, ROW_HEIGHT // 2))
    assert session.element == Element("in", 0, ())
    panel.drawn_state()
    assert terms._remark.text() == "The backward pass begins here."
    assert terms.follow.isHidden()


def test_contributions_lead_to_who_sent_them(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    assert session.open(make_layers(tmp_path / "layers.chain"))
    panel = panel_of(qtbot, session)
    session.seek(layers.WEIGHT_ARRIVES)
    session.select(layers.BIAS, Element("in", 0, (1,)))
    panel.drawn_state()
    rows = panel.rule._terms.rows.rows
    assert [(row.left, row.value) for row in rows] == [
        ("from k", "12.00"), ("from fc · Linear", "12.00"), ("sum", "24.00"),
    ]  # fmt: skip
    panel.rule._terms.rows.activated.emit(1)
    assert session.selection == layers.FC
    assert session.element == Element("out", 0, (1,))
    session.close()


def test_the_way_upstream_is_listed_marked_and_cleared(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    session.seek(LAST_BACKWARD + 1)
    session.select(W, Element("in", 0, ()))
    panel.drawn_state()
    panel.rule.follow_upstream()
    panel.rule.settle()
    walk = session.walk
    assert walk is not None
    assert walk.nodes == (W, MUL, ADD, SUB, POW)
    way = panel.rule._terms.way
    assert [row.left for row in way.rows] == ["w", "mul", "prediction", "sub", "loss"]
    way.activated.emit(1)
    assert session.selection == MUL
    assert session.element == Element("in", 0, ())
    panel.drawn_state()
    panel.rule._terms.clear.click()
    assert session.walk is None
    panel.drawn_state()
    assert way.isHidden()


def test_a_clicked_number_is_marked_in_the_heat_map(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    assert session.open(make_layers(tmp_path / "layers.chain"))
    panel = panel_of(qtbot, session)
    session.seek(layers.WEIGHT_ARRIVES)
    session.select(layers.WEIGHT)
    panel._row_toggled("arrived.0", True)
    panel.drawn_state()
    row = next(row for view in panel._sections.values() for row in view.rows if row.item and row.header.isChecked())
    assert row.detail is not None
    row.detail.element_chosen.emit((1, 2))
    heat_map = row.detail.view("heat_map")
    assert isinstance(heat_map, HeatMap)
    found: list[object] = [session.element, heat_map.marked]
    assert found == [Element("in", 0, (1, 2)), (1, 2)]
    session.select(layers.BIAS)
    panel.drawn_state()
    found = [session.element, heat_map.marked]
    assert found == [None, None]
    session.close()


def test_differences_can_be_asked_for_where_there_is_no_rule(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.rules.verify.find_rule", lambda type_: None)
    panel = panel_of(qtbot, session)
    session.seek(LAST_BACKWARD)
    session.select(POW)
    panel.drawn_state()
    assert panel.rule._badge.state == "unknown"
    with qtbot.waitSignal(panel.rule.check_requested) as signal:
        panel.rule._check.click()
    assert signal.args == [POW]
    session.proofs.add([Verdict(POW, "finite_differences", 1e-4, 1e-5)])
    session.proofs.tell()
    assert panel.rule._badge.state == "finite_differences"
    assert panel.rule._check.isHidden()
    assert "relative" in panel.rule._facts.facts[0].value


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("grad_input.2", ("out", 2)), ("grad_output.0", ("in", 0)), ("part.1.3", ("in", 1)),
        ("arrived.0", ("in", 0)), ("holds.0", ("in", 0)), ("output.0", None), ("saved.self.0", None),
    ],
)  # fmt: skip
def test_which_rows_are_gradients(key: str, place: tuple[str, int] | None) -> None:
    assert gradient_of(key) == place
