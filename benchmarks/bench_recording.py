"""The recording: how fast tensors and small rows are written, and how fast it opens and seeks."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

import numpy as np

from engine.recording.model import Event, Row, Tensor, Value
from engine.recording.reader import open_recording
from engine.recording.writer import Writer
from tests.recordings import make_chain, make_info, make_tensor

ROUNDS = 5
MILLION = 1_000_000
# Elements of ResNet-18's gradients and parameters of one step, and its activations: 147 MB in 724 tensors.
SIZES = (
    ([2_359_296] * 4 + [1_179_648] * 2 + [589_824] * 3 + [294_912] + [147_456] * 3 + [36_864] * 4 + [524_288]) * 2
    + [65_536] * 100
    + [512] * 588
)


def run() -> list[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        return [*_writing(Path(folder) / "run.chain"), *_reading(Path(folder) / "chain.chain")]


def _writing(path: Path) -> list[tuple[str, str, str]]:
    values = np.random.default_rng(0).standard_normal(max(SIZES)).astype(np.float32)
    sample = make_tensor(0, values[:1000])
    full: list[Row] = [
        Tensor(number, (size,), "float32", "cpu", "full", sample.statistics, None, (size,), values[:size].tobytes())
        for number, size in enumerate(SIZES)
    ]
    small: list[Row] = []
    for number in range(5000):
        small += [
            Tensor(number, (8,), "float32", "cpu", "stats", sample.statistics, sample.histogram),
            Value(number, "grad_output", 0, "", number),
            Event(number, 0, None, "backward", None, None, 0.0),
        ]
    megabytes = sum(SIZES) * 4 / MILLION
    wall, thread = _best(path, full)
    small_wall, small_thread = _best(path, small)
    return [
        ("recording, full tensors of one ResNet-18 step, until closed", f"{megabytes / wall:,.0f} MB/s", "≥ 500 MB/s"),
        ("  processor time of the writer's thread", f"{thread * 1000:,.0f} ms for {megabytes:.0f} MB", ""),
        ("recording, small rows, until closed", f"{len(small) / small_wall:,.0f} rows/s", ""),
        ("  processor time of the writer's thread", f"{small_thread / len(small) * MILLION:.1f} µs a row", ""),
    ]


def _best(path: Path, rows: list[Row]) -> tuple[float, float]:
    """Shortest wall time, and least processor time of other threads, in seconds."""
    walls, threads = [], []
    for _ in range(ROUNDS):
        path.unlink(missing_ok=True)
        wall, process, mine = time.perf_counter(), time.process_time(), time.thread_time()
        with Writer(path, make_info()) as writer:
            writer.put_all(rows)
        walls.append(time.perf_counter() - wall)
        threads.append(time.process_time() - process - (time.thread_time() - mine))
    return min(walls), min(threads)


def _reading(path: Path) -> list[tuple[str, str, str]]:
    make_chain(path, nodes=4000)
    opening, seeking = [], []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        recording = open_recording(path)
        opening.append(time.perf_counter() - begin)
        recording.close()
    chance = random.Random(0)
    with open_recording(path) as recording:
        for _ in range(1000):
            event = chance.randrange(len(recording.timeline))
            begin = time.perf_counter()
            recording.event(recording.timeline.next_phase(recording.timeline.previous_step(event)))
            recording.event(event)
            for value in recording.values(event):
                recording.tensor(value.tensor)
            seeking.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        recording.nodes(0)
        recording.edges(0)
        graph = time.perf_counter() - begin
    return [
        ("recording, open, 10,000 events", f"{min(opening) * 1000:.0f} ms", ""),
        (
            "recording, seek anywhere in 10,000 events and read it, p95",
            f"{np.quantile(seeking, 0.95) * 1000:.2f} ms",
            "",
        ),
        ("recording, read a graph, 5,000 nodes and 4,999 edges", f"{graph * 1000:.0f} ms", ""),
    ]
