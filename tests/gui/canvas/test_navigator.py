from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.canvas.lod import snapped
from gui.canvas.navigator import Navigator

BOUNDS = (0.0, 0.0, 2000.0, 1000.0)


@pytest.fixture
def navigator(qtbot: QtBot) -> Iterator[Navigator]:
    theme.set_reduced_motion(False)
    made = Navigator()
    made.resize(800, 600, 1.0)
    yield made
    made.stop()
    theme.set_reduced_motion(None)


def test_a_flight_ends_where_it_should(navigator: Navigator, qtbot: QtBot) -> None:
    navigator.fit(BOUNDS, fly=True)
    assert navigator.flying
    assert navigator.target.shows(0, 0)
    qtbot.waitUntil(lambda: not navigator.flying)
    assert navigator.camera == navigator.camera.fitted(BOUNDS)
    assert navigator.still_fitted


def test_no_flight_with_reduced_motion(navigator: Navigator) -> None:
    theme.set_reduced_motion(True)
    navigator.fly_to(500, 500, least=1.0)
    assert not navigator.flying
    assert (navigator.camera.x, navigator.camera.y) == (500, 500)
    assert navigator.camera.scale == 1.0


def test_the_user_takes_over(navigator: Navigator) -> None:
    navigator.fit(BOUNDS, fly=True)
    navigator.pan(10, 0)
    assert not navigator.flying
    assert not navigator.still_fitted


def test_whole_steps_stay_on_the_ladder_and_parts_settle_there(navigator: Navigator, qtbot: QtBot) -> None:
    navigator.zoom(2, 100, 100)
    assert navigator.camera.scale == pytest.approx(2**0.25)
    assert navigator.sprite_scale == navigator.camera.scale
    navigator.zoom(0.3, 100, 100)
    assert navigator.camera.scale != pytest.approx(snapped(navigator.camera.scale))
    assert navigator.sprite_scale == snapped(navigator.camera.scale)
    qtbot.waitUntil(lambda: navigator.camera.scale == snapped(navigator.camera.scale) and not navigator.flying)


def test_a_finer_screen_shows_the_same_part(navigator: Navigator) -> None:
    navigator.fly_to(300, 200, fly=False)
    before = navigator.camera.bounds()
    navigator.resize(1600, 1200, 2.0)
    assert navigator.camera.bounds() == pytest.approx(before)
