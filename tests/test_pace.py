from __future__ import annotations

import itertools
import sqlite3
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from engine import pace


class World:
    """A clock that goes on while one sleeps, and a main thread that works for a share of the time until `until`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, share: float, until: float) -> None:
        self.now = 100.0
        self.naps: list[float] = []
        self._end = self.now + until
        self._share = share
        self._worked = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self._sleep)
        monkeypatch.setattr(pace, "_worked", lambda: self._worked)

    def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self._worked += self._share * min(seconds, max(self._end - self.now, 0.0))
        self.now += seconds


def in_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_the_main_thread_never_waits_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, share=1.0, until=1.0)
    pace.give_way()
    assert not world.naps


def test_another_thread_naps_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, share=0.0, until=0.0)

    def work() -> None:
        for _ in range(100):
            pace.give_way()
            world.now += pace.WORK_S / 10

    in_thread(work)
    assert world.naps == [pace.NAP_S] * 10


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_it_waits_while_the_main_thread_works(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    world = World(monkeypatch, share=share, until=0.01)
    in_thread(pace.give_way)
    assert 0.01 <= sum(world.naps) <= 0.01 + 2 * pace.LONG_NAP_S
    assert max(world.naps) == pace.LONG_NAP_S


def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, share=1.0, until=10.0)

    def work() -> None:
        pace.give_way()
        assert sum(world.naps) <= pace.PATIENCE_S + 2 * pace.LONG_NAP_S
        naps = len(world.naps)
        world.now += pace.WORK_S
        pace.give_way()  # it has something to make up for
        assert len(world.naps) == naps
        world.now += pace.LONG_WORK_S
        pace.give_way()
        assert len(world.naps) > naps

    failed: list[BaseException] = []

    def caught() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    in_thread(caught)
    assert not failed


def test_what_nobody_wants_any_more_is_given_up() -> None:
    unwanted = threading.Event()
    done: list[str] = []

    def work() -> None:
        try:
            with pace.unless(unwanted.is_set):
                pace.give_way()
                done.append("wanted")
                unwanted.set()
                for _ in pace.gently(itertools.count()):
                    pass
        except pace.GivenUp:
            done.append("given up")
        pace.give_way()
        done.append("and on")

    in_thread(work)
    assert done == ["wanted", "given up", "and on"]


def test_the_main_threads_work_can_be_read() -> None:
    before = pace._worked()
    sum(number * number for number in range(200_000))
    assert pace._worked() >= before


@pytest.mark.parametrize("count", [0, 1, pace.PORTION, 3 * pace.PORTION + 7])
def test_all_rows_come_in_their_order(count: int) -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE number (value INTEGER)")
        connection.executemany("INSERT INTO number VALUES (?)", [(value,) for value in range(count)])
        wanted = [(value,) for value in range(count)]
        sql = "SELECT value FROM number ORDER BY value"
        assert [*pace.rows(connection.execute(sql))] == wanted
        portions = [*pace.portions(connection.execute(sql), 50)]
    connection.close()
    assert [row for portion in portions for row in portion] == wanted
    assert all(len(portion) <= 50 for portion in portions)


def test_gently_leaves_nothing_out() -> None:
    assert [*pace.gently(range(1234))] == [*range(1234)]
    assert [*pace.gently(())] == []


@pytest.mark.parametrize("count", [0, 1, pace.LARGE, 2 * pace.LARGE + 3])
def test_integers_become_columns(count: int) -> None:
    table = np.arange(3 * count).reshape(-1, 3)
    columns = pace.integers((tuple(row) for row in table.tolist()), 3)
    assert columns.shape == (3, count)
    assert columns.dtype == np.int64
    assert columns.flags.c_contiguous
    np.testing.assert_array_equal(columns, table.T)
