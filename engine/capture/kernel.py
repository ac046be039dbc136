"""The compiled reading of tensors: `measure.c`, where a C compiler has been found.

Statistics take much of the time that recording takes. C reads the numbers once, where torch and NumPy read them four
times, call by call, and it reads large tensors with all the threads that torch's own kernels have. The program does the
same without it, only slower. `build` compiles the source into the user's cache, once for each version of it; it starts
a process, so it is called before a script is run and never beside one.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.recording.measurement import FIGURES, Figures
from engine.recording.model import HISTOGRAM_BINS, HISTOGRAM_RUNS, HISTOGRAM_SAMPLE

if TYPE_CHECKING:
    import torch

SOURCE = Path(__file__).with_name("measure.c")
_COMPILERS = ("cc", "gcc", "clang")
_OPTIONS = (
    "-std=c11", "-O3", "-fPIC", "-shared",
    f"-DSAMPLE={HISTOGRAM_SAMPLE}", f"-DBINS={HISTOGRAM_BINS}", f"-DRUNS={HISTOGRAM_RUNS}",
)  # fmt: skip
_PATIENCE = 60.0  # seconds that a compiler may take; it takes a quarter of one
_ROOM = 1024  # results that share a piece of memory
_BYTES = (FIGURES + HISTOGRAM_BINS) * 8

_Function = Callable[[int, int, int, int], None]


def build() -> Path | None:
    """Compile what is not compiled yet; None where that cannot be done. Other processes may do the same meanwhile."""
    try:
        path = _library()
        if path.exists():
            return path
        compiler = _compiler()
        if compiler is None:
            return None
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder) / path.name
            if any(_compiles([*compiler, *_OPTIONS, *levels], made) for levels in (("-DLEVELS",), ())):
                made.replace(path)
                return path
    except (OSError, RuntimeError, ValueError):  # no place to put it, no home, quotes in CC that are not closed
        pass
    return None


def _compiles(command: list[str], output: Path) -> bool:
    try:
        done = subprocess.run(
            [*command, "-o", str(output), str(SOURCE), "-lm"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _compiler() -> list[str] | None:
    """How to call it: what the variable CC says, or the first that is found. On Windows the usual one is another."""
    if sys.platform == "win32":
        return None
    named = shlex.split(os.environ.get("CC", ""))
    return named or next(([found] for name in _COMPILERS if (found := shutil.which(name))), None)


def _library() -> Path:
    """Where it lies once it is compiled: another source, or another kind of processor, has another name."""
    told = SOURCE.read_bytes() + " ".join(_OPTIONS).encode()
    name = f"measure-{platform.system()}-{platform.machine()}-{hashlib.sha256(told).hexdigest()[:16]}.so"
    home = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(os.environ.get("XDG_CACHE_HOME") or home) / "chainrule" / name


class Kernel:
    """Measures tensors in the processor's memory. Not for several threads at once.

    `functions` take the address of numbers of a dtype, how many there are, and where figures and counts go.
    """

    def __init__(self, functions: dict[torch.dtype, _Function]) -> None:
        self._functions = functions
        self._room: Figures = np.empty((0, _BYTES // 8))
        self._address = 0
        self._used = 0

    def measure(self, tensor: torch.Tensor, count: int) -> Figures | None:
        """Figures of a strided tensor on the CPU with `count` elements, which lie side by side, in any order.

        None of none, and of a dtype that it does not know.
        """
        function = self._functions.get(tensor.dtype)
        if function is None or not count:
            return None
        if self._used == len(self._room):
            self._room = np.empty((_ROOM, _BYTES // 8))
            self._address = self._room.ctypes.data
            self._used = 0
        place = self._address + self._used * _BYTES
        function(tensor.data_ptr(), count, place, place + FIGURES * 8)
        figures: Figures = self._room[self._used]
        self._used += 1
        return figures


def load() -> Kernel | None:
    """What `build` has compiled, if it can be used here."""
    import torch

    from engine.capture.guard import OPENMP

    try:
        path = _library()
        if not path.exists():
            return None
        # One that keeps the interpreter lock: to get it back would take longer than the reading.
        library = ctypes.PyDLL(str(path))
        functions = {
            torch.float32: library.measure_float32,
            torch.float64: library.measure_float64,
            torch.bool: library.measure_bool,
        }
        library.share.argtypes = (ctypes.c_void_p,)
        library.share.restype = None
        library.share(getattr(OPENMP, "GOMP_parallel", None))
    except (OSError, AttributeError, RuntimeError):  # made for another system, no home
        return None
    for function in functions.values():
        function.argtypes = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
        function.restype = None
    return Kernel({**functions})
