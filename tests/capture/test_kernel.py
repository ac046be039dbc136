"""The compiled reading of tensors gives what NumPy gives, and nothing is missing without it."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.capture import kernel, tensors
from engine.capture.recorder import record
from engine.recording.measurement import Measurement, histogram_of_few, statistics_of_few
from engine.recording.model import LEVELS, Histogram, Statistics
from engine.recording.reader import Recording

COMPILER = kernel._compiler()
compiled = pytest.mark.skipif(kernel.load() is None, reason="there is no C compiler here")
ARRAYS = st.sampled_from([np.float32, np.float64]).flatmap(
    lambda dtype: hnp.arrays(dtype, st.integers(1, 70), elements={"allow_subnormal": False})
) | hnp.arrays(np.bool_, st.integers(1, 70))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@compiled
@given(ARRAYS)
@example(np.array([1e200, -1e300]))
@example(np.array([1e-200, 3e-200]))
@example(np.array([-1.7e308, 1.7e308]))
@example(np.array([0.0, 1e-35]))
@example(np.array([-3e38, 1.0, 3e38], np.float32))
@example(np.array([0x7F800001, 0xFF800003, 0x3F800000, 0], np.uint32).view(np.float32))
@example(np.array([np.inf, np.nan, -np.inf]))
@example(np.array([2.0, 2.0, np.nan]))
def test_it_measures_what_numpy_measures(array: np.ndarray) -> None:
    statistics, histogram = _measured(torch.from_numpy(array))
    with np.errstate(invalid="ignore"):
        wide = array.astype(np.float64)
    expected = statistics_of_few(wide)
    for name in ("min", "max", "nans", "infs") if expected.min is None else ("min", "max", "zeros", "nans", "infs"):
        assert getattr(statistics, name) == getattr(expected, name), name
    scale = max(abs(expected.min or 0.0), abs(expected.max or 0.0))
    for name in ("mean", "std", "norm"):
        made, number = getattr(statistics, name), getattr(expected, name)
        assert made == (None if number is None else pytest.approx(number, rel=1e-9, abs=1e-14 * scale)), name
    alone = histogram_of_few(wide, expected)
    assert (histogram is None) == (alone is None)
    if histogram is not None and alone is not None:
        assert (histogram.low, histogram.high) == (alone.low, alone.high)
        # An element on the border of two bins may be in either.
        assert np.abs(np.cumsum(histogram.counts - alone.counts)).max() <= 1
        assert histogram.counts.sum() == alone.counts.sum()


@compiled
@pytest.mark.parametrize("size", [2**18 - 1, 2**18, 2**18 + 1, 2**20 + 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_])
@pytest.mark.parametrize("last", [3.0, np.nan])
def test_a_large_tensor_is_measured_to_its_last_element(size: int, dtype: type, last: float) -> None:
    array: np.ndarray = np.random.default_rng(size).normal(0.5, size=size).clip(min=0).astype(dtype)
    array[-1] = last
    statistics, histogram = _measured(torch.from_numpy(array))
    expected = statistics_of_few(array.astype(np.float64))
    for name in ("min", "max", "zeros", "nans", "infs"):
        assert getattr(statistics, name) == getattr(expected, name), name
    for name in ("mean", "std", "norm"):
        assert getattr(statistics, name) == pytest.approx(getattr(expected, name), rel=1e-9), name
    assert histogram is not None
    assert 4000 < histogram.counts.sum() <= 4096
    assert histogram.counts[0] / histogram.counts.sum() == pytest.approx(
        (array < np.nanmax(array) / 64).mean(), abs=0.05
    )


@compiled
def test_figures_do_not_depend_on_the_number_of_threads() -> None:
    tensor = torch.from_numpy(np.random.default_rng(0).normal(size=3_000_001).astype(np.float32))
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 3, 8):
            torch.set_num_threads(count)
            found.append(_measured(tensor)[0])
    finally:
        torch.set_num_threads(threads)
    assert len(set(map(dataclasses.astuple, found))) == 1


@compiled
def test_any_byte_of_a_bool_but_zero_is_one() -> None:
    statistics, _ = _measured(torch.tensor([0, 1, 7, 255], dtype=torch.uint8).view(torch.bool))
    assert (statistics.min, statistics.max, statistics.mean, statistics.zeros) == (0.0, 1.0, 0.75, 1)


@compiled
@pytest.mark.parametrize("tensor", [torch.arange(12.0).reshape(3, 4).t(), torch.arange(12).reshape(3, 4).t() > 5])
def test_a_small_transpose_is_measured_where_it_lies(tensor: torch.Tensor) -> None:
    for level in LEVELS:
        store = tensors.TensorStore(level, 1 << 20)
        (row,) = store.referred(store.take(tensor))
        assert row.measurement.figures() is not None
        assert row.held == 0
        assert row.measurement.result()[0].max == tensor.max()
        if level == "full":
            assert bytes(row.data) == tensor.contiguous().numpy().tobytes()


@compiled
def test_a_thousand_results_are_kept_apart() -> None:
    measured = kernel.load()
    assert measured is not None
    found = []
    for number in range(3000):
        figures = measured.measure(torch.tensor([float(number)]), 1)
        assert figures is not None
        found.append(Measurement.made(figures))
    assert [measurement.result()[0].max for measurement in found] == [float(number) for number in range(3000)]


@compiled
@pytest.mark.parametrize("tensor", [torch.ones(3, dtype=torch.float16), torch.ones(3, dtype=torch.int64)])
def test_other_dtypes_are_left_to_others(tensor: torch.Tensor) -> None:
    measured = kernel.load()
    assert measured is not None
    assert measured.measure(tensor, 3) is None
    assert measured.measure(torch.ones(0), 0) is None


@compiled
def test_it_is_compiled_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel.load() is None
    path = kernel.build()
    assert path is not None
    assert [path] == [file for file in cache.rglob("*") if file.is_file()]
    monkeypatch.setenv("CC", "false")
    assert kernel.build() == path
    assert kernel.load() is not None


@compiled
def test_it_is_ordinary_c(tmp_path: Path) -> None:
    assert COMPILER is not None
    strict = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-command-line-argument"]
    subprocess.run(
        [*COMPILER, *kernel._OPTIONS, *strict, "-o", tmp_path / "measure.so", kernel.SOURCE, "-lm"], check=True
    )


@pytest.mark.parametrize("compiler", ["false", "there-is-no-such-compiler", "", "'"])
def test_without_a_compiler_nothing_is_left_behind(compiler: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", compiler)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert kernel.build() is None
    assert kernel.load() is None
    assert not [file for file in cache.rglob("*") if file.is_file()]


@pytest.mark.parametrize("content", [b"", b"no library"])
def test_what_cannot_be_loaded_is_not_used(content: bytes, cache: Path) -> None:
    path = kernel._library()
    path.parent.mkdir()
    path.write_bytes(content)
    assert kernel.load() is None


def test_a_cache_that_is_no_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "file"))
    assert kernel.build() is None
    assert kernel.load() is None


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", home)
    assert kernel.build() is None
    assert kernel.load() is None


@compiled
def test_a_recording_says_the_same_with_it_and_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [_recorded(tmp_path / "with.chain")]
    monkeypatch.setattr(tensors, "load", lambda: None)
    found.append(_recorded(tmp_path / "without.chain"))
    assert len(found[0]) == len(found[1]) > 50
    for (one, bins), (other, other_bins) in zip(*found, strict=True):
        assert one == pytest.approx(other, rel=1e-5, abs=1e-7)
        assert np.abs(np.cumsum(np.subtract(bins, other_bins))).max() <= 2


def _recorded(path: Path) -> list[tuple[list[float], list[int]]]:
    """Statistics and counts of each tensor."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(100, 80), torch.nn.ReLU(), torch.nn.Linear(80, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    data = torch.randn(16, 100)
    with record(path, tensors="stats"):
        for _ in range(3):
            optimizer.zero_grad()
            model(data).pow(2).sum().backward()
            optimizer.step()
    with Recording(path) as recording:
        used = {value.tensor for event in range(len(recording.timeline)) for value in recording.values(event)}
        rows = [recording.tensor(number) for number in sorted(used)]
    return [(_figures(row.statistics), [] if row.histogram is None else row.histogram.counts.tolist()) for row in rows]


def _figures(statistics: Statistics) -> list[float]:
    return [value or 0.0 for value in dataclasses.astuple(statistics)]


def _measured(tensor: torch.Tensor) -> tuple[Statistics, Histogram | None]:
    measured = kernel.load()
    assert measured is not None
    figures = measured.measure(tensor, tensor.numel())
    assert figures is not None
    return Measurement.made(figures).result()
