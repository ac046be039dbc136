"""The dock "Manual ⇄ autograd": one training step, done by hand and by autograd, line by line."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QSize, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from engine.errors import ChainruleError
from gui.manual import story
from gui.manual.lines_view import LinesView
from gui.manual.row_painter import Head
from gui.session import Session
from gui.tensor_views.painting import set_visible

if TYPE_CHECKING:
    from engine.manual import Line, Place

translate = QCoreApplication.translate

AUTOMATIC = 200  # lines of a step: longer ones are worked out where one looks, or when asked for
ASK_DELAY_MS = 40  # while a key is held down, nothing is computed
AT_ONCE = 64
KEPT_LINES, KEPT_STEPS = 20_000, 64
_G = re.compile(r"(?<![A-Za-z\\])G(?![A-Za-z])")

Key = tuple[int, int, int]  # step, its first event, its last


@dataclass(frozen=True)
class Step:
    """The lines of a training step, and what autograd calls each."""

    places: tuple[Place, ...]
    doers: tuple[str, ...]


class ManualPanel(QWidget):
    """Draws a pure function of (recording, playhead); the arithmetic is done at the desk and kept by line."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._steps: dict[Key, Step] = {}
        self._known: dict[Place, Line] = {}
        self._key: Key | None = None
        self._asking = False
        self._whole: Key | None = None  # the long step that was asked for as a whole
        self._problem = ""
        self._drawn: tuple[Hashable, ...] | None = None
        self._timer = QTimer(self, singleShot=True, interval=ASK_DELAY_MS)
        self._timer.timeout.connect(self._ask)
        self._build()
        session.recording_changed.connect(self._recording_changed)
        for signal in (session.recording_grew, session.playhead_settled):
            signal.connect(self._refresh_if_visible)
        self._recording_changed()

    def _build(self) -> None:
        self.lines = LinesView(self)
        self.lines.button.setToolTip(translate("manual", "Do every line of this training step by hand"))
        self.lines.button.clicked.connect(self._work_out_all)
        self.lines.activated.connect(self._go)
        self.lines.scrolled.connect(self._ask_soon)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.lines)
        self.empty = QLabel(translate("manual", "A recorded training step appears here, by hand and by autograd."))
        self.empty.setProperty("role", "dim")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        layout.addWidget(self.empty)

    def sizeHint(self) -> QSize:
        return self.lines.sizeHint()

    # --- what to show ------------------------------------------------------------------------------------------------

    def _recording_changed(self) -> None:
        self._steps.clear()
        self._known.clear()
        self._key = self._whole = self._drawn = None
        self._problem = ""
        self._asking = False
        self._timer.stop()
        self._refresh_if_visible()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def _refresh_if_visible(self) -> None:
        if self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Draw what is known of the playhead's step; the rest follows."""
        recording, playhead = self._session.recording, self._session.playhead
        if recording is None or playhead < 0:
            self._key = None
        else:
            step = int(recording.timeline.step[playhead])
            key = (step, *recording.timeline.step_bounds(step))
            if self._key is not None and key[0] == self._key[0] and key != self._key:
                self._forget_unfinished()
            self._key = key
        self._draw(follow=True)
        self._ask_soon()

    def _forget_unfinished(self) -> None:
        """The step has grown: what lacked data may have it now."""
        for place in [place for place, line in self._known.items() if line.verdict == "no_data"]:
            del self._known[place]

    def _draw(self, *, follow: bool) -> None:
        step = None if self._key is None else self._steps.get(self._key)
        drawn = (self._key, self._session.playhead, len(self._known), step is None)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        nothing = self._session.recording is None
        set_visible(self.lines, not nothing)
        set_visible(self.empty, nothing)
        told = story.Story()
        if step is not None:
            told = story.tell(step.places, step.doers, self._known, self._session.playhead)
        unknown = len(told.rows) > AUTOMATIC and any(row.line is None for row in told.rows)
        set_visible(self.lines.button, unknown)
        self.lines.button.setEnabled(self._whole != self._key)
        self.lines.set_story(told, self._head(told), follow=follow)

    def _head(self, told: story.Story) -> Head:
        verdict, text = story.summary(told)
        has_g = any(row.line is not None and _G.search(row.line.formula) for row in told.rows)
        remark = translate("manual", "G: the gradient that arrives at the node") if has_g else ""
        return Head(verdict, self._problem or text or self._nothing(), remark)

    def _nothing(self) -> str:
        if self._key is not None and self._key not in self._steps:
            return translate("manual", "Reading the training step…")
        return translate("manual", "Nothing was recorded in this training step.")

    # --- working out -------------------------------------------------------------------------------------------------

    def _ask_soon(self) -> None:
        if self._key is not None and not self._timer.isActive():
            self._timer.start()

    def _ask(self) -> None:
        key = self._key
        if key is None or self._asking:
            return
        if key not in self._steps:
            self._asking = True
            self._session.desk.ask("manual", "outline", (key[0],), lambda found: self._read(key, found))
            return
        wanted = tuple(self._wanted())
        if wanted:
            self._asking = True
            self._session.desk.ask("manual", "lines", (wanted,), self._worked_out)

    def _wanted(self) -> Iterator[Place]:
        """Lines to work out next: the playhead's, those in view, then the others if the step is short."""
        rows = self.lines.story.rows
        if self._key is None or not rows:
            return
        now = self.lines.story.now
        order = [range(max(now, 0), min(max(now, 0) + 4, len(rows))), self.lines.visible_rows()]
        if len(rows) <= AUTOMATIC or self._whole == self._key:
            order.append(range(len(rows)))
        count, seen = 0, set()
        for numbers in order:
            for number in numbers:
                place = rows[number].place
                if rows[number].line is None and place not in seen:
                    seen.add(place)
                    count += 1
                    yield place
                    if count >= AT_ONCE:
                        return

    def _read(self, key: Key, found: tuple[tuple[Place, ...], tuple[str, ...]] | ChainruleError) -> None:
        self._asking = False
        if len(self._steps) >= KEPT_STEPS:
            self._steps.clear()
        self._steps[key] = Step((), ()) if isinstance(found, ChainruleError) else Step(*found)
        self._problem = str(found) if isinstance(found, ChainruleError) else ""
        self._draw(follow=True)
        self._ask()

    def _worked_out(self, found: Sequence[Line] | ChainruleError) -> None:
        self._asking = False
        if isinstance(found, ChainruleError):
            self._problem = str(found)
            self._drawn = None
            self._draw(follow=False)
            return
        if len(self._known) > KEPT_LINES:
            self._known.clear()
        self._known.update((line.place, line) for line in found)
        self._draw(follow=False)
        self._ask()

    def _work_out_all(self) -> None:
        self._whole = self._key
        self.lines.button.setEnabled(False)
        self._ask()

    def settle(self) -> None:
        """Have everything that is wanted worked out and drawn, now."""
        self._timer.stop()
        self._ask()
        self._session.desk.settle()

    def drawn_state(self) -> tuple[Hashable, ...]:
        """All that is shown, as if everything had been worked out; of a long step only the playhead's lines."""
        self.refresh()
        self.settle()
        told = self.lines.story
        if len(told.rows) > AUTOMATIC:
            rows = [number for number in range(len(told.rows)) if told.is_now(number)]
            return (len(told.rows), told.passed, *(self._row_state(number) for number in rows))
        return (self.lines.head, *(self._row_state(n) for n in range(len(told.rows))))

    def _row_state(self, number: int) -> Hashable:
        told = self.lines.story
        row, passed = told.rows[number], number < told.passed
        return story.as_text(row, passed=passed), story.verdict_of(row, passed=passed), told.is_now(number)

    # --- what the user does ------------------------------------------------------------------------------------------

    def _go(self, number: int) -> None:
        """To the event of a line, and to its node."""
        place = self.lines.story.rows[number].place
        self._session.seek(place.event)
        if place.node is not None:
            self._session.select(place.node)
