"""The window "Compare": two canvases side by side, and the differences as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QSignalBlocker, Qt
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from engine.errors import ChainruleError
from gui import dialogs, theme
from gui.compare.link import Link
from gui.compare.marks import MARKED, Side, limit_of
from gui.compare.table import CompareModel, CompareTable, rows_of
from gui.compare.view import CompareView
from gui.session import Session
from gui.tab_order import move_focus
from gui.transport.panel import ElidedLabel
from gui.wrapped import WrappedLabel, hardly_broken

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.view import CanvasView

translate = QCoreApplication.translate

START_SIZE = (1280, 800)
START_HEIGHTS = (490, 230)  # of the canvases and the table


class Half(QWidget):
    """One side: a recording, one of its training steps, and the canvas that shows it."""

    def __init__(self, name: str, changed: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = Session(self)
        self.view = CompareView(self.session, name, self)
        self.steps = QComboBox(self)
        self.steps.setObjectName(f"compare_step_{name}")
        self.steps.setAccessibleName(translate("compare", "Training step"))
        self.steps.currentIndexChanged.connect(self._step_chosen)
        self.open = QPushButton(translate("compare", "Another recording…"), self)
        self.open.setObjectName(f"compare_open_{name}")
        self.file = ElidedLabel(self)
        self.problem = ""
        self._changed = changed
        row = QHBoxLayout()
        row.setSpacing(theme.SMALL)
        row.addWidget(self.file, 1)
        row.addWidget(self.steps)
        row.addWidget(self.open)
        layout = QVBoxLayout(self)
        inner = theme.SMALL
        layout.setContentsMargins(0 if name == "left" else inner, 0, inner if name == "left" else 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.view, 1)

    def show_recording(self, path: Path, step: int | None) -> bool:
        """Open a recording at a training step (None: the first that has a graph). If that fails, the session says why,
        and what is shown stays."""
        if not self.session.open(path):
            return False
        self.problem = ""
        recording = self.session.recording
        steps = sorted(_graphs(recording)) if recording is not None else []
        with QSignalBlocker(self.steps):
            self.steps.clear()
            for number in steps:
                self.steps.addItem(translate("compare", "step {0}").format(f"{number + 1:,}"), number)
            self.steps.setCurrentIndex(max(self.steps.findData(step), 0))
        self.file.set_full_text(path.name, str(path))
        if not steps:
            self.problem = translate("compare", "{0} has no backward pass to compare.").format(path.name)
        self._step_chosen()
        return True

    def _step_chosen(self) -> None:
        """The end of the step: all its gradients are there."""
        recording, step = self.session.recording, self.steps.currentData()
        if recording is not None and step is not None:
            self.session.seek(int(recording.timeline.events_of_graph(_graphs(recording)[step])[-1]))
        self._changed()

    def shut_down(self) -> None:
        self.view.shutdown()
        self.session.close()


def _graphs(recording: Recording) -> dict[int, int]:
    """By training step, the last graph that has events: a script may have been ended before a graph's first one."""
    with_events = set(np.unique(recording.timeline.graph).tolist())
    return {graph.step: graph.id for graph in recording.graphs if graph.id in with_events}


class CompareWindow(QWidget):
    """Views are linked, differences marked; a click in the table flies both views there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("compare_window")
        self.setWindowTitle(translate("compare", "Compare — chainrule"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*START_SIZE)
        self._ready = False
        self.left, self.right = Half("left", self._changed, self), Half("right", self._changed, self)
        self.model = CompareModel(self)
        self.table = CompareTable(self.model, self)
        self.table.chosen.connect(self._row_chosen)
        self.summary = WrappedLabel(self, hardly_broken)
        self.summary.setObjectName("compare_summary")
        self.link = Link(self.left.view, self.right.view, self)
        self._linking = False
        self._trouble = ""  # with a file that was chosen, until something else is shown
        self._lay_out()
        self._connect()
        self._ready = True

    def _lay_out(self) -> None:
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.addWidget(self.left)
        halves.addWidget(self.right)
        halves.setChildrenCollapsible(False)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(halves)
        parts.addWidget(self.table)
        parts.setStretchFactor(0, 3)
        parts.setStretchFactor(1, 2)
        parts.setChildrenCollapsible(False)
        parts.setSizes(list(START_HEIGHTS))  # a table asks for more than it needs
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.MEDIUM, theme.MEDIUM, theme.MEDIUM, theme.MEDIUM)
        layout.setSpacing(theme.SMALL)
        layout.addWidget(parts, 1)
        layout.addWidget(self.summary)

    def _connect(self) -> None:
        for keys in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Cancel):
            QShortcut(keys, self, self.close)
        for half, other, on_left in ((self.left, self.right, True), (self.right, self.left, False)):
            half.open.clicked.connect(lambda _=False, half=half: self._choose_file(half))
            half.session.failed.connect(lambda text, half=half: self._failed(half, text))
            half.session.selection_changed.connect(
                lambda node, other=other, on_left=on_left: self._selected(node, other, on_left=on_left)
            )
            modules = half.session.modules
            modules.collapsed_changed.connect(lambda half=half, other=other: self._collapsed(half, other))
            modules.current_changed.connect(lambda _, half=half, other=other: self._looked_at(half, other))
        theme.switch.changed.connect(self.table.viewport().update)

    # --- what is compared --------------------------------------------------------------------------------------------

    def compare(self, path: Path, step: int) -> None:
        """A training step of a recording with the one after it, or before it if it is the last."""
        self._ready = False
        self.left.show_recording(path, step)
        steps = [self.left.steps.itemData(place) for place in range(self.left.steps.count())]
        place = steps.index(step) if step in steps else 0
        if place + 1 == len(steps) and place > 0:
            self.left.show_recording(path, steps[place - 1])
            place -= 1
        self.right.show_recording(path, steps[min(place + 1, len(steps) - 1)] if steps else None)
        self._ready = True
        self._changed()

    def lay_out_as(self, canvas: CanvasView, *, boxes: bool) -> None:
        """Both graphs as `canvas` lays out its own; `boxes`: with open modules as boxes."""
        for half in (self.left, self.right):
            half.view.set_layout(canvas.layout_name)
            half.view.set_direction(canvas.direction)
            half.session.modules.show_boxes(boxes)

    def _choose_file(self, half: Half) -> None:
        recording = half.session.recording
        folder = "" if recording is None else str(recording.path.parent)
        kinds = translate("compare", "Recordings (*.chain);;All files (*)")
        path = dialogs.open_file(self, translate("compare", "Compare with"), folder, kinds)
        if path is not None:
            half.show_recording(path, None)

    def _failed(self, half: Half, text: str) -> None:
        """A file cannot be read: what is compared goes on being compared."""
        if half.session.recording is None:
            half.problem = text
            self._changed()
        else:
            self._trouble = f"⚠  {text}"
            self.summary.setText(self._trouble)

    def _changed(self) -> None:
        """One of the sides shows something else."""
        if not self._ready:
            return
        self._take(None)
        self._trouble = ""
        problem = self.left.problem or self.right.problem
        self.summary.setText(problem or translate("compare", "Comparing…"))
        left, right = self.left.session, self.right.session
        if problem or right.recording is None or left.graph_id is None or right.graph_id is None:
            left.desk.drop("compare")
            return
        arguments = (str(right.recording.path.absolute()), (left.graph_id, right.graph_id))
        left.desk.ask("compare", "compare", arguments, self._answered)

    def _answered(self, found: tuple[object, ...] | ChainruleError) -> None:
        from engine.desk.comparison import unpack

        if isinstance(found, ChainruleError):
            self.summary.setText(str(found))
            return
        self.link.comparison = unpack(found)
        self._take(Side(self.link.comparison, left=True), Side(self.link.comparison, left=False))
        self.summary.setText(self._trouble or self._words())

    def _take(self, left: Side | None, right: Side | None = None) -> None:
        """Show a comparison, or that there is none."""
        recordings = self.left.session.recording, self.right.session.recording
        if left is None or right is None or recordings[0] is None or recordings[1] is None:
            self.link.comparison = None
            self.model.set_rows(None)
        elif self.link.comparison is not None:
            self.model.set_rows(rows_of(self.link.comparison, recordings[0], recordings[1]))
        limit = 1.0 if left is None else limit_of(left.ratio)
        self.left.view.show_side(left, limit)
        self.right.view.show_side(right, limit)

    def _words(self) -> str:
        found = self.link.comparison
        if found is None:
            return ""
        pairs = len(found.pairs)
        changed = int(((found.changed[found.pairs[:, 0]] & MARKED) > 0).sum())
        if not pairs:
            return translate("compare", "The two graphs have no node in common.")
        if not changed and not len(found.only_left) and not len(found.only_right):
            return translate("compare", "{pairs} nodes on both sides, all made alike").format(pairs=f"{pairs:,}")
        words = translate(
            "compare",
            "{pairs} nodes on both sides, {changed} of them of another type, shape or other inputs; {left} only left, "
            "{right} only right",
        )
        return words.format(pairs=f"{pairs:,}", changed=f"{changed:,}", left=f"{len(found.only_left):,}",
                            right=f"{len(found.only_right):,}")  # fmt: skip

    # --- together ----------------------------------------------------------------------------------------------------

    def _selected(self, node: int | None, other: Half, *, on_left: bool) -> None:
        there = self.link.counterpart(node, on_left=on_left)
        if other.session.selection != there:
            other.session.select(there)

    def _collapsed(self, half: Half, other: Half) -> None:
        """What is chosen on one side is chosen on the other, as far as it is there; which chooses nothing here."""
        chosen = half.view.chosen
        if chosen is not None:
            self._tell(lambda: other.view.take_collapsed(chosen))

    def _looked_at(self, half: Half, other: Half) -> None:
        """A module that one looks at on one side is looked at on the other, if it is there."""
        key, marked = half.session.modules.current, bool(half.session.marked)
        self._tell(lambda: other.view.take_module(key, marked=marked))

    def _tell(self, change: Callable[[], None]) -> None:
        """Change the other side, which then tells nothing back."""
        if self._linking:
            return
        self._linking = True
        try:
            change()
        finally:
            self._linking = False

    def _row_chosen(self, row: int) -> None:
        """One view flies there, and takes the other along."""
        nodes = self.model.nodes(row)
        for node, half in zip(nodes, (self.left, self.right), strict=True):
            if node is not None:
                half.session.select(node)
        node, half = (nodes[0], self.left) if nodes[0] is not None else (nodes[1], self.right)
        if node is not None:
            half.view.fly_to(node)

    def focusNextPrevChild(self, forward: bool) -> bool:
        return move_focus((self.left, self.right, self.table), forward=forward)

    def closeEvent(self, event: QCloseEvent) -> None:
        for half in (self.left, self.right):
            half.shut_down()
        super().closeEvent(event)
