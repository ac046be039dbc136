"""Puts on the clipboard what comes in two forms."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QStringListModel
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication


def put(plain: str | QImage, mime: str, special: bytes) -> None:
    """`plain` is what every program takes; `special`, of the type `mime`, says more."""
    data = _of_qt()
    if isinstance(plain, str):
        data.setText(plain)
    else:
        data.setImageData(plain)
    data.setData(mime, special)
    QApplication.clipboard().setMimeData(data)


def _of_qt() -> QMimeData:
    """Empty, and made by Qt. Where there is no clipboard but the program's own (offscreen, VNC), Qt keeps what lies on
    it until the process ends. Were that made here, deleting it would ask a Python that has ended already, and crash."""
    model = QStringListModel([""])
    data = model.mimeData([model.index(0)])
    for name in data.formats():
        data.removeFormat(name)
    return data
