from __future__ import annotations

import numpy as np
import pytest

from gui.canvas import atlas
from gui.canvas.atlas import Glyphs, Sheet, Sprites
from gui.canvas.cards import Card, card_of, sprite_size
from gui.canvas.lod import Detail
from gui.theme import DARK

pytestmark = pytest.mark.usefixtures("qapp")


def cards(count: int) -> tuple[Card, ...]:
    names = (f"layer{number} · Conv2d" for number in range(count))
    return tuple(card_of({"kind": "operation", "title": name, "category": "linear"}) for name in names)


def test_pictures_do_not_overlap() -> None:
    many = cards(300)
    sheet = Sheet(1.0, Detail.TEXT, DARK)
    slots = sheet.slots_of(many, np.arange(300))
    assert slots.shape == (300, 5)
    assert [tuple(slot[3:]) for slot in slots] == [sprite_size(card, 1.0) for card in many]
    for page, left, top, width, height in slots:
        assert left + width <= sheet.pages[int(page)].width()
        assert top + height <= sheet.pages[int(page)].height()
        same = slots[slots[:, 0] == page]
        beside = (same[:, 1] >= left + width) | (same[:, 1] + same[:, 3] <= left)
        above = (same[:, 2] >= top + height) | (same[:, 2] + same[:, 4] <= top)
        assert (beside | above).sum() == len(same) - 1


def test_a_card_is_drawn_once() -> None:
    sheet = Sheet(1.0, Detail.TEXT, DARK)
    some = cards(5)
    first = sheet.slots_of(some, np.array([0, 1, 1]))
    again = sheet.slots_of(some, np.array([0, 1, 2]))
    np.testing.assert_array_equal(first[:2], again[:2])
    assert len(sheet.slots) == 3
    other_scene = cards(4)
    np.testing.assert_array_equal(sheet.slots_of(other_scene, np.array([1]))[0], first[1])


def test_a_full_sheet_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas, "MOST_PAGES", 1)
    monkeypatch.setattr(atlas, "PAGE", 256)
    sheet = Sheet(1.0, Detail.TEXT, DARK)
    some = cards(8)
    for card in range(8):
        slots = sheet.slots_of(some, np.array([card]))
        assert slots[0, 0] < len(sheet.pages)
    assert len(sheet.pages) <= 2


def test_a_card_larger_than_a_page() -> None:
    sheet = Sheet(20.0, Detail.CLOSE, DARK)
    slots = sheet.slots_of(cards(1), np.array([0]))
    assert sheet.pages[0].width() >= slots[0, 3]


def test_few_sheets_are_kept() -> None:
    sprites = Sprites(DARK)
    first = sprites.sheet(1.0, Detail.TEXT)
    assert sprites.sheet(1.0, Detail.TEXT) is first
    for scale in (1.1, 1.2, 1.3):
        sprites.sheet(scale, Detail.TEXT)
    assert sprites.sheet(1.0, Detail.TEXT) is not first


def test_a_text_ends_where_it_should() -> None:
    glyphs = Glyphs(12, (DARK.forward, DARK.backward))
    run = glyphs.run("−12.5", 100.0, 50.0, 1)
    assert len(run) == 5
    assert (np.diff(run[:, 0]) > 0).all()
    assert run[-1, 0] + glyphs.cell[0] / 2 - 2 == pytest.approx(100.0, abs=1.5)
    assert (run[:, 3] == glyphs.cell[1]).all()
    more = glyphs.run("0123456789eE+−.×‖abcdefgh", 300.0, 50.0, 0)  # the page grows
    assert more[:, 2].max() + glyphs.cell[0] <= glyphs.page.width()
    np.testing.assert_array_equal(glyphs.run("−12.5", 100.0, 50.0, 1), run)
