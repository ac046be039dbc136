"""Copying: a context menu with what can be copied of a view."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

Choice = tuple[str, Callable[[], str]]


def to_clipboard(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def copy_menu(parent: QWidget, position: QPoint, choices: Sequence[Choice]) -> QMenu:
    """Open a menu at `position` (global); each choice is a label and a function that gives the text to copy."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for label, text in choices:
        menu.addAction(label).triggered.connect(lambda _checked=False, text=text: to_clipboard(text()))
    menu.popup(position)
    return menu
