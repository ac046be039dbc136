"""The dialog “Load model…”."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.controls import combo_box, spin_box
from gui.load_model.models import ModelList
from gui.load_model.options import (
    LEARNING_RATES,
    Loss,
    ModelOptions,
    Optimizer,
    Weights,
    size_rule,
    smallest_size,
)
from gui.wrapped import WrappedLabel, hardly_broken

LARGEST_SIZE, LARGEST_BATCH, MOST_STEPS, LARGEST_SEED = 1024, 1024, 1_000_000, 2**31 - 1
LIST_WIDTH = 232
FIRST_CHOICE = "resnet18"


class LoadModelDialog(QDialog):
    """`chosen` tells the choices as the dialog is accepted."""

    chosen = Signal(object)  # ModelOptions

    def __init__(self, models: ModelList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("load_model_dialog")
        self.setWindowTitle(self.tr("Load model"))
        self._models = models
        self._make_list()
        self._make_form()
        self._lay_out()
        models.found.connect(self._fill)
        models.failed.connect(self._say)
        self._say(self.tr("Asking torchvision which models it has…"))
        self._check()
        models.ask()

    # --- parts -------------------------------------------------------------------------------------------------------

    def _make_list(self) -> None:
        self.search = QLineEdit()
        self.search.setObjectName("model_search")
        self.search.setPlaceholderText(self.tr("Search models"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.list = QListWidget()
        self.list.setObjectName("model_list")
        self.list.setAccessibleName(self.tr("Models"))
        self.list.setFont(theme.mono_font(theme.TEXT_PX - 1))
        self.list.currentTextChanged.connect(self._on_model)
        self.list.itemDoubleClicked.connect(lambda _: self._accept_if_possible())
        self._count = QLabel()
        self._count.setProperty("role", "caption")

    def _make_form(self) -> None:
        self.image_size = spin_box("model_size", 1, LARGEST_SIZE, self.tr(" px"))
        self.image_size.setValue(64)
        self.batch = spin_box("model_batch", 1, LARGEST_BATCH)
        self.batch.valueChanged.connect(self._limit)
        self.image_size.editingFinished.connect(self._round_size)
        self.loss = combo_box("model_loss", [
            ("difference", self.tr("(prediction - labels).sum()")),
            ("cross_entropy", self.tr("cross entropy")),
            ("mse", self.tr("mean squared error")),
        ])  # fmt: skip
        self.optimizer = combo_box("model_optimizer", [
            ("sgd", self.tr("SGD, momentum 0.9")),
            ("adam", "Adam"),
            ("adamw", "AdamW"),
            ("rmsprop", "RMSprop"),
        ])  # fmt: skip
        self.optimizer.currentIndexChanged.connect(self._on_optimizer)
        self.learning_rate = QLineEdit("0.01")
        self.learning_rate.setObjectName("model_learning_rate")
        self.learning_rate.textChanged.connect(self._check)
        self.weights = combo_box("model_weights", [
            ("random", self.tr("random, with a seed")),
            ("pretrained", self.tr("pretrained (fetched if they are not here)")),
            ("file", self.tr("from a state_dict file")),
        ])  # fmt: skip
        self.weights.currentIndexChanged.connect(self._on_weights)
        self.seed = spin_box("model_seed", 0, LARGEST_SEED)
        self.steps = spin_box("model_steps", 1, MOST_STEPS)
        self.steps.setValue(10)
        self.file = QLineEdit()
        self.file.setObjectName("model_file")
        self.file.setPlaceholderText(self.tr("path of a .pt or .pth file"))
        self.file.textChanged.connect(self._check)
        self.file.textChanged.connect(self.file.setToolTip)  # of a long one the field shows a part
        self._browse = QPushButton(self.tr("Browse…"))
        self._browse.setAutoDefault(False)  # else Enter presses it, hidden as it may be, and not Run
        self._browse.clicked.connect(self._choose_file)
        self._hint = WrappedLabel(broken=hardly_broken)
        self._hint.setObjectName("model_hint")
        self._hint.setProperty("role", "dim")

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(theme.SMALL)
        for part in (self.search, self.list, self._count):
            left.addWidget(part)
        self.list.setFixedWidth(LIST_WIDTH)
        self.search.setFixedWidth(LIST_WIDTH)
        file_row = QHBoxLayout()
        file_row.setSpacing(theme.SMALL)
        file_row.addWidget(self.file, 1)
        file_row.addWidget(self._browse)
        form = QFormLayout()
        form.setHorizontalSpacing(theme.MEDIUM)
        form.setVerticalSpacing(theme.SMALL)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("Image size"), self.image_size)
        form.addRow(self.tr("Batch size"), self.batch)
        form.addRow(self.tr("Loss"), self.loss)
        form.addRow(self.tr("Optimizer"), self.optimizer)
        form.addRow(self.tr("Learning rate"), self.learning_rate)
        form.addRow(self.tr("Weights"), self.weights)
        form.addRow(self.tr("File"), file_row)
        form.addRow(self.tr("Seed"), self.seed)
        form.addRow(self.tr("Training steps"), self.steps)
        self._form, self._file_row = form, file_row
        right = QVBoxLayout()
        right.setSpacing(theme.MEDIUM)
        right.addLayout(form)
        right.addWidget(self._hint)
        right.addStretch(1)
        right.addWidget(self._make_buttons())
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.LARGE)
        row.setSpacing(theme.WIDE)
        row.addLayout(left)
        row.addLayout(right, 1)
        self.run_button.setDefault(True)  # a dialog's buttons can be told only once they are in the dialog
        self.resize(720, 480)
        self._form.setRowVisible(file_row, False)

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.run_button = buttons.addButton(self.tr("Run"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.run_button.setObjectName("model_run")
        self.run_button.setProperty("role", "primary")
        buttons.accepted.connect(self._accept_if_possible)
        buttons.rejected.connect(self.reject)
        return buttons

    # --- models ------------------------------------------------------------------------------------------------------

    def _fill(self, names: list[str]) -> None:
        self.list.addItems(names)
        found = self.list.findItems(FIRST_CHOICE, Qt.MatchFlag.MatchExactly)
        first = found[0] if found else self.list.item(0)
        self.list.setCurrentItem(first)
        self.list.scrollToItem(first, QListWidget.ScrollHint.PositionAtCenter)
        self._filter(self.search.text())
        self.search.setFocus()

    def _filter(self, text: str) -> None:
        words, shown = text.lower().split(), []
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(not all(word in item.text() for word in words))
            if not item.isHidden():
                shown.append(item)
        if shown and not self.model:
            self.list.setCurrentItem(shown[0])
        self._count.setText(self.tr("{0} of {1} models").format(len(shown), self.list.count()))
        self._check()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and down in the search line move in the list."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            move = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if move is not None:
                shown = [row for row in range(self.list.count()) if not self.list.item(row).isHidden()]
                if self.list.currentRow() in shown:
                    place = shown.index(self.list.currentRow()) + move
                    self.list.setCurrentRow(shown[max(0, min(place, len(shown) - 1))])
                return True
        return super().eventFilter(watched, event)

    @property
    def model(self) -> str:
        if self.list.currentRow() < 0 or self.list.currentItem().isHidden():
            return ""
        return self.list.currentItem().text()

    # --- choices -----------------------------------------------------------------------------------------------------

    def options(self) -> ModelOptions:
        return ModelOptions(
            model=self.model,
            size=self.image_size.value(),
            batch=self.batch.value(),
            loss=cast("Loss", self.loss.currentData()),
            optimizer=cast("Optimizer", self.optimizer.currentData()),
            learning_rate=_number(self.learning_rate.text()) or 0.0,
            weights=cast("Weights", self.weights.currentData()),
            seed=self.seed.value(),
            file=self._path if self.weights.currentData() == "file" else None,
            steps=self.steps.value(),
        )

    def _on_model(self, _: str) -> None:
        if self.model:
            rule = size_rule(self.model)
            self.batch.setMinimum(rule.minimum_batch)
            self._limit()
            self.image_size.setValue(rule.default)
            self._on_weights()

    def _limit(self) -> None:
        """A model that was chosen limits the image size."""
        if self.model:
            rule = size_rule(self.model)
            self.image_size.setSingleStep(rule.multiple)
            self.image_size.setMinimum(rule.nearest(smallest_size(self.model, self.batch.value())))
        self._check()

    def _round_size(self) -> None:
        if self.model:
            self.image_size.setValue(size_rule(self.model).nearest(self.image_size.value()))

    def _on_optimizer(self) -> None:
        self.learning_rate.setText(f"{LEARNING_RATES[cast('Optimizer', self.optimizer.currentData())]:g}")

    def _on_weights(self) -> None:
        weights, rule = self.weights.currentData(), size_rule(self.model)
        self._form.setRowVisible(self._file_row, weights == "file")
        fixed = weights == "pretrained" and rule.pretrained is not None
        self.image_size.setEnabled(not fixed)
        if fixed and rule.pretrained is not None:
            self.image_size.setValue(rule.pretrained)
        self._check()

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Open a state_dict"), self.file.text(), self.tr("PyTorch files (*.pt *.pth);;All files (*)")
        )
        if name:
            self.file.setText(name)

    def _check(self) -> None:
        """Say what is missing, or what the model asks for."""
        problem = self._problem()
        self.run_button.setEnabled(problem == "")
        if problem:
            self._say(problem)

    def _problem(self) -> str | None:
        """What keeps the dialog from being accepted; "" if nothing does, None if the message stays as it is."""
        rule = size_rule(self.model)
        if not self.model:
            return None if not self.list.count() else self.tr("No model has such a name.")
        if not _number(self.learning_rate.text()):
            return self.tr("The learning rate must be a number above 0, such as 0.01.")
        if self.weights.currentData() == "file" and not os.path.isfile(self._path):
            return self._file_problem()
        self._say(self._advice(rule.multiple, rule.minimum_batch))
        return ""

    def _file_problem(self) -> str:
        name = self.file.text()
        if not name:
            return self.tr("Choose a file that holds a state_dict of {0}.").format(self.model)
        words = self.tr("{0} is a folder.") if os.path.isdir(self._path) else self.tr("{0} does not exist.")
        return words.format(name)

    @property
    def _path(self) -> Path:
        """What is typed, for a script that runs elsewhere; ~ is the user's folder."""
        return Path(os.path.abspath(os.path.expanduser(self.file.text())))

    def _advice(self, multiple: int, minimum_batch: int) -> str:
        if multiple > 1:
            return self.tr("{0} takes images whose size is a multiple of {1}.").format(self.model, multiple)
        if minimum_batch > 1:
            return self.tr("{0} needs at least {1} images in a batch.").format(self.model, minimum_batch)
        return ""

    def _say(self, text: str) -> None:
        self._hint.setText(text)

    def _accept_if_possible(self) -> None:
        if self.run_button.isEnabled():
            self._round_size()
            self.chosen.emit(self.options())
            self.accept()

    def done(self, result: int) -> None:
        self._models.cancel()
        super().done(result)


def _number(text: str) -> float | None:
    """A finite number above 0, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
