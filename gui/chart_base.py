"""What the charts have in common: a message while there is nothing to draw, else a plot and a line of text about it.

pyqtgraph takes half a second to import, so that happens in a thread, when a chart is seen that has something to show.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from engine.errors import RecordingError
from engine.recording.reader import Recording
from gui import theme
from gui.chart_library import library
from gui.session import Session
from gui.turns import Pieces, Turn

if TYPE_CHECKING:
    from gui.chart_plots import Plot

translate = QCoreApplication.translate

LOAD_DELAY_MS = 50
REDRAW_MS = 30
LOOK_AGAIN_MS = 40
PATIENCE = 125  # times LOOK_AGAIN_MS: a layout may take minutes
PORTION = 0.004  # s of reading at a time


class Caption(QLabel):
    """A line of text that ends in an ellipsis where there is no room for it. Hidden until somebody shows it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "caption")
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            painter.setPen(self.palette().color(self.foregroundRole()))
            shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, shown)
        finally:
            painter.end()


class Chart(QWidget):
    """A message, or a plot; `caption` says more of it, and is put where its owner has room. Draws itself while it is
    visible.

    A subclass says what there is to draw (`state`), and puts it into its plot (`fill`).
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.plot: Plot | None = None
        self._drawn: Hashable = None
        self.message = QLabel(self)
        self.message.setProperty("role", "dim")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.caption = Caption(self)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(theme.MEDIUM, theme.SMALL, theme.MEDIUM, theme.SMALL)
        self._layout.setSpacing(theme.TIGHT)
        self._layout.addWidget(self.message, 1)
        self._soon = Turn(self.refresh, self)  # the panel is painted before pyqtgraph is imported
        self._reading = Turn(self._read_portion, self)
        self._hovered: float | None = None
        self.may_draw: Callable[[], bool] = lambda: True  # asked before a recording is drawn first
        self._waited = 0
        self._making = Turn(self._make, self)
        library.loaded.connect(self._loaded)

    # --- for subclasses ----------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Another recording."""

    def missing(self, recording: Recording) -> str:
        """Why there is nothing to draw; "" if there is."""
        return ""

    def plot_type(self) -> type[Plot]:
        """Which plot it is; its constructor takes a parent, and what its `make_item` has made."""
        raise NotImplementedError

    def read(self, recording: Recording, seconds: float | None) -> bool:
        """Read on for about so long, None to the end; whether all is there."""
        return True

    def state(self, recording: Recording) -> Hashable:
        """What the plot shows; it is filled again when this changes."""
        raise NotImplementedError

    def fill(self, plot: Any, recording: Recording) -> None:
        """Put what `state` tells into the plot, which is of `plot_type`."""
        raise NotImplementedError

    def picked(self, x: float) -> None:
        """A click at `x`."""

    def caption_text(self, x: float | None) -> str:
        """The text under the plot, with the mouse at `x`."""
        return ""

    # --- drawing -----------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._soon.start(0)

    def forget(self) -> None:
        """Another recording is open."""
        self._reading.stop()
        self._drawn, self._waited = None, 0
        if self.plot is not None:
            self.plot.hide()  # it shows the other one
        self.reset()

    def follow(self) -> None:
        """The playhead moved, or the recording grew. Some thirty pictures a second are enough."""
        if self.isVisible() and not self._soon.isActive():
            self._soon.start(REDRAW_MS)

    def refresh(self) -> None:
        """Draw what the session shows now."""
        self._soon.stop()
        recording = self.session.recording
        why = translate("charts", "Nothing has been recorded yet.")
        if recording is not None and self.session.playhead >= 0:
            why = self.missing(recording)
        self._say(why)
        if why or recording is None:
            return
        if not self._try_read(recording, 0.0):
            self._reading.start(LOAD_DELAY_MS)
        self._draw(recording)

    def _read_portion(self) -> None:
        recording = self.session.recording
        if recording is not None and self.isVisible():
            done = self._try_read(recording, PORTION)
            self._draw(recording)
            if not done:
                self._reading.start(0)

    def _try_read(self, recording: Recording, seconds: float | None) -> bool:
        try:
            return self.read(recording, seconds)
        except RecordingError as error:
            self._say(str(error))
            return True

    def _draw(self, recording: Recording, *, at_once: bool = False) -> None:
        if not self.isVisible() or self.message.isVisible():
            return
        if self._drawn is None and not at_once and not self.may_draw() and self._waited < PATIENCE:
            self._waited += 1
            self._soon.start(LOOK_AGAIN_MS)
            return
        if self.plot is None:
            if not library.is_loaded:
                library.load()
                return
            if not at_once:
                self._making.start(0)
                return
            self._making.stop()
            for _ in self._make():
                pass
        assert self.plot is not None
        self.plot.show()
        state = self.state(recording)
        if state != self._drawn:
            self._drawn = state
            self.fill(self.plot, recording)
        self._write_caption()

    def _loaded(self) -> None:
        """Make the plot while there is nothing to draw yet, and nobody waits for anything else."""
        if self.isVisible() and self.session.recording is None:
            self._making.start(0)
        self.follow()

    def _make(self) -> Pieces:
        """In pieces, for pyqtgraph takes its time; it is filled in a turn of its own, too."""
        if self.plot is not None:
            return
        kind: Any = self.plot_type()
        item = kind.make_item()
        yield
        plot = kind(self, item)
        plot.hide()
        plot.setMinimumHeight(1)  # what it would like to have must not lift the panel's edge when it comes
        plot.picked.connect(self.picked)
        plot.hovered.connect(self._hover)
        self._layout.insertWidget(0, plot, 1)
        self.plot = plot
        self._soon.start(0)

    def drawn_state(self) -> tuple[Hashable, ...]:
        """What is shown, as if everything had been read."""
        recording = self.session.recording
        self.refresh()
        if recording is None or self.message.text():
            return (self.message.text(),)
        self._try_read(recording, None)
        self._reading.stop()
        self._draw(recording, at_once=True)
        return (self.message.text(), self.state(recording), self.caption_text(None))

    def _say(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))
        if text:
            self.caption.setText("")
            if self.plot is not None:
                self.plot.hide()

    def _hover(self, x: float | None) -> None:
        self._hovered = x
        self._write_caption()

    def _write_caption(self) -> None:
        self.caption.setText(self.caption_text(self._hovered))
