"""The opened recording, the playhead and the selection, as Qt signals. No widgets.

Every view draws a pure function of (recording, playhead, selection). So there is no "step forward" here, only `seek`:
walking and jumping are the same operation, and nothing has to be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from engine.desk.element import Element
from engine.errors import RecordingError
from gui.counterparts import Counterparts
from gui.modules.choice import ModuleChoice
from gui.opening import AT_ONCE, Opening
from gui.proof.desk import DeskProcess
from gui.proof.store import ProofStore

if TYPE_CHECKING:
    from engine.recording.model import Event
    from engine.recording.reader import Recording
    from engine.rules.upstream import Walk


SETTLE_MS = 120


class Session(QObject):
    """One recording at a time, a position in it (`playhead`), and one chosen node (`selection`).

    `playhead` is the id of the event that has just happened and is being shown, -1 only while there are no events.

    A node belongs to one backward pass. When the playhead moves on to the next pass, the selection moves to the node
    that stands at the same place there, if there is one; so it is a function of (recording, playhead, chosen node).

    `marked` are several nodes that one looks at together, with a `marked_title` for what they are; they move on to the
    next pass as the selection does. `element` is a number of the selected node that one looks at, `walk` the way from
    one to the loss; `proofs` holds what was proved of the recording, and at the `desk` its arithmetic is done.
    """

    opening_changed = Signal()
    recording_changed = Signal()
    recording_grew = Signal()
    playhead_changed = Signal(int)
    playhead_settled = Signal(int)  # the same for what takes long to show: while one plays fast, a few times a second
    graph_changed = Signal(object)
    selection_changed = Signal(object)
    marked_changed = Signal()
    follow_changed = Signal(bool)
    element_changed = Signal(object)
    walk_changed = Signal()
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._recording: Recording | None = None
        self._playhead = -1
        self._graph: int | None = None
        self._chosen: int | None = None
        self._selection: int | None = None
        self._chosen_marks: frozenset[int] = frozenset()
        self._marked: frozenset[int] = frozenset()
        self._marked_title = ""
        self._counterparts = Counterparts()
        self._follow = False
        self._element: Element | None = None
        self._walk: Walk | None = None
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLE_MS)
        self._settling.timeout.connect(lambda: self.playhead_settled.emit(self._playhead))
        self._then: Callable[[], object] | None = None
        self._opening = Opening(self)
        self._opening.done.connect(self._opened)
        self._opening.failed.connect(self._not_opened)
        self.proofs = ProofStore(self)
        self.desk = DeskProcess(self)
        self.modules = ModuleChoice(self)

    # --- what is shown -----------------------------------------------------------------------------------------------

    @property
    def recording(self) -> Recording | None:
        return self._recording

    @property
    def playhead(self) -> int:
        return self._playhead

    @property
    def graph_id(self) -> int | None:
        """The backward pass that the playhead's event belongs to; for an event without one, the nearest of its step."""
        return self._graph

    @property
    def selection(self) -> int | None:
        """The chosen node, or the one at its place in the current graph."""
        return self._selection

    @property
    def marked(self) -> frozenset[int]:
        """The nodes that are marked, or those at their places in the current graph."""
        return self._marked

    @property
    def marked_title(self) -> str:
        """What the marked nodes are together ("layer1", "path of 12 nodes"), or nothing."""
        return self._marked_title

    @property
    def element(self) -> Element | None:
        return self._element

    @property
    def walk(self) -> Walk | None:
        """The way upstream that is shown."""
        return self._walk

    @property
    def current_event(self) -> Event | None:
        """The event under the playhead."""
        if self._recording is None or self._playhead < 0:
            return None
        return self._recording.event(self._playhead)

    @property
    def event_count(self) -> int:
        return 0 if self._recording is None else len(self._recording.timeline)

    @property
    def last(self) -> int:
        """The last event's id, -1 if there is none."""
        return self.event_count - 1

    @property
    def follow_live(self) -> bool:
        """Whether a playhead that stands at the end moves along as the recording grows."""
        return self._follow

    def set_follow_live(self, on: bool) -> None:
        if on == self._follow:
            return
        self._follow = on
        self.follow_changed.emit(on)
        if on:
            self.seek(self.last)

    # --- opening and closing -----------------------------------------------------------------------------------------

    def open(self, path: Path | str, then: Callable[[], object] | None = None, *, wait: bool = True) -> bool:
        """Show the recording at `path`, from its first event. On failure `failed` tells why and nothing changes.

        Unless one wants to `wait`, a long one is read in a thread (see `opening`); `then` is called once it is there,
        before anyone else is told of it.
        """
        from engine.recording.reader import count_events, open_recording

        path = Path(path)
        try:
            long = not wait and count_events(path) > AT_ONCE
            recording = None if long else open_recording(path)
        except RecordingError as error:
            self.failed.emit(str(error))
            return False
        self._then = then
        if recording is None:
            self._opening.start(path)
            self.opening_changed.emit()
        else:
            self._opened(recording)
        return True

    @property
    def opening(self) -> bool:
        """Whether a recording is being read that will take the place of what is shown."""
        return self._opening.busy

    def _opened(self, recording: Recording) -> None:
        then, self._then = self._then, None
        self._replace(recording, then)

    def _not_opened(self, message: str) -> None:
        self._then = None
        self.opening_changed.emit()
        self.failed.emit(message)

    def close(self) -> None:
        was_opening = self.opening
        self._opening.stop()
        self._then = None
        if self._recording is not None:
            self._replace(None)
        elif was_opening:
            self.opening_changed.emit()
        self.desk.shut_down()

    def _replace(self, recording: Recording | None, then: Callable[[], object] | None = None) -> None:
        self._opening.stop()
        old, self._recording = self._recording, recording
        self._chosen = self._selection = None
        self._chosen_marks = self._marked = frozenset()
        self._marked_title = ""
        self._counterparts = Counterparts()
        self._element = self._walk = None
        self.proofs.clear()
        self.desk.set_recording(None if recording is None else recording.path)
        self.modules.look_at("")
        self._playhead = min(0, self.last)
        self._graph = self._graph_at(self._playhead)
        if old is not None:
            old.close()
        if then is not None:
            then()
        self.recording_changed.emit()
        self.graph_changed.emit(self._graph)
        self.selection_changed.emit(None)
        self.marked_changed.emit()
        self.element_changed.emit(None)
        self.walk_changed.emit()
        self._settling.stop()
        self.playhead_changed.emit(self._playhead)
        self.playhead_settled.emit(self._playhead)

    # --- moving ------------------------------------------------------------------------------------------------------

    def seek(self, event: int, *, hurried: bool = False) -> None:
        """Put the playhead on `event`; beyond either end it stops there. `hurried`: the next one comes at once."""
        target = max(min(int(event), self.last), min(0, self.last))
        if target != self._playhead:
            self._show(target, hurried=hurried)

    def settle(self) -> None:
        """Tell where the playhead is, to those that have not been told since it was hurried on."""
        if self._settling.isActive():
            self._settling.stop()
            self.playhead_settled.emit(self._playhead)

    def select(self, node: int | None, element: Element | None = None) -> None:
        """Choose a node, and perhaps one number of its gradients, or none."""
        if element is None and node is not None and node == self._selection:
            element = self._element
        self._chosen = node
        self._update_selection()
        if element != self._element:
            self._element = element
            self.element_changed.emit(element)

    def mark(self, nodes: Iterable[int], title: str = "") -> None:
        """Mark these nodes, and no others; those that the recording does not have are left out. `title` says in a few
        words what they are together. The selection stays as it is; with the last mark goes the module one looked at."""
        self._chosen_marks = frozenset(nodes)
        if not self._chosen_marks:
            self.modules.look_at("")
        self._update_marked(title)

    def show_walk(self, walk: Walk | None) -> None:
        """Mark a way upstream, or none."""
        if walk != self._walk:
            self._walk = walk
            self.walk_changed.emit()

    def refresh(self) -> None:
        """Take in what a running script has added. `failed` tells if the file cannot be read any more."""
        if self._recording is None:
            return
        at_end = self._playhead == self.last
        try:
            grew = self._recording.refresh()
        except RecordingError as error:
            self.failed.emit(str(error))
            return
        if not grew:
            return
        self.recording_grew.emit()
        target = self.last if self._follow and at_end else max(self._playhead, min(0, self.last))
        self._show(target)

    def _show(self, playhead: int, *, hurried: bool = False) -> None:
        """All of the state changes before the first signal: no view may see half of it."""
        moved = playhead != self._playhead
        self._playhead = playhead
        graph = self._graph_at(playhead)
        new_graph = graph != self._graph
        self._graph = graph
        if new_graph:
            self.graph_changed.emit(graph)
        self._update_selection()
        if self._chosen_marks and new_graph:
            self._update_marked(self._marked_title)
        if moved:
            self.playhead_changed.emit(playhead)
            if not hurried:
                self._settling.stop()
                self.playhead_settled.emit(playhead)
            elif not self._settling.isActive():
                self._settling.start()

    def _update_selection(self) -> None:
        selection = self._counterpart(self._chosen)
        if selection != self._selection:
            self._selection = selection
            self.selection_changed.emit(selection)

    def _update_marked(self, title: str) -> None:
        marked = frozenset[int]()
        if self._recording is not None and self._chosen_marks:
            marked = self._counterparts.of(self._recording, self._chosen_marks, self._graph)
        title = title if marked else ""
        if (marked, title) != (self._marked, self._marked_title):
            self._marked, self._marked_title = marked, title
            self.marked_changed.emit()

    # --- pure functions of the recording -----------------------------------------------------------------------------

    def _graph_at(self, event: int) -> int | None:
        if self._recording is None or event < 0:
            return None
        timeline = self._recording.timeline
        graph = int(timeline.graph[event])
        if graph >= 0:
            return graph
        import numpy as np  # not at the top: the window's first picture must not wait for it

        first, last = timeline.step_bounds(int(timeline.step[event]))
        for graphs in (
            timeline.graph[first:event][::-1],
            timeline.graph[event : last + 1],
            timeline.graph[:first][::-1],
        ):
            known = np.flatnonzero(graphs >= 0)
            if len(known):
                return int(graphs[known[0]])
        return None

    def _counterpart(self, node_id: int | None) -> int | None:
        if node_id is None or self._recording is None:
            return None
        try:
            return next(iter(self._counterparts.of(self._recording, (node_id,), self._graph)), None)
        except RecordingError:
            return None
