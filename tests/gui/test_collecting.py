"""Objects that refer to each other go when nobody waits; many new ones are not gone through at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.collecting import FEW, MANY, Collecting


class Ring:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def collecting(qtbot: QtBot) -> Iterator[Collecting]:
    gc.collect()
    collecting = Collecting()
    collecting.start()
    yield collecting
    collecting.stop()
    gc.collect()


def rings() -> int:
    return sum(type(each) is Ring for each in gc.get_objects())


def test_python_does_it_by_itself_only_before_and_after(collecting: Collecting) -> None:
    assert not gc.isenabled()
    collecting.stop()
    assert gc.isenabled()


def test_a_few_new_objects_are_gone_through(collecting: Collecting) -> None:
    for _ in range(2 * FEW):
        Ring()
    collecting._look()
    assert rings() == 0


def test_many_wait_until_another_window_has_the_focus(collecting: Collecting) -> None:
    for _ in range(2 * MANY):
        Ring()
    collecting._look()
    collecting._look()
    assert rings() == 2 * MANY
    collecting._state_changed(Qt.ApplicationState.ApplicationActive)
    assert rings() == 2 * MANY
    collecting._state_changed(Qt.ApplicationState.ApplicationInactive)
    assert rings() == 0


def test_nothing_is_done_for_hardly_any(collecting: Collecting) -> None:
    collecting._look()
    Ring()
    collecting._look()
    assert rings() == 1
