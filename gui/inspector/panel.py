"""The inspector: everything that is known, at the playhead, of one node."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Hashable
from pathlib import PurePath
from typing import Literal

from PySide6.QtCore import QCoreApplication, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from engine.desk.element import Element
from engine.errors import RecordingError
from engine.recording.model import EventKind
from engine.recording.reader import Recording
from gui import theme
from gui.explore.marked_view import MarkedView
from gui.inspector.content import Content, TensorItem
from gui.inspector.differences import Differences, Found, takes_long
from gui.inspector.links import ElidedLink
from gui.inspector.operation import data_content, operation_content
from gui.inspector.parameter import parameter_content
from gui.inspector.row import Summary, TensorRow, summary
from gui.inspector.section import SectionView
from gui.proof.rule_view import RuleView
from gui.session import Session
from gui.tensor_views.detail import Looking
from gui.tensor_views.facts import FactList
from gui.tensor_views.loaded import Loaded, difference, load
from gui.tensor_views.painting import set_visible
from gui.turns import Pieces, Turn, in_portions
from gui.wrapped import WrappedLabel

translate = QCoreApplication.translate

LOOK_AGAIN_MS = 30
LOAD_DELAY_MS = 50  # while a key is held down, no large tensor is read
_UNNAMED = re.compile(r"(\.<locals>\.<\w+>)+$")  # "<listcomp>" says no more than the line does
MIN_WIDTH = 280


def node_in_view(recording: Recording, playhead: int, selection: int | None) -> int | None:
    """The selected node, or the one of the playhead's event."""
    if selection is not None:
        return selection
    return recording.event(playhead).node if playhead >= 0 else None


def content_of(recording: Recording, playhead: int, selection: int | None) -> Content | None:
    """What there is to say; None if the playhead's event belongs to no node. Raises RecordingError."""
    with recording.held():
        node_id = node_in_view(recording, playhead, selection)
        if node_id is None:
            return None
        node = recording.node(node_id)
        make = {"parameter": parameter_content, "data": data_content}.get(node.kind, operation_content)
        return make(recording, playhead, node, chosen=selection is not None)


class InspectorPanel(QWidget):
    """Draws `content_of(recording, playhead, selection)`.

    Which rows are open, and on which view and slice, is the user's wish and stays when the node changes. While the
    panel is hidden it does nothing.
    """

    source_requested = Signal(str, int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._content: Content | None = None
        self._drawn_for: tuple[Hashable, ...] | None = None
        self._message = ""
        self._open: set[str] = set()
        self._looking: dict[str, Looking] = {}
        self._waiting: list[TensorRow] = []
        self._sections: dict[str, SectionView] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOAD_DELAY_MS)
        self._timer.timeout.connect(self._start_loading)
        self._differences = Differences(self)
        self._differences.found.connect(self._has_found)
        self._soon = Turn(self._refresh_or_wait, self)
        self.is_reading: Callable[[], bool] = lambda: False  # until the first picture is there: one waits for that
        self._build()
        for signal in (session.recording_grew, session.playhead_settled, session.selection_changed):
            signal.connect(self._refresh_soon)
        session.element_changed.connect(self._mark_element)
        session.recording_changed.connect(self._recording_changed)
        theme.switch.changed.connect(self._restyle)

    @property
    def content(self) -> Content | None:
        return self._content

    # --- widgets -----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.setMinimumWidth(MIN_WIDTH)
        self._place = WrappedLabel(self)
        self._place.setProperty("role", "caption")
        self._follow = QPushButton(translate("inspector_panel", "Follow the playhead"), self)
        self._follow.setFlat(True)
        self._follow.setToolTip(
            translate("inspector_panel", "Take back the selection and show the node of the current event")
        )
        self._follow.clicked.connect(lambda: self._session.select(None))
        self._title, self._type, self._explanation = WrappedLabel(self), WrappedLabel(self), WrappedLabel(self)
        self._title.setProperty("role", "title")
        self._explanation.setProperty("role", "dim")
        self._source = ElidedLink(self)
        self._source.clicked.connect(self._open_source)
        self._facts = FactList(self)
        self._facts.setAccessibleName(translate("inspector_panel", "About this node"))
        body = QWidget(self)
        self._body = QVBoxLayout(body)
        self._body.setContentsMargins(theme.MEDIUM, theme.SMALL, theme.MEDIUM, theme.MEDIUM)
        self._body.setSpacing(theme.TIGHT)
        top = QHBoxLayout()
        top.addWidget(self._place, 1)
        top.addWidget(self._follow)
        source = QHBoxLayout()
        source.addWidget(self._source)
        source.addStretch(1)
        self.marked = MarkedView(self._session, self)
        self._body.addWidget(self.marked)
        self._body.addLayout(top)
        for widget in (self._title, self._type, self._explanation):
            self._body.addWidget(widget)
        self._body.addLayout(source)
        self._body.addWidget(self._facts)
        self.rule = RuleView(self._session, self)
        self._body.addWidget(self.rule)
        self._body.addStretch(1)
        self._scroll = QScrollArea(self)
        self._scroll.setAccessibleName(self.tr("Inspector"))
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._scroll)
        self._restyle()
        for _ in self._draw_pieces():
            pass

    def _restyle(self) -> None:
        link = theme.current().forward.name()
        mono = theme.mono_font().family()
        dim = theme.current().dim.name()
        self._type.setStyleSheet(f'QLabel {{ color: {dim}; font-family: "{mono}"; font-size: {theme.TEXT_PX - 1}px; }}')
        self._source.setStyleSheet(f"QPushButton {{ color: {link}; text-align: left; padding: 0; }}")
        self._follow.setStyleSheet(f"QPushButton {{ font-size: {theme.CAPTION_PX}px; padding: 0 {theme.TIGHT}px; }}")

    # --- following the session ---------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.is_reading():
            self._soon.start(LOOK_AGAIN_MS)
        else:
            self.refresh()

    def _recording_changed(self) -> None:
        self._drawn_for = None
        self._soon.stop()
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        """Once for all that the session changes at a time, and after the canvas."""
        if self.isVisible() and not self._soon.isActive():
            self._soon.start(0)

    def _refresh_or_wait(self) -> Pieces | None:
        """Draw a piece in each turn of the window's loop. What is half drawn is not painted."""
        if not self.is_reading():
            return self._refresh_in_turns()
        if self.isVisible():
            self._soon.start(LOOK_AGAIN_MS)
        return None

    def _refresh_in_turns(self) -> Pieces:
        try:
            for _ in in_portions(self._refresh_pieces()):
                self._scroll.setUpdatesEnabled(False)
                yield
        finally:
            with contextlib.suppress(RuntimeError):  # the window is gone
                self._scroll.setUpdatesEnabled(True)
        if self._now() != self._drawn_for:
            self._refresh_soon()

    def refresh(self) -> None:
        """Draw what the session shows now, all at once; large tensors follow a moment later."""
        self._soon.stop()
        for _ in self._refresh_pieces():
            pass

    def _now(self) -> tuple[Hashable, ...]:
        session = self._session
        return (id(session.recording), session.playhead, session.selection, session.event_count)

    def is_drawn(self) -> bool:
        """Whether it shows all of what the session shows now; large tensors may still follow."""
        return self._now() == self._drawn_for and not self._soon.isActive()

    def _refresh_pieces(self) -> Pieces:
        session, recording, now = self._session, self._session.recording, self._now()
        if now == self._drawn_for:
            return
        self._drawn_for = None
        self._content, self._message = None, ""
        if recording is None:
            self._message = translate("inspector_panel", "Run a script or open a recording, and select a node.")
        elif session.playhead < 0:
            self._message = translate("inspector_panel", "Nothing has happened yet.")
        else:
            try:
                self._content = content_of(recording, session.playhead, session.selection)
            except RecordingError as error:
                self._message = str(error)
            else:
                self._message = (
                    ""
                    if self._content
                    else translate("inspector_panel", "The current event belongs to no node of a graph.")
                )
        yield
        yield from self._draw_pieces()
        self._drawn_for = now

    def drawn_state(self) -> tuple[Hashable, ...]:
        """All that is shown, as if everything had been loaded."""
        self.refresh()
        self._load_waiting()
        shown = [] if self._content is None else [self._sections[section.key] for section in self._content.sections]
        rule = self.rule.drawn_state()
        return (self._message, self._place.text(), self._content, rule, tuple(view.drawn_state() for view in shown))

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _draw_pieces(self) -> Pieces:
        content = self._content
        self._timer.stop()
        self._differences.stop()
        self._waiting.clear()
        for label, text in (
            (self._place, self._place_text()),
            (self._title, content.title if content else ""),
            (self._type, content.type if content else ""),
            (self._explanation, content.explanation if content else self._message),
        ):
            if label.text() != text:
                label.setText(text)
            set_visible(label, bool(text))
        set_visible(self._follow, content is not None and content.chosen)
        self._draw_source()
        self._facts.set_facts(content.facts if content else ())
        yield
        recording = self._session.recording
        self.rule.show_node(recording.node(content.node) if content and recording else None)
        yield
        yield from self._section_pieces()
        if self._waiting:
            self._timer.start()

    def _place_text(self) -> str:
        if self._content is None:
            return ""
        if self._content.chosen:
            return translate("inspector_panel", "Selected node")
        event = self._session.current_event
        kind: EventKind = event.kind if event else "forward"
        return {
            "forward": translate("inspector_panel", "At the playhead: forward operation"),
            "backward": translate("inspector_panel", "At the playhead: backward"),
            "accumulate": translate("inspector_panel", "At the playhead: gradient accumulated"),
            "update": translate("inspector_panel", "At the playhead: update"),
        }[kind]

    def _draw_source(self) -> None:
        source = self._content.source if self._content else None
        set_visible(self._source, source is not None)
        if source is not None and self._content is not None:
            path, line = source
            function = _UNNAMED.sub("", self._content.function)
            inside = (
                translate("inspector_panel", " in {function}").format(function=function)
                if function not in ("", "<module>")
                else ""
            )
            self._source.set_words(f"{PurePath(path).name}:{line}{inside}")
            self._source.setToolTip(
                translate("inspector_panel", "Show line {line} of {path}").format(line=line, path=path)
            )

    def _open_source(self) -> None:
        if self._content is not None and self._content.source is not None:
            self.source_requested.emit(*self._content.source)

    def _draw_sections(self) -> None:
        for _ in self._section_pieces():
            pass

    def _section_pieces(self) -> Pieces:
        sections = self._content.sections if self._content else ()
        for key, view in self._sections.items():
            if all(section.key != key for section in sections):
                set_visible(view, False)
        for place, section in enumerate(sections):
            view = self._section_view(section.key, place)
            yield from view.set_section(section)
            for row, item in zip(view.rows, section.tensors, strict=True):
                self._draw_row(row, item)
                set_visible(row, True)
                yield
            set_visible(view, True)
            yield

    def _section_view(self, key: str, place: int) -> SectionView:
        """The view of a section, at its place below the facts."""
        view = self._sections.get(key)
        if view is None:
            view = self._sections[key] = SectionView(self)
            view.toggled.connect(self._row_toggled)
            view.looked.connect(self._row_looked)
            view.element_chosen.connect(self._choose_element)
        first = self._body.indexOf(self.rule) + 1
        if self._body.indexOf(view) != first + place:
            self._body.removeWidget(view)
            self._body.insertWidget(first + place, view)
        return view

    def _draw_row(self, row: TensorRow, item: TensorItem) -> None:
        recording = self._session.recording
        if item.state != "there" or item.tensor is None or recording is None:
            row.set_item(item, summary(item, None), expanded=False)
            return
        try:
            tensor = recording.tensor(item.tensor)
            if item.minus is None or tensor.numel == 1:
                row.set_item(item, self._summary(recording, item), expanded=item.key in self._open)
                if not row.header.isChecked():
                    return
            else:
                row.set_item(item, summary(item, None, loading=True), expanded=False)
            self._waiting.append(row)
        except RecordingError as error:
            row.set_item(item, Summary(item.label, str(error), pending=True), expanded=False)

    def _summary(self, recording: Recording, item: TensorItem) -> Summary:
        assert item.tensor is not None  # the caller has looked
        small = recording.tensor(item.tensor).numel == 1
        return summary(item, _loaded(recording, item) if small else Loaded(recording.tensor(item.tensor), None))

    def _start_loading(self) -> None:
        """Have large differences worked out in a thread; what waits beside them waits, too."""
        recording = self._session.recording
        items = [row.item for row in self._waiting if row.item is not None]
        with contextlib.suppress(RecordingError):  # the row will say so
            large = [] if recording is None else [item for item in items if takes_long(recording, item)]
            if recording is not None and large:
                self._differences.start(recording, large)
                return
        self._load_waiting()

    def _has_found(self, which: int, found: Found) -> None:
        if which == self._differences.wanted:
            self._load_waiting(found)

    def _load_waiting(self, found: Found | None = None) -> None:
        """Read the tensors that are large: those of open rows, and differences."""
        self._timer.stop()
        self._differences.stop()
        recording, waiting = self._session.recording, list(self._waiting)
        self._waiting.clear()
        for row in waiting:
            item = row.item
            if recording is None or item is None:
                continue
            try:
                loaded = _loaded(recording, item) if found is None or item not in found else _or_raise(found[item])
            except RecordingError as error:
                row.set_item(item, Summary(item.label, str(error), pending=True), expanded=False)
                continue
            row.set_item(item, summary(item, loaded), expanded=item.key in self._open)
            if loaded is not None and row.header.isChecked():
                row.show_detail(loaded, self._looking.get(item.key, Looking()))
        self._mark_element(self._session.element)

    # --- what the user does ------------------------------------------------------------------------------------------

    def _row_toggled(self, key: str, on: bool) -> None:
        (self._open.add if on else self._open.discard)(key)
        self._draw_sections()
        self._load_waiting()

    def _row_looked(self, key: str, looking: Looking) -> None:
        self._looking[key] = looking

    def _choose_element(self, key: str, index: tuple[int, ...]) -> None:
        """A click on a number of a gradient: what is it the sum of?"""
        place = gradient_of(key)
        if place is not None and self._content is not None:
            self._session.select(self._content.node, Element(*place, index))

    def _mark_element(self, element: Element | None) -> None:
        """Mark the chosen number in the views that show it."""
        for view in self._sections.values():
            for row in view.rows:
                mine = element is not None and row.item is not None and gradient_of(row.item.key) == (
                    element.side, element.slot)  # fmt: skip
                row.mark(element.index if mine and element is not None else None)


def gradient_of(key: str) -> tuple[Literal["in", "out"], int] | None:
    """Which gradient of the node a row shows: side and slot; None for other tensors."""
    role, _, place = key.partition(".")
    if role == "grad_input":
        return "out", int(place)
    if role == "grad_output":
        return "in", int(place)
    if role == "part":
        return "in", int(place.split(".")[0])
    return ("in", 0) if role in ("arrived", "held", "holds") else None


def _or_raise(loaded: Loaded | RecordingError | None) -> Loaded | None:
    if isinstance(loaded, RecordingError):
        raise loaded
    return loaded


def _loaded(recording: Recording, item: TensorItem) -> Loaded | None:
    assert item.tensor is not None  # only rows that have one are loaded
    with recording.held():
        if item.minus is not None:
            return difference(recording, item.tensor, item.minus)
        return load(recording, item.tensor)
