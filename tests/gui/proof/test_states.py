"""States of a proof are told apart without colour."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from gui.proof import signs, states
from gui.proof.badge import Badge
from gui.proof.store import STATES
from gui.theme import DARK, LIGHT, Theme


def shape_of(state: str, look: Theme) -> np.ndarray:
    """The sign as shades of grey, whatever its colour: where it differs from the ground, from 0 to 1."""
    image = QImage(32, 32, QImage.Format.Format_RGB32)
    image.fill(look.surface)
    painter = QPainter(image)
    try:
        signs.draw_sign(painter, QRectF(0, 0, 32, 32), state, look)
    finally:
        painter.end()
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(32, 32, 4)[:, :, :3].astype(float).sum(axis=2)
    apart = np.abs(pixels - pixels[0, 0])
    shape: np.ndarray = apart / apart.max()
    return shape


@pytest.mark.parametrize("look", [DARK, LIGHT], ids=["dark", "light"])
def test_every_state_has_a_shape_of_its_own(qapp: QApplication, look: Theme) -> None:
    shapes = {state: shape_of(state, look) for state in STATES}
    for first, second in itertools.combinations(STATES, 2):
        assert np.abs(shapes[first] - shapes[second]).mean() > 0.01, (first, second)


def test_every_state_has_words(qapp: QApplication) -> None:
    everything = (*STATES, states.PENDING, states.CHECKING)
    assert len({states.words(state) for state in everything}) == len(everything)
    assert all(states.meaning(state) for state in everything)


def test_a_summary_begins_with_what_is_wrong() -> None:
    assert states.summary({"proved": 1234, "wrong": 1, "unknown": 2}) == "1 wrong · 1,234 proved · 2 no rule"
    assert states.summary({}) == ""


def test_the_badge_says_its_state(qapp: QApplication) -> None:
    badge = Badge()
    badge.set_state("wrong")
    assert badge.accessibleName() == "wrong"
    assert "not what the rule gives" in badge.toolTip()
    width = badge.width()
    badge.set_state("not_differentiable")
    assert badge.width() > width
    assert not badge.grab().isNull()
