"""The source pane: the script, marked lines, clicks on lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QPainter, QTextBlock, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.recording.model import Edge, EventKind, Graph, Node, Source, StepStart
from engine.recording.reader import Recording
from engine.recording.writer import Writer
from gui import theme
from gui.session import Session
from gui.source import SourcePane
from gui.source.editor import Editor
from gui.source.pane import LOOK_AGAIN_MS
from tests.recordings import BOW_SCRIPT, Script, make_info


@pytest.fixture
def pane(session: Session, qtbot: QtBot) -> SourcePane:
    made = SourcePane(session)
    qtbot.addWidget(made)
    made.resize(500, 400)
    made.show()
    made._on_recording_changed()
    return made


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "bow.py"
    path.write_text(BOW_SCRIPT, encoding="utf-8")
    return path


def _marks(pane: SourcePane) -> dict[int, QColor]:
    """Once it has been its turn."""
    pane.drawn_state()
    return dict(pane.shown.marks)


def _line(text: str) -> int:
    return next(number for number, line in enumerate(BOW_SCRIPT.splitlines(), 1) if text in line)


def _event_of(session: Session, kind: str, name: str) -> int:
    recording = session.recording
    assert recording is not None
    for number in range(session.event_count):
        event = recording.event(number)
        if event.kind == kind and event.node is not None and recording.node(event.node).name == name:
            return number
    raise AssertionError(f"no {kind} of {name}")


def test_a_recording_without_its_script_shows_the_recorded_text(pane: SourcePane) -> None:
    assert pane.viewer.toPlainText() == BOW_SCRIPT
    assert pane.shown is pane.viewer
    assert pane.viewer.isReadOnly()


def test_the_line_of_the_active_node_is_marked_in_its_phase(pane: SourcePane, session: Session) -> None:
    session.seek(_event_of(session, "forward", "prediction"))
    assert _marks(pane) == {_line("prediction ="): theme.current().forward}
    session.seek(_event_of(session, "backward", "loss"))
    assert _marks(pane) == {_line("loss ="): theme.current().backward}


def test_marks_that_stay_are_not_drawn_again_but_in_another_text(
    pane: SourcePane, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor, drawn = pane.editor, list[int]()
    editor.setPlainText("a\nb\nc")
    select = editor._selection

    def counted(line: int, color: QColor) -> Any:
        drawn.append(line)
        return select(line, color)

    monkeypatch.setattr(editor, "_selection", counted)
    for _ in range(3):
        editor.set_marks({2: theme.current().accent})
    assert drawn == [2]
    editor.setPlainText("d\ne\nf")
    editor.set_marks({2: theme.current().accent})
    editor.put_on_theme()
    editor.set_marks({2: theme.current().accent})
    assert drawn == [2, 2, 2]
    assert [chosen.cursor.blockNumber() for chosen in editor.extraSelections()] == [1]
    editor.set_marks({})
    assert editor.extraSelections() == []


def test_the_nodes_of_lines_are_counted_once_the_graph_has_been_read(
    pane: SourcePane, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, asked = True, list[int]()
    lines = Recording.lines

    def counting(self: Recording, graph: int) -> dict[tuple[int, int | None], int]:
        asked.append(graph)
        return lines(self, graph)

    monkeypatch.setattr(Recording, "lines", counting)
    pane.is_reading = lambda: reading
    session.seek(session.last)
    qtbot.wait(3 * LOOK_AGAIN_MS)
    assert asked == []
    reading = False
    qtbot.waitUntil(lambda: not pane._counting.isActive())
    assert set(asked) == {session.graph_id}
    assert _marks(pane) == {_line("b = torch"): theme.current().update}  # what was updated last


def test_marks_come_when_it_is_their_turn(pane: SourcePane, session: Session, qtbot: QtBot) -> None:
    session.seek(_event_of(session, "forward", "prediction"))
    qtbot.waitUntil(lambda: list(pane.shown.marks) == [_line("prediction =")])
    session.seek(session.last)
    qtbot.waitUntil(lambda: list(pane.shown.marks) == [_line("b = torch")])


def test_the_line_of_the_selected_node_is_marked_too(pane: SourcePane, session: Session) -> None:
    recording = session.recording
    assert recording is not None
    session.seek(_event_of(session, "forward", "prediction"))
    w = next(node for node in recording.nodes(0) if node.name == "w" and node.kind == "parameter")
    session.select(w.id)
    assert _marks(pane) == {
        _line("prediction ="): theme.current().forward,
        _line("w = torch"): theme.current().accent,
    }


def test_a_click_on_a_line_selects_its_nodes_in_turn(pane: SourcePane, session: Session, qtbot: QtBot) -> None:
    line = _line("prediction =")
    nodes = [node.id for node in pane.nodes_of_line(line)]
    assert len(nodes) == 2
    cursor = QTextCursor(pane.viewer.document().findBlockByNumber(line - 1))
    point = pane.viewer.cursorRect(cursor).center() + QPoint(10, 0)
    seen = []
    for _ in range(3):
        QTest.mouseClick(pane.viewer.viewport(), Qt.MouseButton.LeftButton, pos=point)
        seen.append(session.selection)
    assert seen == [nodes[0], nodes[1], nodes[0]]


def test_the_gutter_offers_a_menu_where_a_line_made_several(pane: SourcePane, session: Session) -> None:
    nodes = pane.nodes_of_line(_line("loss ="))
    menu = pane.menu_of(nodes)
    assert [entry.text() for entry in menu.actions()] == ["SubBackward0", "PowBackward0 · loss"]
    menu.actions()[1].trigger()
    assert session.selection == nodes[1].id
    menu.close()


def test_lines_that_made_nodes_have_a_dot(pane: SourcePane) -> None:
    counts = pane.viewer._counts
    assert counts[_line("prediction =")] == 2
    assert _line("import torch") not in counts


def test_a_script_can_be_edited_and_saved(pane: SourcePane, script: Path, qtbot: QtBot) -> None:
    assert pane.open_script(script)
    with qtbot.waitSignal(pane.modified_changed):
        QTest.keyClicks(pane.editor, "# hello ")
    assert pane.save()
    assert not pane.modified
    assert script.read_text(encoding="utf-8").startswith("# hello import torch")


@pytest.mark.parametrize(
    "data",
    [
        b"# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n",
        b"\xef\xbb\xbfname = 'caf\xc3\xa9'\n",
        b"import torch\r\nname = 1\r\n",
    ],
    ids=["latin-1", "byte order mark", "line ends"],
)
def test_a_file_keeps_its_encoding_and_its_line_ends(pane: SourcePane, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(data)
    assert pane.open_script(path)
    assert "\r" not in pane.editor.toPlainText()
    assert "caf\xe9" in pane.editor.toPlainText() or b"\r" in data
    assert pane.save()
    assert path.read_bytes() == data


def test_an_encoding_follows_what_the_text_says_and_loses_nothing(
    pane: SourcePane, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(b"# coding: latin-1\n# \xe9\n")
    assert pane.open_script(path)
    pane.editor.insertPlainText("#\u2192 ")
    before = path.read_bytes()
    with qtbot.waitSignal(pane.failed) as failed:
        assert not pane.save()
    assert "iso-8859-1" in failed.args[0]
    assert (pane.modified, path.read_bytes()) == (True, before)
    pane.editor.setPlainText("# \u2192 \xe9\n")
    assert pane.save()
    assert path.read_text(encoding="utf-8") == "# \u2192 \xe9\n"


def test_what_is_not_in_the_encoding_that_python_takes_says_how_to_name_it(
    pane: SourcePane, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "train.py"
    for data, said in (
        (b"import torch\nx = 1\ny = 'caf\xe9'\n", "coding: latin-1"),
        (b"# coding: klingon\n", "klingon"),
    ):
        path.write_bytes(data)
        with qtbot.waitSignal(pane.failed) as failed:
            assert not pane.open_script(path)
        assert said in failed.args[0]


def test_what_cannot_be_read_is_told_and_what_is_shown_stays(
    pane: SourcePane, script: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    assert pane.open_script(script)
    binary = tmp_path / "binary.py"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (binary, tmp_path / "missing.py"):
        with qtbot.waitSignal(pane.failed) as failed:
            assert not pane.open_script(path)
        assert path.name in failed.args[0]
    assert pane.script == script


def test_a_file_that_cannot_be_written_is_told(pane: SourcePane, script: Path, qtbot: QtBot) -> None:
    assert pane.open_script(script)
    pane.editor.insertPlainText("#")
    script.unlink()
    script.mkdir()
    with qtbot.waitSignal(pane.failed):
        assert not pane.save()
    assert pane.modified


def test_show_place_knows_recorded_files_only(pane: SourcePane, session: Session) -> None:
    recording = session.recording
    assert recording is not None
    assert pane.show_place(recording.info.script, 9)
    assert pane.viewer.textCursor().blockNumber() == 8
    assert not pane.show_place("/elsewhere/other.py", 1)


def test_the_line_that_one_is_led_to_is_marked_until_the_cursor_leaves_it(pane: SourcePane, script: Path) -> None:
    assert pane.open_script(script)
    line = _line("prediction =")
    assert pane.show_place(str(script), line)
    assert pane.editor.color_of(line) == theme.current().text
    assert [each.cursor.blockNumber() + 1 for each in pane.editor.extraSelections()].count(line) == 1
    pane.editor.moveCursor(QTextCursor.MoveOperation.Down)
    assert pane.editor.color_of(line) is None
    assert line not in [each.cursor.blockNumber() + 1 for each in pane.editor.extraSelections()]


# --- indentation ------------------------------------------------------------------------------------------------------


def _typed(pane: SourcePane, path: Path, before: str, *keys: Qt.Key) -> str:
    """What becomes of a text, with "|" for the cursor and "<...|" for a selection, by these keys."""
    anchor = before.find("<")
    position = before.replace("<", "").index("|")
    path.write_text(before.replace("<", "").replace("|", ""), encoding="utf-8")
    assert pane.open_script(path)
    cursor = pane.editor.textCursor()
    cursor.setPosition(position if anchor < 0 else anchor)
    cursor.setPosition(position, QTextCursor.MoveMode.KeepAnchor)
    pane.editor.setTextCursor(cursor)
    for key in keys:
        QTest.keyClick(pane.editor, key)
    text, position = pane.editor.toPlainText(), pane.editor.textCursor().position()
    return f"{text[:position]}|{text[position:]}"


TAB, BACKTAB, ENTER, BACKSPACE = Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Return, Qt.Key.Key_Backspace


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        ("|x = 1", [TAB], "    |x = 1"),
        ("x|= 1", [TAB], "x   |= 1"),
        ("<a\n\nb\n|c", [TAB], "    a\n\n    b\n|c"),
        ("<    a\n  b\n|c", [BACKTAB], "a\nb\n|c"),
        ("      x|", [BACKTAB], "  x|"),
        ("for x in y:|", [ENTER], "for x in y:\n    |"),
        ("    x = 1|", [ENTER], "    x = 1\n    |"),
        ("    if x:|", [ENTER, BACKSPACE], "    if x:\n    |"),
        ("      |x", [BACKSPACE], "    |x"),
        ("    x |y", [BACKSPACE], "    x|y"),
        ("\tif x:|", [ENTER, TAB], "\tif x:\n\t|"),
    ],
)
def test_lines_stay_indented_by_spaces(
    pane: SourcePane, tmp_path: Path, before: str, keys: list[Qt.Key], after: str
) -> None:
    assert _typed(pane, tmp_path / "train.py", before, *keys) == after


def test_an_indentation_is_undone_at_once(pane: SourcePane, tmp_path: Path) -> None:
    assert _typed(pane, tmp_path / "train.py", "<a\nb\n|c", TAB) == "    a\n    b\n|c"
    pane.editor.undo()
    assert pane.editor.toPlainText() == "a\nb\nc"
    pane.editor.redo()
    assert pane.editor.toPlainText() == "    a\n    b\nc"


def test_closing_the_script_empties_the_editor(pane: SourcePane, script: Path, session: Session) -> None:
    assert pane.open_script(script)
    session.close()
    pane.close_script()
    assert pane.editor.toPlainText() == ""
    assert pane.editor.isReadOnly()
    assert pane.drawn_state() == ("", ())


def test_the_gutter_is_painted_in_both_themes(pane: SourcePane) -> None:
    before = theme.current()
    first = pane.grab().toImage()
    try:
        theme.switch.theme = theme.LIGHT if before.is_dark else theme.DARK
        theme.switch.changed.emit()
        assert pane.grab().toImage() != first
    finally:
        theme.switch.theme = before
        theme.switch.changed.emit()


def test_only_the_lines_whose_marks_change_are_painted_anew(
    pane: SourcePane, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor, painted, accent = pane.editor, set[int](), theme.current().accent
    paint_line = Editor._paint_line

    def noted(self: Editor, painter: QPainter, block: QTextBlock, top: float, height: float) -> None:
        painted.add(block.blockNumber() + 1)
        paint_line(self, painter, block, top, height)

    monkeypatch.setattr(Editor, "_paint_line", noted)
    pane.resize(400, 600)
    editor.setPlainText("\n".join("abcdefghijklmnop"))
    pane._show(None)
    qtbot.waitUntil(lambda: len(painted) == 16)
    editor.set_marks({3: accent, 8: accent})
    QApplication.processEvents()
    painted.clear()
    editor.set_marks({8: accent, 12: accent})
    qtbot.waitUntil(lambda: {3, 12} <= painted)
    QApplication.processEvents()
    assert painted <= {2, 3, 4, 11, 12, 13}
    editor.set_marks({8: theme.current().forward})
    qtbot.waitUntil(lambda: 8 in painted)


def test_a_recorded_script_with_line_ends_of_windows_can_be_edited(
    pane: SourcePane, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text was recorded with them; it was taken for another one than that of the file."""
    path = tmp_path / "train.py"
    path.write_bytes(b"import torch\r\nx = 1\r\n")
    recording = session.recording
    assert recording is not None
    source = replace(next(iter(pane._sources.values())), path=str(path), text="import torch\r\nx = 1\r\n")
    info = replace(recording.info, script=str(path))
    monkeypatch.setattr(Recording, "info", property(lambda _: info))
    monkeypatch.setattr(pane, "_read_sources", lambda: pane._sources.update({source.id: source}))
    pane.adopt_recorded_script()
    assert pane.script == path


def _two_files(folder: Path) -> Path:
    """A recording of train.py, which lies in `folder`, too: its line 4 calls line 2 of layers.py."""
    train, layers = folder / "train.py", folder / "layers.py"
    train.write_text("import layers\n\x0c\ndef train():\n    loss = layers.square(w)\n", encoding="utf-8")
    layers.write_text("def square(w):\n    return w * w\n", encoding="utf-8")
    path = folder / "run.chain"
    with Writer(path, make_info(str(train))) as writer:
        for number, file in enumerate((train, layers)):
            writer.put(Source(number, str(file), file.read_text(encoding="utf-8")))
        script = Script(writer)
        for number, (name, line) in enumerate((("SumBackward0", 4), ("MulBackward0", 2))):
            writer.put(Node(number, 0, "operation", name, source=number, line=line))
        writer.put(Edge(0, 0, 0, 1, 0))
        writer.put(StepStart(0, 0.0))
        writer.put(Graph(0, 0, "backward", 0, 1.0))
        order: tuple[tuple[EventKind, int], ...] = (("forward", 1), ("forward", 0), ("backward", 0), ("backward", 1))
        for kind, node in order:
            script.event(0, 0, kind, node)
    return path


def test_the_file_that_is_shown_is_that_of_the_active_node(tmp_path: Path, qtbot: QtBot) -> None:
    recording = _two_files(tmp_path)
    session = Session()
    pane = SourcePane(session)
    qtbot.addWidget(pane)
    assert session.open(recording)
    shown = []
    for event in range(4):
        session.seek(event)
        shown.append((Path(str(pane.drawn_state()[0])).name, list(pane.shown.marks)))
    assert shown == [("layers.py", [2]), ("train.py", [4]), ("train.py", [4]), ("layers.py", [2])]
    session.close()


def test_lines_are_counted_as_python_counts_them(tmp_path: Path, qtbot: QtBot) -> None:
    """A form feed, which parts the pages of a source, ends no line."""
    session = Session()
    pane = SourcePane(session)
    qtbot.addWidget(pane)
    assert session.open(_two_files(tmp_path), pane.adopt_recorded_script)
    assert pane.script == tmp_path / "train.py"
    session.seek(1)
    assert list(_marks(pane)) == [4]
    assert pane.shown is pane.editor
    session.close()


def test_a_script_that_is_here_is_put_in_once_when_its_recording_is_opened(
    script: Path, bow: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(script.parent)
    session = Session()
    pane = SourcePane(session)
    qtbot.addWidget(pane)
    put_in: list[str] = []
    pane.editor.textChanged.connect(lambda: put_in.append("editor"))
    pane.viewer.textChanged.connect(lambda: put_in.append("viewer"))
    assert session.open(bow, pane.adopt_recorded_script)
    assert put_in == ["editor"]
    assert pane.script == script
    assert pane.editor.toPlainText() == BOW_SCRIPT
    assert pane.shown is pane.editor
    session.close()
