"""Finding nodes: one line over the canvas, the list of what fits, and all of it lit in the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import icons, theme
from gui.explore.latest import Latest
from gui.numbers import shape

if TYPE_CHECKING:
    from engine.graph.search import Ints, SearchIndex
    from gui.session import Session

Index = QModelIndex | QPersistentModelIndex

WIDTH, ROWS, ROW_HEIGHT = 372, 8, 40
TOP, MARGIN = 44, 12
ABOVE_AND_BELOW, FEWEST_ROWS = 264, 3  # of the list: the line, and room for the map
MOST_ROWS = 300


class Results(QAbstractListModel):
    """Positions in a search index, the best first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.index_: SearchIndex | None = None
        self.found: Ints = np.zeros(0, dtype=np.int64)

    def show(self, index: SearchIndex | None, found: Ints) -> None:
        """Of very many the first MOST_ROWS are listed: a list that is laid out anew with each letter takes its time."""
        self.beginResetModel()
        self.index_, self.found = index, found
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else min(len(self.found), MOST_ROWS)

    def node(self, row: int) -> int | None:
        """The id of the node in a row."""
        if self.index_ is None or not 0 <= row < len(self.found):
            return None
        return int(self.index_.ids[self.found[row]])

    def lines(self, row: int) -> tuple[str, str, str]:
        """Title, what it is and where it belongs, source line."""
        assert self.index_ is not None
        position = int(self.found[row])
        node = self.index_.nodes[position]
        title = self.index_.titles[position]
        module = "" if title.startswith(node.module) else node.module
        detail = " · ".join(part for part in (node.type, module, shape(node.shape)) if part)
        return title, detail, self.index_.place(position)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.lines(index.row())[0]
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return ", ".join(part for part in self.lines(index.row()) if part)
        return None


class SearchBar(QFrame):
    """`found(ids)` follows every change of the words, `found(None)` the end of the search.
    `chosen(id)` follows Enter, and a click into the list.

    The index is made in a thread; until it is there, the line says so.
    """

    found = Signal(object)
    chosen = Signal(int)
    mark_wanted = Signal(object, str)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("search_bar")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._session, self._canvas = session, parent
        self._leaves = False
        self._folded = False
        self._index: SearchIndex | None = None
        self._index_of: tuple[object, ...] = ()
        self._worker = Latest("search index", self)
        self._worker.done.connect(self._indexed)
        self._worker.failed.connect(lambda _, text: self._count.setText(text))
        self.results = Results(self)
        self._build()
        parent.installEventFilter(self)
        for signal in (session.graph_changed, session.recording_grew):
            signal.connect(self._graph_changed)
        session.recording_changed.connect(self.close_search)
        theme.switch.changed.connect(self._restyle)
        self._restyle()
        self.hide()

    def _build(self) -> None:
        self.line = QLineEdit(self)
        self.line.setObjectName("search_line")
        self.line.setPlaceholderText(self.tr("type:conv  shape:64  module:layer1  train.py:12"))
        self.line.setAccessibleName(self.tr("Find nodes"))
        self.line.setClearButtonEnabled(True)
        self.line.installEventFilter(self)
        self.line.textChanged.connect(self._typed)
        self._count = QLabel(self)
        self._count.setObjectName("search_count")
        self._count.setProperty("role", "caption")
        self._mark = QPushButton(self.tr("Mark all"), self)
        self._mark.setObjectName("search_mark")
        self._mark.setFlat(True)
        self._mark.setToolTip(self.tr("Look at everything that was found together"))
        self._mark.clicked.connect(self._mark_found)
        self._close = QToolButton(self)
        self._close.setAccessibleName(self.tr("Close the search"))
        self._close.setToolTip(self._close.accessibleName())
        self._close.clicked.connect(self.close_search)
        self.list = QListView(self)
        self.list.setObjectName("search_results")
        self.list.setAccessibleName(self.tr("Nodes that were found"))
        self.list.setModel(self.results)
        self.list.setItemDelegate(_ResultDelegate(self.results, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.clicked.connect(self._choose)
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.line, 1)
        first.addWidget(self._close)
        second.addWidget(self._count, 1)
        second.addWidget(self._mark)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(theme.SMALL, theme.SMALL, theme.SMALL, theme.SMALL)
        column.setSpacing(theme.TIGHT)
        column.addLayout(first)
        column.addLayout(second)
        column.addWidget(self.list)

    # --- opening and closing -----------------------------------------------------------------------------------------

    def open(self, *, data_leaves: bool) -> None:
        """Ready to type; what was searched for last is selected."""
        self._leaves = data_leaves
        self._folded = False
        self.show()
        self.raise_()
        self._want_index()
        self.line.setFocus()
        self.line.selectAll()
        self._search()

    def close_search(self) -> None:
        """Nothing is searched for any more; the words stay for the next time."""
        if self.is_open:
            self.hide()
            self.found.emit(None)
            self._canvas.setFocus()

    @property
    def is_open(self) -> bool:
        return self.isVisibleTo(self._canvas)

    def shutdown(self) -> None:
        self._worker.finish()

    # --- searching ---------------------------------------------------------------------------------------------------

    def _graph_changed(self, _graph: object = None) -> None:
        if self.is_open:
            self._want_index()
            self._search()

    def _want_index(self) -> None:
        recording, graph = self._session.recording, self._session.graph_id
        if recording is None or graph is None:
            self._index = None
            return
        nodes = recording.nodes(graph)
        of = (nodes, self._leaves)
        if self._index is not None and self._index_of[0] is nodes and self._index_of[1] == self._leaves:
            return
        self._index = None
        leaves = self._leaves

        def work() -> object:
            from engine.graph.search import search_index

            return of, search_index(recording, graph, data_leaves=leaves)

        self._worker.start((id(nodes), graph, leaves), work)

    def _indexed(self, _key: object, made: tuple[tuple[object, ...], SearchIndex]) -> None:
        self._index_of, self._index = made
        self._search()

    def _search(self) -> None:
        words, index = self.line.text().strip(), self._index
        if index is None or not words:
            self.results.show(index, np.zeros(0, dtype=np.int64))
            self.found.emit(None)
            self._count.setText(self.tr("Reading the graph…") if index is None and words else self._hint())
        else:
            self.results.show(index, index.find(words))
            self.found.emit(index.ids[self.results.found].tolist())
            self._count.setText(self._count_words())
        if len(self.results.found):
            self.list.setCurrentIndex(self.results.index(0))
        self._mark.setVisible(bool(len(self.results.found)))
        self._place()

    def _typed(self) -> None:
        self._folded = False
        self._search()

    def _count_words(self) -> str:
        count, every = len(self.results.found), 0 if self._index is None else len(self._index.ids)
        if not count:
            return self.tr("No node fits. {0}").format(self._hint())
        text = self.tr("{0} of {1} nodes").format(f"{count:,}", f"{every:,}")
        return self.tr("{0}, the best {1} listed").format(text, MOST_ROWS) if count > MOST_ROWS else text

    def _hint(self) -> str:
        return self.tr("Words, or type: module: name: shape: line: kind:")

    # --- keys and clicks ---------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and isinstance(event, QKeyEvent):
            ours = event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp,
                                   Qt.Key.Key_PageDown, Qt.Key.Key_Return, Qt.Key.Key_Enter)  # fmt: skip
            if ours and event.type() == QEvent.Type.ShortcutOverride:
                event.accept()  # else Escape would be the window's
                return True
            if ours and event.type() == QEvent.Type.KeyPress:
                back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
                self._press(Qt.Key(event.key()), back=back)
                return True
        elif watched is self.line and event.type() == QEvent.Type.MouseButtonPress:
            self._fold(False)
        elif watched is self.parent() and event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _press(self, key: Qt.Key, *, back: bool) -> None:
        moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: ROWS, Qt.Key.Key_PageUp: -ROWS}
        if key == Qt.Key.Key_Escape:
            self.close_search()
        elif key in moves:
            row = max(0, min(self.list.currentIndex().row() + moves[key], self.results.rowCount() - 1))
            self.list.setCurrentIndex(self.results.index(row))
            self._fold(False)
        elif self._folded and self.results.rowCount():
            row = (self.list.currentIndex().row() + (-1 if back else 1)) % self.results.rowCount()
            self._choose(self.results.index(row))
        else:
            self._choose(self.list.currentIndex())

    def _choose(self, index: Index) -> None:
        """Go there, and fold the list away: it may stand over what one wanted to see."""
        node = self.results.node(index.row())
        if node is not None:
            self.list.setCurrentIndex(index)
            self.chosen.emit(node)
            self._fold(True)

    def _fold(self, folded: bool) -> None:
        """Only the line stays, with the place in the list; or the list is there again."""
        if folded == self._folded and not folded:
            return
        self._folded = folded
        count = len(self.results.found)
        if folded:
            place = f"{self.list.currentIndex().row() + 1:,}"
            self._count.setText(self.tr("{0} of {1} · Enter: the next, ↓: the list").format(place, f"{count:,}"))
        elif count:
            self._count.setText(self._count_words())
        self._place()

    def _mark_found(self) -> None:
        if self._index is not None:
            title = self.tr("found: {0}").format(self.line.text().strip())
            self.mark_wanted.emit(self._index.ids[self.results.found].tolist(), title)

    # --- looks -------------------------------------------------------------------------------------------------------

    def _place(self) -> None:
        room = (self._canvas.height() - ABOVE_AND_BELOW) // ROW_HEIGHT
        rows = min(len(self.results.found), ROWS, max(room, FEWEST_ROWS))
        self.list.setFixedHeight(rows * ROW_HEIGHT)
        self.list.setVisible(rows > 0 and not self._folded)
        parent = self._canvas
        self.setFixedWidth(min(WIDTH, parent.width() - 2 * MARGIN))
        self._column.activate()
        self.adjustSize()
        self.move(parent.width() - self.width() - MARGIN, TOP)

    def _restyle(self) -> None:
        look = theme.current()
        self._close.setIcon(icons.icon("close"))
        self._close.setIconSize(QSize(theme.ICON, theme.ICON))
        self.setStyleSheet(
            f"#search_bar {{ background: {look.raised.name()}; border: 1px solid {look.line.name()};"
            f" border-radius: {theme.RADIUS}px; }}"
            f"#search_results {{ background: {look.raised.name()}; border: none; }}"
            f"#search_mark {{ color: {look.forward.name()}; padding: 0 {theme.TIGHT}px;"
            f" font-size: {theme.CAPTION_PX}px; }}"
        )


class _ResultDelegate(QStyledItemDelegate):
    """Title and source line; below, dim, type, module and shape."""

    def __init__(self, results: Results, parent: QObject) -> None:
        super().__init__(parent)
        self._results = results

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(WIDTH - 40, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look, area = theme.current(), QRect(option.rect)
        title, detail, place = self._results.lines(index.row())
        painter.save()
        try:
            if option.state & QStyle.StateFlag.State_Selected:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(look.selected)
                painter.drawRoundedRect(area, theme.RADIUS_CHIP, theme.RADIUS_CHIP)
            area.adjust(theme.SMALL, 3, -theme.SMALL, -3)
            upper, lower = QRect(area), QRect(area)
            upper.setBottom(area.center().y())
            lower.setTop(area.center().y() + 1)
            middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.TextElideMode.ElideRight
            painter.setFont(theme.caption_font())
            small = QFontMetrics(theme.caption_font())
            painter.setPen(look.dim)
            painter.drawText(upper, middle | Qt.AlignmentFlag.AlignRight, place)
            painter.drawText(lower, middle, small.elidedText(detail, right, lower.width()))
            upper.setRight(upper.right() - small.horizontalAdvance(place) - theme.SMALL)
            painter.setFont(theme.ui_font())
            painter.setPen(look.text)
            name = QFontMetrics(theme.ui_font()).elidedText(title, Qt.TextElideMode.ElideMiddle, upper.width())
            painter.drawText(upper, middle, name)
        finally:
            painter.restore()
