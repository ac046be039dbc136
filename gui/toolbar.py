"""The bar under the menu: open, run, how much to record, how far the run has come, search."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QSpinBox,
    QToolBar,
    QToolButton,
    QWidget,
)

from gui import theme
from gui.actions import TENSOR_LEVELS, Actions, translate
from gui.controls import give_room
from gui.icons import icon

MOST_STEPS = 1_000_000
PROGRESS_WIDTH = 64
LEFT = (
    "open_script",
    "open_recording",
    "load_model",
    "",
    "run",
    "stop",
    "pause_run",
    "resume_run",
    "step_run",
    "",
    "verify_all",
    "",
)
WITH_TEXT = ("run",)


class ToolBar(QToolBar):
    """`record_steps` and `tensors` are the user's choices for the next run."""

    record_steps_changed = Signal(int)
    tensors_changed = Signal(str)

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setWindowTitle(self.tr("Toolbar"))
        self.setMovable(False)
        self.setIconSize(QSize(theme.ICON, theme.ICON))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for action_id in LEFT:
            if action_id:
                self.addAction(actions[action_id])
                self._adjust(actions, action_id)
            else:
                self.addSeparator()
        self._add_choices()
        self._add_progress()
        self._add_search(actions)
        self._show_more()
        theme.switch.changed.connect(self._show_more)

    # --- choices -----------------------------------------------------------------------------------------------------

    @property
    def record_steps(self) -> int:
        """After so many training steps the script is paused; 0: never."""
        return self._steps.value()

    def set_record_steps(self, steps: int) -> None:
        self._steps.setValue(steps)

    @property
    def tensors(self) -> str:
        return str(self._tensors.currentData())

    def set_tensors(self, level: str) -> None:
        self._tensors.setCurrentIndex(self._tensors.findData(level))

    def show_progress(self, text: str, *, busy: bool) -> None:
        """How far a run has come; `busy` moves a bar."""
        self._progress.setVisible(busy)
        self._progress_text.setText(text)

    @property
    def progress_text(self) -> str:
        return self._progress_text.text()

    # --- parts -------------------------------------------------------------------------------------------------------

    def _adjust(self, actions: Actions, action_id: str) -> None:
        button = self.widgetForAction(actions[action_id])
        if isinstance(button, QToolButton):
            button.setObjectName(f"{action_id}_button")
            button.setAccessibleName(translate(actions.spec(action_id).label))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            if action_id in WITH_TEXT:
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def _add_choices(self) -> None:
        self._steps = QSpinBox()
        give_room(self._steps)
        self._steps.setObjectName("record_steps")
        self._steps.setAccessibleName(self.tr("Training steps to record"))
        self._steps.setToolTip(self.tr("The script is paused after so many training steps; 0: it runs to its end"))
        self._steps.setRange(0, MOST_STEPS)
        self._steps.setSpecialValueText(self.tr("all"))
        self._steps.valueChanged.connect(self.record_steps_changed)
        self._tensors = QComboBox()
        self._tensors.setObjectName("tensors")
        self._tensors.setAccessibleName(self.tr("Tensors to record"))
        self._tensors.setToolTip(self.tr("How much of each tensor is recorded"))
        labels = (self.tr("full tensors"), self.tr("previews"), self.tr("statistics"))
        for level, label in zip(TENSOR_LEVELS, labels, strict=True):
            self._tensors.addItem(label, level)
        self._tensors.currentIndexChanged.connect(lambda _: self.tensors_changed.emit(self.tensors))
        for part in (_caption(self.tr("Record")), self._steps, _caption(self.tr("steps,")), self._tensors):
            self.addWidget(part)

    def _add_progress(self) -> None:
        holder = QWidget()
        holder.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(holder)
        row.setContentsMargins(theme.MEDIUM, 0, theme.MEDIUM, 0)
        row.setSpacing(theme.SMALL)
        self._progress = QProgressBar()
        self._progress.setRange(0, 0)
        self._progress.setFixedWidth(PROGRESS_WIDTH)
        self._progress.hide()
        self._progress_text = QLabel()
        self._progress_text.setObjectName("run_status")
        self._progress_text.setProperty("role", "dim")
        row.addWidget(self._progress)
        row.addWidget(self._progress_text)
        row.addStretch(1)
        self.addWidget(holder)

    def _add_search(self, actions: Actions) -> None:
        action = actions["command_palette"]
        text = self.tr("Search  {0}").format(action.shortcut().toString())
        button = QToolButton()
        button.setObjectName("command_palette_button")
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setText(text)
        # a button takes over its action's text at every change of the action, such as new icons for another theme
        action.changed.connect(lambda: button.setText(text))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.addWidget(button)

    def _show_more(self) -> None:
        """Qt's own button for what has no room is black in both themes."""
        button = self.findChild(QToolButton, "qt_toolbar_ext_button")
        if button is not None:
            button.setIcon(icon("more"))
            button.setToolTip(self.tr("More"))


def _caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "dim")
    label.setContentsMargins(theme.TIGHT, 0, theme.TIGHT, 0)
    return label
