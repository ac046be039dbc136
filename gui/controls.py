"""Fields for choices and numbers, all of one height."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox

from gui import theme

ROOM = 6  # px before a number


def combo_box(name: str, choices: Iterable[tuple[str, str]]) -> QComboBox:
    """`choices`: each with its key, which is the entry's data, and its words."""
    box = QComboBox()
    box.setObjectName(name)
    box.setMinimumHeight(theme.CONTROL_HEIGHT)
    for key, text in choices:
        box.addItem(text, key)
    return box


def spin_box(name: str, low: int, high: int, suffix: str = "") -> QSpinBox:
    box = QSpinBox()
    _prepare(box, name, suffix)
    box.setRange(low, high)
    return box


def decimal_box(name: str, suffix: str = "") -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    _prepare(box, name, suffix)
    return box


def give_room(box: QSpinBox | QDoubleSpinBox) -> None:
    """Have the number begin where the words of other fields do: no style sheet's padding moves it."""
    box.lineEdit().setTextMargins(ROOM, 0, 0, 0)


def _prepare(box: QSpinBox | QDoubleSpinBox, name: str, suffix: str) -> None:
    box.setObjectName(name)
    box.setMinimumHeight(theme.CONTROL_HEIGHT)
    box.setSuffix(suffix)
    box.setKeyboardTracking(False)
    box.setCorrectionMode(QSpinBox.CorrectionMode.CorrectToNearestValue)
    give_room(box)
