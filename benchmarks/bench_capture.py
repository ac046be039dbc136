"""What recording costs: one recorded training step against the same step unrecorded, in one run.

Steps with and without recording take turns, so that both see the same machine. "sustained" divides the whole time of a
recording, its closing included, by the number of its steps; the other figures are medians of single steps as the script
sees them, while the writer works beside it. It is recorded as for the window, large tensors staying beside the
recording; what it takes to make one file of both has a row of its own. TorchLens does what it can of the same work: it
logs a forward pass.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import torch

from benchmarks import capture_floors
from engine.capture import kernel, torchvision_ops
from engine.capture.recorder import record
from engine.recording import onefile
from engine.recording.model import Level

CASES = (("resnet18", 64, 8), ("resnet18", 224, 6), ("resnet152", 224, 3), ("vit_b_16", 224, 3))
BARS: dict[Level, float] = {"stats": 1.3, "full": 2.0}
ROUNDS = 2
Row = tuple[str, str, str]


def run() -> list[Row]:
    """(what, measured, bar) for each model, size and level, and for TorchLens if it is installed."""
    torchvision_ops.install()
    kernel.build()  # as the program does before it runs a script; the next, too
    gc.freeze()
    rows: list[Row] = []
    for name, pixels, steps in CASES:
        rows += _case(name, pixels, steps)
    return rows


def _case(name: str, pixels: int, steps: int) -> list[Row]:
    step, model, data = _training_step(name, pixels)
    _times(step, 2)
    plain: list[float] = []
    recorded: dict[Level, list[float]] = {level: [] for level in BARS}
    sustained: dict[Level, list[float]] = {level: [] for level in BARS}
    joined: list[float] = []
    for _ in range(ROUNDS):
        for level in BARS:
            plain += _times(step, steps)
            times, whole, joining = _recorded(step, steps, level)
            recorded[level] += times
            sustained[level].append(whole)
            joined += [joining] if level == "full" else []
    floor = statistics.median(plain)
    label = f"{name} at {pixels} px"
    rows = [(f"{label}: plain step", f"{floor * 1e3:.0f} ms", "")]
    for level, bar in BARS.items():
        ratio = statistics.median(recorded[level]) / floor
        lasting = statistics.median(sustained[level]) / floor
        rows.append((f"{label}: recorded, {level}", f"{ratio:.2f}× (sustained {lasting:.2f}×)", f"≤ {bar}×"))
    joining = statistics.median(joined) / floor
    rows.append((f"{label}: full, and then made one file", f"{joining:.2f}× more for each step", "printed"))
    return rows + _floors(label, step, floor) + _torchlens(label, model, data, floor)


def _floors(label: str, step: Callable[[], None], plain: float) -> list[Row]:
    elements, reading = capture_floors.reading(step)
    called = capture_floors.calling(step)
    size, writing = capture_floors.writing(step)
    inserting = capture_floors.inserting(step)
    return [
        (f"{label}: floor, {elements / 1e6:.0f} M elements read once", f"{1 + reading / plain:.2f}×", ""),
        (f"{label}: floor, modes and hooks that do nothing", f"{called:.2f}×", ""),
        (f"{label}: floor, both of them", f"{called + reading / plain:.2f}×", f"≤ {BARS['stats']}×"),
        (f"{label}: floor, {size / 1e6:.0f} MB written", f"{1 + writing / plain:.2f}×", ""),
        (f"{label}: floor, all three", f"{called + (reading + writing) / plain:.2f}×", f"≤ {BARS['full']}×"),
        (f"{label}: rival, as many put into a SQLite file", f"{1 + inserting / plain:.2f}×", "printed"),
    ]


def _training_step(name: str, pixels: int) -> tuple[Callable[[], None], torch.nn.Module, torch.Tensor]:
    """The mission's step: one random image, the sum of all outputs, SGD with momentum."""
    from torchvision.models import get_model

    torch.manual_seed(0)
    model = get_model(name)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    data, labels = torch.rand(1, 3, pixels, pixels), torch.rand(1, 1000)

    def step() -> None:
        loss = (model(data) - labels).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step, model, data


def _times(step: Callable[[], None], count: int) -> list[float]:
    """Seconds of each of `count` calls."""
    found = []
    for _ in range(count):
        start = time.perf_counter()
        step()
        found.append(time.perf_counter() - start)
    return found


def _recorded(step: Callable[[], None], count: int, level: Level) -> tuple[list[float], float, float]:
    """Seconds of each recorded step, and, divided by their number, of all of them with opening and closing, and of
    making one file of the recording."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.chain"
        start = time.perf_counter()
        with record(path, tensors=level, one_file=False):
            times = _times(step, count)
        closed = time.perf_counter()
        onefile.replace(path)
        return times, (closed - start) / count, (time.perf_counter() - closed) / count


def _torchlens(label: str, model: torch.nn.Module, data: torch.Tensor, floor: float) -> list[Row]:
    """TorchLens on the forward pass of the same model."""
    try:
        import torchlens

        version = metadata.version("torchlens")
    except ImportError:
        return [(f"{label}: TorchLens", "not installed", "printed")]
    try:
        start = time.perf_counter()
        torchlens.trace(model, data)
        seconds = time.perf_counter() - start
    except Exception as error:  # a rival's failure is a result, not ours to mend
        return [(f"{label}: TorchLens {version}", f"{type(error).__name__}", "printed")]
    return [
        (f"{label}: TorchLens {version}, forward only", f"{seconds / floor:.1f}× of the whole plain step", "printed")
    ]
