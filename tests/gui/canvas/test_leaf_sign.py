"""Four kinds of data leaves are told apart by a sign and a word."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from engine.graph.leaves import ROLES
from gui.canvas import leaf_sign
from gui.canvas.cards import DATA, card_of
from gui.theme import DARK, LIGHT, Theme
from tests.gui.canvas.scenes import pixels


def drawn(role: str, theme: Theme) -> np.ndarray:
    image = QImage(32, 32, QImage.Format.Format_RGB32)
    image.fill(theme.bg)
    painter = QPainter(image)
    try:
        leaf_sign.draw(painter, role, 4, 16, 2.0, theme)
    finally:
        painter.end()
    return pixels(image)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_signs_and_words_differ(qapp: QApplication, theme: Theme) -> None:
    pictures = [drawn(role, theme).tobytes() for role in ROLES]
    assert len(set(pictures)) == len({leaf_sign.words(role) for role in ROLES}) == len(ROLES)


def test_a_sign_stays_within_its_room(qapp: QApplication) -> None:
    for role in ROLES:
        rows, columns = np.nonzero((drawn(role, DARK) != drawn(role, DARK)[0, 0]).any(axis=2))
        assert columns.min() >= 3
        assert columns.max() < 4 + 2 * leaf_sign.ROOM
        assert abs((rows.min() + rows.max()) / 2 - 15.5) <= 1.0


def test_a_chip_knows_its_role(qapp: QApplication) -> None:
    leaf = {"kind": "data", "title": "y", "subtitle": "Data", "category": "data", "shape": (), "role": "target"}
    assert (card_of(leaf).kind, card_of(leaf).subtitle) == (DATA, "target")
    assert card_of(leaf | {"role": "input"}) != card_of(leaf)
