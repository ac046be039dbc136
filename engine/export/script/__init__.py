"""A recorded training step as a program: plain Python and NumPy, without torch and without chainrule.

`registry` says how a type of node is added; `kernels` and `kernels_convolution` are the functions that programs are
given; `update` has the optimizers; `program` puts the lines of all nodes in order, `layout` makes a program of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np

from engine.export.files import save, whole
from engine.export.script.program import write_program
from engine.export.script.reading import read_step
from engine.recording.reader import Recording


def write(recording: Recording, step: int, target: Path) -> None:
    """Training step `step` as a program at `target`, and an .npz beside it with the arrays that it reads, if any.

    Raises UsageError if the step has no backward pass or not every element that is needed, or a file cannot be written.
    """
    beside = target.with_suffix(".npz")
    text, arrays = write_program(read_step(recording, step), beside.name)
    if not arrays:
        save(text, target)
        return
    with whole(beside) as numbers:  # if one of the two cannot be written, neither is there
        with numbers.open("wb") as file:
            np.savez(file, **cast(dict[str, Any], arrays))
        save(text, target)
