"""How much of the disk a recording may take: a training run has thousands of steps, and others write there, too."""

from __future__ import annotations

import shutil
from pathlib import Path

LEFT_BY_TENSORS = 4 << 30
LEFT_BY_ALL = 1 << 30


class Room:
    """On the disk of `folder`, for a recording that may take `limit` bytes, or as much as there is.

    Its tensors leave 4 GiB of the disk to others, and half of it if there was less than 8 to begin with; all else
    leaves 1 GiB, or a quarter. A disk that cannot be asked (it raises OSError) counts as large.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.folder = folder
        self.limit = limit
        free = _free(folder)
        self._left_by_tensors = min(LEFT_BY_TENSORS, free // 2)
        self._left_by_all = min(LEFT_BY_ALL, free // 4)

    def why_no_tensors(self, taken: int, later: int = 0) -> str:
        """Why no more tensors should be kept, or nothing.

        `taken`: bytes that the recording has; `later`: bytes that it takes besides while it is made one file.
        """
        if self.limit is not None and taken >= self.limit:
            return f"the recording has taken the {_size(self.limit)} that it may."
        free = _free(self.folder)
        if free - later < self._left_by_tensors:
            needed = f", and {_size(later)} of them are needed to make it one file" if later else ""
            return f"{_size(free)} are left on the disk of {self.folder}{needed}."
        return ""

    def why_nothing(self) -> str:
        """Why nothing more should be written, or nothing."""
        free = _free(self.folder)
        return f"{_size(free)} are left on the disk of {self.folder}." if free < self._left_by_all else ""


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 1 << 62


def _size(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"
