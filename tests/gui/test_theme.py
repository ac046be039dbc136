"""The looks: readable, told apart by every eye, and switched for the whole application at once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPalette
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QToolButton
from pytestqt.qtbot import QtBot

from gui import ramps, theme
from gui.stylesheet import stylesheet
from gui.theme import CATEGORIES, DARK, LIGHT, PROOFS, Theme
from gui.window import MainWindow

THEMES = pytest.mark.parametrize("look", [DARK, LIGHT], ids=["dark", "light"])

# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009),
# severity 1.0; for linear RGB.
COLOR_BLIND = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def rgb(color: QColor) -> np.ndarray:
    return np.array([color.redF(), color.greenF(), color.blueF()])


def linear(color: QColor) -> np.ndarray:
    values = rgb(color)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(a: QColor, b: QColor) -> float:
    """WCAG 2's contrast ratio."""
    lights = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (a, b))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@THEMES
@pytest.mark.parametrize("token", ["text", "dim", "forward", "backward", "update", "accent", "warn", "error", "proved"])
def test_tokens_are_readable_on_every_surface(look: Theme, token: str) -> None:
    for ground in (look.bg, look.surface, look.raised):
        assert contrast(getattr(look, token), ground) >= 4.5


@THEMES
@pytest.mark.parametrize("category", [*CATEGORIES, *PROOFS])
def test_text_is_readable_on_every_node(look: Theme, category: str) -> None:
    assert contrast(look.text, look.category(category)) >= (6.5 if look.is_dark else 12)


@THEMES
@pytest.mark.parametrize("eyes", ["", *COLOR_BLIND])
def test_phases_are_told_apart(look: Theme, eyes: str) -> None:
    seen = []
    for name in ("forward", "backward", "update"):
        light = linear(look.phase(name))
        if eyes:
            light = np.clip(np.array(COLOR_BLIND[eyes]) @ light, 0, 1)
        seen.append(ramps.oklab(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)))
    for a, b in itertools.combinations(seen, 2):
        assert np.linalg.norm(a - b) > 0.1  # five just noticeable differences


def test_unknown_category_looks_like_other() -> None:
    assert DARK.category("never heard of") == DARK.category("other")


def test_blend_ends() -> None:
    black, white = QColor("black"), QColor("white")
    assert theme.blend(black, white, 0.0) == black
    assert theme.blend(black, white, 1.0) == white
    assert theme.blend(black, white, 0.5).red() in (127, 128)


@THEMES
def test_sequential_is_even_and_goes_one_way(look: Theme) -> None:
    lab = ramps.oklab(theme.sequential(np.linspace(0, 1, 18), look)[:, :3] / 255)
    steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    assert steps.max() < 1.5 * steps.min()
    assert (np.diff(lab[:, 0]) * (1 if look.is_dark else -1) > 0).all()


@THEMES
def test_diverging_is_neutral_at_zero_and_symmetric(look: Theme) -> None:
    colors = theme.diverging(np.array([-2.0, 0.0, 2.0]), theme=look)
    negative, zero, positive = look.ramp_signed
    for color, expected in zip(colors, (negative, zero, positive), strict=True):
        assert np.abs(color[:3] / 255 - rgb(expected)).max() < 0.02
    assert (theme.diverging(np.array([1.0]), 2.0, look) == theme.diverging(np.array([0.5]), 1.0, look)).all()


def test_ramps_keep_shape_and_mark_what_is_no_number() -> None:
    image = theme.sequential(np.array([[0.0, np.nan], [np.inf, -np.inf]]), DARK)
    assert image.shape == (2, 2, 4)
    assert image.dtype == np.uint8
    assert image[0, 1, :3] / 255 == pytest.approx(rgb(DARK.error), abs=0.01)
    assert (image[1, 0] == theme.sequential(1.0, DARK)).all()
    assert (theme.diverging(np.zeros((3, 2)), theme=DARK)[..., 3] == 255).all()


def test_one_hue_ends_in_its_colour() -> None:
    assert theme.sequential(1.0, DARK, DARK.backward)[:3] / 255 == pytest.approx(rgb(DARK.backward), abs=0.01)


@THEMES
def test_oklab_and_back(look: Theme) -> None:
    for name in CATEGORIES:
        assert ramps.srgb(ramps.oklab(rgb(look.category(name)))) == pytest.approx(rgb(look.category(name)), abs=1e-4)


@THEMES
def test_style_sheet_is_accepted(look: Theme, qapp: QApplication, qtbot: QtBot) -> None:
    sheet = stylesheet(look)
    assert "$" not in sheet
    assert sheet.count("{") == sheet.count("}")


def test_apply_switches_everything(qapp: QApplication, qtbot: QtBot) -> None:
    for choice, look in (("light", LIGHT), ("dark", DARK)):
        with qtbot.waitSignal(theme.switch.changed):
            theme.apply(qapp, choice)  # type: ignore[arg-type]
        assert theme.current() is look
        assert qapp.palette().color(QPalette.ColorRole.Window) == look.surface
        assert look.surface.name() in qapp.styleSheet()


def test_follows_the_system_when_asked_to(qapp: QApplication, qtbot: QtBot) -> None:
    theme.apply(qapp, "system")
    try:
        for scheme, look in ((Qt.ColorScheme.Light, LIGHT), (Qt.ColorScheme.Dark, DARK)):
            qapp.styleHints().setColorScheme(scheme)
            if qapp.styleHints().colorScheme() == scheme:  # not every platform can be told
                assert theme.current() is look
    finally:
        theme.apply(qapp, "dark")


def test_numbers_are_equally_wide(qapp: QApplication) -> None:
    metrics = QFontMetricsF(theme.mono_font())
    assert len({metrics.horizontalAdvance(figure) for figure in "0123456789.−+"}) == 1


def test_motion_can_be_reduced() -> None:
    theme.set_reduced_motion(True)
    assert theme.reduced_motion()
    theme.set_reduced_motion(False)
    assert not theme.reduced_motion()
    theme.set_reduced_motion(None)
    assert isinstance(theme.reduced_motion(), bool)


@pytest.mark.parametrize(("value", "reduced"), [("1", True), ("yes", True), ("0", False), ("off", False)])
def test_the_environment_can_ask_for_no_motion(monkeypatch: pytest.MonkeyPatch, value: str, reduced: bool) -> None:
    theme.set_reduced_motion(None)
    monkeypatch.setenv(theme.REDUCED_MOTION, value)
    assert theme.reduced_motion() is reduced
    theme.set_reduced_motion(not reduced)
    assert theme.reduced_motion() is not reduced  # what was chosen in the window comes first
    theme.set_reduced_motion(None)


@THEMES
def test_a_box_to_tick_is_seen_before_it_is_ticked(look: Theme, qapp: QApplication, qtbot: QtBot) -> None:
    theme.apply(qapp, "dark" if look.is_dark else "light")
    box = QCheckBox()
    qtbot.addWidget(box)
    box.setFixedSize(24, 24)
    image = box.grab().toImage()
    middle = [image.pixelColor(x, 12) for x in range(24)]
    assert max(contrast(color, look.surface) for color in middle) > 1.8
    theme.apply(qapp, "system")


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_a_combo_box_has_its_arrow_and_shows_the_focus(qapp: QApplication, qtbot: QtBot, choice: theme.Choice) -> None:
    before = theme.switch.choice
    theme.apply(qapp, choice)
    box = QComboBox()
    box.addItem("")
    box.resize(120, 28)
    plain = box.grab().toImage()
    box.show()
    box.activateWindow()
    box.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(box.hasFocus)
    focused = box.grab().toImage()
    theme.apply(qapp, before)
    look = theme.LIGHT if choice == "light" else theme.DARK
    arrow = {plain.pixelColor(x, y).rgb() for x in range(98, 116) for y in range(6, 22)}
    assert len(arrow) > 4, "an arrow has edges of many shades"
    assert focused.pixelColor(60, 0).rgb() == look.accent.rgb()
    assert plain.pixelColor(60, 0).rgb() != look.accent.rgb()
    box.deleteLater()


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_what_the_toolbar_has_no_room_for_can_be_seen_to_be_there(
    window: MainWindow, qapp: QApplication, qtbot: QtBot, choice: theme.Choice
) -> None:
    before = theme.switch.choice
    theme.apply(qapp, choice)
    window.resize(window.minimumSizeHint())
    more = window.toolbar.findChild(QToolButton, "qt_toolbar_ext_button")
    assert more is not None
    qtbot.waitUntil(more.isVisible)
    image = more.grab().toImage()
    theme.apply(qapp, before)
    ground = (theme.LIGHT if choice == "light" else theme.DARK).surface
    inked = [
        image.pixelColor(x, y)
        for x in range(image.width())
        for y in range(image.height())
        if contrast(image.pixelColor(x, y), ground) > 4.5
    ]
    assert len(inked) > 10
