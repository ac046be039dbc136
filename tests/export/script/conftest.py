"""Records scripts, each once; writes a step as a program; runs that where only NumPy can be imported."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from engine.capture.recorder import record
from engine.export.script import write
from engine.recording.reader import open_recording

GUARD = """
import runpy, sys

class OnlyNumPy:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root != "numpy" and root not in sys.stdlib_module_names:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, OnlyNumPy())
for name in ("torch", "engine"):
    try:
        __import__(name)
    except ImportError:
        continue
    raise SystemExit(f"{name} can be imported")
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@dataclass(frozen=True)
class Written:
    """A program that was written, and how it is run."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @property
    def beside(self) -> Path:
        return self.path.with_suffix(".npz")

    def run(self) -> tuple[int, str]:
        """Exit code and output, in an isolated interpreter in which nothing but NumPy can be imported."""
        command = [sys.executable, "-I", "-W", "error", "-c", GUARD, str(self.path)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.path.parent, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    def replace(self, old: str, new: str) -> None:
        """Tamper with the text."""
        assert old in self.text
        self.path.write_text(self.text.replace(old, new), "utf-8")

    def change(self, name: str, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> None:
        """Tamper with one of the arrays."""
        with np.load(self.beside) as file:
            arrays = dict(file)
        arrays[name] = change(arrays[name])
        np.savez(self.beside, **arrays)


Record = Callable[..., Path]
Write = Callable[..., Written]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """`recorded(text, tensors="full")`: the recording of a script with that text."""
    folder = tmp_path_factory.mktemp("scripts")

    @cache
    def recording_of(text: str, tensors: Any = "full") -> Path:
        number = sum(1 for _ in folder.glob("*.chain"))
        script, path = folder / f"script{number}.py", folder / f"script{number}.chain"
        script.write_text(text, "utf-8")
        with record(path, script=str(script), tensors=tensors):
            runpy.run_path(str(script), run_name="__main__")
        return path

    return recording_of


@pytest.fixture
def written(recorded: Record, tmp_path: Path) -> Write:
    """`written(text, step)`: that step of the script as a program."""

    def program(text: str, step: int = 0) -> Written:
        target = tmp_path / "step.py"
        with open_recording(recorded(text)) as recording:
            write(recording, step, target)
        return Written(target)

    return program
