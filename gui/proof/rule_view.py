"""The inspector's section on the arithmetic of a node: formulas, the same in numbers, terms, and the proof."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from engine.desk.element import Element
from engine.errors import ChainruleError
from gui import theme
from gui.inspector.section import Heading
from gui.inspector.titles import title
from gui.proof import states
from gui.proof.badge import Badge
from gui.proof.formula import FormulaView
from gui.proof.proof_words import error_facts, fault
from gui.proof.rows import element_name
from gui.proof.terms_view import TermsView
from gui.session import Session
from gui.tensor_views.facts import FactList
from gui.tensor_views.painting import set_visible
from gui.wrapped import WrappedLabel, WrappedLink

if TYPE_CHECKING:
    from engine.desk.explain import Explanation, Line
    from engine.recording.model import Node
    from engine.recording.reader import Recording

translate = QCoreApplication.translate

ASK_DELAY_MS = 40  # while a key is held down, nothing is computed
KEPT = 256


class LineView(QWidget):
    """One formula with its caption. A click on it chooses the number that it shows."""

    chosen = Signal(object)  # Element
    node_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.element: Element | None = None
        self._caption = WrappedLink(self)
        self._caption.setProperty("role", "caption")
        self._caption.linkActivated.connect(lambda link: self.node_chosen.emit(int(link)))
        self.formula = FormulaView(self)
        self._note = WrappedLabel(self)
        self._note.setProperty("role", "caption")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.TIGHT, 0, theme.TIGHT)
        layout.setSpacing(2)
        for widget in (self._caption, self.formula, self._note):
            layout.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)

    def set_line(self, line: Line, recording: Recording, *, with_numbers: bool) -> None:
        """Without numbers where the playhead has not come there."""
        self.element = line.element if with_numbers else None
        place = element_name(line.element.index) if self.element is not None and line.element is not None else ""
        if line.target >= 0:
            target = title(recording, recording.node(line.target))
            self._caption.set_words(f"{line.name} →", target, str(line.target), place)
        else:
            self._caption.set_words(line.name, after=place)
        self.formula.set_rows([line.formula, line.numbers] if with_numbers else [line.formula])
        note = line.note if with_numbers else ""
        self._note.setText(note)
        set_visible(self._note, bool(note))
        self.setCursor(Qt.CursorShape.PointingHandCursor if self.element is not None else Qt.CursorShape.ArrowCursor)
        if self.element is not None:
            self.setToolTip(translate("rule_view", "Click to see what this number is the sum of"))
        else:
            self.setToolTip("")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.element is not None:
            self.chosen.emit(self.element)

    def drawn_state(self) -> tuple[Hashable, ...]:
        return (self._caption.text(), self.formula.texts(), self._note.text())


class RuleView(QWidget):
    """Draws what `engine.desk.explain` says of the session's node, computed at the desk and kept by node."""

    check_requested = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._node: int | None = None
        self._passed = False
        self._explanation: Explanation | None = None
        self._known: dict[tuple[int, Element | None], Explanation] = {}
        self._problem = ""
        self._timer = QTimer(self, singleShot=True, interval=ASK_DELAY_MS)
        self._timer.timeout.connect(self._ask)
        self._lines: list[LineView] = []
        self._build()
        session.recording_changed.connect(self._recording_changed)
        session.element_changed.connect(lambda _: self._look_again())
        session.proofs.changed.connect(self._draw_proof)
        theme.switch.changed.connect(self._draw)
        self._recording_changed()

    # --- widgets -----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._heading = Heading(self)
        self._heading.set_title(translate("rule_view", "By hand"), None)
        self._badge = Badge(self)
        self._words, self._fault = WrappedLabel(self), WrappedLabel(self)
        self._words.setProperty("role", "dim")
        self._facts = FactList(self)
        self._facts.setAccessibleName(translate("rule_view", "Errors of the proof"))
        self._check = QPushButton(translate("rule_view", "Check by finite differences"), self)
        self._check.setToolTip(
            translate("rule_view", "The script is run again, and this node's forward with inputs moved a little")
        )
        self._check.clicked.connect(self._request_check)
        self._terms = TermsView(self._session, self)
        top = QHBoxLayout()
        top.addWidget(self._badge)
        top.addStretch(1)
        self._formulas = QVBoxLayout()
        self._formulas.setSpacing(0)
        button = QHBoxLayout()
        button.addWidget(self._check)
        button.addStretch(1)
        layout = QVBoxLayout()
        layout.setContentsMargins(theme.LARGE, 0, 0, theme.TIGHT)
        layout.setSpacing(theme.TIGHT)
        layout.addLayout(top)
        layout.addWidget(self._fault)
        layout.addWidget(self._words)
        layout.addLayout(self._formulas)
        layout.addWidget(self._facts)
        layout.addLayout(button)
        layout.addWidget(self._terms)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._heading)
        outer.addLayout(layout)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)

    # --- what to show ------------------------------------------------------------------------------------------------

    def _recording_changed(self) -> None:
        self._known.clear()
        self._explanation, self._node = None, None
        self._timer.stop()

    def show_node(self, node: Node | None) -> None:
        """Draw what is known of a node at the session's playhead; the rest follows. None, or data: nothing."""
        recording = self._session.recording
        wanted = None if node is None or node.kind == "data" or recording is None else node
        set_visible(self, wanted is not None)
        if wanted is None or recording is None:
            self._node = None
            return
        timeline = recording.timeline
        events = timeline.accumulate_event if wanted.kind == "parameter" else timeline.backward_event
        event = events(wanted.graph).get(wanted.id)
        self._node, self._passed = wanted.id, event is not None and event <= self._session.playhead
        self._look_again()

    def _key(self) -> tuple[int, Element | None] | None:
        """What to explain: the element matters only if it is one of this node's."""
        if self._node is None:
            return None
        return self._node, self._session.element if self._node == self._session.selection else None

    def _look_again(self) -> None:
        key = self._key()
        if key is None:
            return
        self._problem = ""
        self._explanation = self._known.get(key)
        if self._explanation is None:
            self._timer.start()
        self._draw()

    def _ask(self) -> None:
        key = self._key()
        if key is not None and key not in self._known:
            self._session.desk.ask("explain", "explain", key, lambda result: self._explained(key, result))

    def _explained(self, key: tuple[int, Element | None], result: Explanation | ChainruleError) -> None:
        if isinstance(result, ChainruleError):
            if key == self._key():
                self._problem = str(result)
                self._draw()
            return
        if len(self._known) >= KEPT:
            self._known.clear()
        if result.proof.state != "not_run" or not self._live():
            self._known[key] = result
        if key == self._key():
            self._explanation = result
            self._draw()

    def _live(self) -> bool:
        recording = self._session.recording
        return recording is not None and not recording.complete

    def settle(self) -> None:
        """Have everything worked out and drawn, now."""
        if self._timer.isActive():
            self._timer.stop()
            self._ask()
        self._session.desk.settle()

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        recording, found = self._session.recording, self._explanation
        if self._node is None or recording is None:
            return
        words = found.words if found is not None else ""
        self._words.setText(words)
        set_visible(self._words, bool(words))
        shown = found.lines if found is not None else ()
        while len(self._lines) < len(shown):
            view = LineView(self)
            view.chosen.connect(self._choose)
            view.node_chosen.connect(lambda node: self._session.select(node))
            self._lines.append(view)
            self._formulas.addWidget(view)
        for place, view in enumerate(self._lines):
            set_visible(view, place < len(shown))
        for view, line in zip(self._lines, shown, strict=False):
            view.set_line(line, recording, with_numbers=self._passed)
        self._draw_proof()
        self._terms.show_node(self._node if self._passed else None)

    def _draw_proof(self) -> None:
        """Badge, errors, and what is wrong."""
        if self._node is None:
            return
        found, verdict = self._explanation, self._session.proofs.get(self._node)
        state = self._state()
        self._badge.set_state(state)
        told = found is not None and self._passed
        text = self._problem
        if told and found is not None:
            without_rule = verdict is not None and found.proof.state == "unknown"
            text = text or (verdict.reason if without_rule and verdict is not None else fault(found.proof))
        self._fault.setText(text)
        look = theme.current()
        color = look.error if state == "wrong" else look.dim
        self._fault.setStyleSheet(f"QLabel {{ color: {color.name()}; }}")
        set_visible(self._fault, bool(text))
        facts = error_facts(found, verdict) if told and found is not None else ()
        self._facts.set_facts(facts)
        set_visible(self._facts, bool(facts))
        set_visible(self._check, told and state == "unknown")

    def _state(self) -> str:
        if not self._passed:
            return states.PENDING
        if self._explanation is None:
            return states.CHECKING if not self._problem else states.FAILED
        verdict = self._session.proofs.get(self._explanation.node)
        state = self._explanation.proof.state
        return verdict.state if verdict is not None and state == "unknown" else state

    def drawn_state(self) -> tuple[Hashable, ...]:
        """All that is shown, as if everything had been worked out."""
        self.settle()
        if self._node is None:
            return ()
        lines = tuple(view.drawn_state() for view in self._lines if not view.isHidden())
        return (self._badge.state, self._words.text(), self._fault.text(), lines, self._facts.facts,
                self._terms.drawn_state())  # fmt: skip

    # --- what the user does ------------------------------------------------------------------------------------------

    def follow_upstream(self) -> None:
        """Mark the way from the chosen number to the loss."""
        self._terms.follow_upstream()

    def _request_check(self) -> None:
        if self._node is not None:
            self.check_requested.emit(self._node)

    def _choose(self, element: Element) -> None:
        if self._node is not None:
            self._session.select(self._node, element)
