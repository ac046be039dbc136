"""What no program can be quicker than that reads, or leaves on the disk, what one recorded step has; nor one that is
called by torch where ours is.
"""

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
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from engine.capture.recorder import record
from engine.recording import database
from engine.recording.model import Level

ROUNDS = 5
STEPS = 3
PIECE = 1 << 20  # bytes
BLOCK = 1 << 25  # elements: far more than any cache holds
_SIZES = """SELECT length(data) FROM tensor WHERE data NOT NULL AND id >
    (SELECT max(value.tensor) FROM value JOIN event ON event.id = value.event WHERE event.step < ?)"""


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


def inserting(step: Callable[[], None]) -> float:
    """Seconds that SQLite takes for the tensors of one step at the full level, and for nothing else, where readers may
    look at the same time, and although what it puts into its log need not be copied from there."""
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "run.chain"
        with record(recorded, tensors="full"):
            for _ in range(STEPS):
                step()
        connection = sqlite3.connect(recorded)
        try:
            sizes = [size for (size,) in connection.execute(_SIZES, (STEPS - 1,))]
        finally:
            connection.close()
        rival = database.create(Path(folder) / "floor.chain")
        rival.execute("PRAGMA wal_autocheckpoint = 0")
        return _insertion(rival, sizes)


def _insertion(connection: sqlite3.Connection, sizes: list[int]) -> float:
    """Seconds for blobs of these sizes, in one transaction; closes the connection."""
    connection.execute("CREATE TABLE piece (id INTEGER PRIMARY KEY, data BLOB)")
    content = memoryview(os.urandom(max(sizes)))

    def insert() -> None:
        connection.execute("BEGIN")
        for size in sizes:
            row = connection.execute("INSERT INTO piece (data) VALUES (zeroblob(?))", (size,)).lastrowid
            with connection.blobopen("piece", "data", row or 0) as blob:
                blob.write(content[:size])
        connection.execute("COMMIT")

    try:
        return _median(insert)
    finally:
        connection.close()


def calling(step: Callable[[], None]) -> float:
    """How many times as long a step takes under a mode of each of torch's two kinds, and with a hook at each node of
    the graph: Python functions that do nothing. Steps with and without them take turns."""
    backward: Callable[..., None] = torch.Tensor.backward

    def hooked(loss: torch.Tensor, *arguments: Any, **options: Any) -> None:
        _hook_all(loss.grad_fn)
        backward(loss, *arguments, **options)

    def called() -> None:
        torch.Tensor.backward = hooked  # type: ignore[assignment, method-assign]
        try:
            with _Functions(), _Operators():  # type: ignore[no-untyped-call]
                step()
        finally:
            torch.Tensor.backward = backward  # type: ignore[method-assign]

    plain, ours = [], []
    for _ in range(2 * ROUNDS):
        plain.append(_seconds(step))
        ours.append(_seconds(called))
    return statistics.median(ours) / statistics.median(plain)


class _Functions(TorchFunctionMode):
    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*args, **(kwargs or {}))


class _Operators(TorchDispatchMode):
    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*args, **(kwargs or {}))


def _hook_all(root: Any) -> None:
    seen, waiting = {root}, [root]
    while waiting:
        node = waiting.pop()
        node.register_hook(lambda sent, arrived: None)  # it is told of both sides
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)


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
    return statistics.median(_seconds(work) for _ in range(ROUNDS))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
