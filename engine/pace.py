"""How threads that work for a window leave it the interpreter.

Python hands its lock on after a while, but only where the thread that waits has woken in time. A sort of NumPy's, or a
row of SQLite's, lets go of the lock for some microseconds and takes it again before anybody has woken: a loop of those
kept a window waiting for 40 ms, however short each of them. What does much of that calls `give_way` now and then.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from engine.errors import ChainruleError

WORK_S = 0.002  # between two naps
NAP_S = 0.00005  # enough for another thread to wake
LONG_NAP_S = 0.001
PATIENCE_S = 0.02  # that one waits for the main thread, if it does not rest
LONG_WORK_S = 0.006  # and works then, all the same
AT_WORK = 0.5  # share of the processor's time
PORTION = 200  # rows of a query; about half a millisecond
LARGE = 2_000  # rows of numbers
SEVERAL = 50  # of what a loop goes through

Item = TypeVar("Item")


class GivenUp(ChainruleError):
    """Nobody wants any more what a thread works out."""


class _Own(threading.local):
    due = 0.0  # when this thread naps next
    unwanted: Callable[[], bool] | None = None


def _clock() -> Callable[[], float]:
    """The time that the main thread has worked; where the system does not tell, it seems to rest."""
    main = threading.main_thread().ident
    if main is not None and hasattr(time, "pthread_getcpuclockid"):
        try:
            clock = time.pthread_getcpuclockid(main)
        except OSError:
            pass
        else:
            return lambda: time.clock_gettime(clock)
    return lambda: 0.0


_own = _Own()
_worked = _clock()


def give_way() -> None:
    """Let other threads have the interpreter for a moment, and the main one for as long as it is at work, up to a
    fiftieth of a second. Costs nothing where that was two milliseconds ago, and in the main thread. Within
    `unless` it may raise GivenUp."""
    start = time.perf_counter()
    if start < _own.due or threading.current_thread() is threading.main_thread():
        return
    if _own.unwanted is not None and _own.unwanted():
        raise GivenUp("Nobody wants this any more.")
    now, nap, work = start, NAP_S, WORK_S
    while True:
        before, worked = now, _worked()
        time.sleep(nap)
        now = time.perf_counter()
        if _worked() - worked < AT_WORK * (now - before):
            break
        if now - start > PATIENCE_S:
            work = LONG_WORK_S
            break
        nap = min(2 * nap, LONG_NAP_S)
    _own.due = now + work


@contextmanager
def unless(unwanted: Callable[[], bool]) -> Iterator[None]:
    """What this thread does in here is given up at the next `give_way` after `unwanted` has answered True."""
    before, _own.unwanted = _own.unwanted, unwanted
    try:
        yield
    finally:
        _own.unwanted = before


def gently(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, for a loop over many of them that does little with each."""
    for number, item in enumerate(items):
        if number % SEVERAL == 0:
            give_way()
        yield item


def portions(cursor: sqlite3.Cursor, size: int = PORTION) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a query, some at a time."""
    while some := cursor.fetchmany(size):
        yield some
        give_way()


def rows(cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
    """The same, one by one."""
    for some in portions(cursor):
        yield from some


def integers(table: Iterable[tuple[int, ...]], width: int) -> npt.NDArray[np.int64]:
    """Rows of so many numbers as columns, (width, k): NumPy takes them in one operation of Python's, however many."""
    found = [np.zeros((0, width), dtype=np.int64)]
    waiting = iter(table)
    while some := list(islice(waiting, LARGE)):
        found.append(np.array(some, dtype=np.int64))
        give_way()
    return np.ascontiguousarray(np.concatenate(found).T)
