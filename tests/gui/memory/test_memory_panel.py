"""The panel "Memory": curve, tree, playhead and selection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.recording.model import Edge, Graph, Node, Parameter, Source, StepStart
from engine.recording.writer import Writer
from gui.memory.panel import MemoryPanel
from gui.memory.tree import BYTES, COLUMNS, FREED, NAME, SHARE, TENSORS
from gui.session import Session
from gui.window import MainWindow
from tests.gui.walking import assert_walking_equals_seeking
from tests.recordings import Script, make_info, make_tensor

HIDDEN = np.arange(12, dtype=np.float32).reshape(3, 4)


def make_net(path: Path) -> Path:
    """sum(relu(x @ w)) per step, with what each saves: 48 bytes that two layers of `net.body` keep, and an input."""
    with Writer(path, make_info()) as writer:
        writer.put(Source(0, "net.py", "import torch\n"))
        writer.put(Parameter(0, "w", "net", (2, 4), "float32"))
        script = Script(writer)
        for step in range(2):
            _net_step(writer, script, step)
    return path


def _net_step(writer: Writer, script: Script, step: int) -> None:
    first, at = 5 * step, script.events
    rows = (
        ("SumBackward0", "aten.sum.default", "", "", (), at + 2),
        ("ReluBackward0", "aten.relu.default", "net.body.act", "ReLU", (3, 4), at + 1),
        ("MmBackward0", "aten.mm.default", "net.body.fc", "Linear", (3, 4), at),
    )
    writer.put(StepStart(step, 1.0 + step))
    for place, (kind, operation, module, module_type, shape, event) in enumerate(rows):
        node = Node(first + place, step, "operation", kind, operation, module=module, module_type=module_type,
                    shape=shape, dtype="float32", forward_event=event)  # fmt: skip
        writer.put(node)
    writer.put(
        Node(first + 3, step, "parameter", "AccumulateGrad", name="w", parameter=0, shape=(2, 4), dtype="float32")
    )
    for source, target in ((0, 1), (1, 2), (2, 3)):
        writer.put(Edge(step, first + source, 0 if source < 2 else 1, first + target, 0))
    writer.put(Graph(step, step, "backward", first, 1.0))
    tensors = [next(script.tensors) for _ in range(3)]
    for number, array in zip(tensors, (HIDDEN[:, :2], HIDDEN - 5, HIDDEN), strict=True):
        writer.put(make_tensor(number, array))
    x, product, hidden = tensors
    _event(writer, script, step, "forward", first + 2, [("input", 0, "x", x), ("output", 0, "", product)])
    _event(writer, script, step, "forward", first + 1, [("output", 0, "", hidden)])
    _event(writer, script, step, "forward", first, [])
    _event(writer, script, step, "backward", first, [])
    _event(writer, script, step, "backward", first + 1, [("saved", 0, "result", hidden)])
    _event(writer, script, step, "backward", first + 2, [("saved", 0, "self", x), ("saved", 0, "mat2", hidden)])


def _event(
    writer: Writer, script: Script, step: int, kind: str, node: int, values: list[tuple[str, int, str, int]]
) -> None:
    from engine.recording.model import Event, Value

    for role, slot, name, tensor in values:
        writer.put(Value(script.events, role, slot, name, tensor))  # type: ignore[arg-type]
    writer.put(Event(script.events, step, step, kind, node, None, 1.0))  # type: ignore[arg-type]
    script.events += 1


@pytest.fixture
def net(qapp: QApplication, tmp_path: Path) -> Iterator[Session]:
    opened = Session()
    assert opened.open(make_net(tmp_path / "net.chain"))
    yield opened
    opened.close()
    opened.desk.shut_down()


@pytest.fixture
def panel(net: Session, qtbot: QtBot) -> MemoryPanel:
    made = MemoryPanel(net)
    qtbot.addWidget(made)
    made.resize(1000, 320)
    made.show()
    qtbot.waitUntil(lambda: made.model.memory is not None and made.plot is not None)
    return made


def _texts(panel: MemoryPanel) -> list[tuple[str, ...]]:
    """Every row of the tree, from top to bottom."""
    found: list[tuple[str, ...]] = []

    def walk(parent: object) -> None:
        for row in range(panel.model.rowCount(parent)):  # type: ignore[arg-type]
            cells = [panel.model.index(row, column, parent) for column in range(5)]  # type: ignore[arg-type]
            found.append(tuple(str(cell.data()) for cell in cells))
            walk(cells[0])

    walk(panel.tree.rootIndex())
    return found


def test_what_is_kept_by_module(panel: MemoryPanel) -> None:
    rows = _texts(panel)
    assert [row[NAME] for row in rows] == ["net", "body", "fc · Linear", "act · ReLU"]
    assert {row[BYTES] for row in rows} == {"48 B"}
    assert rows[0][SHARE].startswith("100")
    assert rows[0][TENSORS] == "1 tensor"
    assert rows[2][TENSORS] == "mat2 3 × 4"
    assert [row[FREED] for row in rows] == ["5", "5", "5", "5"]
    assert "inputs and buffers 24 B" in panel.remark.text()


def test_the_curve_rises_and_falls_with_its_peak_marked(panel: MemoryPanel) -> None:
    memory = panel.memory
    assert memory is not None
    assert panel.plot is not None
    assert memory.held[0].tolist() == [48, 48, 48, 48, 48, 0]
    assert panel.plot.peak.textItem.toPlainText() == "peak 48 B"
    assert panel.plot.csv().splitlines()[1] == "0,48,0,24,0"


@pytest.mark.parametrize("height", [130, 180, 600, 150])
def test_the_words_of_the_peak_are_whole_however_low_the_panel_is(panel: MemoryPanel, height: int) -> None:
    panel.resize(1000, height)
    panel.grab()
    plot = panel.plot
    assert plot is not None
    box = plot.getPlotItem().getViewBox()
    words = plot.peak.mapRectToScene(plot.peak.boundingRect())
    assert words.top() >= box.sceneBoundingRect().top() - 0.5
    assert words.bottom() < box.mapViewToScene(QPointF(0, plot._dot.getData()[1][0])).y()


def test_the_axis_counts_events_from_nought(panel: MemoryPanel) -> None:
    plot = panel.plot
    assert plot is not None
    assert plot.getPlotItem().getAxis("bottom").tickStrings([0.0, 5.0], 1.0, 5.0) == ["0", "5"]


def test_walking_shows_what_seeking_shows(panel: MemoryPanel, net: Session) -> None:
    walked = {}
    for event in range(net.event_count):
        net.seek(event)
        walked[event] = panel.drawn_state()
    for event in (7, 2, 11, 0, 5):
        net.seek(event)
        assert panel.drawn_state() == walked[event]
    assert len(set(walked.values())) == net.event_count


def test_a_click_in_the_plot_moves_the_playhead_and_hovering_tells(panel: MemoryPanel, net: Session) -> None:
    plot = panel.plot
    assert plot is not None
    plot.hovered.emit(4.2)
    assert panel.caption.text().startswith("48 B kept (100")
    assert "after event 4, " in panel.caption.text()
    plot.hovered.emit(None)
    assert "after event 0, " in panel.caption.text()
    box = plot.getPlotItem().getViewBox()
    place = plot.mapFromScene(box.mapViewToScene(box.viewRect().center()))
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place.x(), place.y()))
    assert net.playhead in (2, 3)
    plot.picked.emit(99.0)
    assert net.playhead == 5


def test_a_click_on_a_node_selects_it_and_on_a_module_marks_its_nodes(panel: MemoryPanel, net: Session) -> None:
    panel.tree.expandAll()
    memory = panel.memory
    assert memory is not None
    for node in (1, 2):
        place = panel.tree.visualRect(panel.model.index_of(panel.model.row_of(node) or 0)).center()
        QTest.mouseClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert net.selection == node
    place = panel.tree.visualRect(panel.model.index(0, 0)).center()
    QTest.mouseClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert net.marked == {1, 2}
    assert net.marked_title == "net"


def test_the_selected_node_has_its_row_marked(panel: MemoryPanel, net: Session) -> None:
    net.select(1)
    panel.refresh()
    assert panel.model.row(panel.tree.currentIndex()) == panel.model.row_of(1)
    net.select(0)  # keeps nothing
    panel.refresh()
    assert not panel.tree.currentIndex().isValid()


def test_sorting_keeps_the_tree(panel: MemoryPanel) -> None:
    before = _texts(panel)
    for column in range(5):
        for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
            panel.tree.sortByColumn(column, order)
            assert sorted(_texts(panel)) == sorted(before)


def test_messages_where_there_is_nothing(qtbot: QtBot, bow: Path) -> None:
    session = Session()
    panel = MemoryPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    panel.refresh()
    assert "appears here" in panel.message.text()
    session.open(bow)
    assert panel.drawn_state()
    session.close()
    panel.refresh()
    assert "appears here" in panel.message.text()


def test_the_tab_is_in_the_window(walked: MainWindow, qtbot: QtBot) -> None:
    walked.panels["memory"].raise_()
    qtbot.waitUntil(lambda: isinstance(walked.panels.widget("memory"), MemoryPanel))
    panel = walked.panels.widget("memory")
    assert isinstance(panel, MemoryPanel)
    panel.settle()
    assert_walking_equals_seeking(walked.session, panel.drawn_state)


def test_where_it_is_narrow_names_have_the_room_of_what_was_saved(panel: MemoryPanel) -> None:
    tree = panel.tree
    for wide, hidden in ((430, True), (900, False), (430, True)):
        panel.resize(340 + wide, 300)
        panel.splitter.setSizes([330, wide])
        QApplication.processEvents()
        assert tree.isColumnHidden(TENSORS) == hidden
    assert tree.header().sectionSize(NAME) > 0
    assert sum(tree.header().sectionSize(column) for column in range(COLUMNS)) <= tree.viewport().width() + 1
