"""What no program can be quicker than that reads, or leaves on the disk, what one recorded step has."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from engine.capture.recorder import record
from engine.recording.model import Level

ROUNDS = 5
STEPS = 3
PIECE = 1 << 20  # bytes
BLOCK = 1 << 25  # elements: far more than any cache holds


def reading(step: Callable[[], None]) -> tuple[int, float]:
    """Elements whose statistics each further step has, and the seconds that torch's sum over as many float32 takes."""
    elements = round(_each_step(step, "stats", "SELECT shape FROM tensor", lambda shape: math.prod(json.loads(shape))))
    block = torch.rand(min(elements, BLOCK))
    return elements, _median(block.sum) * elements / max(len(block), 1)


def writing(step: Callable[[], None]) -> tuple[int, float]:
    """Bytes of tensors that each further step leaves at the full level, and the seconds in which the operating system
    takes as many into a new file."""
    size = round(_each_step(step, "full", "SELECT length(data) FROM tensor", lambda length: length or 0))
    piece = os.urandom(PIECE)
    with tempfile.TemporaryDirectory() as folder:

        def write() -> None:
            path = Path(folder) / "floor"
            with path.open("wb", buffering=0) as file:
                for _ in range(size // PIECE):
                    file.write(piece)
            path.unlink()

        return size, _median(write)


def _each_step(step: Callable[[], None], level: Level, query: str, amount: Callable[[Any], int]) -> float:
    """The sum of `amount` over what `query` finds in the rows that each further step adds to a recording."""
    found = []
    for steps in (1, 1 + STEPS):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.chain"
            with record(path, tensors=level):
                for _ in range(steps):
                    step()
            connection = sqlite3.connect(path)
            try:
                found.append(sum(amount(value) for (value,) in connection.execute(query)))
            finally:
                connection.close()
    return (found[1] - found[0]) / STEPS


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
