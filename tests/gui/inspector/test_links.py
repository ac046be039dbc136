"""A link takes the room that there is."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.inspector.links import ElidedLink

WORDS = "a_rather_long_name_of_a_script.py:123 in TransformerEncoderLayer.forward"


def test_it_never_makes_its_panel_wider(qtbot: QtBot) -> None:
    panel = QWidget()
    qtbot.addWidget(panel)
    link = ElidedLink(panel)
    row = QHBoxLayout(panel)
    row.addWidget(link)
    row.addStretch(1)
    link.set_words(WORDS)
    panel.resize(160, 40)
    panel.show()
    assert panel.width() == 160
    assert link.width() < 160
    assert "\u2026" in link.text()
    assert link.text().startswith("a_")
    assert link.accessibleName() == WORDS
    panel.resize(900, 40)
    assert link.text() == WORDS
