"""Paints one line of the two columns, the heads of the columns and the stages beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from engine.rules.naming import plain_text
from gui import theme
from gui.manual import verdicts
from gui.manual.columns import SIGN, WORD_GAP, Columns, fitted, off_title, padded
from gui.manual.story import EQUALS, PHASES, Row, off_by, split_result, stage_words
from gui.proof.inline import READABLE, draw_inline, width_of
from gui.proof.signs import draw_sign
from gui.tensor_views.painting import LEFT, RIGHT, draw_text, metrics

if TYPE_CHECKING:
    from engine.manual import Line, Stage

translate = QCoreApplication.translate

MARK = 3  # px of the stage's bar
DISC, HEAD_SIGN = 16, 18
STAGE_HEIGHT = 34
NOW_SHARE = 0.14


def paint_row(
    painter: QPainter,
    place: QRect,
    columns: Columns,
    row: Row,
    verdict: str,
    *,
    scale: float,
    passed: bool,
    now: bool,
) -> None:
    """A line: what has not happened is pale and has no numbers."""
    look = theme.current()
    shade = look.phase(PHASES[row.place.stage])
    if now:
        painter.fillRect(place.adjusted(columns.gutter, 0, 0, 0), theme.blend(look.surface, shade, NOW_SHARE))
        _paint_arrow(painter, QPointF(columns.gutter - 10, place.center().y() + 0.5), shade)
    painter.setOpacity(1.0 if passed else theme.NOT_YET)
    sign_left = columns.by_hand_right + (SIGN - DISC) / 2
    draw_sign(painter, QRectF(sign_left, place.center().y() + 1 - DISC / 2, DISC, DISC), verdicts.sign(verdict), look)
    line = row.line
    area = QRect(place)
    area.setLeft(columns.gutter + theme.SMALL)
    area.setRight(columns.by_hand_right)
    if line is not None:
        if passed:
            area = _paint_results(painter, place, area, columns, line, wrong=verdict == "wrong")
        _paint_equation(painter, area, columns, line, scale, passed=passed)
    _paint_doer(painter, place, columns, row)
    painter.setOpacity(1.0)


def _paint_results(painter: QPainter, place: QRect, area: QRect, columns: Columns, line: Line, *, wrong: bool) -> QRect:
    """Both numbers, and the shape before them; tells the room that is left for the formulas."""
    look = theme.current()
    shape, by_hand = split_result(line.by_hand)
    recorded_shape, autograd = split_result(line.autograd)
    ink = look.error if wrong else look.text
    left = QRect(columns.by_hand_right - columns.value, place.top(), columns.value, place.height())
    shown = [fitted(padded(text, columns.after), columns.value) for text in (by_hand, autograd)]
    draw_text(painter, left, shown[0], "number", ink, RIGHT, Qt.TextElideMode.ElideMiddle)
    right = QRect(columns.autograd_right - columns.value, place.top(), columns.value, place.height())
    draw_text(painter, right, shown[1], "number", ink, RIGHT, Qt.TextElideMode.ElideMiddle)
    area = area.adjusted(0, 0, -columns.value - theme.SMALL, 0)
    shape = shape or recorded_shape
    if shape:
        wide = metrics("small_number").horizontalAdvance(shape)
        draw_text(painter, area, shape, "small_number", look.dim, RIGHT)
        area.setRight(area.right() - wide - theme.MEDIUM)
    off = off_by(line)
    if off:
        cell = QRect(columns.off_right - columns.off, place.top(), columns.off, place.height())
        draw_text(painter, cell, off, "small_number", ink if wrong else look.dim, RIGHT)
    return area


def _paint_equation(
    painter: QPainter, area: QRect, columns: Columns, line: Line, scale: float, *, passed: bool
) -> None:
    """name = formula = numbers, the first equals signs of all lines below each other. Where there is no room for all of
    it in letters that can be read, numbers go first; then the formula is written as text, and cut."""
    look = theme.current()
    rest = [part for part in (line.formula, line.numbers if passed else "") if part]
    name = QRect(area.left(), area.top(), columns.name, area.height())
    if width_of([line.name]) * READABLE <= name.width():
        draw_inline(painter, name, [line.name], [look.text], right=True, largest=scale)
    else:  # paths are told apart by their ends
        draw_text(painter, name, plain_text(line.name), "text", look.text, RIGHT, Qt.TextElideMode.ElideLeft)
    area = area.adjusted(columns.name + theme.SMALL, 0, 0, 0)
    parts: list[str] = []
    inks: list[QColor] = []
    for number, part in enumerate(rest):
        parts += [EQUALS, part]
        inks += [look.dim, look.text if number + 1 < len(rest) or not line.numbers else look.dim]
    if passed and line.by_hand and not split_result(line.by_hand)[0] and line.numbers:
        parts.append(EQUALS)
        inks.append(look.dim)
    if line.remark and not rest:
        draw_text(painter, area, line.remark, "caption", look.dim, LEFT)
        return
    for count in sorted({len(parts), min(len(parts), 2)}, reverse=True):
        if 0 < width_of(parts[:count]) * READABLE <= area.width():
            draw_inline(painter, area, parts[:count], inks[:count], largest=scale)
            return
    if rest and area.width() > 0:
        draw_text(painter, area, f"= {plain_text(rest[0])}", "caption", look.dim, LEFT)


def _paint_doer(painter: QPainter, place: QRect, columns: Columns, row: Row) -> None:
    if columns.doer:
        cell = QRect(columns.autograd_right + WORD_GAP, place.top(), columns.doer - WORD_GAP, place.height())
        draw_text(painter, cell, row.doer, "caption", theme.current().dim, LEFT)


def _paint_arrow(painter: QPainter, tip: QPointF, shade: QColor) -> None:
    """The playhead points at its line: colour alone would not do."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(shade)
    corners = (QPointF(0, -4.5), QPointF(6, 0), QPointF(0, 4.5))
    painter.drawPolygon(QPolygonF([tip + corner for corner in corners]))
    painter.restore()


def paint_stage(
    painter: QPainter, columns: Columns, stage: Stage, top: int, bottom: int, least: int, *, passed: bool
) -> None:
    """A stage's name beside its lines; it stays in view while one of them is. `least`: below the heads."""
    look = theme.current()
    shade = look.phase(PHASES[stage])
    painter.fillRect(QRect(0, top, columns.width, theme.LINE), look.line)
    painter.setOpacity(1.0 if passed else theme.NOT_YET)
    painter.fillRect(QRect(0, top + 1, MARK, bottom - top), shade)
    title, picture = stage_words(stage)
    wide = columns.gutter - MARK - theme.LARGE - theme.SMALL
    y = min(max(top, least), bottom - min(STAGE_HEIGHT, bottom - top))
    low = bottom - top < STAGE_HEIGHT
    cell = QRect(MARK + theme.SMALL, y + 3, wide, 18)
    if low:  # one line: both beside each other
        cell = QRect(MARK + theme.SMALL, top, wide, bottom - top + 1)
        used = draw_text(painter, cell, title, "heading", shade)
        cell.setLeft(cell.left() + used + theme.SMALL)
        if metrics("caption").horizontalAdvance(picture) <= cell.width():
            draw_text(painter, cell, picture, "caption", look.dim)
    else:
        draw_text(painter, cell, title, "heading", shade)
        draw_text(painter, cell.translated(0, 16), picture, "caption", look.dim)
    painter.setOpacity(1.0)


@dataclass(frozen=True)
class Head:
    """What stands above the lines: the verdict on all of them in a sign and in words, and a remark."""

    verdict: str = ""
    text: str = ""
    remark: str = ""


def paint_header(painter: QPainter, place: QRect, columns: Columns, head: Head, taken: int = 0) -> int:
    """The verdict on the step, and what the columns are; tells where the verdict's words end, beside which `taken`
    px are left free."""
    look = theme.current()
    painter.fillRect(place, look.surface)
    painter.fillRect(QRect(0, place.bottom(), place.width(), theme.LINE), look.line)
    left = theme.MEDIUM
    if head.verdict:
        top = place.center().y() + 1 - HEAD_SIGN / 2
        draw_sign(painter, QRectF(left, top, HEAD_SIGN, HEAD_SIGN), verdicts.sign(head.verdict), look)
        left += HEAD_SIGN + theme.SMALL
    room = QRect(left, place.top(), _title_left(columns) - left - taken, place.height())
    if not head.verdict:
        room.setRight(place.right() - taken)
    left += draw_text(painter, room, head.text, "heading", look.text, LEFT) + theme.MEDIUM
    if not head.verdict:
        return left
    titles = (
        (columns.by_hand_right, columns.value, translate("manual", "by hand"), look.text),
        (columns.autograd_right, columns.value, translate("manual", "autograd"), look.text),
        (columns.off_right, columns.off, off_title() if columns.off else "", look.dim),
    )
    for right, wide, text, ink in titles:
        draw_text(painter, QRect(right - wide, place.top(), wide, place.height()), text, "caption", ink, RIGHT)
    if columns.doer:
        cell = QRect(columns.autograd_right + WORD_GAP, place.top(), columns.doer - WORD_GAP, place.height())
        draw_text(painter, cell, translate("manual", "run by"), "caption", look.dim, LEFT)
    return left


def paint_remark(painter: QPainter, place: QRect, columns: Columns, head: Head, left: int) -> None:
    """The remark from `left` on, where there is room for all of it."""
    room = QRect(left, place.top(), _title_left(columns) - left, place.height())
    if head.remark and metrics("caption").horizontalAdvance(head.remark) <= room.width():
        draw_text(painter, room, head.remark, "caption", theme.current().dim, LEFT)


def _title_left(columns: Columns) -> int:
    """Where the first column's title begins, and a little before."""
    wide = metrics("caption").horizontalAdvance(translate("manual", "by hand"))
    return columns.by_hand_right - wide - theme.MEDIUM
