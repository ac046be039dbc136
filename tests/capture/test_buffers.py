"""Memory is used again, and never while anything still looks at it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from engine.capture.buffers import SMALLEST, Buffers

SIZE = 4 * SMALLEST


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_that_was_let_go_of_is_used_again() -> None:
    buffers = Buffers()
    first = buffers.take(SIZE)
    address = _address(first)
    del first
    assert _address(buffers.take(SIZE)) == address
    assert _address(buffers.take(SIZE - 100)) == address


@pytest.mark.parametrize(
    "looking",
    [
        lambda array: array,
        lambda array: array[5:].view()[:10],
        memoryview,
        lambda array: torch.from_numpy(array).view(torch.float32),
        lambda array: array.view(np.float64).reshape(2, -1),
    ],
)
def test_memory_that_something_looks_at_is_not(looking: object) -> None:
    assert callable(looking)
    buffers = Buffers()
    view = looking(buffers.take(SIZE))
    others = [buffers.take(SIZE) for _ in range(3)]
    for other in others:
        other[:] = 1
    here = np.frombuffer(view, np.uint8) if isinstance(view, memoryview) else np.asarray(view)
    assert not any(np.shares_memory(here, other) for other in others)
    assert len({_address(other) for other in others}) == 3


def test_no_more_is_kept_than_may_be() -> None:
    buffers = Buffers(limit=3 * SIZE)
    many = [buffers.take(SIZE) for _ in range(5)]
    assert len({_address(array) for array in many}) == 5
    del many
    larger = buffers.take(3 * SIZE)
    address = _address(larger)
    del larger
    assert _address(buffers.take(3 * SIZE)) == address


def test_small_and_empty_copies() -> None:
    buffers = Buffers()
    assert [buffers.take(size).size for size in (0, 1, SMALLEST - 1, SMALLEST, SMALLEST + 1)] == [
        0,
        1,
        SMALLEST - 1,
        SMALLEST,
        SMALLEST + 1,
    ]


def test_threads_do_not_get_the_same_memory() -> None:
    buffers = Buffers()
    wrong = []

    def work(mark: int) -> None:
        for _ in range(200):
            array = buffers.take(SMALLEST)
            array[:] = mark
            if (array != mark).any():
                wrong.append(mark)

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
