"""The dock "Memory": what autograd keeps for the backward pass, as a curve and by module."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QItemSelectionModel, QModelIndex, QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from engine.errors import ChainruleError
from gui import numbers, theme
from gui.chart_library import library
from gui.memory.tree import MemoryModel, MemoryTree
from gui.session import Session
from gui.tensor_views.painting import set_visible
from gui.transport.panel import ElidedLabel
from gui.transport.words import describe
from gui.turns import Turn

if TYPE_CHECKING:
    from engine.desk.memory import StepMemory
    from gui.memory.plot import MemoryPlot

translate = QCoreApplication.translate

ASK_DELAY_MS = 60  # while a key is held down, no step is read
REDRAW_MS = 30
KEPT = 8  # steps
LEAST_PLOT = 320  # px

Key = tuple[int, int, int]  # step, its first event, its last


class MemoryPanel(QWidget):
    """Draws a pure function of (recording, playhead, selection); a step is read in another process, and kept."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._known: dict[Key, StepMemory] = {}
        self._key: Key | None = None
        self._asked: Key | None = None
        self._problem = ""
        self._hovered: int | None = None
        self.plot: MemoryPlot | None = None
        self._build()
        self._ask_timer = QTimer(self, singleShot=True, interval=ASK_DELAY_MS)
        self._ask_timer.timeout.connect(self._ask)
        self._soon = Turn(self.refresh, self)
        session.recording_changed.connect(self._recording_changed)
        for signal in (session.recording_grew, session.playhead_changed, session.selection_changed):
            signal.connect(self._refresh_soon)
        theme.switch.changed.connect(self.tree.viewport().update)
        library.loaded.connect(self._refresh_soon)
        self._recording_changed()

    def _build(self) -> None:
        self.message = QLabel(self)
        self.message.setProperty("role", "dim")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.model = MemoryModel(self)
        self.tree = MemoryTree(self.model, self)
        self.tree.chosen.connect(self._chosen)
        self.caption = ElidedLabel(self)
        self.caption.setProperty("role", "caption")
        self.remark = QLabel(self)
        self.remark.setProperty("role", "caption")
        self.remark.setWordWrap(True)
        left = QWidget(self)
        self._left = QVBoxLayout(left)
        self._left.setContentsMargins(0, 0, 0, 0)
        self._left.setSpacing(theme.TIGHT)
        self._left.addWidget(self.caption)
        self._left.addWidget(self.remark)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.addWidget(left)
        self.splitter.addWidget(self.tree)
        left.setMinimumWidth(LEAST_PLOT)
        self.splitter.setSizes([400, 600])
        self.splitter.setStretchFactor(0, 2)
        self.splitter.setStretchFactor(1, 3)
        self.splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.MEDIUM, theme.SMALL, theme.MEDIUM, theme.SMALL)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.splitter, 1)

    # --- what to show ------------------------------------------------------------------------------------------------

    def _recording_changed(self) -> None:
        self._known.clear()
        self._key, self._problem = None, ""
        self._ask_timer.stop()
        self._asked = None
        self.model.set_memory(None, None)
        self._refresh_soon()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._soon.start(0)  # the dock is painted before pyqtgraph is imported

    def _refresh_soon(self) -> None:
        if self.isVisible() and not self._soon.isActive():
            self._soon.start(REDRAW_MS)

    def refresh(self) -> None:
        """Draw what is known of the playhead's step; the rest follows."""
        self._soon.stop()
        recording, playhead = self._session.recording, self._session.playhead
        key = None
        if recording is not None and playhead >= 0:
            step = int(recording.timeline.step[playhead])
            key = (step, *recording.timeline.step_bounds(step))
        if key != self._key:
            self._key, self._problem = key, ""
        if key is not None and self.plot is None:  # while the step is read
            if library.is_loaded:
                self._make_plot()
            else:
                library.load()
        if key is not None and key not in self._known and not self._problem:
            self._ask_timer.start()
        self._draw()

    def _ask(self) -> None:
        key = self._key
        if key is not None and key not in self._known and key != self._asked:
            self._asked = key
            self._session.desk.ask("memory", "memory", (key[0],), lambda found: self._read(key, found))

    def _read(self, key: Key, found: tuple[object, ...] | ChainruleError) -> None:
        from engine.desk.memory import unpack

        self._asked = None
        if isinstance(found, ChainruleError):
            self._problem = str(found) if key == self._key else self._problem
        else:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[key] = unpack(found)
        self._draw()

    @property
    def memory(self) -> StepMemory | None:
        """What is known of the playhead's step; of one that grows, what was known before."""
        if self._key is None:
            return None
        found = self._known.get(self._key)
        shown = self.model.memory
        return shown if found is None and shown is not None and shown.step == self._key[0] else found

    def _draw(self) -> None:
        recording, memory = self._session.recording, self.memory
        message = self._message(memory)
        self.message.setText(message)
        set_visible(self.message, bool(message))
        set_visible(self.splitter, not message)
        if message or recording is None or memory is None:
            return
        if memory is not self.model.memory:
            self.model.set_memory(recording, memory)
            self._open_first()
        if self.plot is not None:
            spans = recording.timeline.phase_spans(memory.step)
            self.plot.set_memory(memory, spans, self._session.playhead)
        self.model.set_playhead(self._session.playhead)
        self.tree.viewport().update()
        self._mark_selected()
        self.caption.set_full_text(self._caption(memory))
        remark = _remark(memory)
        self.remark.setText(remark)
        set_visible(self.remark, bool(remark))

    def _message(self, memory: StepMemory | None) -> str:
        if self._session.recording is None or self._key is None:
            return translate("memory", "What a training step keeps in memory for its backward pass appears here.")
        if self._problem:
            return self._problem
        if memory is None:
            return translate("memory", "Reading the training step…")
        if not any(memory.totals):
            return translate("memory", "In this training step nothing was saved for a backward pass.")
        return ""

    def _make_plot(self) -> None:
        from gui.memory.plot import MemoryPlot

        self.plot = MemoryPlot()
        self.plot.picked.connect(self._picked)
        self.plot.hovered.connect(self._hover)
        self._left.insertWidget(0, self.plot, 1)

    def _open_first(self) -> None:
        """While there is nothing to choose from, look further inside."""
        index = QModelIndex()
        while self.model.rowCount(index) == 1:
            index = self.model.index(0, 0, index)
            self.tree.expand(index)

    def _mark_selected(self) -> None:
        """The row of the selected node, if it keeps anything."""
        row = self.model.row_of(self._session.selection)
        index = QModelIndex() if row is None else self.model.index_of(row)
        current = self.tree.currentIndex()
        if self.model.row(index) == self.model.row(current):
            return
        if row is None and current.isValid() and self.model.hasChildren(current):
            return  # a module was chosen
        with QSignalBlocker(self.tree):
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.tree.selectionModel().setCurrentIndex(index, flags)
            if index.isValid():
                self.tree.scrollTo(index)

    def _caption(self, memory: StepMemory) -> str:
        event = self._session.playhead if self._hovered is None else self._hovered
        recording, size = self._session.recording, memory.held_after(event)
        kept = translate("memory", "{0} kept").format(numbers.size(size))
        if memory.peak_bytes:
            kept += f" ({numbers.percent(size, memory.peak_bytes)})"
        what = "" if recording is None else describe(recording, event)
        return translate("memory", "{kept} after event {event}, {what}").format(
            kept=kept, event=f"{event:,}", what=what
        )

    # --- what the user does ------------------------------------------------------------------------------------------

    def _event_at(self, x: float) -> int | None:
        memory = self.memory
        return None if memory is None else min(max(round(x), memory.first), memory.last)

    def _picked(self, x: float) -> None:
        event = self._event_at(x)
        if event is not None:
            self._session.seek(event)

    def _hover(self, x: float | None) -> None:
        self._hovered = None if x is None else self._event_at(x)
        memory = self.memory
        if memory is not None and not self.splitter.isHidden():
            self.caption.set_full_text(self._caption(memory))

    def _chosen(self, row: int) -> None:
        """A node is selected; the nodes of a module are marked."""
        memory = self.memory
        if memory is None:
            return
        nodes = self.model.nodes_in(row)
        if self.model.rowCount(self.model.index_of(row)):
            self._session.mark(nodes, memory.paths[row])
        else:
            self._session.select(nodes[0])

    # --- for tests ---------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Have what is wanted read and drawn, now."""
        self.refresh()
        self._ask_timer.stop()
        self._ask()
        self._session.desk.settle()

    def drawn_state(self) -> tuple[Hashable, ...]:
        """All that is shown, as if the step had been read."""
        self.settle()
        memory = self.memory
        if memory is None or self.splitter.isHidden():
            return (self.message.text(),)
        row = self.tree.currentIndex().internalId() if self.tree.currentIndex().isValid() else None
        return (self.caption.full_text, self.remark.text(), self._session.playhead, memory.peak_bytes, row)


def _remark(memory: StepMemory) -> str:
    """What the curve leaves out, and why."""
    _, parameters, inputs, unlisted = memory.totals
    parts = []
    beside = [
        (parameters, translate("memory", "parameters {0}")),
        (inputs, translate("memory", "inputs and buffers {0}")),
    ]
    there = [words.format(numbers.size(size)) for size, words in beside if size]
    if there:
        parts.append(translate("memory", "Saved too, but in memory anyway: {0}.").format(", ".join(there)))
    if unlisted:
        words = translate("memory", "Nodes that did not run keep up to {0} more.")
        parts.append(words.format(numbers.size(unlisted)))
    if memory.unread:
        words = translate("memory", "Of {0} nodes it is not known what they keep (checkpointing, writes to views).")
        parts.append(words.format(f"{memory.unread:,}"))
    return " ".join(parts)
