"""The badge of a proof: sign and word in one pill."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.proof import signs, states
from gui.tensor_views.painting import draw_text, metrics

HEIGHT, SIGN = 22, 14


class Badge(QWidget):
    """Shows one of `gui.proof.states`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = ""
        self.setObjectName("proof_badge")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.switch.changed.connect(self.update)

    def set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.setAccessibleName(states.words(state))
            self.setToolTip(states.meaning(state))
            self.setFixedSize(self.sizeHint())
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(metrics("text").horizontalAdvance(states.words(self.state)) + SIGN + 5 * theme.TIGHT, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        shade = signs.color(self.state, look)
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.blend(look.surface, shade, 0.55), 1))
            painter.setBrush(theme.blend(look.surface, shade, 0.1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), HEIGHT / 2, HEIGHT / 2)
            top = (HEIGHT - SIGN) / 2
            signs.draw_sign(painter, QRectF(theme.TIGHT + 1, top, SIGN, SIGN), self.state, look)
            left = 2 * theme.TIGHT + SIGN + 1
            draw_text(painter, QRect(left, 0, self.width() - left, HEIGHT), states.words(self.state), "text", shade)
        finally:
            painter.end()

    def focusPolicy(self) -> Qt.FocusPolicy:
        return Qt.FocusPolicy.NoFocus
