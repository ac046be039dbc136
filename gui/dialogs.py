"""Questions to the user and choices of files. All of them stand here, so that a test can answer in the user's place."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

Answer = Literal["save", "discard", "cancel"]


def open_file(parent: QWidget, title: str, folder: str, kinds: str) -> Path | None:
    """A file to open, or None."""
    name, _ = QFileDialog.getOpenFileName(parent, title, folder, kinds)
    return Path(name) if name else None


def save_file(parent: QWidget, title: str, suggestion: str, kinds: str) -> Path | None:
    """A name to write to (asked again if it exists), or None."""
    name, _ = QFileDialog.getSaveFileName(parent, title, suggestion, kinds)
    return Path(name) if name else None


def ask_to_save(parent: QWidget, name: str) -> Answer:
    """What to do with an edited script."""
    button = QMessageBox.StandardButton
    text = QCoreApplication.translate("dialogs", "{0} was edited. Save it?").format(name)
    chosen = QMessageBox.question(parent, "chainrule", text, button.Save | button.Discard | button.Cancel, button.Save)
    if chosen == button.Save:
        return "save"
    return "discard" if chosen == button.Discard else "cancel"


def ask_to_save_and_run(parent: QWidget, name: str) -> bool:
    """Whether an edited script may be written to its file, which is what runs."""
    tr = QCoreApplication.translate
    text = tr("dialogs", "{0} was edited. Save it and run it?").format(name)
    return _agreed(parent, text, tr("dialogs", "Save and run"))


def ask_to_stop(parent: QWidget, name: str) -> bool:
    """Whether a running script may be stopped."""
    tr = QCoreApplication.translate
    text = tr("dialogs", "{0} is still running. Stop it? What it has recorded is kept.")
    return _agreed(parent, text.format(name), tr("dialogs", "Stop"))


def ask_to_replace(parent: QWidget, name: str) -> bool:
    """Whether a file that is there already may be written over."""
    tr = QCoreApplication.translate
    text = tr("dialogs", "{0} is there already. Replace it?").format(name)
    return _agreed(parent, text, tr("dialogs", "Replace"), loses=True)


def _agreed(parent: QWidget, text: str, verb: str, *, loses: bool = False) -> bool:
    """Whether the button that says what will be done was pressed. Enter presses it, unless something is lost by it."""
    box = QMessageBox(QMessageBox.Icon.Question, "chainrule", text, parent=parent)
    do, cancel = (
        box.addButton(verb, QMessageBox.ButtonRole.AcceptRole),
        box.addButton(QMessageBox.StandardButton.Cancel),
    )
    box.setDefaultButton(cancel if loses else do)
    box.setEscapeButton(cancel)
    box.exec()
    agreed = box.clickedButton() == do
    box.deleteLater()
    return agreed
