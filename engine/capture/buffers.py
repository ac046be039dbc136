"""Memory for copies of tensors, used again once the writer has let go of it.

Memory that is fresh from the system costs several times what copying into it does: each page is mapped and cleared
when it is touched first, and given back when the copy is let go of. Steps are alike, so what one step's copies lay in
suits the next one's.
"""

from __future__ import annotations

import sys
import threading

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
SMALLEST = 64 << 10  # bytes; what is smaller comes from memory that is mapped already


def _references(pieces: list[Bytes], place: int) -> int:
    """Views refer to the array that owns the memory, not to other views: their number tells whether any is left."""
    return sys.getrefcount(pieces[place])


_UNUSED = _references([np.empty(0, np.uint8)], 0)  # how many there are, with those of the question, differs by Python


class Buffers:
    """Keeps up to `limit` bytes. May be used in any thread."""

    def __init__(self, limit: int = 256 << 20) -> None:
        self._limit = limit
        self._kept = 0
        self._pieces: dict[int, list[Bytes]] = {}
        self._lock = threading.Lock()

    def take(self, size: int) -> Bytes:
        """An array of `size` bytes, with anything in it; it is used again when no array is left that looks at it."""
        if size < SMALLEST:
            return np.empty(size, np.uint8)
        room = _rounded(size)
        with self._lock:
            pieces = self._pieces.get(room, [])
            for place in range(len(pieces)):
                if _references(pieces, place) == _UNUSED:
                    return pieces[place][:size]
            fresh = np.empty(room, np.uint8)
            if self._kept + room > self._limit:
                self._drop(room)
            if self._kept + room <= self._limit:
                self._pieces.setdefault(room, pieces).append(fresh)
                self._kept += room
            return fresh[:size]

    def _drop(self, wanted: int) -> None:
        """Let go of pieces of other sizes that nobody uses, until there is room for as many bytes."""
        for room in list(self._pieces):
            if room == wanted:
                continue
            pieces = self._pieces[room]
            for place in reversed(range(len(pieces))):
                if _references(pieces, place) == _UNUSED:
                    del pieces[place]
                    self._kept -= room
                if self._kept + wanted <= self._limit:
                    return


def _rounded(size: int) -> int:
    """Up to an eighth more, so that sizes that differ a little can use the same memory."""
    step = 1 << max((size - 1).bit_length() - 4, 12)
    return -(-size // step) * step
