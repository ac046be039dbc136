"""What the actions on modules do, and when they can do something."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from gui.window import MainWindow

LEVELS = (1, 2, 3, 4)


class ModuleCommands(QObject):
    """Connects the table's actions on modules to the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session, self._actions = window, window.session, window.actions_table
        actions = self._actions
        actions["expand_module"].triggered.connect(lambda: self.expand())
        actions["collapse_module"].triggered.connect(lambda: self.collapse())
        actions["collapse_all"].triggered.connect(lambda: self.collapse_to(0))
        actions["expand_all"].triggered.connect(lambda: self.collapse_to(None))
        for level in LEVELS:
            actions[f"collapse_level_{level}"].triggered.connect(partial(self.collapse_to, level))
        actions["fold_repeats"].triggered.connect(self.fold_repeats)
        actions["module_boxes"].triggered.connect(self.show_boxes)
        session = self._session
        session.modules.show_boxes(window.settings.boxes)
        actions["module_boxes"].setChecked(session.modules.boxes)
        for signal in (session.selection_changed, session.modules.current_changed, session.graph_changed):
            signal.connect(self.update)
        session.modules.collapsed_changed.connect(self.update)

    def update(self, _: object = None) -> None:
        """Enable what can do something now."""
        enable = self._actions.set_enabled
        canvas = self._window.central.canvas if self._window.central.has_canvas else None
        tree = None if canvas is None else canvas.tree
        none = self.tr("The graph has no modules to open or close.")
        for level in LEVELS:
            deep = tree is not None and level < tree.levels
            enable(
                f"collapse_level_{level}", deep, none if tree is None else self.tr("Modules are not nested so deep.")
            )
        for action_id in ("collapse_all", "expand_all"):
            enable(action_id, tree is not None, none)
        repeats = tree is not None and bool(tree.repeats)
        enable("fold_repeats", repeats, self.tr("No three neighbouring modules are made alike."))
        self._actions["fold_repeats"].setChecked(canvas is not None and canvas.folds_repeats)
        group = None if canvas is None else canvas.group
        closed = canvas is not None and group is not None and canvas.is_collapsed(group)
        unselected = self.tr("Choose a module, or a node in one.")
        enable("expand_module", closed, unselected if group is None else self.tr("It is open."))
        enable("collapse_module", group is not None and not closed, unselected if group is None else
               self.tr("It is collapsed."))  # fmt: skip

    def expand(self) -> None:
        canvas = self._window.canvas
        if canvas.group is not None:
            canvas.expand(canvas.group.key)

    def collapse(self) -> None:
        canvas = self._window.canvas
        if canvas.group is not None:
            canvas.collapse(canvas.group.key)

    def collapse_to(self, level: int | None, _checked: bool = False) -> None:
        self._window.canvas.collapse_to(level)

    def fold_repeats(self, on: bool) -> None:
        self._window.canvas.fold_repeats(on)

    def show_boxes(self, on: bool) -> None:
        self._window.settings.boxes = on
        self._session.modules.show_boxes(on)
