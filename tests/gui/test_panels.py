"""Where the docks stand, and what they get back when they are seen again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from gui.app import create_window
from gui.panels import TABBED
from gui.window import MainWindow


def height_of(window: MainWindow, name: str) -> int:
    return window.panels._height(name)


def bring(window: MainWindow, qtbot: QtBot, name: str) -> int:
    """Look at a tab; how high it stands when it has come to rest."""
    heights: list[int] = []

    def rests() -> bool:
        heights.append(height_of(window, name))
        return len(heights) >= 10 and len(set(heights[-10:])) == 1

    window.panels[name].show()
    window.panels[name].raise_()
    qtbot.waitUntil(lambda: not window.panels[name].visibleRegion().isEmpty() and name not in window.panels._waiting)
    qtbot.waitUntil(rests)
    return heights[-1]


@pytest.fixture
def low_and_tall(window: MainWindow, qtbot: QtBot) -> tuple[int, int]:
    """How high the charts are, and the memory panel, which is looked at."""
    window.resize(790, 760)
    window.panels.reset()
    low, tall = bring(window, qtbot, "charts"), bring(window, qtbot, "memory")
    assert tall > low + 100
    return low, tall


@pytest.fixture
def again(window: MainWindow, low_and_tall: tuple[int, int], qtbot: QtBot) -> Iterator[MainWindow]:
    """Another start, after one that ended as the test's mark says: `hidden` tabs, or as they were."""
    window.close()
    other = create_window()
    other.keeps_host_ready = False
    other.show()
    yield other
    other.close()
    other.deleteLater()


def test_what_a_tall_tab_took_is_given_back_after_another_start(
    again: MainWindow, low_and_tall: tuple[int, int], qtbot: QtBot
) -> None:
    low, tall = low_and_tall
    assert bring(again, qtbot, "memory") == tall
    assert bring(again, qtbot, "charts") == low


@pytest.mark.parametrize("first", ["charts", "memory"])
def test_tabs_that_were_all_put_away_come_back_with_room(
    window: MainWindow, low_and_tall: tuple[int, int], qtbot: QtBot, first: str
) -> None:
    for name in TABBED:
        window.panels[name].hide()
    window.close()
    other = create_window()
    other.keeps_host_ready = False
    other.show()
    expected = {"charts": low_and_tall[0], "memory": low_and_tall[1]}[first]
    assert bring(other, qtbot, first) >= expected - 1
    assert bring(other, qtbot, "charts") == low_and_tall[0]
    other.close()
    other.deleteLater()
