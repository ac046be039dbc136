"""A link that never makes its panel wider: what does not fit is left out in the middle."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from gui import theme


class ElidedLink(QPushButton):
    """A flat button whose whole text is `words`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = ""
        self.setFlat(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_words(self, words: str) -> None:
        if words != self.words:
            self.words = words
            self.setAccessibleName(words)
            self._elide()
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        hint, metrics = super().sizeHint(), self.fontMetrics()
        missing = metrics.horizontalAdvance(self.words) - metrics.horizontalAdvance(self.text())
        return QSize(hint.width() + missing + theme.STEP, hint.height())  # the advance is rounded

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(10), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        metrics = self.fontMetrics()
        around = super().sizeHint().width() - metrics.horizontalAdvance(self.text())
        room = max(self.width() - around, 0)
        self.setText(metrics.elidedText(self.words, Qt.TextElideMode.ElideMiddle, room))
