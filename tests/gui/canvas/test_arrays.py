from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QLineF, QRect
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from gui.canvas.arrays import Batch, Kept, Rows, curves_path, moved


def painted(draw: object) -> QImage:
    image = QImage(40, 20, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    try:
        painter.setPen(QColor("white"))
        painter.setBrush(QColor("white"))
        draw(painter)  # type: ignore[operator]
    finally:
        painter.end()
    return image


def test_lines_are_drawn_as_qt_draws_them(qapp: QApplication) -> None:
    batch = Batch(QLineF)
    batch.rows(100)[:] = 500.0  # grows; then fewer are used
    batch.rows(2)[:] = [[1, 5, 30, 5], [10, 1, 10, 18]]
    ours = painted(lambda p: p.drawLines(*batch.arguments()))
    assert ours == painted(lambda p: p.drawLines([QLineF(1, 5, 30, 5), QLineF(10, 1, 10, 18)]))
    assert ours != painted(lambda p: None)


def test_rectangles_are_drawn_as_qt_draws_them(qapp: QApplication) -> None:
    batch = Batch(QRect)
    batch.rows(2)[:] = [[3, 4, 20, 9], [25, 2, 25, 2]]  # the last pixels are part of them
    assert painted(lambda p: p.drawRects(*batch.arguments())) == painted(
        lambda p: p.drawRects([QRect(3, 4, 18, 6), QRect(25, 2, 1, 1)])
    )
    assert painted(lambda p: p.drawRects(*batch.arguments(1, 1))) == painted(lambda p: p.drawRect(QRect(25, 2, 1, 1)))


def test_what_was_made_of_the_same_objects_is_kept(qapp: QApplication) -> None:
    kept: Kept[int] = Kept(2)
    first, second, third = np.zeros(3), np.zeros(3), np.zeros(3)
    made: list[int] = []

    def get(of: object, number: int) -> int:
        return kept.get((of,), lambda: (made.append(number), number)[1])  # type: ignore[func-returns-value]

    assert [get(first, 1), get(second, 2), get(first, 3)] == [1, 2, 1]
    assert get(third, 4) == 4  # the eldest goes
    assert get(first, 5) == 5
    assert made == [1, 2, 4, 5]


def test_rows_hold_while_what_they_depend_on_is_the_same() -> None:
    rows, left, other = Rows(2), np.zeros(3), np.zeros(3)

    def known(of: tuple[object, ...], which: list[int], count: int = 5) -> list[int]:
        """Which of `which` were known already; all are known after."""
        places = np.array(which)
        rows.keep(of, count)
        fresh = rows.missing(places)
        rows.put(fresh, np.stack([fresh, -fresh], axis=1).astype(np.float64))
        np.testing.assert_array_equal(rows.take(places), np.stack([places, -places], axis=1))
        return sorted(set(which) - set(fresh.tolist()))

    assert known((left, 0.5), [1, 3]) == []
    assert known((left, float("0.5")), [1, 2, 3]) == [1, 3]  # an equal number
    assert known((left, 0.5, None), [1, 2]) == []
    assert known((other, 0.5, None), [1, 4]) == []  # an equal array is another one
    assert known((other, 0.5, None), [1, 4], count=6) == []
    assert known((other, 0.6, None), [4]) == []


def test_taken_rows_are_copies() -> None:
    rows, which = Rows(1), np.array([0, 1])
    rows.keep((), 2)
    rows.put(which, np.ones((2, 1)))
    rows.take(which)[:] = 7.0
    np.testing.assert_array_equal(rows.take(which), np.ones((2, 1)))


def test_curves_path_is_the_path_that_one_would_build(qapp: QApplication) -> None:
    curves = np.arange(16, dtype=np.float64).reshape(2, 8)
    path = curves_path(curves)
    assert path.elementCount() == 8
    ends = [(path.elementAt(i).x, path.elementAt(i).y) for i in (0, 3, 4, 7)]
    assert ends == [(0, 1), (6, 7), (8, 9), (14, 15)]
    assert path.elementAt(4).isMoveTo()
    assert path.elementAt(5).isCurveTo()
    assert curves_path(np.zeros((0, 8))).isEmpty()


@given(arrays(np.float64, (7, 2), elements=st.floats(-1e6, 1e6)), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_both_coordinates_are_moved_at_once(points: npt.NDArray[np.float64], x: float, y: float) -> None:
    pairs = points.view(np.complex128)[:, 0]
    there = points + np.array([x, y])
    for rounded, expected in ((False, there), (True, np.rint(there))):
        found = moved(pairs, (x, y), rounded=rounded)
        np.testing.assert_array_equal(np.stack([found.real, found.imag], axis=1), expected)
