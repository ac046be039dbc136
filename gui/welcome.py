"""What stands in the middle of the window while there is no graph: the welcome page, or a script ready to run."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import icons, theme
from gui.actions import Actions
from gui.files import short
from gui.wrapped import WrappedLabel

CARD_LEAST, CARD_MOST, CARD_HEIGHT = 184, 256, 120
COLUMNS = 3
PAGE_WIDTH = CARD_MOST * COLUMNS + theme.MEDIUM * (COLUMNS - 1)


class Card(QPushButton):
    """A large button: an icon, a title, what one gets."""

    def __init__(self, icon_name: str, title: str, text: str) -> None:
        super().__init__()
        self._icon_name = icon_name
        self._picture = QLabel()
        name, words = QLabel(title), QLabel(text)
        name.setFont(theme.ui_font(semibold=True))
        words.setProperty("role", "dim")
        words.setWordWrap(True)
        head = QHBoxLayout()
        head.setSpacing(theme.SMALL)
        head.addWidget(self._picture)
        head.addWidget(name, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.MEDIUM, theme.MEDIUM, theme.MEDIUM, theme.MEDIUM)
        column.addLayout(head)
        column.addWidget(words, 1, Qt.AlignmentFlag.AlignTop)
        for part in (self._picture, name, words):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedHeight(CARD_HEIGHT)
        self.setMinimumWidth(CARD_LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self.put_on_theme()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter chooses it as Space does, though it is in no dialog."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def put_on_theme(self) -> None:
        self._picture.setPixmap(icons.pixmap(self._icon_name, 20, theme.current().dim, self.devicePixelRatioF()))


class WelcomePage(QScrollArea):
    """Each card triggers an action of the table; recent files emit `file_chosen`."""

    file_chosen = Signal(Path)

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self._cards: list[Card] = []
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        self._recent_title = _heading(self.tr("Recent"))
        page = QWidget()
        page.setMaximumWidth(PAGE_WIDTH)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, theme.WIDE, 0, theme.WIDE)
        column.setSpacing(theme.MEDIUM)
        column.addStretch(2)
        column.addLayout(self._titles())
        column.addSpacing(theme.SMALL)
        column.addLayout(self._make_cards(actions))
        column.addSpacing(theme.SMALL)
        column.addWidget(self._recent_title)
        column.addLayout(self._recent)
        column.addStretch(3)
        self._holder = QWidget()
        centre = QHBoxLayout(self._holder)
        centre.setContentsMargins(theme.LARGE, 0, theme.LARGE, 0)
        centre.addStretch(1)
        centre.addWidget(page, 1000)  # as wide as it may be; the rest is shared by both sides
        centre.addStretch(1)
        self.setWidget(self._holder)
        theme.switch.changed.connect(self._put_on_theme)
        self._put_on_theme()

    def set_recent(self, files: list[Path]) -> None:
        """The most recently opened files, newest first."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for path in files:
            self._recent.addWidget(self._recent_row(path))
        self._recent_title.setVisible(bool(files))

    def _titles(self) -> QVBoxLayout:
        titles = QVBoxLayout()
        titles.setSpacing(theme.TIGHT)
        name = QLabel("chainrule")
        name.setFont(theme.ui_font(24, semibold=True))
        promise = QLabel(self.tr("See what loss.backward() and optimizer.step() really do, on your own program."))
        promise.setProperty("role", "dim")
        promise.setWordWrap(True)
        titles.addWidget(name)
        titles.addWidget(promise)
        return titles

    def _make_cards(self, actions: Actions) -> QGridLayout:
        bow = self.tr("Two parameters, one sample: the whole training loop on one screen")
        resnet = self.tr("134 autograd nodes, SGD with momentum, every gradient open to you")
        by_hand = self.tr("The same numbers without an optimizer: w\u00a0-=\u00a0lr\u00a0*\u00a0w.grad")
        own = self.tr("Any PyTorch training script, as it is. Or drop it on the window")
        model = self.tr("One of torchvision's classification models, without writing a script")
        recording = self.tr("Walk through a .chain file from any machine")
        rows = (
            ("example_bow", "bow", self.tr("The bow"), bow),
            ("example_resnet18", "cube", self.tr("ResNet-18"), resnet),
            ("example_bow_manual", "bow", self.tr("The bow, by hand"), by_hand),
            ("open_script", "file-code", self.tr("Your own script"), own),
            ("load_model", "layers", self.tr("Load a model"), model),
            ("open_recording", "folder-open", self.tr("Open a recording"), recording),
        )
        self._grid = QGridLayout()
        self._grid.setSpacing(theme.MEDIUM)
        for action_id, icon_name, title, text in rows:
            action = actions[action_id]
            card = Card(icon_name, title, text)
            card.setObjectName(f"{action_id}_card")
            card.clicked.connect(action.trigger)
            self._cards.append(card)
        self._arrange(COLUMNS)
        return self._grid

    def _arrange(self, columns: int) -> None:
        self._columns = columns
        for number, card in enumerate(self._cards):
            self._grid.addWidget(card, number // columns, number % columns)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many cards side by side as there is room for."""
        room = event.size().width() - 2 * theme.LARGE + theme.MEDIUM
        columns = min(max(room // (CARD_LEAST + theme.MEDIUM), 1), COLUMNS)
        if columns != self._columns:
            self._arrange(columns)
        super().resizeEvent(event)

    def _recent_row(self, path: Path) -> QToolButton:
        row = QToolButton()
        row.setText(f"{path.name}   {short(path.parent)}")
        row.setIcon(icons.icon("recording" if path.suffix == ".chain" else "file-code", theme.current().dim))
        row.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        row.setIconSize(QSize(theme.ICON, theme.ICON))
        row.setMinimumWidth(1)  # a long path does not make the page wider than the window: the tooltip has all of it
        row.setToolTip(str(path))
        row.setAccessibleName(str(path))
        row.clicked.connect(lambda: self.file_chosen.emit(path))
        return row

    def _put_on_theme(self) -> None:
        for card in self._cards:
            card.put_on_theme()
        for name, ground in (("welcome_viewport", self.viewport()), ("welcome_holder", self._holder)):
            ground.setObjectName(name)  # for these alone: cards have a ground of their own, and their words none
            ground.setStyleSheet(f"#{name} {{ background: {theme.current().bg.name()}; }}")


class ReadyPage(QWidget):
    """A script is open and there is no graph yet: a button to run it, or how far the run has come."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ready")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._name = WrappedLabel()
        self._name.setProperty("role", "title")
        self._name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text = QLabel()
        self._text.setObjectName("ready_text")
        self._text.setProperty("role", "dim")
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text.setWordWrap(True)
        self._progress = QProgressBar()
        self._progress.setRange(0, 0)
        self._progress.setFixedWidth(CARD_LEAST)
        self._run = QPushButton(self.tr("Run"))
        self._run.setObjectName("ready_run")
        self._run.setProperty("role", "primary")
        self._run.clicked.connect(actions["run"].trigger)
        column = QVBoxLayout(self)
        column.setSpacing(theme.MEDIUM)
        column.addStretch(2)
        column.addWidget(self._name)
        for part in (self._run, self._progress):
            column.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._text)
        column.addStretch(3)
        theme.switch.changed.connect(self._put_on_theme)
        self._put_on_theme()

    def show_ready(self, name: str, text: str) -> None:
        self._show(name, text, running=False)

    def show_running(self, name: str, text: str) -> None:
        self._show(name, text, running=True)

    @property
    def text(self) -> str:
        return self._text.text()

    def _show(self, name: str, text: str, *, running: bool) -> None:
        self._name.setText(name)
        self._text.setText(text)
        self._run.setVisible(not running)
        self._progress.setVisible(running)

    def _put_on_theme(self) -> None:
        self.setStyleSheet(f"#ready {{ background: {theme.current().bg.name()}; }}")


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setFont(theme.ui_font(semibold=True))
    return label
