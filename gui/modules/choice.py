"""Which modules are collapsed, by the make of the graph, and which one is looked at."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal


class ModuleChoice(QObject):
    """Graphs of the same structure (see `gui.canvas.loader.structure_of`) show the same modules collapsed.

    What was never chosen for a structure is decided by its size when it is laid out. `current` is the key of the module
    that one looks at, "" for none. `boxes`: open modules are drawn as boxes round what they hold.
    """

    collapsed_changed = Signal()  # or the boxes have
    current_changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._collapsed: dict[str, frozenset[str]] = {}
        self._current = ""
        self._boxes = True
        self._before: dict[str, frozenset[str] | None] = {}

    @property
    def current(self) -> str:
        return self._current

    def look_at(self, key: str) -> None:
        if key != self._current:
            self._current = key
            self.current_changed.emit(key)

    @property
    def boxes(self) -> bool:
        return self._boxes

    def show_boxes(self, on: bool) -> None:
        if on != self._boxes:
            self._boxes = on
            self.collapsed_changed.emit()

    def collapsed(self, structure: str) -> frozenset[str] | None:
        """Keys of the collapsed groups; None if nobody has chosen."""
        return self._collapsed.get(structure)

    def collapse(self, structure: str, keys: Iterable[str]) -> None:
        """Show graphs of this structure with these groups collapsed, and no others."""
        chosen = frozenset(keys)
        if chosen != self._collapsed.get(structure):
            self._collapsed[structure] = chosen
            self.collapsed_changed.emit()

    def focus(self, structure: str, keys: Iterable[str]) -> None:
        """The same, until `unfocus` shows what was there before."""
        self._before.setdefault(structure, self._collapsed.get(structure))
        self.collapse(structure, keys)

    def is_focused(self, structure: str) -> bool:
        return structure in self._before

    def unfocus(self, structure: str, *, restore: bool = True) -> None:
        """Show what was there before; without `restore`, there is no more way back."""
        before = self._before.pop(structure, None)
        if not restore:
            return
        if before is None:
            self._collapsed.pop(structure, None)
        else:
            self._collapsed[structure] = before
        self.collapsed_changed.emit()
