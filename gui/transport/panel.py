"""The transport strip: a row of buttons and words over the scrubber."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QSpinBox, QToolButton, QVBoxLayout, QWidget

from engine.recording.model import PHASES
from gui import theme
from gui.actions import Actions, translate
from gui.controls import give_room
from gui.session import Session
from gui.transport.player import SLIDER_STEPS, Player, events_per_second
from gui.transport.scrubber import Scrubber
from gui.transport.sparkline import LossSparkline
from gui.transport.words import describe, phase_name

BUTTONS = (
    "go_start",
    "previous_step",
    "previous_phase",
    "step_back",
    "play",
    "step_forward",
    "next_phase",
    "next_step",
    "go_end",
)
DEFAULT_POSITION = 35
SPEED_WIDTH = 88
WORDS_LEAST = 80  # px: with less room for what happens, the speed is not told in words


class Transport(QWidget):
    """Always visible under the canvas. `player` moves the playhead when the play action is on."""

    speed_changed = Signal(float)  # events a second: another one for each length of a training step
    speed_chosen = Signal(int)  # the slider's position

    def __init__(self, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self._session = session
        self.player = Player(session, self)
        self.scrubber = Scrubber(session)
        self.sparkline = LossSparkline(session)
        self._step = self._make_step_box()
        self._of = QLabel()
        self._phase = SteadyLabel([phase_name(phase) for phase in PHASES])
        self._words = ElidedLabel()
        self._speed = self._make_speed()
        speeds = self.tr("{0} events/s").format("0,000"), self.tr("1 step/s")
        self._speed_label = SteadyLabel(speeds, may_vanish=True)
        self._lay_out(actions)
        session.recording_changed.connect(self._refresh)
        session.recording_grew.connect(self._refresh)
        session.playhead_changed.connect(lambda _: self._refresh())
        theme.switch.changed.connect(self._refresh)
        self._refresh()

    def drawn_state(self) -> tuple[object, ...]:
        texts = (self._step.value(), self._of.text(), self._phase.text(), self._words.full_text)
        return (*texts, self.scrubber.drawn_state(), self.sparkline.drawn_state())

    # --- parts -------------------------------------------------------------------------------------------------------

    def _make_step_box(self) -> QSpinBox:
        box = QSpinBox()
        give_room(box)
        box.setObjectName("step_number")
        box.setAccessibleName(self.tr("Training step"))
        box.setToolTip(
            self.tr(
                "Training step, counted from 1 (files and the command line count from 0): type a number to go there"
            )
        )
        box.setKeyboardTracking(False)
        box.setRange(0, 0)
        box.valueChanged.connect(self._go_to_step)
        return box

    def _make_speed(self) -> QSlider:
        slider = FocusOnTab(Qt.Orientation.Horizontal)
        slider.setObjectName("speed")
        slider.setAccessibleName(self.tr("Playing speed"))
        slider.setRange(0, SLIDER_STEPS)
        slider.setValue(DEFAULT_POSITION)
        slider.setFixedWidth(SPEED_WIDTH)
        slider.valueChanged.connect(lambda _: self._refresh_speed())
        slider.valueChanged.connect(self.speed_chosen)
        return slider

    def _lay_out(self, actions: Actions) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(theme.SMALL, 0, theme.MEDIUM, 0)
        row.setSpacing(0)
        for action_id in BUTTONS:
            row.addWidget(self._button(actions, action_id))
        row.addSpacing(theme.MEDIUM)
        row.addWidget(self._speed)
        row.addWidget(self._speed_label)
        row.addSpacing(theme.LARGE)
        step_label = QLabel(self.tr("step"))
        step_label.setProperty("role", "dim")
        for part in (step_label, self._step, self._of):
            row.addWidget(part)
            row.addSpacing(theme.TIGHT)
        row.addSpacing(theme.MEDIUM)
        row.addWidget(self._phase)
        row.addSpacing(theme.SMALL)
        row.addWidget(self._words, 1)
        row.addSpacing(theme.MEDIUM)
        row.addWidget(self.sparkline)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.TIGHT, 0, theme.TIGHT)
        column.setSpacing(theme.TIGHT)
        column.addLayout(row)
        column.addWidget(self.scrubber)
        self._phase.setFont(theme.ui_font(semibold=True))
        self._of.setProperty("role", "dim")
        self._speed_label.setProperty("role", "caption")
        self._speed_label.setContentsMargins(theme.SMALL, 0, theme.TIGHT, 0)

    def _button(self, actions: Actions, action_id: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"{action_id}_button")
        button.setDefaultAction(actions[action_id])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setIconSize(QSize(theme.ICON_TRANSPORT, theme.ICON_TRANSPORT))
        button.setAutoRaise(True)
        # A click must not take the focus away from where the arrow keys and Space were going.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAutoRepeat(action_id in ("step_back", "step_forward"))
        button.setAccessibleName(translate(actions.spec(action_id).label))
        return button

    # --- what is shown -----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        recording, playhead = self._session.recording, self._session.playhead
        if recording is None or playhead < 0:
            self._show(0, 0, "", "", "")
        else:
            step = int(recording.timeline.step[playhead])
            phase = recording.timeline.phase(playhead)
            color = theme.current().phase(phase).name()
            number, words = self._number_of(step), describe(recording, playhead)
            self._show(number, len(recording.steps), phase_name(phase), color, words)
        self._refresh_speed()

    def _number_of(self, step: int) -> int:
        """Steps are counted from 1 for the user."""
        recording = self._session.recording
        if recording is None:
            return 0
        return 1 + bisect_left(recording.steps, step, key=lambda each: each.index)

    def _show(self, step: int, steps: int, phase: str, color: str, words: str) -> None:
        self._step.blockSignals(True)
        self._step.setRange(min(1, steps), steps)
        self._step.setValue(step)
        self._step.blockSignals(False)
        self._step.setEnabled(steps > 1)
        self._of.setText(self.tr("of {0}").format(f"{steps:,}"))
        self._phase.setText(phase)
        palette = self._phase.palette()
        palette.setColor(self._phase.foregroundRole(), QColor(color) if color else theme.current().text)
        self._phase.setPalette(palette)
        self._words.set_full_text(words)
        self._make_room()

    def _make_room(self) -> None:
        """The curve is there where it says something, and where the words leave room for it; the speed in words, where
        it leaves some room for them."""
        wanted = self._words.full_width
        room = self.width() - self.minimumSizeHint().width()
        speed, curve = (each.sizeHint().width() for each in (self._speed_label, self.sparkline))
        self._speed_label.setVisible(room >= speed + WORDS_LEAST)
        self.sparkline.setVisible(self.sparkline.says_something and room >= speed + wanted + curve)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _go_to_step(self, number: int) -> None:
        recording = self._session.recording
        if recording is not None and 1 <= number <= len(recording.steps):
            self._session.seek(recording.steps[number - 1].first_event)

    def _refresh_speed(self) -> None:
        bounds = self.scrubber.bounds
        events = bounds[1] - bounds[0] + 1 if bounds is not None else 0
        speed = events_per_second(self._speed.value(), events)
        self.player.set_speed(speed)
        text = self.tr("1 step/s")
        if self._speed.value() < SLIDER_STEPS:
            text = self.tr("{0} events/s").format(f"{speed:.1f}" if speed < 10 else f"{speed:,.0f}")
        if text != self._speed_label.text():
            self._speed_label.setText(text)
            hint = self.tr("Speed: from one event to a whole training step a second")
            self._speed.setToolTip(f"{hint} ({text})")
        self.speed_changed.emit(speed)

    @property
    def speed_position(self) -> int:
        """The slider's position, 0 to 100."""
        return self._speed.value()

    def set_speed_position(self, position: int) -> None:
        self._speed.setValue(position)


class FocusOnTab(QSlider):
    """A slider that takes the focus by Tab only, and then keeps the arrow keys from the window's shortcuts."""

    KEYS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End)

    def __init__(self, orientation: Qt.Orientation) -> None:
        super().__init__(orientation)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in self.KEYS:
            event.accept()
            return True
        return super().event(event)


class SteadyLabel(QLabel):
    """Has room for the longest of the words that it may say, so that what comes after it stays where it is.

    One that `may_vanish` asks for no room: it is hidden where there is none.
    """

    def __init__(self, words: Sequence[str], *, may_vanish: bool = False) -> None:
        super().__init__()
        self._words, self._may_vanish = tuple(words), may_vanish

    def sizeHint(self) -> QSize:
        hint, margins = super().sizeHint(), self.contentsMargins()
        widest = max(self.fontMetrics().horizontalAdvance(words) for words in self._words)
        return QSize(max(hint.width(), widest + margins.left() + margins.right()), hint.height())

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        return QSize(0, hint.height()) if self._may_vanish else hint


class ElidedLabel(QLabel):
    """One line that is cut in the middle where there is no room (names are told apart by their ends), and says all of
    itself when hovered."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__()
        self.full_text = self._tip = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setTextFormat(Qt.TextFormat.PlainText)

    @property
    def full_width(self) -> int:
        """Pixels that all of the text takes, with the fraction of one that Qt's figure leaves out."""
        return self.fontMetrics().horizontalAdvance(self.full_text) + 1

    def set_full_text(self, text: str, tip: str = "") -> None:
        """`tip`: what it says when hovered, if that is more."""
        self.full_text, self._tip = text, tip
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(self.full_text, Qt.TextElideMode.ElideMiddle, self.width())
        self.setText(shown)
        self.setToolTip(self._tip or (self.full_text if shown != self.full_text else ""))
