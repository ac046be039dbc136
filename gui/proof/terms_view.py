"""What one number is the sum of, and the way from it to the loss."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from engine.desk.element import Element
from engine.errors import ChainruleError
from gui import numbers, theme
from gui.inspector.titles import title
from gui.proof.rows import Row, RowList, element_name, share_of
from gui.session import Session
from gui.tensor_views.painting import set_visible
from gui.wrapped import WrappedLabel

if TYPE_CHECKING:
    from engine.desk.explain import Breakdown
    from engine.recording.reader import Recording
    from engine.rules.upstream import Walk

translate = QCoreApplication.translate

DOT = "\u00b7"
SHORT = 3  # digits of what is multiplied; all of them are in the tooltip
SEPARATOR = f" {DOT} "  # between a node's name and its class


class TermsView(QWidget):
    """Shown while an element of the node is chosen. A row leads to the number that it came from."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._node: int | None = None
        self._breakdown: Breakdown | None = None
        self._goals: list[tuple[int, Element]] = []
        self._steps: list[tuple[int, Element]] = []
        self._title, self._remark, self._way_title = WrappedLabel(self), WrappedLabel(self), WrappedLabel(self)
        self._remark.setProperty("role", "caption")
        self.rows, self.way = RowList(self), RowList(self)
        self.rows.setAccessibleName(translate("terms", "Terms"))
        self.way.setAccessibleName(translate("terms", "The way upstream"))
        self.rows.activated.connect(lambda place: self._session.select(*self._goals[place]))
        self.way.activated.connect(lambda place: self._session.select(*self._steps[place]))
        self.follow = QPushButton(translate("terms", "Follow upstream"), self)
        self.follow.setToolTip(translate("terms", "Walk the largest term from here to the loss, and mark the way"))
        self.follow.clicked.connect(self.follow_upstream)
        self.clear = QPushButton(translate("terms", "Clear"), self)
        self.clear.setToolTip(translate("terms", "Take the marks of the way off the canvas (Esc)"))
        self.clear.clicked.connect(lambda: self._session.show_walk(None))
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SMALL)
        for button in (self.follow, self.clear):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.TIGHT, 0, 0)
        layout.setSpacing(theme.TIGHT)
        for widget in (self._title, self._remark, self.rows):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        for widget in (self._way_title, self.way):
            layout.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        session.walk_changed.connect(self._draw_way)
        self.hide()

    # --- what to show ------------------------------------------------------------------------------------------------

    def show_node(self, node: int | None) -> None:
        """The terms of the session's element, if it is one of this node's."""
        self._node = node
        element = self._session.element
        if node is None or element is None or node != self._session.selection:
            self._breakdown = None
            self._session.desk.drop("terms")
            set_visible(self, False)
            return
        if self._breakdown is None or (self._breakdown.node, self._breakdown.element) != (node, element):
            self._breakdown = None
            self._session.desk.ask("terms", "terms", (node, element), self._broken_down)
        self._draw()

    def _broken_down(self, result: Breakdown | ChainruleError) -> None:
        if isinstance(result, ChainruleError):
            self._remark.setText(str(result))
            set_visible(self._remark, True)
        elif (result.node, result.element) == (self._node, self._session.element):
            self._breakdown = result
            self._draw()

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        recording, found = self._session.recording, self._breakdown
        set_visible(self, recording is not None)
        if recording is None:
            return
        if found is None:
            self._title.setText(translate("terms", "Working out what it is the sum of…"))
            for widget in (self._remark, self.rows):
                set_visible(widget, False)
        else:
            self._draw_terms(recording, found)
        set_visible(self.follow, found is not None and found.remark != "start")
        self._draw_way()

    def _draw_terms(self, recording: Recording, found: Breakdown) -> None:
        side = "grad_input" if found.element.side == "out" else "grad_output"
        if recording.node(found.node).kind == "parameter":
            side = translate("terms", "gradient")
        elif found.element.slot:
            side += f" {found.element.slot}"
        name = f"{side} {element_name(found.element.index)}".strip()
        self._title.setText(f"{name} = {_number(found.value)}")
        remark = self._remark_of(found)
        self._remark.setText(remark)
        set_visible(self._remark, bool(remark))
        largest = max((abs(row.value) for row in found.rows), default=0.0)
        self._goals = [(row.node, row.element) for row in found.rows]
        labelled = len({row.label for row in found.rows}) > 1
        rows = [
            Row(
                self._source(recording, found, place),
                ""
                if row.coefficient is None
                else f"{_number(row.coefficient, SHORT)} {DOT} {_number(row.grad, SHORT)}",
                _number(row.value),
                self._tip(found, place),
                share_of(row.value, largest),
                index=found.element.side == "out",
                label=row.label if labelled else "",
            )
            for place, row in enumerate(found.rows)
        ]
        if found.count > len(found.rows):
            more = translate("terms", "{count} more").format(count=f"{found.count - len(found.rows):,}")
            rows.append(Row(more, "", _number(found.rest), numbers.full(found.rest), quiet=True))
        if found.count > 1:
            rows.append(Row(translate("terms", "sum"), "", _number(found.total), numbers.full(found.total), quiet=True,
                            strong=True))  # fmt: skip
        self.rows.set_rows(rows)
        set_visible(self.rows, bool(rows))

    def _remark_of(self, found: Breakdown) -> str:
        if found.remark == "start":
            return translate("terms", "The backward pass begins here.")
        if found.remark:
            return found.remark
        if found.element.side == "in":
            return "" if found.count < 2 else translate("terms", "Several nodes sent a part of it:")
        if found.count == 0:
            return translate("terms", "Nothing that entered makes up this number.")
        labels = {row.label for row in found.rows}
        coefficient = next(iter(labels)) if len(labels) == 1 else ""
        coefficient = coefficient or translate("terms", "coefficient")
        if found.count == 1:
            return translate("terms", "One term: {coefficient} times a gradient that entered").format(
                coefficient=coefficient
            )
        text = translate("terms", "The sum of {count} terms: {coefficient} times a gradient that entered")
        return text.format(count=f"{found.count:,}", coefficient=coefficient)

    def _source(self, recording: Recording, found: Breakdown, place: int) -> str:
        row = found.rows[place]
        if found.element.side == "in":
            return translate("terms", "from {node}").format(node=title(recording, recording.node(row.node)))
        name = "G" if row.element.slot == 0 else f"G{row.element.slot}"
        return f"{name}{element_name(row.element.index)}"

    def _tip(self, found: Breakdown, place: int) -> str:
        row = found.rows[place]
        if row.coefficient is None:
            return numbers.full(row.value)
        return f"{numbers.full(row.coefficient)} {DOT} {numbers.full(row.grad)} = {numbers.full(row.value)}"

    def _draw_way(self) -> None:
        walk, recording = self._session.walk, self._session.recording
        on = walk is not None and recording is not None and not self.isHidden()
        set_visible(self.clear, on)
        set_visible(self.way, on)
        set_visible(self._way_title, on)
        if walk is None or recording is None:
            return
        shown = [place for place in walk.places if place.side == "in"] or list(walk.places)
        self._steps = [(place.node, Element(place.side, place.slot, place.index)) for place in shown]
        self._way_title.setText(_ending(walk))
        self.way.set_rows([
            Row(title(recording, recording.node(place.node)).partition(SEPARATOR)[0], element_name(place.index),
                _number(place.value), numbers.full(place.value))
            for place in shown
        ])  # fmt: skip

    def drawn_state(self) -> tuple[Hashable, ...]:
        if self.isHidden():
            return ()
        return (self._title.text(), self._remark.text(), self.rows.rows if not self.rows.isHidden() else (),
                self.way.rows if not self.way.isHidden() else ())  # fmt: skip

    # --- what the user does ------------------------------------------------------------------------------------------

    def follow_upstream(self) -> None:
        """Walk from the chosen element along the largest terms to the loss."""
        node, element = self._session.selection, self._session.element
        if node is not None and element is not None:
            self._session.desk.ask("walk", "walk", (node, element), self._walked)

    def _walked(self, result: Walk | ChainruleError) -> None:
        if isinstance(result, ChainruleError):
            self._remark.setText(str(result))
            set_visible(self._remark, True)
        else:
            self._session.show_walk(result)


def _ending(walk: Walk) -> str:
    if walk.ending == "loss":
        return translate("terms", "The way to the loss, along the largest terms:")
    return translate("terms", "The way upstream ends early: {reason}").format(reason=walk.reason or walk.ending)


def _number(value: complex | None, digits: int = numbers.DIGITS) -> str:
    if isinstance(value, complex) and not value.imag:
        value = value.real
    return numbers.number(value, digits)
