"""What the actions for exploring the graph do, and when they can do something."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QObject

from gui.actions import COLORS
from gui.explore.latest import Latest

if TYPE_CHECKING:
    from gui.canvas.view import CanvasView
    from gui.explore.corner import ColorButton
    from gui.explore.search_bar import SearchBar
    from gui.explore.ways import Ways
    from gui.window import MainWindow


class ExploreCommands(QObject):
    """Connects the table's actions to the canvas; `attach` is called once there is one."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session, self._actions = window, window.session, window.actions_table
        self._ways: Ways | None = None
        self._path: tuple[frozenset[int], tuple[int, int]] = (frozenset(), (0, 0))  # the last one's nodes and ends
        self._preparing = Latest("ways", self)
        self._preparing.done.connect(self._take_ways)
        self.search: SearchBar | None = None
        self.corner: ColorButton | None = None
        functions: dict[str, Callable[[], object]] = {
            "find_node": self.find,
            "mark_all": self.mark_all,
            "mark_upstream": partial(self.mark_connected, upstream=True),
            "mark_downstream": partial(self.mark_connected, upstream=False),
            "show_path": partial(self.show_path, shortest=False),
            "show_shortest_path": partial(self.show_path, shortest=True),
        }
        for action_id, function in functions.items():
            self._actions[action_id].triggered.connect(lambda _=False, call=function: call())
        for name in COLORS:
            self._actions[f"color_{name}"].triggered.connect(partial(self.color_by, name))
        self._actions["color_kind"].setChecked(True)
        self._actions["minimap"].setChecked(True)
        self._actions["minimap"].triggered.connect(self.show_minimap)
        self._session.marked_changed.connect(self._marks_changed)
        self._session.selection_changed.connect(lambda _: self.update())

    def attach(self, canvas: CanvasView) -> None:
        """Put what belongs to the canvas into it."""
        from gui.explore.corner import ColorButton
        from gui.explore.menu import open_menu
        from gui.explore.search_bar import SearchBar

        self.search = SearchBar(self._session, canvas)
        self.search.found.connect(canvas.explorer.show_found)
        self.search.chosen.connect(self._window.commands.go_to_node)
        self.search.mark_wanted.connect(self._session.mark)
        self.corner = ColorButton(self._actions, canvas)
        canvas.ready.connect(self._prepare)
        canvas.explorer.colors.failed.connect(self._window.show_error)
        canvas.explorer.colors.changed.connect(self._show_color)
        canvas.menu_wanted.connect(partial(open_menu, self._window))

    def shutdown(self) -> None:
        """Wait for what is being worked out."""
        from gui.inspector.panel import InspectorPanel

        self._preparing.finish()
        if self.search is not None:
            self.search.shutdown()
        inspector = self._window.panels.widget("inspector")
        if isinstance(inspector, InspectorPanel):
            inspector.marked.shutdown()

    @property
    def ways(self) -> Ways | None:
        """Up- and downstream in the graph that is shown, whatever of it is collapsed."""
        from gui.explore.ways import Ways

        recording, graph = self._session.recording, self._session.graph_id
        if recording is None or graph is None:
            return None
        if self._ways is None or not self._ways.holds(recording, graph):
            self._ways = Ways(recording, graph)
        return self._ways

    def _prepare(self) -> None:
        """Before somebody asks for it: in a large graph this takes a moment."""
        from gui.explore.ways import Ways

        recording, graph = self._session.recording, self._session.graph_id
        if recording is not None and graph is not None:
            self._preparing.start((id(recording), graph), lambda: Ways(recording, graph).prepared())

    def _take_ways(self, _key: object, ways: Ways) -> None:
        self._ways = ways

    def update(self) -> None:
        """Enable what can do something now."""
        enable, session = self._actions.set_enabled, self._session
        shown, nothing = session.graph_id is not None, self.tr("No graph is shown.")
        for action_id in ("find_node", "mark_all", "minimap", *(f"color_{name}" for name in COLORS)):
            enable(action_id, shown, nothing)
        unselected = self.tr("No node is selected.")
        for action_id in ("mark_upstream", "mark_downstream"):
            enable(action_id, session.selection is not None, unselected)
        two = self.tr("Mark two nodes first: click them with Shift held down.")
        for action_id in ("show_path", "show_shortest_path"):
            enable(action_id, self._ends() is not None, two)

    # --- what they do ------------------------------------------------------------------------------------------------

    def color_by(self, name: str, _checked: bool = True) -> None:
        """Fill nodes by one of the measures."""
        self._actions[f"color_{name}"].setChecked(True)
        self._window.canvas.explorer.colors.choose(name)

    def find(self) -> None:
        canvas = self._window.canvas
        if self.search is not None and self._session.graph_id is not None:
            self.search.open(data_leaves=canvas.data_leaves)

    def mark_all(self) -> None:
        recording, graph = self._session.recording, self._session.graph_id
        if recording is not None and graph is not None:
            leaves = self._window.canvas.data_leaves
            nodes = [node.id for node in recording.nodes(graph) if leaves or node.kind != "data"]
            self._session.mark(nodes)

    def mark_connected(self, *, upstream: bool, node: int | None = None) -> None:
        """Mark what is up- or downstream of a node (None: the selected one), and itself."""
        node = self._session.selection if node is None else node
        if node is None or self.ways is None:
            return
        title = self.tr("upstream of {0}") if upstream else self.tr("downstream of {0}")
        self._session.mark(self.ways.connected(node, upstream=upstream), title.format(self.ways.title(node)))

    def show_path(self, *, shortest: bool, ends: tuple[int, int] | None = None) -> None:
        """Mark the ways between two nodes (None: the two that are marked, or those of the path that is)."""
        ends = ends or self._ends()
        if ends is None or self.ways is None:
            return
        nodes, links = self.ways.between(*ends, shortest=shortest)
        if not nodes:
            text = self.tr("No gradient flows between {0} and {1}: neither is upstream of the other.")
            self._window.show_note(text.format(self.ways.title(ends[0]), self.ways.title(ends[1])))
            return
        names = [self.ways.title(end).split(" · ")[0] for end in ends]
        if shortest:
            title = self.tr("shortest path {0} – {1}").format(*names)
        else:
            title = self.tr("paths {0} – {1}").format(*names)
        self._window.canvas.explorer.show_path(nodes, title)
        self._path = (self._session.marked, ends)
        self.update()
        text = self.tr("{0}: {1} nodes, the shortest has {2} links")
        self._window.show_note(text.format(title[:1].upper() + title[1:], f"{len(nodes):,}", f"{links:,}"))

    def _ends(self) -> tuple[int, int] | None:
        """Between what a path is wanted: from all paths one can go on to the shortest, and back."""
        marked, (path, ends) = self._session.marked, self._path
        if len(marked) == 2:
            first, last = sorted(marked)
            return first, last
        return ends if marked and marked == path else None

    def pick_path_from(self, node: int) -> None:
        """Show the paths to the node that is clicked next."""
        self._window.canvas.explorer.pick(lambda other: self.show_path(shortest=False, ends=(node, other)))
        self._window.show_note(self.tr("Click the node to which the path leads; Escape gives up."))

    def show_minimap(self, on: bool) -> None:
        self._window.canvas.show_minimap(on)

    # --- changes -----------------------------------------------------------------------------------------------------

    def _show_color(self) -> None:
        if shiboken6.isValid(self._window) and self.corner is not None:
            name = self._window.central.canvas.explorer.colors.name
            self._actions[f"color_{name}"].setChecked(True)
            self.corner.show_name(name)

    def _marks_changed(self) -> None:
        self.update()
        self._window.commands.update()
