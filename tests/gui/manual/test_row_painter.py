"""A line where there is little room: what is drawn can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage, QPainter

from engine.manual import Line, Place
from gui.manual import row_painter
from gui.manual.columns import WITH_DOER, Columns, measure
from gui.manual.row_painter import paint_row
from gui.manual.story import Story, tell
from gui.proof.inline import READABLE, width_of

pytestmark = pytest.mark.usefixtures("qapp")
PLACE = Place("update", 0, 0)
SHORT, LONG = "w", "features.denseblock3.denselayer14.norm2.weight"


def story_of(name: str) -> Story:
    latex = rf"\mathrm{{{name}}}"
    line = Line(PLACE, latex, rf"{latex} - \mathrm{{lr}} \cdot g_t", "0.5 - 0.1", "512: 0.4", "512: 0.4", "equal")
    return tell((PLACE,), ("SGD",), {PLACE: line}, 0)


@pytest.mark.parametrize("name", [SHORT, LONG])
@pytest.mark.parametrize("width", [520, 760, 1000, 1600])
def test_nothing_is_drawn_too_small(width: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, float]] = []
    texts: list[str] = []

    def inline(_: QPainter, cell: QRect, parts: Sequence[str], *_rest: Any, **_more: Any) -> float:
        drawn.append((cell.width(), width_of(parts)))
        return 0.0

    def text(_: QPainter, _cell: QRect, words: str, *_rest: Any) -> int:
        texts.append(words)
        return 0

    monkeypatch.setattr(row_painter, "draw_inline", inline)
    monkeypatch.setattr(row_painter, "draw_text", text)
    story = story_of(name)
    columns: Columns = measure(story, width)
    image = QImage(width, 40, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    try:
        place = QRect(0, 0, width, 40)
        paint_row(painter, place, columns, story.rows[0], "equal", scale=1.0, passed=True, now=False)
    finally:
        painter.end()
    assert all(natural * READABLE <= room for room, natural in drawn)
    assert len(drawn) == 2 or any(LONG in words for words in texts), "name and formula are there, if need be as text"
    assert ("SGD" in texts) is (width >= WITH_DOER)
