"""The message bar: what went wrong or is worth knowing, over the canvas, until it is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import icons, theme
from gui.wrapped import WrappedLabel, hardly_broken

Level = Literal["info", "warning", "error"]

INFO_MS = 8000
DETAILS_HEIGHT = 140


@dataclass(frozen=True)
class Place:
    """A line of the user's code."""

    path: str
    line: int


class MessageBar(QFrame):
    """Shows one message at a time, the newest. A note goes away by itself, an error stays."""

    place_activated = Signal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message_bar")
        self.level: Level = "info"
        self._place: Place | None = None
        self._icon = QLabel()
        self._text = WrappedLabel(broken=hardly_broken)
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
        self._details.setPlainText(details)
        self._details.setFont(theme.mono_font(theme.TEXT_PX - 1))
        self._more.setChecked(False)
        self._details.hide()
        self._more.setVisible(bool(details))
        self._copy.setVisible(level != "info")
        self._go.setVisible(place is not None)
        self._paint()
        self.show()
        if level == "info":
            self._timer.start()
        else:
            self._timer.stop()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.SMALL)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        for part in (self._go, self._more, self._copy, self._close):
            row.addWidget(part, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.MEDIUM, theme.SMALL, theme.SMALL, theme.SMALL)
        column.setSpacing(theme.SMALL)
        column.addLayout(row)
        column.addWidget(self._details)
        self._icon.setContentsMargins(0, theme.TIGHT, 0, 0)
        self._text.setContentsMargins(0, theme.TIGHT, 0, theme.TIGHT)

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
