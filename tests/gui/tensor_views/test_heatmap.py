"""The heat map: colours, shrinking, reading off values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.tensor_views.heatmap import MAX_HEIGHT, HeatMap, Scale
from gui.tensor_views.loaded import Loaded
from gui.tensor_views.planes import plane
from tests.recordings import make_tensor


def shown(qtbot: QtBot, data: npt.ArrayLike, leading: tuple[int, ...] = ()) -> HeatMap:
    array = np.asarray(data)
    view = HeatMap()
    qtbot.addWidget(view)
    view.set_slice(Loaded(make_tensor(0, array), array), plane(array.shape, leading))
    view.resize(240, view.height())
    view.show()
    return view


def picture(view: HeatMap) -> QImage:
    return view.grab().toImage()


def center(view: HeatMap, row: int, column: int) -> QPoint:
    area = view._area()
    rows, columns = view._values.shape
    return QPoint((2 * column + 1) * area.width() // (2 * columns), (2 * row + 1) * area.height() // (2 * rows))


def test_signed_data_is_neutral_at_zero_and_symmetric(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, [[-2.0, 0.0, 1.0]])
    image = picture(view)
    look = theme.current()
    negative, zero, _ = look.ramp_signed
    assert image.pixelColor(center(view, 0, 0)).rgb() == negative.rgb()
    assert _near(image.pixelColor(center(view, 0, 1)).getRgb(), zero.getRgb())
    assert Scale.of(make_tensor(0, np.array([-2.0, 1.0])).statistics) == Scale(2.0, signed=True)


def _near(first: object, second: object) -> bool:
    return bool(np.abs(np.array(first, dtype=int) - np.array(second, dtype=int)).max() <= 2)


def test_data_without_negative_numbers_starts_at_zero() -> None:
    assert Scale.of(make_tensor(0, np.array([1.0, 4.0])).statistics) == Scale(4.0, signed=False)


def test_all_zero_and_all_nan_have_a_scale() -> None:
    assert Scale.of(make_tensor(0, np.zeros(3)).statistics).limit == 1.0
    assert Scale.of(make_tensor(0, np.full(3, np.nan)).statistics).limit == 1.0


def test_nan_and_infinity_have_colours_of_their_own(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, [[np.nan, 1.0, np.inf]])
    image = picture(view)
    assert image.pixelColor(center(view, 0, 0)).rgb() == theme.current().error.rgb()
    assert image.pixelColor(center(view, 0, 2)).rgb() == theme.current().warn.rgb()
    plain = shown(qtbot, [[0.0, 1.0, 2.0]])
    assert view.height() > plain.height()  # the legend


def test_it_follows_the_theme(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp, "dark")
    view = shown(qtbot, [[-1.0, 1.0]])
    dark = picture(view).pixelColor(center(view, 0, 0))
    theme.apply(qapp, "light")
    light = picture(view).pixelColor(center(view, 0, 0))
    theme.apply(qapp, "dark")
    assert (dark.rgb(), light.rgb()) == (theme.DARK.ramp_signed[0].rgb(), theme.LIGHT.ramp_signed[0].rgb())


def test_hovering_tells_index_and_value(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, np.arange(24.0).reshape(2, 3, 4), (1,))
    QTest.mouseMove(view, center(view, 2, 1))
    qtbot.waitUntil(lambda: view.readout() == "[1, 2, 1] = 21.00")
    QTest.mouseMove(view, QPoint(view.width() - 1, view.height() - 1))
    qtbot.waitUntil(lambda: view.readout() == "")


def test_the_unused_end_of_a_folded_strip_is_no_element(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, np.ones(1000))
    view.set_cell((22, 44))
    assert view.readout() == view.remark() == "one dimension, 45 to a line"
    view.set_cell((22, 9))
    assert view.readout() == "[999] = 1.000"


@pytest.mark.parametrize("shape", [(1000, 4608), (3, 5000), (5000, 2)])
def test_a_large_slice_is_shrunk_and_says_so(qtbot: QtBot, qapp: QApplication, shape: tuple[int, int]) -> None:
    data = np.zeros(shape, np.float32)
    data[shape[0] // 2, shape[1] // 2] = -3.0
    view = shown(qtbot, data)
    assert view.pooled
    assert view.remark() == "shrunk: each pixel shows its largest magnitude"
    assert view._area().height() <= MAX_HEIGHT
    view.grab()
    image = view._image
    assert image is not None
    lowest = theme.current().ramp_signed[0].rgb()
    assert any(image.pixel(x, y) == lowest for x in range(image.width()) for y in range(image.height()))


def test_arrow_keys_walk_over_the_cells(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, [[1.0, 2.0], [3.0, 4.0]])
    view.setFocus()
    keys = (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down)
    texts = []
    for key in keys:
        QTest.keyClick(view, key)
        texts.append(view.readout())
    assert texts == ["[0, 0] = 1.000", "[0, 1] = 2.000", "[1, 1] = 4.000", "[1, 1] = 4.000"]


def test_a_preview_says_that_its_indices_are_those_of_the_preview(qtbot: QtBot, qapp: QApplication) -> None:
    tensor = make_tensor(0, np.ones((8, 3)), level="preview")
    view = HeatMap()
    qtbot.addWidget(view)
    view.set_slice(Loaded(tensor, np.ones((4, 3))), plane((4, 3)))
    view.set_cell((1, 2))
    assert view.readout() == "preview [1, 2] = 1.000"


def test_without_data_nothing_is_drawn(qtbot: QtBot, qapp: QApplication) -> None:
    tensor = make_tensor(0, np.ones((8, 3)), level="stats")
    view = HeatMap()
    qtbot.addWidget(view)
    view.set_slice(Loaded(tensor, None), None)
    view.grab()
    assert view._area().isEmpty()


def test_a_click_or_enter_chooses_an_element(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, np.arange(24.0).reshape(2, 3, 4), (1,))
    chosen: list[tuple[int, ...]] = []
    view.element_chosen.connect(chosen.append)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=center(view, 2, 1))
    view.set_cell((0, 3))
    QTest.keyClick(view, Qt.Key.Key_Return)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(1, view.height() - 2))  # beside the picture
    assert chosen == [(1, 2, 1), (1, 0, 3)]


def test_where_cells_share_a_pixel_the_largest_is_chosen(qtbot: QtBot, qapp: QApplication) -> None:
    data = np.zeros((2000, 2))
    data[997, 1] = -5.0
    view = shown(qtbot, data)
    assert view.pooled
    chosen: list[tuple[int, ...]] = []
    view.element_chosen.connect(chosen.append)
    area = view._area()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(area.width() * 3 // 4, 997 * area.height() // 2000))
    assert chosen == [(997, 1)]


def test_a_marked_element_has_a_frame_in_its_slice_only(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, np.ones((2, 6, 6)), (0,))
    plain = picture(view)
    view.mark((1, 2, 3))
    assert picture(view) == plain
    view.mark((0, 2, 3))
    assert picture(view) != plain
    view.mark(None)
    assert picture(view) == plain
