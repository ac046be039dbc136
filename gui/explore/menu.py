"""What a right click on the canvas offers: for a node, a collapsed module, an edge, several nodes, or the ground."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtWidgets import QApplication, QMenu

from gui.actions import COLORS

if TYPE_CHECKING:
    from engine.recording.model import Node
    from engine.recording.reader import Recording
    from gui.window import MainWindow

translate = QCoreApplication.translate

MODULES = ("collapse_all", "collapse_level_1", "collapse_level_2", "expand_all", "fold_repeats")


def open_menu(window: MainWindow, place: QPoint, node: int | None, edge: int | None) -> QMenu:
    """Show the menu at a point of the screen; it is gone once it is closed."""
    menu = build_menu(window, node, edge)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(place)
    return menu


def build_menu(window: MainWindow, node: int | None, edge: int | None) -> QMenu:
    """`node` is the id of the node under the mouse (negative: of a module, collapsed or open), `edge` a position in the
    scene; neither: the ground."""
    menu = QMenu(window)
    menu.setObjectName("canvas_menu")
    marked = window.session.marked
    if node is not None and len(marked) > 1 and node in marked:
        _several(menu, window, marked)
    elif node is not None and node >= 0:
        _node(menu, window, node)
    elif node is not None:
        _module(menu, window)
    elif edge is not None:
        _edge(menu, window, edge)
    elif len(marked) > 1:
        _several(menu, window, marked)
    _view(menu, window)
    return menu


def _add(menu: QMenu, label: str, call: Callable[[], object]) -> None:
    menu.addAction(label).triggered.connect(lambda _=False: call())


def _title(menu: QMenu, text: str) -> None:
    title = menu.addAction(menu.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, 320).replace("&", "&&"))
    title.setEnabled(False)
    menu.addSeparator()


# --- a node -----------------------------------------------------------------------------------------------------------


def _node(menu: QMenu, window: MainWindow, node: int) -> None:
    session, recording, ways = window.session, window.session.recording, window.explore_commands.ways
    if recording is None or ways is None:
        return
    row = recording.node(node)
    _title(menu, ways.title(node) or row.type)
    for label, event in _events(recording, row):
        _add(menu, label, partial(_go, window, node, event))
    if row.source is not None and row.line is not None:
        path, line = recording.source(row.source).path, row.line
        _add(menu, translate("explore_menu", "Show source line"), lambda: window.show_place(path, line))
    if row.kind != "data":  # no gradient runs to it
        _add(menu, translate("explore_menu", "Show its proof"), lambda: _show_proof(window, row))
    if session.element is not None and session.selection == node:
        menu.addAction(window.actions_table["follow_upstream"])
    menu.addSeparator()
    _add(menu, translate("explore_menu", "Mark what is upstream"),
         lambda: window.explore_commands.mark_connected(upstream=True, node=node))  # fmt: skip
    _add(menu, translate("explore_menu", "Mark what is downstream"),
         lambda: window.explore_commands.mark_connected(upstream=False, node=node))  # fmt: skip
    _add_path(menu, window, node)
    if row.module:
        _add(menu, translate("explore_menu", "Mark module {0}").format(row.module), lambda: _mark_module(window, row))
    menu.addSeparator()
    _add(menu, translate("explore_menu", "Copy name"), lambda: _copy(row.name or ways.title(node)))
    _add(menu, translate("explore_menu", "Copy values"), lambda: _copy(_values(window, node)))
    menu.addSeparator()


def _events(recording: Recording, row: Node) -> Iterable[tuple[str, int]]:
    """What happened at a node, in the order in which it did."""
    line = recording.timeline
    if row.forward_event is not None:
        yield translate("explore_menu", "Go to its forward event"), row.forward_event
    for label, events in (
        (translate("explore_menu", "Go to its backward event"), line.backward_event(row.graph)),
        (translate("explore_menu", "Go to where its gradient arrived"), line.accumulate_event(row.graph)),
        (translate("explore_menu", "Go to its update"), line.update_event(row.graph)),
    ):
        if row.id in events:
            yield label, events[row.id]


def _go(window: MainWindow, node: int, event: int) -> None:
    window.session.seek(event)
    window.session.select(node)


def _show_proof(window: MainWindow, row: Node) -> None:
    """The inspector proves the node that it shows, once the playhead has come to its backward."""
    recording = window.session.recording
    if recording is None:
        return
    line = recording.timeline
    event = {**line.accumulate_event(row.graph), **line.backward_event(row.graph)}.get(row.id)
    if event is not None and window.session.playhead < event:
        window.session.seek(event)
    window.session.select(row.id)
    window.panels["inspector"].show()
    window.panels["inspector"].raise_()


def _add_path(menu: QMenu, window: MainWindow, node: int) -> None:
    """To the selected node, if there is another one; else to the one that is clicked next."""
    commands, selected, ways = window.explore_commands, window.session.selection, window.explore_commands.ways
    if selected is not None and selected != node and ways is not None:
        label = translate("explore_menu", "Show path to {0}").format(ways.title(selected))
        _add(menu, label, lambda: commands.show_path(shortest=False, ends=(node, selected)))
    _add(menu, translate("explore_menu", "Show path to…"), lambda: commands.pick_path_from(node))


def _mark_module(window: MainWindow, row: Node) -> None:
    recording = window.session.recording
    if recording is not None:
        prefix = f"{row.module}."
        nodes = [
            each.id
            for each in recording.nodes(row.graph)
            if each.module == row.module or f"{each.module}.".startswith(prefix) or each.name.startswith(prefix)
        ]
        window.session.mark(nodes, row.module)


def _values(window: MainWindow, node: int) -> str:
    """What the tooltip says, as plain text."""
    from PySide6.QtGui import QTextDocumentFragment

    from gui.canvas import describe

    canvas, recording = window.canvas, window.session.recording
    picture = canvas.picture(hover=False)
    if picture is None or recording is None or node not in picture.scene.position:
        return ""
    words = describe.tooltip(recording, picture, picture.scene.position[node])
    return QTextDocumentFragment.fromHtml(words).toPlainText()


def _copy(text: str) -> None:
    QApplication.clipboard().setText(text)


# --- the others -------------------------------------------------------------------------------------------------------


def _module(menu: QMenu, window: MainWindow) -> None:
    """The module that one looks at, whose nodes are marked."""
    marked, group = window.session.marked, window.canvas.group
    if group is not None:
        _title(menu, group.path or group.key)
    menu.addActions([window.actions_table["expand_module"], window.actions_table["collapse_module"]])
    canvas = window.canvas
    if group is not None:
        _add(menu, translate("explore_menu", "Show only this module"), partial(canvas.show_only, group.key))
    _add_way_back(menu, window)
    _add(menu, translate("explore_menu", "Fit it"), lambda: window.canvas.fit_nodes(marked))
    _add(menu, translate("explore_menu", "Copy names"), lambda: _copy(_names(window, marked)))
    menu.addSeparator()


def _add_way_back(menu: QMenu, window: MainWindow) -> None:
    if window.canvas.shows_only:
        _add(menu, translate("explore_menu", "Show the other modules again"), window.canvas.show_others)


def _edge(menu: QMenu, window: MainWindow, edge: int) -> None:
    scene = window.canvas.scene
    if scene is None or edge >= len(scene.source):
        return
    ends = [int(scene.node_ids[each[edge]]) for each in (scene.source, scene.target)]
    # Without its class, a name is short enough for the arrow and both ends to be seen.
    names = [scene.cards[scene.card[int(each[edge])]].title.split(" · ")[0] for each in (scene.source, scene.target)]
    _title(menu, f"{names[0]} → {names[1]}")
    for name, node in zip(names, ends, strict=True):
        _add(menu, translate("explore_menu", "Go to {0}").format(name), partial(window.commands.go_to_node, node))
    _add(menu, translate("explore_menu", "Mark both nodes"), lambda: window.session.mark(ends))
    menu.addSeparator()


def _several(menu: QMenu, window: MainWindow, marked: frozenset[int]) -> None:
    actions, session = window.actions_table, window.session
    _title(menu, session.marked_title or translate("explore_menu", "{0} nodes").format(f"{len(marked):,}"))
    if len(marked) == 2:
        menu.addAction(actions["show_path"])
        menu.addAction(actions["show_shortest_path"])
    _add(menu, translate("explore_menu", "Fit them"), lambda: window.canvas.fit_nodes(marked))
    _add(menu, translate("explore_menu", "Copy names"), lambda: _copy(_names(window, marked)))
    _add(menu, translate("explore_menu", "Take off the marks"), lambda: session.mark(()))
    menu.addSeparator()


def _names(window: MainWindow, marked: frozenset[int]) -> str:
    ways = window.explore_commands.ways
    return "" if ways is None else "\n".join(ways.title(node) for node in sorted(marked))


def _view(menu: QMenu, window: MainWindow) -> None:
    """What there is everywhere."""
    actions = window.actions_table
    menu.addAction(actions["fit"])
    menu.addAction(actions["find_node"])
    colors = menu.addMenu(translate("explore_menu", "Colour by"))
    colors.addActions([actions[f"color_{name}"] for name in COLORS])
    modules = menu.addMenu(translate("explore_menu", "Modules"))
    modules.addActions([actions[name] for name in MODULES])
    _add_way_back(modules, window)
    modules.setEnabled(any(action.isEnabled() for action in modules.actions()))
    menu.addSeparator()
    menu.addActions([actions["export_graph"], actions["copy_image"]])
