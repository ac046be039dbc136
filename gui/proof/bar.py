"""The strip over the graph that tells how far verifying has come, and what came of it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QToolButton, QWidget

from gui import icons, theme
from gui.proof import states
from gui.proof.badge import Badge
from gui.proof.verifier import Verifier
from gui.transport.panel import ElidedLabel

PROGRESS_WIDTH = 120


class ProofBar(QFrame):
    """Shown while something is verified and until it is closed. `next_wrong` asks for the next thing that is wrong."""

    next_wrong = Signal()

    def __init__(self, verifier: Verifier, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("proof_bar")
        self._verifier = verifier
        self._badge = Badge(self)
        self._progress = QProgressBar(self)
        self._progress.setFixedWidth(PROGRESS_WIDTH)
        self._progress.setAccessibleName(self.tr("Progress of verifying"))
        self._text = ElidedLabel(self)
        self._text.setObjectName("proof_summary")
        self._stop = QPushButton(self.tr("Stop"), self)
        self._stop.clicked.connect(verifier.cancel)
        self._wrong = QPushButton(self.tr("Next wrong"), self)
        self._wrong.setToolTip(self.tr("Go to the next gradient, or update, that is not what its rule gives"))
        self._wrong.clicked.connect(self.next_wrong)
        self._check = QPushButton(self.tr("Check those without a rule"), self)
        self._check.setToolTip(self.tr("The script is run again, and their forwards with inputs moved a little"))
        self._check.clicked.connect(lambda: verifier.check_by_differences())
        self._close = QToolButton(self)
        self._close.setToolTip(self.tr("Close"))
        self._close.setAccessibleName(self.tr("Close"))
        self._close.setIconSize(QSize(theme.ICON, theme.ICON))
        self._close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.MEDIUM, theme.TIGHT, theme.SMALL, theme.TIGHT)
        row.setSpacing(theme.SMALL)
        row.addWidget(self._badge)
        row.addWidget(self._progress)
        row.addWidget(self._text, 1)
        for widget in (self._wrong, self._check, self._stop, self._close):
            row.addWidget(widget)
        verifier.changed.connect(self._show)
        theme.switch.changed.connect(self._paint)
        self._paint()
        self.hide()

    @property
    def text(self) -> str:
        return self._text.full_text

    def _paint(self) -> None:
        look = theme.current()
        self._close.setIcon(icons.icon("close"))
        self.setStyleSheet(
            f"#proof_bar {{ background: {look.surface.name()}; border: none;"
            f" border-bottom: 1px solid {look.line.name()}; }}"
        )

    def _show(self) -> None:
        verifier = self._verifier
        running = verifier.active or verifier.measuring
        if not running and not verifier.done:
            self.hide()
            return
        self._progress.setVisible(running)
        self._progress.setRange(0, verifier.total if verifier.active else 0)
        self._progress.setValue(verifier.done)
        self._badge.setVisible(not running)
        self._badge.set_state(self._outcome())
        self._stop.setVisible(running)
        self._close.setVisible(not running)
        self._wrong.setVisible(bool(verifier.nodes["wrong"] or verifier.updates["wrong"]))
        self._check.setVisible(not running and bool(verifier.nodes["unknown"]))
        self._text.set_full_text(self._words())
        self.show()

    def _outcome(self) -> str:
        """The worst of all; what has nothing to prove does not count against the rest."""
        seen = self._verifier.nodes + self._verifier.updates
        for state in ("wrong", "unknown", "no_data"):
            if seen[state]:
                return state
        return "proved" if self._verifier.complete else "unknown"

    def _words(self) -> str:
        verifier = self._verifier
        if verifier.measuring and not verifier.active:
            return self.tr("The script is run again, to check by finite differences…")
        parts = []
        if verifier.nodes:
            parts.append(self.tr("nodes: {0}").format(states.summary(verifier.nodes)))
        if verifier.updates:
            parts.append(self.tr("updates: {0}").format(states.summary(verifier.updates)))
        if verifier.active:
            so_far = self.tr("{0} of {1}").format(f"{verifier.done:,}", f"{verifier.total:,}")
            parts.insert(0, so_far if verifier.total else self.tr("starting…"))
        elif not verifier.complete:
            parts.insert(0, self.tr("stopped after {0} of {1}").format(f"{verifier.done:,}", f"{verifier.total:,}"))
        return "  —  ".join(parts)
