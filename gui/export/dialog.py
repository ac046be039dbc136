"""The dialog “Export graph…”."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.errors import ChainruleError
from gui import dialogs, theme
from gui.export.availability import Availability
from gui.export.form import ExportForm
from gui.export.jobs import FilmJob, Job, WritingJob
from gui.export.options import BY_SUFFIX, FORMATS, Group, Options, remember, words
from gui.export.orders import Order, order_of
from gui.export.preview import Preview
from gui.settings import APPLICATION, ORGANIZATION
from gui.wrapped import WrappedLabel, hardly_broken

if TYPE_CHECKING:
    from gui.export.subject import Subject

LIST_WIDTH = 176
SIZE = (840, 720)
BESIDE = 60  # px of a low screen that are left to what is not the dialog
HINT_LINES = 3
PREVIEW_AFTER_MS = 60


class ExportDialog(QDialog):
    """`written` tells the path of the file that is there now."""

    written = Signal(Path)

    def __init__(self, subject: Subject, options: Options, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("export_dialog")
        self.setWindowTitle(self.tr("Export graph"))
        self._subject = subject
        self._job: Job | None = None
        self._chosen: Path | None = None  # by a file dialog, which has asked about what is there
        self._order: Order | None = None
        self.form = ExportForm(subject, options)
        self.availability = Availability(self)
        self._make_parts(folder / self._name(options.suffix))
        self._lay_out()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(PREVIEW_AFTER_MS)
        self._soon.timeout.connect(self._show_preview)
        self.formats.currentItemChanged.connect(self._on_format)
        self.form.changed.connect(self._check)
        self.path.textChanged.connect(self._check)
        self.availability.found.connect(self._check)
        self._select(options.suffix)
        self._check()
        self.availability.ask()

    # --- parts -------------------------------------------------------------------------------------------------------

    def _make_parts(self, path: Path) -> None:
        self.formats = QListWidget()
        self.formats.setObjectName("export_formats")
        self.formats.setAccessibleName(self.tr("Formats"))
        self.formats.setFixedWidth(LIST_WIDTH)
        titles: dict[Group, str] = {
            "picture": self.tr("Picture"),
            "film": self.tr("Animation of a step"),
            "data": self.tr("Data"),
        }
        for group, title in titles.items():
            header = QListWidgetItem(title, self.formats)
            header.setFlags(Qt.ItemFlag.NoItemFlags)
            header.setFont(theme.caption_font())
            for form in (form for form in FORMATS if form.group == group):
                item = QListWidgetItem(form.name, self.formats)
                item.setData(Qt.ItemDataRole.UserRole, form.suffix)
                item.setToolTip(words(form.purpose))
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.purpose = QLabel()
        self.purpose.setProperty("role", "dim")
        self.preview = Preview()
        self.path = QLineEdit()
        self.path.textChanged.connect(self.path.setToolTip)  # of a long one the field shows a part
        self.path.setText(str(path))
        self.path.setObjectName("export_path")
        self.path.setAccessibleName(self.tr("File"))
        self.browse = QPushButton(self.tr("Browse…"))
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._choose_file)
        self.facts = QLabel()
        self.facts.setObjectName("export_facts")
        self.facts.setProperty("role", "dim")
        self.facts.setWordWrap(True)
        self.hint = WrappedLabel(broken=hardly_broken)
        self.hint.setObjectName("export_hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.hint.setMinimumHeight(HINT_LINES * self.hint.fontMetrics().height())  # so nothing moves when it speaks
        self.hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = QProgressBar()
        self.progress.setObjectName("export_progress")
        self.progress.setTextVisible(False)
        kept = self.progress.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(kept)
        self.progress.setVisible(False)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addWidget(self.purpose, 1)
        file = QHBoxLayout()
        file.setSpacing(theme.SMALL)
        file.addWidget(self.path, 1)
        file.addWidget(self.browse)
        right = QVBoxLayout()
        right.setSpacing(theme.MEDIUM)
        right.addLayout(head)
        right.addWidget(self.preview, 1)
        right.addWidget(self.form)
        right.addWidget(self.facts)
        right.addLayout(file)
        right.addWidget(self.hint)
        right.addWidget(self.progress)
        right.addWidget(self._make_buttons())
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.LARGE)
        row.setSpacing(theme.WIDE)
        row.addWidget(self.formats)
        row.addLayout(right, 1)
        self.export_button.setDefault(True)
        width, height = SIZE
        self.resize(width, min(height, self.screen().availableGeometry().height() - BESIDE))

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.cancel_button = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        self.export_button = buttons.addButton(self.tr("Export"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.export_button.setObjectName("export_run")
        self.export_button.setProperty("role", "primary")
        buttons.accepted.connect(self.export)
        buttons.rejected.connect(self.reject)
        return buttons

    # --- choices -----------------------------------------------------------------------------------------------------

    def _select(self, suffix: str) -> None:
        for row in range(self.formats.count()):
            if self.formats.item(row).data(Qt.ItemDataRole.UserRole) == suffix:
                self.formats.setCurrentRow(row)

    def _on_format(self, item: QListWidgetItem | None) -> None:
        suffix = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if suffix is None or self._job is not None:
            return
        path = Path(self.path.text())
        was = path.suffix.lower().removeprefix(".")
        if was in BY_SUFFIX:
            own = path.name == self._name(was)
            self.path.setText(str(path.with_name(self._name(suffix)) if own else path.with_suffix(f".{suffix}")))
        self.form.set_suffix(suffix)

    def _name(self, suffix: str) -> str:
        """What the file is called if the user does not say. A program is not called as the script that was recorded,
        which may well lie in that folder."""
        step = f"_step{self._subject.step + 1}" if suffix == "py" else ""
        return f"{self._subject.name}{step}.{suffix}"

    def _choose_file(self) -> None:
        form = self.form.options.form
        kinds = f"{form.name} (*.{form.suffix})"
        chosen = dialogs.save_file(self, self.tr("Export graph"), self.path.text(), kinds)
        if chosen is not None:
            self._chosen = chosen if chosen.suffix else chosen.with_suffix(f".{form.suffix}")
            self.path.setText(str(self._chosen))

    @property
    def target(self) -> Path:
        """What is typed; a name without a folder stands in the user's."""
        return Path(os.path.expanduser(self.path.text()))

    def _check(self) -> None:
        """Say what it will be, or why it cannot be."""
        if self._job is not None:
            return
        options = self.form.options
        self.title.setText(options.form.name)
        self.purpose.setText(f" ·  {words(options.form.purpose)}")
        self._mark_missing()
        self._order, problem = None, self.availability.missing(options.suffix)
        try:
            self._order = order_of(self._subject, options)
            self.facts.setText(self._order.facts)
        except ChainruleError as error:
            self.facts.setText("")
            problem = problem or str(error)
        self._say(problem or self._problem_of_path(options))
        self.export_button.setEnabled(self._order is not None and not self.hint.text())
        self._soon.start()

    def _problem_of_path(self, options: Options) -> str:
        path = self.target
        if path.suffix.lower() != f".{options.suffix}":
            return self.tr("The file's name should end in .{0}.").format(options.suffix)
        folder = path.absolute().parent
        if not os.path.isdir(folder):  # unlike pathlib's, it takes names that no folder can have
            return self.tr("There is no folder {0}.").format(folder)
        return self.tr("{0} is a folder.").format(path) if os.path.isdir(path) else ""

    def _mark_missing(self) -> None:
        """Formats that nothing here can write are dim, and say why when they are chosen."""
        for row in range(self.formats.count()):
            item = self.formats.item(row)
            suffix = item.data(Qt.ItemDataRole.UserRole)
            if suffix is not None:
                missing = self.availability.missing(suffix)
                item.setForeground(theme.current().dim if missing else theme.current().text)
                item.setText(f"{BY_SUFFIX[suffix].name}{self.tr('  (no encoder)') if missing else ''}")
                item.setToolTip(missing or words(BY_SUFFIX[suffix].purpose))

    def _say(self, text: str, *, failed: bool = True) -> None:
        color: QColor = theme.current().error if failed else theme.current().dim
        self.hint.setStyleSheet(f"color: {color.name()}")
        self.hint.setText(f"⚠  {text}" if text and failed else text)

    def _show_preview(self) -> None:
        if self._order is None:
            self.preview.show_nothing()
            return
        try:
            self.preview.show_order(self._order)
        except ChainruleError as error:
            self.preview.show_nothing()
            self._say(str(error))

    # --- doing it ----------------------------------------------------------------------------------------------------

    def export(self) -> None:
        """Write the file; the dialog stays until that is done."""
        order, path = self._order, self.target
        if order is None or self._job is not None or not self.export_button.isEnabled():
            return
        # A file dialog has asked about the one that was chosen in it, but knows nothing of the one beside it.
        taken = [each for each in order.files(path) if os.path.exists(each) and each != self._chosen]
        if taken and not dialogs.ask_to_replace(self, ", ".join(each.name for each in taken)):
            return
        if order.reel is not None:
            self._job = FilmJob(order.reel, path, loop=order.options.loop, parent=self)
        else:
            self._job = WritingJob(path, order.write, self)
        self._job.progressed.connect(self._on_progress)
        self._job.ended.connect(self._on_ended)
        self._show_busy(True)
        self._job.start()

    def _show_busy(self, busy: bool) -> None:
        for widget in (self.formats, self.form, self.path, self.browse, self.export_button):
            widget.setEnabled(not busy)
        self.cancel_button.setEnabled(not busy or isinstance(self._job, FilmJob))
        self.progress.setVisible(busy)
        self.progress.setRange(0, 0)
        self._say(self.tr("Writing {0}…").format(self.target.name) if busy else "", failed=False)

    def _on_progress(self, done: int, total: int) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self._say(self.tr("Frame {0} of {1}").format(f"{done:,}", f"{total:,}"), failed=False)

    def _on_ended(self, message: str) -> None:
        job, self._job = self._job, None
        if job is None:
            return
        self._show_busy(False)
        if not message:
            remember(QSettings(ORGANIZATION, APPLICATION), self.form.options)
            self.written.emit(job.path)
            self.accept()
            return
        self._check()
        if message != Job.CANCELLED:
            self._say(message)

    def reject(self) -> None:
        """Stop what is being written; if nothing is, close."""
        if self._job is None:
            super().reject()
        elif isinstance(self._job, FilmJob):
            self.cancel_button.setEnabled(False)
            self._job.cancel()

    def done(self, result: int) -> None:
        self.availability.wait()
        super().done(result)
