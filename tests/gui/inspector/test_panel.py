"""The inspector as a widget: a pure function of the session, and what the user can do in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.errors import RecordingError
from engine.recording.model import Level
from engine.recording.reader import Recording
from gui import theme
from gui.inspector import differences
from gui.inspector import panel as panel_module
from gui.inspector.content import Content
from gui.inspector.panel import InspectorPanel
from gui.inspector.row import RowHeader, TensorRow
from gui.session import Session
from gui.tensor_views.detail import Looking
from gui.turns import in_portions
from tests.gui import layers
from tests.gui.layers import make_layers

Opened = Callable[..., Session]


@pytest.fixture
def opened(qapp: QApplication, tmp_path: Path, request: pytest.FixtureRequest) -> Opened:
    def make(level: Level = "full", gradient: float = 5.0) -> Session:
        session = Session()
        assert session.open(make_layers(tmp_path / f"{level}.chain", level=level, gradient=gradient))
        request.addfinalizer(session.close)
        return session

    return make


def panel_of(qtbot: QtBot, session: Session, width: int = 320) -> InspectorPanel:
    panel = InspectorPanel(session)
    qtbot.addWidget(panel)
    panel.resize(width, 900)
    panel.show()
    return panel


def row(panel: InspectorPanel, key: str) -> TensorRow:
    panel.drawn_state()
    rows = [row for view in panel._sections.values() if not view.isHidden() for row in view.rows]
    return next(row for row in rows if row.item is not None and row.item.key == key)


def test_walking_equals_seeking(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    for key in ("grad_output.0", "output.0", "change"):
        panel._row_toggled(key, True)
        panel._row_looked(key, Looking("table", (0,)))
    fresh = panel_of(qtbot, session)
    for key in ("grad_output.0", "output.0", "change"):
        fresh._row_toggled(key, True)
        fresh._row_looked(key, Looking("table", (0,)))
    fresh.hide()
    for selection in (None, layers.FC, layers.WEIGHT):
        session.seek(0)
        session.select(selection)
        forth = []
        for event in range(session.event_count):
            session.seek(event)
            forth.append(panel.drawn_state())
        back = []
        for event in reversed(range(session.event_count)):
            session.seek(event)
            back.append(panel.drawn_state())
        assert back[::-1] == forth
        assert len(set(forth)) >= 4
        for event in (17, 3, 23, 0, 12):
            session.seek(event)
            assert fresh.drawn_state() == forth[event]


def test_it_follows_the_playhead_until_a_node_is_selected(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    session.seek(layers.BACKWARD_MUL)
    qtbot.waitUntil(lambda: panel._title.text() == "mul")
    assert panel._place.text() == "At the playhead: backward"
    session.select(layers.FC)
    qtbot.waitUntil(lambda: panel._title.text() == "fc · Linear")
    session.seek(layers.BACKWARD_ADD)
    panel.drawn_state()
    assert (panel._title.text(), panel._place.text()) == ("fc · Linear", "Selected node")
    QTest.mouseClick(panel._follow, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel._title.text() == "k")
    assert not panel._follow.isVisible()


def test_the_source_line_is_a_link(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    session.select(layers.FC)
    panel.drawn_state()
    assert panel._source.words == "layers.py:7"
    with qtbot.waitSignal(panel.source_requested) as signal:
        QTest.mouseClick(panel._source, Qt.MouseButton.LeftButton)
    assert signal.args == ["/home/archer/layers.py", 7]
    session.select(layers.X)
    panel.drawn_state()
    assert not panel._source.isVisible()


def test_what_has_not_happened_is_not_shown(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    session.select(layers.SUM)
    session.seek(layers.FORWARD_SUM)
    waiting = row(panel, "grad_output.0").header.summary
    assert (waiting.value, waiting.pending, waiting.expandable) == ("not yet", True, False)
    session.seek(layers.BACKWARD_SUM)
    assert row(panel, "grad_output.0").header.summary.value == "1.000"


def test_a_row_opens_by_mouse_and_keyboard_and_stays_open(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    session.seek(session.last)
    session.select(layers.FC)
    header = row(panel, "output.0").header
    QTest.mouseClick(header, Qt.MouseButton.LeftButton)
    detail = row(panel, "output.0").detail
    assert detail is not None
    assert detail.isVisible()
    session.select(layers.MUL)
    assert row(panel, "output.0").header.isChecked()
    QTest.keyClick(row(panel, "output.0").header, Qt.Key.Key_Space)
    session.select(layers.FC)
    assert not row(panel, "output.0").header.isChecked()
    QTest.keyClick(row(panel, "output.0").header, Qt.Key.Key_Return)
    assert row(panel, "output.0").header.isChecked()


def test_the_chosen_slice_survives_nodes_that_lack_it(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    session.seek(session.last)
    session.select(layers.FC)
    panel._row_looked("output.0", Looking("heat_map", (5, 2)))
    panel._row_toggled("output.0", True)
    panel.drawn_state()
    detail = row(panel, "output.0").detail
    assert detail is not None
    assert detail.looking == Looking("heat_map", (5, 2))


def test_scalars_show_their_value_and_change(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    session.select(5)
    session.seek(10)
    shown = {key: row(panel, key).header.summary for key in ("param_before", "param_after", "change")}
    assert [each.value for each in shown.values()] == ["0.5000", "1.250", "+0.7500"]
    assert not any(each.expandable for each in shown.values())


def test_a_change_is_computed_from_the_recorded_values(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    session.select(layers.WEIGHT)
    session.seek(layers.WEIGHT_UPDATED)
    shown = dict(row(panel, "change").header.summary.statistics)
    assert shown == {"min": "−0.5000", "max": "−0.5000", "mean": "−0.5000", "norm": "1.225"}


@pytest.mark.parametrize("level", ["preview", "stats"])
def test_what_the_level_leaves_out_is_said(qtbot: QtBot, opened: Opened, level: Level) -> None:
    session = opened(level)
    panel = panel_of(qtbot, session)
    session.select(layers.WEIGHT)
    session.seek(layers.WEIGHT_UPDATED)
    assert level in row(panel, "param_after").header.summary.shape
    change = row(panel, "change").header.summary
    assert change.value == ("needs recorded data" if level == "stats" else "")
    panel._row_toggled("param_after", True)
    detail = row(panel, "param_after").detail
    assert detail is not None
    assert detail._remark.isVisible()


def test_nan_is_pointed_out(qtbot: QtBot, opened: Opened) -> None:
    session = opened(gradient=float("nan"))
    panel = panel_of(qtbot, session)
    session.select(layers.FC)
    session.seek(session.last)
    assert row(panel, "grad_input.2").header.summary.statistics[-1] == ("⚠", "1 NaN")


def test_values_are_copied_with_every_digit(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    session.select(0)
    session.seek(session.last)
    header = row(panel, "output.0").header
    QTest.keyClick(header, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    recording = session.recording
    assert recording is not None
    assert QGuiApplication.clipboard().text() == str(next(s.loss for s in recording.steps if s.index == 2))
    assert header.summary.tip().endswith(QGuiApplication.clipboard().text())


def test_hidden_it_does_no_work(qtbot: QtBot, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    panel.hide()
    calls: list[int] = []
    original = panel_module.content_of

    def counting(recording: Recording, playhead: int, selection: int | None) -> Content | None:
        calls.append(playhead)
        return original(recording, playhead, selection)

    monkeypatch.setattr(panel_module, "content_of", counting)
    for event in range(6):
        session.seek(event)
        QApplication.processEvents()
    assert calls == []
    panel.show()
    assert calls == [5]


def test_large_tensors_are_read_only_when_the_playhead_rests(
    qtbot: QtBot, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    panel._row_toggled("output.0", True)
    session.seek(session.last)
    reads: list[int] = []
    original = Recording.data

    def counting(self: Recording, tensor: int) -> npt.NDArray[Any] | None:
        reads.append(tensor)
        return original(self, tensor)

    monkeypatch.setattr(Recording, "data", counting)
    session.select(layers.FC)
    panel.refresh()
    assert reads == []
    qtbot.waitUntil(lambda: bool(reads))


def test_a_recording_that_fails_is_told_in_place(qtbot: QtBot, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened()
    panel = panel_of(qtbot, session)

    def fail(self: Recording, event: int) -> None:
        raise RecordingError("layers.chain is damaged.")

    monkeypatch.setattr(Recording, "values", fail)
    session.seek(5)
    panel.drawn_state()
    assert panel._explanation.text() == "layers.chain is damaged."


def test_without_a_recording_it_says_what_to_do(qtbot: QtBot, qapp: QApplication) -> None:
    panel = panel_of(qtbot, Session())
    assert panel._explanation.text() == "Run a script or open a recording, and select a node."


@pytest.mark.parametrize("width", [280, 500])
def test_it_is_drawn_in_both_themes_without_a_horizontal_bar(
    qtbot: QtBot, qapp: QApplication, opened: Opened, width: int
) -> None:
    session = opened()
    session.seek(session.last)
    panel = panel_of(qtbot, session, width)
    backgrounds = set()
    for choice in ("light", "dark"):
        theme.apply(qapp, choice)
        for node in range(layers.NODES):
            session.select(node)
            panel.drawn_state()
            body = panel._scroll.widget()
            assert body is not None
            assert body.minimumSizeHint().width() <= panel._scroll.viewport().width()
            image = panel.grab().toImage()
        backgrounds.add(image.pixelColor(2, 2).rgb())
    assert len(backgrounds) == 2


def test_screen_readers_get_the_numbers(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    session.seek(session.last)
    session.select(layers.FC)
    header = row(panel, "grad_output.0").header
    assert header.accessibleName() == "grad_output from k"
    assert header.accessibleDescription().startswith("1 × 2 float32 · full min 8.000, max 12.00")


def test_large_differences_are_worked_out_beside_the_window(
    qtbot: QtBot, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened()
    plain = panel_of(qtbot, session)

    def differing(panel: InspectorPanel) -> list[TensorRow]:
        rows = [row for view in panel._sections.values() if not view.isHidden() for row in view.rows]
        return [row for row in rows if row.item is not None and row.item.minus is not None]

    monkeypatch.setattr(differences, "AT_ONCE", 1)
    recording = session.recording
    assert recording is not None
    for event in range(session.last, -1, -1):
        session.seek(event)
        plain.drawn_state()
        if any(differences.takes_long(recording, each.item) for each in differing(plain)):
            break
    expected = [each.drawn_state() for each in differing(plain)]
    assert expected
    plain.hide()
    monkeypatch.setattr(panel_module, "difference", lambda *_: pytest.fail("the window worked it out"))
    panel = panel_of(qtbot, session)
    qtbot.waitUntil(lambda: [each.drawn_state() for each in differing(panel)] == expected)
    assert panel._waiting == []


def shown(panel: InspectorPanel) -> tuple[Any, ...]:
    """What can be seen now, whether or not it is all that there is to see."""
    views = [view for view in panel._sections.values() if not view.isHidden()]
    places = sorted(views, key=panel._body.indexOf)
    rows = tuple(tuple(row.header.summary for row in view.rows) for view in places)
    return (panel._place.text(), panel._title.text(), panel._facts.facts, rows)


@pytest.fixture
def piecemeal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece in a turn of its own, as on a slow machine."""
    monkeypatch.setattr(panel_module, "in_portions", lambda pieces: in_portions(pieces, -1.0))


@pytest.mark.usefixtures("piecemeal")
def test_drawn_in_turns_it_is_the_same_and_never_half_seen(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel, plain = panel_of(qtbot, session), panel_of(qtbot, session)
    plain.hide()
    before = set[bool]()
    for event in (5, session.last, 0, 9, 17):
        session.seek(event)
        QApplication.processEvents()
        before.add(panel._scroll.updatesEnabled())
        if event == 9:
            session.seek(11)  # in the midst of it
        qtbot.waitUntil(lambda: not panel._soon.isActive())
        assert panel._scroll.updatesEnabled()
        plain.drawn_state()
        qtbot.waitUntil(lambda: shown(panel) == shown(plain))  # differences are worked out a moment later
    assert False in before


def test_half_drawn_it_has_no_row_without_a_name(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    seen = 0
    for event in range(session.last + 1):
        session.seek(event)
        panel._soon.stop()  # drawn here, piece by piece
        for _ in panel._refresh_pieces():
            QApplication.processEvents()
            rows = [header for header in panel.findChildren(RowHeader) if header.isVisible()]
            assert all(header.accessibleName() for header in rows)
            seen += len(rows)
        assert panel.is_drawn()
    assert seen


@pytest.mark.usefixtures("piecemeal")
def test_a_recording_closed_while_it_is_drawn_is_let_go(qtbot: QtBot, opened: Opened) -> None:
    session = opened()
    panel = panel_of(qtbot, session)
    session.seek(session.last)
    qtbot.waitUntil(lambda: not panel._scroll.updatesEnabled())
    session.close()
    assert panel._scroll.updatesEnabled()
    qtbot.waitUntil(lambda: not panel._soon.isActive())
    assert (panel.content, panel._title.isHidden()) == (None, True)
