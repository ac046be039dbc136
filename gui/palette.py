"""The command palette: find any action by its name, any node by its type, module, parameter or variable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QAction, QFontMetrics, QKeyEvent, QPainter, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from engine.recording.model import Node
from gui import icons, theme
from gui.actions import ACTIONS, Actions, menu_path, translate

MOST = 60
WIDTH, ROWS, ROW_HEIGHT = 560, 11, 32
Index = QModelIndex | QPersistentModelIndex
ENTRY = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class Entry:
    """Something that can be found. `words` is what is searched, in lower case."""

    title: str
    detail: str
    icon: str
    hint: str
    words: str
    enabled: bool
    run: Callable[[], object]


def rank(entry: Entry, query: str) -> int | None:
    """How well an entry fits, less is better; None if a word of the query is not in it."""
    wanted = query.lower().split()
    if any(word not in entry.words for word in wanted):
        return None
    title, first, whole = entry.title.lower(), wanted[0] if wanted else "", query.lower().strip()
    if title == whole:
        place = -2
    elif title.startswith(whole):
        place = 0 if title[len(whole)].isalnum() else -1  # "mul.Tensor" before "Multipartite"
    elif f" {first}" in f" {title.replace('.', ' ').replace('_', ' ')}":
        place = 1
    else:
        place = 2 if first in title else 3
    return place + (0 if entry.enabled else 10)


def search(entries: Iterable[Entry], query: str) -> list[Entry]:
    """The best entries, in the order of the table where they fit equally well."""
    ranked = [
        (place, number, entry) for number, entry in enumerate(entries) if (place := rank(entry, query)) is not None
    ]
    return [entry for *_, entry in sorted(ranked, key=lambda item: item[:2])[:MOST]]


def action_entries(actions: Actions) -> list[Entry]:
    entries = []
    for spec in ACTIONS:
        action: QAction = actions[spec.id]
        title, where = translate(spec.label).rstrip("…"), menu_path(spec)
        words = f"{title} {where} {translate(spec.tip)} {spec.id}".lower()
        keys = action.shortcut().toString()
        entries.append(Entry(title, where, spec.icon, keys, words, action.isEnabled(), action.trigger))
    return entries


def node_entries(nodes: Iterable[Node], select: Callable[[int], object]) -> list[Entry]:
    entries = []
    for node in nodes:
        title = node.name or node.module or node.operation.removeprefix("aten.") or node.type
        detail = node.type if not node.module or node.module == title else f"{node.type} · {node.module}"
        words = f"{node.type} {node.operation} {node.name} {node.module} {node.module_type}".lower()
        entries.append(Entry(title, detail, "node", "", words, True, partial(select, node.id)))
    return entries


class Palette(QFrame):
    """Opens over the window; Enter runs the chosen entry, Escape closes."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("palette")
        self._entries: list[Entry] = []
        self._line = QLineEdit()
        self._line.setObjectName("palette_line")
        self._line.setPlaceholderText(self.tr("Search actions and nodes"))
        self._line.setAccessibleName(self._line.placeholderText())
        self._line.setClearButtonEnabled(True)
        self._line.installEventFilter(self)
        self._line.textChanged.connect(self._search)
        self._list = QListWidget()
        self._list.setObjectName("palette_list")
        self._list.setItemDelegate(EntryDelegate(self._list))
        self._list.setUniformItemSizes(True)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.itemClicked.connect(self._run)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SMALL, theme.SMALL, theme.SMALL, theme.SMALL)
        column.setSpacing(theme.SMALL)
        column.addWidget(self._line)
        column.addWidget(self._list)
        self.setFixedWidth(WIDTH)

    @property
    def found(self) -> list[Entry]:
        """What is listed now."""
        return [self._list.item(row).data(ENTRY) for row in range(self._list.count())]

    def open_with(self, entries: list[Entry], window: QWidget) -> None:
        """Show all of them over `window`, ready to be searched."""
        self._entries = entries
        self._line.clear()
        self._search("")
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - self.width()) // 2, corner.y() + 72)
        self.show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        colors = theme.current()
        self.setStyleSheet(
            f"#palette {{ background: {colors.raised.name()}; border: 1px solid {colors.line.name()}; }}"
            f"#palette_list {{ background: {colors.raised.name()}; }}"
        )
        self._line.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys and Enter go from the line to the list."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: ROWS, Qt.Key.Key_PageUp: -ROWS}
            move = moves.get(Qt.Key(event.key()))
            if move is not None and self._list.count():
                row = self._list.currentRow() + move
                self._list.setCurrentRow(max(0, min(row, self._list.count() - 1)))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self._list.currentItem())
                return True
        return super().eventFilter(watched, event)

    def _search(self, query: str) -> None:
        self._list.clear()
        for entry in search(self._entries, query):
            item = QListWidgetItem(entry.title)
            item.setData(ENTRY, entry)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.title}, {entry.detail}")
            self._list.addItem(item)
        self._list.setCurrentRow(0)
        self._list.setFixedHeight(max(1, min(self._list.count(), ROWS)) * ROW_HEIGHT)
        self.adjustSize()

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        entry: Entry = item.data(ENTRY)
        if entry.enabled:
            self.close()
            entry.run()


class EntryDelegate(QStyledItemDelegate):
    """Icon, title, where it stands, shortcut at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(WIDTH - 40, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry: Entry = index.data(ENTRY)
        colors, area = theme.current(), QRect(option.rect)
        painter.save()
        try:
            if option.state & QStyle.StateFlag.State_Selected:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colors.selected)
                painter.drawRoundedRect(area, theme.RADIUS_CHIP, theme.RADIUS_CHIP)
            area.adjust(theme.SMALL, 0, -theme.SMALL, 0)
            if not entry.enabled:
                painter.setOpacity(0.45)
            if entry.icon:
                picture = icons.pixmap(entry.icon, theme.ICON, colors.dim, painter.device().devicePixelRatioF())
                painter.drawPixmap(area.left(), area.center().y() - theme.ICON // 2 + 1, picture)
            area.setLeft(area.left() + theme.ICON + theme.SMALL)
            self._paint_text(painter, entry, area)
        finally:
            painter.restore()

    def _paint_text(self, painter: QPainter, entry: Entry, area: QRect) -> None:
        colors, middle = theme.current(), Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.ui_font())
        metrics = QFontMetrics(theme.ui_font())
        painter.setPen(colors.dim)
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignRight, entry.hint)
        area.setRight(area.right() - metrics.horizontalAdvance(entry.hint) - theme.MEDIUM)
        title = metrics.elidedText(entry.title, Qt.TextElideMode.ElideRight, area.width())
        painter.setPen(colors.text)
        painter.drawText(area, middle, title)
        area.setLeft(area.left() + metrics.horizontalAdvance(title) + theme.MEDIUM)
        painter.setPen(colors.dim)
        painter.drawText(area, middle, metrics.elidedText(entry.detail, Qt.TextElideMode.ElideRight, area.width()))
