"""The table of actions, and what is made of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from engine.layout import ALGORITHMS, DIRECTIONS
from gui import theme
from gui.actions import ACTIONS, LAYOUTS, PANELS, Table, menu_path
from gui.app import create_window
from gui.help import ShortcutsDialog
from gui.icons import FOLDER, icon
from gui.palette import Palette, action_entries, node_entries, search
from gui.window import MainWindow

PROMISED = (
    "step_forward", "step_back", "next_phase", "previous_phase", "next_step", "previous_step", "play", "go_start",
    "go_end", "open_script", "open_recording", "load_model", "run", "stop", "save_recording",
)  # fmt: skip


def test_ids_and_shortcuts_are_unique() -> None:
    assert max(Counter(spec.id for spec in ACTIONS).values()) == 1
    keys = Counter(keys for spec in ACTIONS for keys in spec.shortcuts.split())
    assert max(keys.values()) == 1


def test_no_shortcut_is_another_ones_with_shift_held_for_a_sign() -> None:
    """Keyboards need Shift for many signs, so Qt takes it off: Ctrl+Shift++ would never get past Ctrl++."""
    every = {keys for spec in ACTIONS for keys in spec.shortcuts.split()}
    with_shift = {keys for keys in every if "Shift+" in keys and not keys.removesuffix("+")[-1].isalnum()}
    assert not {keys.replace("Shift+", "") for keys in with_shift} & every
    assert not with_shift


def test_every_row_can_be_read_and_found() -> None:
    menus = dict(Table.MENUS)
    for spec in ACTIONS:
        assert spec.label
        assert spec.tip
        assert spec.menu in menus, spec.id
        assert menu_path(spec)
        for keys in spec.shortcuts.split():
            assert not QKeySequence(keys).isEmpty(), (spec.id, keys)


def test_icons_are_there_and_none_is_left_over(window: MainWindow) -> None:
    elsewhere = {"app", "error", "warning", "info", "close", "node", "recording"}
    used = {spec.icon for spec in ACTIONS if spec.icon} | elsewhere
    assert used <= {path.stem for path in FOLDER.glob("*.svg")}
    for name in used:
        assert not icon(name).isNull()


def test_layouts_are_those_of_the_engine() -> None:
    assert set(LAYOUTS) >= set(ALGORITHMS)


def test_directions_are_those_of_the_engine() -> None:
    offered = [spec.id for spec in ACTIONS if spec.group == "direction"]
    assert offered == [f"direction_{direction}" for direction in DIRECTIONS]


def test_the_window_has_every_action_by_its_id(window: MainWindow) -> None:
    by_name = {action.objectName() for action in window.actions()}
    assert by_name == {spec.id for spec in ACTIONS}
    assert set(PROMISED) <= by_name


def test_another_theme_leaves_every_button_its_text(window: MainWindow, qapp: QApplication) -> None:
    texts = {button: button.text() for button in window.toolbar.findChildren(QToolButton)}
    assert "Search  Ctrl+K" in texts.values()
    theme.apply(qapp, "light" if theme.current() is theme.DARK else "dark")
    assert {button: button.text() for button in texts} == texts


def test_another_theme_finds_nothing_left_of_a_window_that_is_gone(qapp: QApplication) -> None:
    gone = create_window()
    kept = gone.actions_table  # the Python side may outlive the window
    gone.close()
    shiboken6.delete(gone)
    theme.apply(qapp, "light" if theme.current() is theme.DARK else "dark")  # pytest-qt fails on errors in slots
    assert not shiboken6.isValid(kept)


def test_what_can_do_nothing_says_why(window: MainWindow) -> None:
    run = window.actions_table["run"]
    assert not run.isEnabled()
    assert "Open a script" in run.toolTip()
    assert not window.actions_table["step_forward"].isEnabled()
    assert not window.actions_table["stop"].isEnabled()


def test_walking_actions_know_the_ends(walked: MainWindow) -> None:
    actions = walked.actions_table
    assert actions["step_forward"].isEnabled()
    assert not actions["step_back"].isEnabled()
    actions["go_end"].trigger()
    assert not actions["step_forward"].isEnabled()
    assert "last event" in actions["step_forward"].toolTip()
    assert actions["step_back"].isEnabled()


@pytest.mark.parametrize(
    ("keys", "start", "expected"),
    [
        ((Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier), 3, 4),
        ((Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier), 3, 2),
        ((Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier), 3, 12),
        ((Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier), 15, 12),
        ((Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier), 20, 0),
        ((Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier), 3, 35),
    ],
)
def test_keys_move_the_playhead_from_the_canvas_and_the_console(
    walked: MainWindow, qtbot: QtBot, keys: tuple[Qt.Key, Qt.KeyboardModifier], start: int, expected: int
) -> None:
    walked.activateWindow()
    for widget in (walked.canvas, walked.console, walked.toolbar):
        walked.session.seek(start)
        widget.setFocus()
        QTest.keyClick(widget, *keys)
        assert walked.session.playhead == expected, widget


def test_phases_are_reached_by_keys(walked: MainWindow, qtbot: QtBot) -> None:
    timeline = walked.session.recording.timeline  # type: ignore[union-attr]
    QTest.keyClick(walked, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert timeline.phase(walked.session.playhead) == "backward"
    QTest.keyClick(walked, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert walked.session.playhead == 0


def test_the_editor_keeps_its_own_keys(walked: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    editor = walked.source.editor
    (tmp_path / "script.py").write_text("abc", encoding="utf-8")
    assert walked.source.open_script(tmp_path / "script.py")
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_Right)
    QTest.keyClick(editor, Qt.Key.Key_Space)
    assert walked.session.playhead == 0
    assert editor.toPlainText() == "a bc"
    assert not walked.transport.player.is_playing


def test_the_list_of_shortcuts_has_them_all(window: MainWindow, qtbot: QtBot) -> None:
    dialog = ShortcutsDialog(window.actions_table)
    qtbot.addWidget(dialog)
    groups = [dialog.tree.topLevelItem(row) for row in range(dialog.tree.topLevelItemCount())]
    rows = sum(group.childCount() for group in groups if group is not None)
    assert rows == len([spec for spec in ACTIONS if spec.shortcuts])


def test_the_list_of_shortcuts_is_read_by_keys(window: MainWindow, qtbot: QtBot) -> None:
    dialog = ShortcutsDialog(window.actions_table)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.focusWidget() is dialog.tree
    assert dialog.tree.verticalScrollBar().value() == 0
    for _ in range(3):
        QTest.keyClick(dialog.tree, Qt.Key.Key_PageDown)
    assert dialog.tree.verticalScrollBar().value() > 0
    QTest.keyClick(dialog.tree, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_the_palette_finds_actions_and_nodes(walked: MainWindow) -> None:
    recording = walked.session.recording
    assert recording is not None
    chosen: list[int] = []
    entries = action_entries(walked.actions_table) + node_entries(recording.nodes(0), chosen.append)
    assert search(entries, "next pha")[0].title == "Next phase"
    found = search(entries, "powback")
    assert [entry.icon for entry in found] == ["node"]
    found[0].run()
    assert recording.node(chosen[0]).type == "PowBackward0"
    assert search(entries, "no such thing") == []


def test_what_is_called_just_so_is_found_first(walked: MainWindow) -> None:
    recording = walked.session.recording
    assert recording is not None
    entries = action_entries(walked.actions_table) + node_entries(recording.nodes(0), lambda _: None)
    assert [entry.title for entry in search(entries, "loss")][:2] == ["loss", "Loss at the top"]
    product = replace(entries[-1], title="mul.Tensor", words="mul.tensor mulbackward0")
    assert [entry.title for entry in search([*entries, product], "mul")][:3] == ["mul", "mul.Tensor", "Multipartite"]


def test_every_entry_of_a_menu_has_a_letter_of_its_own(window: MainWindow) -> None:
    for path, menu in window.menus.items():
        texts = [entry.text() for entry in menu.actions() if entry.text()]
        letters = [text[text.index("&") + 1].lower() for text in texts if "&" in text]
        assert len(set(letters)) == len(letters), path
        for text in texts:  # in a long menu there may be none left
            assert "&" in text or set(filter(str.isalnum, text.lower())) <= set(letters), (path, text)
    assert "&Open script…" in [entry.text() for entry in window.menus["file"].actions()]


def test_recent_files_of_one_name_can_be_told_apart_and_forgotten(window: MainWindow, tmp_path: Path) -> None:
    for folder in ("a&b", "c"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "train.py").write_text("import torch\n", encoding="utf-8")
        assert window.open_path(tmp_path / folder / "train.py")
    menu = window.menus["file/recent"]
    menu.aboutToShow.emit()
    first, second = (entry.text() for entry in menu.actions()[:2])
    assert first.startswith("train.py\t")
    assert first != second.replace("&&", "&")
    assert second.endswith("a&&b")
    menu.actions()[-1].trigger()
    assert window.settings.recent == []
    menu.aboutToShow.emit()
    assert [entry.isEnabled() for entry in menu.actions()] == [False]


def test_the_palette_runs_what_is_chosen(walked: MainWindow, qtbot: QtBot) -> None:
    walked.actions_table["command_palette"].trigger()
    palette = walked.findChild(Palette)
    assert palette is not None
    line = palette._line
    QTest.keyClicks(line, "go to the end")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert walked.session.playhead == walked.session.last


def test_a_panel_whose_tab_is_behind_is_shown(walked: MainWindow, qtbot: QtBot) -> None:
    dock, action = walked.panels["memory"], walked.actions_table["show_memory"]
    walked.panels["charts"].raise_()
    qtbot.waitUntil(lambda: dock.visibleRegion().isEmpty())
    action.trigger()
    qtbot.waitUntil(lambda: not dock.visibleRegion().isEmpty())
    assert action.isChecked()


def test_panels_are_toggled_by_their_actions(walked: MainWindow, qtbot: QtBot) -> None:
    for name in PANELS:
        action, dock = walked.actions_table[f"show_{name}"], walked.panels[name]
        assert action.isChecked()
        dock.raise_()
        qtbot.waitUntil(lambda dock=dock: not dock.visibleRegion().isEmpty())  # type: ignore[misc]
        action.trigger()
        assert dock.isHidden()
        assert not action.isChecked()
    walked.actions_table["reset_panels"].trigger()
    assert not any(walked.panels[name].isHidden() for name in PANELS)
