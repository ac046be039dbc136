"""Recordings with one number changed, as no program would leave them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

from engine.recording.reader import open_recording


def disturb(path: Path, event: int, role: str, name: str, slot: int, index: tuple[int, ...], number: float) -> None:
    """Let a tensor of an event hold `number` at `index`; other events keep the tensor that they have.

    The last index of a complex tensor says which part.
    """
    recording = open_recording(path)
    value = next(v for v in recording.values(event) if (v.role, v.name, v.slot) == (role, name, slot))
    data = np.array(recording.data(value.tensor))
    dtype = recording.tensor(value.tensor).dtype
    recording.close()
    parts = data.view(data.real.dtype).reshape(*data.shape, 2) if data.dtype.kind == "c" else data
    parts[index] = number
    with sqlite3.connect(path) as connection:
        (last,) = connection.execute("SELECT max(id) FROM tensor").fetchone()
        row = list(connection.execute("SELECT * FROM tensor WHERE id = ?", (value.tensor,)).fetchone())
        row[0], row[-1] = last + 1, _bytes(data, dtype)
        connection.execute(f"INSERT INTO tensor VALUES ({','.join('?' * len(row))})", row)
        connection.execute(
            "UPDATE value SET tensor = ? WHERE event = ? AND role = ? AND slot = ? AND name = ?",
            (last + 1, event, role, slot, name),
        )
    connection.close()


def _bytes(data: Any, dtype: str) -> bytes:
    if dtype == "bfloat16":  # the upper half of a float32
        return bytes((data.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes())
    return bytes(data.tobytes())
