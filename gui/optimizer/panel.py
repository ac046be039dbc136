"""The dock "Optimizer": one parameter's update taken apart, beside what the optimizer remembers of it."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable

from PySide6.QtCore import QCoreApplication, QSize, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from engine.desk.anatomy import BY_HAND, GRADIENT, PARAMETER, Anatomy, Histories, Index
from engine.desk.element import Element
from engine.errors import ChainruleError
from gui import numbers, theme
from gui.optimizer import memory_words
from gui.optimizer.choice import Choice, choose, figure
from gui.optimizer.memory_view import Entry, MemoryView
from gui.optimizer.parts_view import PartsView
from gui.proof import states
from gui.proof.badge import Badge
from gui.session import Session
from gui.tensor_views.facts import Fact, FactList
from gui.tensor_views.painting import set_visible

translate = QCoreApplication.translate

ASK_DELAY_MS = 40  # while a key is held down, nothing is computed
KEPT = 256
Key = tuple[int, Index | None]  # update event, element


class OptimizerPanel(QWidget):
    """Draws a pure function of (recording, playhead, selection, element); arithmetic is done at the desk."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._choice: Choice | None = None
        self._known: dict[Key, Anatomy] = {}
        self._histories: dict[tuple[int, Index], Histories] = {}
        self._problem = ""
        self._timer = QTimer(self, singleShot=True, interval=ASK_DELAY_MS)
        self._timer.timeout.connect(self._ask)
        self._build()
        session.recording_changed.connect(self._recording_changed)
        for signal in (
            session.recording_grew,
            session.playhead_settled,
            session.selection_changed,
            session.element_changed,
        ):
            signal.connect(self._refresh_if_visible)
        self._recording_changed()

    # --- widgets -----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._title, self._subtitle, self._message = QLabel(self), QLabel(self), QLabel(self)
        self._title.setProperty("role", "title")
        self._subtitle.setProperty("role", "dim")
        for label in (self._title, self._subtitle, self._message):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._message.setProperty("role", "dim")
        self._message.setWordWrap(True)
        self._badge = Badge(self)
        self._element_label = QLabel(translate("optimizer", "Element"), self)
        self._element_label.setProperty("role", "dim")
        self.element = QLineEdit(self)
        self.element.setFixedWidth(theme.space(34))
        self.element.setAccessibleName(translate("optimizer", "Element of the parameter"))
        self.element.setToolTip(translate("optimizer", "Which number of the parameter is shown, such as [3, 1]"))
        self.element.editingFinished.connect(self._element_edited)
        self.largest = QPushButton(translate("optimizer", "Largest change"), self)
        self.largest.setToolTip(translate("optimizer", "Show the element that this update changed most"))
        self.largest.clicked.connect(self._show_largest)
        self.log = QPushButton(translate("optimizer", "Log scale"), self)
        self.log.setCheckable(True)
        self.log.setToolTip(translate("optimizer", "Bars by powers of ten instead of in proportion"))
        self.parts = PartsView()
        self.log.clicked.connect(self.parts.set_log)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._make_top())
        layout.addWidget(self._message)
        self._message.setContentsMargins(theme.MEDIUM, 0, theme.MEDIUM, theme.SMALL)
        self._body = QWidget(self)
        columns = QHBoxLayout(self._body)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(0)
        columns.addWidget(_scrolled(self.parts, self.tr("The update, part by part")), 62)
        columns.addWidget(_scrolled(self._make_memory(), self.tr("What it remembers")), 38)
        layout.addWidget(self._body, 1)
        layout.addStretch(0)  # the name stays where it is while there is nothing to take apart
        self._layout = layout

    def _make_top(self) -> QHBoxLayout:
        top = QHBoxLayout()
        top.setContentsMargins(theme.MEDIUM, theme.TIGHT, theme.MEDIUM, theme.TIGHT)
        top.setSpacing(theme.SMALL)
        for widget in (self._title, self._badge, self._subtitle):
            top.addWidget(widget)
        top.addStretch(1)
        for field in (self._element_label, self.element, self.largest, self.log):
            kept = field.sizePolicy()
            kept.setRetainSizeWhenHidden(True)  # as high without them, or the name moves
            field.setSizePolicy(kept)
            top.addWidget(field)
        return top

    def _make_memory(self) -> QWidget:
        """The right column: memory, settings, and where the algorithm was published."""
        box = QWidget()
        self._heading, self._nothing, self._paper = QLabel(box), QLabel(box), QLabel(box)
        self._heading.setText(translate("optimizer", "What it remembers"))
        self._settings_heading = QLabel(translate("optimizer", "Hyperparameters"), box)
        for heading in (self._heading, self._settings_heading):
            heading.setFont(theme.ui_font(semibold=True))
        self._nothing.setProperty("role", "dim")
        self._paper.setProperty("role", "caption")
        for label in (self._nothing, self._paper):
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.memory, self.settings = MemoryView(box), FactList(box)
        self.settings.setAccessibleName(translate("optimizer", "Hyperparameters"))
        layout = QVBoxLayout(box)
        layout.setContentsMargins(theme.MEDIUM, theme.TIGHT, theme.MEDIUM, theme.SMALL)
        layout.setSpacing(theme.TIGHT)
        for widget in (self._heading, self._nothing, self.memory, self._settings_heading, self.settings, self._paper):
            layout.addWidget(widget)
        layout.addStretch(1)
        return box

    def sizeHint(self) -> QSize:
        return QSize(theme.space(200), theme.space(100))

    # --- what to show ------------------------------------------------------------------------------------------------

    def _recording_changed(self) -> None:
        self._known.clear()
        self._histories.clear()
        self._choice, self._problem = None, ""
        self._timer.stop()
        self._refresh_if_visible()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def _refresh_if_visible(self) -> None:
        if self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Draw what is known of the update at the playhead; the rest follows."""
        session, recording = self._session, self._session.recording
        self._problem = ""
        self._choice = None if recording is None else choose(recording, session.playhead, session.selection)
        key = self._key()
        if key is not None and (key not in self._known or self._history() is None):
            self._timer.start()
        self._draw()

    def _key(self) -> Key | None:
        choice, element = self._choice, self._session.element
        if choice is None or choice.event is None:
            return None
        mine = element is not None and choice.node is not None and self._session.selection == choice.node
        return choice.event, element.index if mine and element is not None else None

    def _found(self) -> Anatomy | None:
        key = self._key()
        return None if key is None else self._known.get(key)

    def _history(self) -> Histories | None:
        found = self._found()
        return None if found is None else self._histories.get((found.event, found.element))

    # --- working out -------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        key, found = self._key(), self._found()
        if key is None:
            return
        if found is None:
            self._session.desk.ask("update", "update", key, lambda result: self._taken(key, result))
        elif self._history() is None:
            about = found.event, found.element
            keys = tuple(entry.key for entry in found.memory)
            self._session.desk.ask("history", "history", (*about, keys), lambda result: self._remembered(about, result))

    def _taken(self, key: Key, result: Anatomy | ChainruleError) -> None:
        if isinstance(result, ChainruleError):
            self._problem = str(result)
        else:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[key] = result
        if key == self._key():
            self._draw()
            if not self._problem:
                self._ask()

    def _remembered(self, key: tuple[int, Index], result: Histories | ChainruleError) -> None:
        if len(self._histories) >= KEPT:
            self._histories.clear()
        self._histories[key] = Histories((), {}) if isinstance(result, ChainruleError) else result
        self._draw()

    def settle(self) -> None:
        """Have everything worked out and drawn, now."""
        if self._timer.isActive():
            self._timer.stop()
            self._ask()
        self._session.desk.settle()

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        recording, choice, found = self._session.recording, self._choice, self._found()
        name = "" if recording is None or choice is None else recording.parameter(choice.parameter).name
        self._title.setText(name)
        passed = choice is not None and choice.passed
        self._subtitle.setText("" if choice is None or found is None else self._what(choice, found))
        self._badge.set_state(self._state(found, passed=passed))
        set_visible(self._badge, choice is not None and choice.event is not None)
        message = self._why(name, found)
        self._message.setText(message)
        set_visible(self._message, bool(message))
        alone = not name  # in the middle of the panel, as in others that have nothing to show
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter if alone else Qt.AlignmentFlag.AlignLeft)
        self._layout.setStretchFactor(self._message, int(alone))
        set_visible(self._body, found is not None)
        several = found is not None and bool(found.element)
        for widget in (self._element_label, self.element, self.largest):
            set_visible(widget, several)
        set_visible(self.log, found is not None and bool(found.parts))
        if found is not None:
            self._draw_update(found, passed=passed)

    def _draw_update(self, found: Anatomy, *, passed: bool) -> None:
        if not self.element.hasFocus():
            self.element.setText(numbers.index(found.element))
        self.largest.setEnabled(self._key() != (found.event, None))
        self.parts.set_parts(found.parts, passed=passed)
        self.log.setChecked(self.parts.is_log)
        self.memory.set_entries(self._entries(found), passed=passed)
        by_hand = found.optimizer == BY_HAND
        text = "" if found.memory else memory_words.nothing(found.optimizer, by_hand=by_hand)
        self._nothing.setText(text)
        set_visible(self._nothing, bool(text))
        heading = translate("optimizer", "Operation") if by_hand else translate("optimizer", "Hyperparameters")
        self._settings_heading.setText(heading)
        facts = memory_words.settings(found.hyperparameters)
        self.settings.set_facts([Fact(name, name, value, detail) for name, value, detail in facts])
        for widget in (self._settings_heading, self.settings):
            set_visible(widget, bool(facts))
        self._paper.setText(found.paper)
        set_visible(self._paper, bool(found.paper))

    def _what(self, choice: Choice, found: Anatomy) -> str:
        if found.optimizer == BY_HAND:
            text = translate("optimizer", "updated by the script itself")
        else:
            text = translate("optimizer", "updated by {0}").format(found.optimizer)
        if choice.count > 1:
            several = translate("optimizer", "{0} of {1} in this training step")
            text += f", {several.format(choice.place + 1, choice.count)}"
        if choice.passed and found.before is not None and found.after is not None:
            where = f"{numbers.index(found.element)} " if found.element else ""
            text += f": {where}{figure(found.before)} → {figure(found.after)}"
        return text

    def _state(self, found: Anatomy | None, *, passed: bool) -> str:
        if not passed:
            return states.PENDING
        if found is None:
            return states.CHECKING if not self._problem else states.FAILED
        return found.state

    def _why(self, name: str, found: Anatomy | None) -> str:
        """What is said where there is nothing to take apart, or something is not as it should be."""
        if self._session.recording is None:
            return translate("optimizer", "The update of a parameter appears here, taken apart.")
        if self._choice is None:
            return translate("optimizer", "Nothing is updated in this training step.")
        if self._choice.event is None:
            return translate("optimizer", "{0} is not updated in this training step.").format(name)
        if self._problem or found is None:
            return self._problem
        if found.problem:
            return found.problem
        return found.reason if self._choice.passed and found.state != "proved" else ""

    def _entries(self, found: Anatomy) -> list[Entry]:
        """The gradient and the parameter beside what is remembered: memory is what makes the difference."""
        history = self._history()
        now = history.events.index(found.event) if history is not None and found.event in history.events else -1
        if self._choice is not None and not self._choice.passed:
            now -= 1
        entries = []
        for item in found.memory:
            after = figure(item.after)
            if item.tensors > 1:
                after = translate("optimizer", "{0} tensors").format(item.tensors)
            before = "0" if item.before is None and item.after is not None else figure(item.before)
            detail = f"{numbers.full(item.before) or before} → {numbers.full(item.after)}"
            series = () if history is None else history.numbers.get(item.key, ())
            entries.append(Entry(item.key, item.words, before if item.tensors == 1 else None, after, detail,
                                 memory_words.origin(item.key, found.hyperparameters), series, now))  # fmt: skip
        if history is not None and len(history.events) > 1:
            entries += self._beside(found, history, now)
        return entries

    def _beside(self, found: Anatomy, history: Histories, now: int) -> list[Entry]:
        where = history.events.index(found.event) if found.event in history.events else -1
        rows = (
            (GRADIENT, ".grad", translate("optimizer", "for comparison: the gradient of each step"), "backward"),
            (PARAMETER, translate("optimizer", "parameter"), translate("optimizer", "where it led"), "update"),
        )
        entries = []
        for key, name, words, role in rows:
            series = history.numbers[key]
            if where >= 0 and math.isfinite(series[where]):
                value = series[where]
                entries.append(Entry(name, words, None, figure(value), numbers.full(value), "", series, now,
                                     role))  # fmt: skip
        return entries

    def drawn_state(self) -> tuple[Hashable, ...]:
        """All that is shown, as if everything had been worked out."""
        self.refresh()
        self.settle()
        shown = () if self._body.isHidden() else (
            self.element.text(), self.parts.parts, self.parts.passed, self.memory.entries, self.settings.facts,
            self._nothing.text(),
        )  # fmt: skip
        return (self._title.text(), self._subtitle.text(), self._badge.state, self._message.text(), *shown)

    # --- what the user does ------------------------------------------------------------------------------------------

    def _element_edited(self) -> None:
        """Show another element, if there is one of that index; else the field says again which one is shown."""
        found = self._found()
        if found is None:
            return
        index = tuple(int(text) for text in re.findall(r"\d+", self.element.text()))
        self.element.setText(numbers.index(found.element))
        if index != found.element and self._is_inside(index):
            self._show(index)

    def _is_inside(self, index: Index) -> bool:
        recording, choice = self._session.recording, self._choice
        if recording is None or choice is None:
            return False
        shape = recording.parameter(choice.parameter).shape
        return len(index) == len(shape) and all(i < length for i, length in zip(index, shape, strict=True))

    def _show(self, index: Index) -> None:
        if self._choice is not None and self._choice.node is not None:
            self._session.select(self._choice.node, Element("in", 0, index))

    def _show_largest(self) -> None:
        """Let go of the element; the node stays selected."""
        selection = self._session.selection
        if self._session.element is not None:
            self._session.select(None)
            self._session.select(selection)


def _scrolled(widget: QWidget, name: str) -> QScrollArea:
    area = QScrollArea()
    area.setAccessibleName(name)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(widget)
    return area
