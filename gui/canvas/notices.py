"""What the canvas says in words: where there is no graph to be seen, or not yet the one that was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gui import theme as tokens
from gui.canvas import overlays
from gui.theme import Theme, blend

AFTER_MS = 400  # what takes no longer than that is not worth a word
WIDEST = 560.0  # logical px
BELOW = 44.0  # the breadcrumbs' line
PLATE = 240  # opacity of the ground, of 255


@dataclass(frozen=True)
class Situation:
    """`problem`: why there is no such picture. `wanted`: there is a graph to show; `working`: that takes its time."""

    problem: str
    opening: bool
    opened: bool
    wanted: bool
    working: bool


class Notices(QObject):
    """`changed` tells that something takes long enough to be said."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(AFTER_MS)
        self._soon.timeout.connect(self.changed)

    def begin(self) -> None:
        """A layout is being made."""
        self._soon.start()

    def stop(self) -> None:
        self._soon.stop()

    def text(self, now: Situation) -> str:
        """What is to be said over the graph as it was laid out before; nothing while there is nothing to say."""
        if now.problem:
            return now.problem
        if now.working and not self._soon.isActive():
            return QCoreApplication.translate("Canvas", "Laying out the graph… Another layout can be chosen meanwhile.")
        return ""

    def paint_over(self, painter: QPainter, width: float, now: Situation, theme: Theme) -> None:
        """On a plate at the top: the graph below it is shown as it was."""
        text = self.text(now)
        if not text:
            return
        text = f"⚠  {text}" if now.problem else text
        font = tokens.ui_font()
        flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap)
        room = QRectF(0, 0, min(WIDEST, width - 2 * tokens.LARGE - 2 * tokens.MEDIUM), 400)
        needed = QFontMetricsF(font).boundingRect(room, flags, text)
        plate = QRectF(0, BELOW, needed.width() + 2 * tokens.MEDIUM, needed.height() + 2 * tokens.SMALL)
        plate.moveLeft(round((width - plate.width()) / 2))
        ground = QColor(theme.raised)
        ground.setAlpha(PLATE)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(theme.error if now.problem else blend(theme.line, theme.dim, 0.3), 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(plate.adjusted(0.5, 0.5, -0.5, -0.5), tokens.RADIUS, tokens.RADIUS)
        painter.setFont(font)
        painter.setPen(theme.error if now.problem else theme.text)
        painter.drawText(plate, flags, text)


def paint_instead(painter: QPainter, rect: QRectF, now: Situation, theme: Theme) -> None:
    """In the middle of a canvas that has no graph."""
    tr = QCoreApplication.translate
    painter.fillRect(rect, theme.bg)
    if now.problem:
        title, more = tr("Canvas", "This graph cannot be shown"), now.problem
    elif now.opening:
        title, more = tr("Canvas", "Reading the recording…"), ""
    elif not now.opened:
        title = tr("Canvas", "Nothing is open yet")
        more = tr("Canvas", "Open a PyTorch script and run it, or open a recording.")
    elif not now.wanted and not now.working:
        title = tr("Canvas", "No backward pass yet")
        more = tr("Canvas", "The graph appears as soon as the script calls backward().")
    else:
        title, more = tr("Canvas", "Laying out the graph…"), ""
    overlays.words(painter, rect, title, more, theme, failed=bool(now.problem))
