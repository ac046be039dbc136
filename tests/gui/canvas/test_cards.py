from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from gui import theme
from gui.canvas.cards import (
    CARD_HEIGHT,
    CHIP_HEIGHT,
    GRAD,
    NOTCH,
    NUMBER,
    SUBTITLE,
    card_of,
    draw_card,
    draw_name,
    fill_of,
    mono_width,
    number_places,
    px,
    sprite_size,
    text_width,
)
from gui.canvas.lod import Detail, detail_at
from tests.gui.canvas.scenes import count_color, pixels

CONV = {"kind": "operation", "title": "conv1 · Conv2d", "subtitle": "ConvolutionBackward0", "category": "linear",
        "shape": (1, 64, 32, 32)}  # fmt: skip
LOSS = {"kind": "operation", "title": "loss", "subtitle": "SumBackward0", "category": "reduction", "shape": ()}
WEIGHT = {"kind": "parameter", "title": "layer1.0.conv1.weight", "category": "parameter", "shape": (64, 3, 7, 7)}
BIAS = {"kind": "parameter", "title": "b", "category": "parameter", "shape": ()}

pytestmark = pytest.mark.usefixtures("qapp")


def test_sizes_follow_the_words() -> None:
    conv, longer = card_of(CONV), card_of({**CONV, "title": "a.much.longer.module.path.than.that · Conv2d"})
    assert conv.height == CARD_HEIGHT
    assert longer.width > conv.width
    assert card_of(WEIGHT).height == CHIP_HEIGHT
    assert card_of(BIAS).height == CARD_HEIGHT


def test_a_chip_is_named_by_the_last_part() -> None:
    assert card_of(WEIGHT).title == "weight"
    assert card_of({**WEIGHT, "title": "weights.0"}).title == "weights.0"
    assert card_of(WEIGHT).detail == "64×3×7×7"


def test_what_is_in_brackets_is_not_taken_apart() -> None:
    assert card_of({**LOSS, "title": "weights['0.bias']"}).title == "weights['0.bias']"
    assert card_of({**WEIGHT, "title": "layer.weights['0.bias']"}).title == "weights['0.bias']"


def test_equal_nodes_share_a_card() -> None:
    assert card_of(CONV) == card_of(dict(CONV))


def test_scalars_have_places_for_value_and_gradient() -> None:
    value, gradient = number_places(card_of(LOSS), Detail.TEXT)
    assert value is not None
    assert gradient is not None
    assert value.middle < gradient.middle
    assert value.right <= card_of(LOSS).width
    assert number_places(card_of(LOSS), Detail.NAME) == (None, None)
    assert number_places(card_of(CONV), Detail.TEXT) == (None, None)
    assert number_places(card_of(CONV), Detail.CLOSE)[1] is not None


def test_the_word_before_a_gradient_leaves_room_for_ten_signs() -> None:
    card = card_of(BIAS)
    gradient = number_places(card, Detail.CLOSE)[1]
    assert gradient is not None
    begin = gradient.right - mono_width("−0.0002975", NUMBER)
    assert begin - (card.padding + text_width(GRAD, SUBTITLE)) >= SUBTITLE / 2


@pytest.mark.parametrize("attributes", [CONV, LOSS, WEIGHT, BIAS], ids=["conv", "loss", "weight", "bias"])
@pytest.mark.parametrize("scale", [0.25, 0.31, 0.42, 0.62, 0.7, 1.0, 1.3, 1.37, 2.0])
def test_nothing_is_drawn_beyond_the_card(attributes: dict[str, object], scale: float) -> None:
    card = card_of(attributes)
    width, height = sprite_size(card, scale)
    for detail in {detail_at(scale), detail_at(scale * 0.99)}:
        image = QImage(width + 40, height + 40, QImage.Format.Format_RGB32)
        ground = QColor("#123456")
        image.fill(ground)
        painter = QPainter(image)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.translate(20, 20)
            draw_card(painter, card, scale, detail, theme.DARK)
        finally:
            painter.end()
        difference = np.abs(pixels(image).astype(int) - [ground.red(), ground.green(), ground.blue()])
        changed = difference.max(axis=2) > 16  # a rounded corner's antialiasing reaches a hair further
        changed[20 : 20 + height, 20 : 20 + width] = False
        assert not changed.any()
        assert count_color(image, fill_of(card, theme.DARK)) > width * height / 4


@pytest.mark.parametrize("scale", [0.3, 0.36, 0.42, 0.46, 0.5, 0.54, 0.59, 0.64, 0.7])
@pytest.mark.parametrize("title", ["weight", "bias", "a_rather_long_name"])
def test_the_name_of_a_chip_ends_before_its_notch(title: str, scale: float) -> None:
    card = card_of({"kind": "parameter", "title": title, "shape": None})
    width, height = sprite_size(card, scale)
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    try:
        draw_name(painter, card, width, height, scale, theme.DARK)
    finally:
        painter.end()
    columns = np.flatnonzero(pixels(image).max(axis=(0, 2)) > 64)
    assert not len(columns) or columns[-1] < width - 2 - NOTCH * scale
    assert len(columns) or scale < 0.5


def test_font_sizes_are_whole_and_never_too_large() -> None:
    assert [px(size) for size in (0.2, 11.0, 15.55, 15.8)] == [1, 11, 15, 16]


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
@pytest.mark.parametrize("attributes", [CONV, WEIGHT], ids=["card", "chip"])
def test_no_name_is_smaller_than_can_be_read(
    attributes: dict[str, object], ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    font = theme.ui_font

    def noted(size: int = theme.TEXT_PX) -> QFont:
        sizes.append(size)
        return font(size)

    monkeypatch.setattr(theme, "ui_font", noted)
    card = card_of(attributes)
    written = []
    for place in range(24):
        scale = 0.1 * 2 ** (place / 8) * ratio
        if detail_at(scale, ratio) in (Detail.NAME, Detail.TEXT):
            sizes.clear()
            image = QImage(*sprite_size(card, scale), QImage.Format.Format_RGB32)
            painter = QPainter(image)
            try:
                draw_card(painter, card, scale, detail_at(scale, ratio), theme.DARK, ratio)
            finally:
                painter.end()
            assert all(size >= 7 * ratio - 0.5 for size in sizes), scale
            written.append(bool(sizes))
    assert written == sorted(written), "once there is room for words, they stay"
    assert all(written) or attributes is WEIGHT
