"""Nodes in given colours: near and far, on screen and in exported pictures; and what stands back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from engine.recording.reader import Recording
from gui.canvas.cards import OPERATION, contrast, draw_card, ink_on, quiet_on, sprite_size
from gui.canvas.dots import patches_of
from gui.canvas.edges import FADED, edge_classes
from gui.canvas.fills import filled
from gui.canvas.lod import Detail
from gui.canvas.painter import GraphPainter, VectorPainter
from gui.canvas.picture import strengths
from gui.canvas.scene import Scene
from gui.explore import coloring
from gui.theme import DARK, LIGHT, Theme
from tests.gui.canvas.scenes import count_color, node_named, paint, picture_at, pixels

pytestmark = pytest.mark.usefixtures("qapp")

RED, GREEN = 0xFFC83232, 0xFF1E9632


@pytest.mark.parametrize("kind", [GraphPainter, VectorPainter], ids=["screen", "export"])
@pytest.mark.parametrize("scale", [0.2, 0.45, 1.0, 1.5])
def test_each_node_has_the_colour_given(
    recording: Recording, scene: Scene, kind: type[GraphPainter], scale: float
) -> None:
    painter = kind(DARK)
    fills = np.full(scene.node_count, RED, dtype=np.uint32)
    fills[node_named(scene, "mul")] = GREEN
    picture = replace(picture_at(recording, scene, 11), fills=fills)
    image = paint(painter, picture, scale, active=False)
    red, green = count_color(image, QColor.fromRgb(RED)), count_color(image, QColor.fromRgb(GREEN))
    assert green > 20
    assert red > 2 * green
    assert count_color(paint(painter, replace(picture, fills=None), scale), QColor.fromRgb(RED)) == 0


def test_from_afar_many_colours_become_few(recording: Recording, scene: Scene) -> None:
    fills = (np.arange(scene.node_count, dtype=np.uint32) * 0x010F07) | np.uint32(0xFF000000)
    shown = patches_of(replace(picture_at(recording, scene, 11), fills=fills), DARK)
    assert {color.rgb() for color in shown.colors} == set(fills.tolist())
    wide = replace(scene, item_node=np.arange(900), left=np.zeros(900), top=np.zeros(900), right=np.ones(900),
                   bottom=np.ones(900))  # fmt: skip
    state = replace(picture_at(recording, scene, 11).state, status=np.full(900, 2, dtype=np.uint8))
    many = (np.arange(900, dtype=np.uint32) * 3) | np.uint32(0xFF000000)
    picture = replace(picture_at(recording, scene, 11), scene=wide, state=state, fills=many)
    found = patches_of(picture, DARK)
    assert len(found.colors) < 200
    colors = np.repeat([color.rgb() & 0xFFFFFF for color in found.colors], np.diff(found.first))
    assert np.abs((colors & 0xFF).astype(int) - (many[found.item] & 0xFF).astype(int)).max() < 16


def test_cards_that_are_alike_stay_one(scene: Scene) -> None:
    plain = filled(scene, np.full(scene.node_count, RED, dtype=np.uint32))
    assert len(plain.cards) == len(scene.cards)
    assert {card.fill for card in plain.cards} == {RED}


@pytest.mark.parametrize("look", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("fill", ["#000000", "#440154", "#21918c", "#fde725", "#ffffff"])
def test_words_can_be_read_on_any_fill(look: Theme, fill: str) -> None:
    assert contrast(ink_on(QColor(fill), look), QColor(fill)) >= 4.5


@pytest.mark.parametrize("look", [DARK, LIGHT], ids=["dark", "light"])
def test_small_words_can_be_read_on_every_colour_of_a_scale(look: Theme) -> None:
    fills = {int(fill) for fill in coloring.scale("norm", 10.0 ** np.linspace(-4, 3, 60), look).fills}
    assert len(fills) == coloring.LEVELS
    for fill in map(QColor.fromRgb, fills):
        ink = ink_on(fill, look)
        quiet = quiet_on(fill, ink)
        assert min(contrast(quiet, fill), contrast(ink, fill)) >= 4.5
    assert quiet_on(look.surface, look.text) not in (look.text, look.surface)  # where there is room, they stand back


@pytest.mark.parametrize("look", [DARK, LIGHT], ids=["dark", "light"])
def test_the_second_line_of_a_coloured_card_is_drawn_in_words_that_can_be_read(look: Theme, scene: Scene) -> None:
    fill = QColor("#21918c")  # neither light nor dark
    of = next(card for card in scene.cards if card.kind == OPERATION)
    card = replace(of, title="", detail="", subtitle="MMMM", fill=fill.rgb())
    image = QImage(*sprite_size(card, 2.0), QImage.Format.Format_RGB32)
    image.fill(fill)
    painter = QPainter(image)
    draw_card(painter, card, 2.0, Detail.TEXT, look)
    painter.end()
    assert count_color(image, ink_on(fill, look)) > 20


def test_what_is_dimmed_stands_back_with_its_edges(recording: Recording, scene: Scene) -> None:
    dimmed = np.zeros(scene.node_count, dtype=np.bool_)
    dimmed[node_named(scene, "mul")] = True
    picture = replace(picture_at(recording, scene, 11), dimmed=dimmed)
    strength = strengths(picture, np.arange(scene.node_count))
    assert strength[dimmed].max() < strength[~dimmed].min()
    classes = edge_classes(scene, picture.state, np.arange(len(scene.source)), picture.lit_edges)
    assert (classes == FADED).tolist() == (dimmed[scene.source] | dimmed[scene.target]).tolist()
    for scale in (0.2, 1.0):
        with_it = pixels(paint(GraphPainter(DARK), picture, scale, active=False))
        without = pixels(paint(GraphPainter(DARK), replace(picture, dimmed=None), scale, active=False))
        assert (with_it != without).any()


def test_dimmed_and_hovered_add_up(recording: Recording, scene: Scene) -> None:
    dimmed = np.zeros(scene.node_count, dtype=np.bool_)
    dimmed[node_named(scene, "w")] = True
    emphasis = scene.connected(node_named(scene, "mul"))
    picture = replace(picture_at(recording, scene, 11), dimmed=dimmed, emphasis=emphasis)
    assert picture.lit is not None
    assert picture.lit_edges is not None
    assert not picture.lit[node_named(scene, "w")]
    assert not picture.lit[node_named(scene, "y")]
    assert picture.lit[node_named(scene, "loss")]
    assert picture.lit_edges.sum() < emphasis[1].sum()
