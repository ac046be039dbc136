"""The message bar: what went wrong or is worth knowing, over the canvas, until it is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from gui import icons, theme
from gui.wrapped import WrappedLabel, hardly_broken, without_middles

Level = Literal["info", "warning", "error"]

INFO_MS = 8000
DETAILS_HEIGHT = 140
LINES_BESIDE = 2  # text that takes more of them beside the buttons has the whole width, and the buttons stand below


@dataclass(frozen=True)
class Place:
    """A line of the user's code."""

    path: str
    line: int


class MessageBar(QFrame):
    """Shows one message at a time, the newest. A note goes away by itself, an error stays. Of a path that would fill it
    the middle is left out; all of it is in the tooltip, and copied."""

    place_activated = Signal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message_bar")
        self.level: Level = "info"
        self._place: Place | None = None
        self._icon = QLabel()
        self._text = WrappedLabel(broken=lambda text: hardly_broken(without_middles(text)))
        self._text.setObjectName("message_text")
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._go = QPushButton(self.tr("Show line"))
        self._go.clicked.connect(self._activate_place)
        self._more = QPushButton(self.tr("Details"))
        self._more.setCheckable(True)
        self._copy = QPushButton(self.tr("Copy"))
        self._copy.clicked.connect(self._copy_all)
        self._close = QToolButton()
        self._close.setToolTip(self.tr("Close"))
        self._close.setAccessibleName(self.tr("Close"))
        self._close.setIconSize(QSize(theme.ICON, theme.ICON))
        self._close.clicked.connect(self.hide)
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setMaximumHeight(DETAILS_HEIGHT)
        self._more.toggled.connect(self._details.setVisible)
        self._timer = QTimer(self, singleShot=True, interval=INFO_MS)
        self._timer.timeout.connect(self.hide)
        self._lay_out()
        theme.switch.changed.connect(self._paint)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    @property
    def details(self) -> str:
        return self._details.toPlainText()

    def show_message(self, level: Level, text: str, details: str = "", place: Place | None = None) -> None:
        """`details` are behind a button; `place` is offered to be shown."""
        self.level, self._place = level, place
        self._text.setText(text)
        self._text.setToolTip("" if without_middles(text) == text else text)
        self._details.setPlainText(details)
        self._details.setFont(theme.mono_font(theme.TEXT_PX - 1))
        self._more.setChecked(False)
        self._details.hide()
        self._more.setVisible(bool(details))
        self._copy.setVisible(level != "info")
        self._go.setVisible(place is not None)
        self._place_buttons()
        self._paint()
        self.show()
        if level == "info":
            self._timer.start()
        else:
            self._timer.stop()

    def _lay_out(self) -> None:
        self._buttons = QWidget()
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SMALL)
        for part in (self._go, self._more, self._copy):
            row.addWidget(part)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(theme.MEDIUM, theme.SMALL, theme.SMALL, theme.SMALL)
        self._grid.setSpacing(theme.SMALL)
        self._grid.setColumnStretch(1, 1)
        top = Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(self._icon, 0, 0, top)
        self._grid.addWidget(self._text, 0, 1)
        self._grid.addWidget(self._close, 0, 3, top)
        self._grid.addWidget(self._details, 2, 0, 1, 4)
        self._icon.setContentsMargins(0, theme.TIGHT, 0, 0)
        self._text.setContentsMargins(0, theme.TIGHT, 0, theme.TIGHT)
        self._place_buttons()

    def _place_buttons(self) -> None:
        """Beside a text that is short enough for that, else below it."""
        space = self._grid.spacing()
        others = self._icon.sizeHint().width() + self._close.sizeHint().width() + self._buttons.sizeHint().width()
        beside = self.width() - theme.MEDIUM - theme.SMALL - others - 3 * space
        if self.fontMetrics().horizontalAdvance(without_middles(self.text)) <= LINES_BESIDE * beside:
            self._grid.addWidget(self._buttons, 0, 2, Qt.AlignmentFlag.AlignTop)
        else:
            self._grid.addWidget(self._buttons, 1, 1, 1, 3, Qt.AlignmentFlag.AlignLeft)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_buttons()

    def _paint(self) -> None:
        colors = theme.current()
        color = {"info": colors.dim, "warning": colors.warn, "error": colors.error}[self.level]
        name = {"info": "info", "warning": "warning", "error": "error"}[self.level]
        self._icon.setPixmap(icons.pixmap(name, theme.ICON, color, self.devicePixelRatioF()))
        self._close.setIcon(icons.icon("close"))
        ground = theme.blend(colors.surface, color, 0.12)
        self.setStyleSheet(
            f"#message_bar {{ background: {ground.name()}; border: none; border-bottom: 1px solid {color.name()}; }}"
        )

    def _activate_place(self) -> None:
        if self._place is not None:
            self.place_activated.emit(self._place.path, self._place.line)

    def _copy_all(self) -> None:
        QApplication.clipboard().setText("\n\n".join(part for part in (self.text, self.details) if part))
