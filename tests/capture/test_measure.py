"""Statistics of any tensor agree with NumPy's in float64."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from engine.capture import measure as measuring
from engine.capture.buffers import Buffers
from engine.capture.guard import OneThread, Quiet
from engine.capture.kernel import load
from engine.capture.measure import byte_size, flat_view, preview, raw_bytes
from engine.recording.measurement import Measurement
from engine.recording.model import HISTOGRAM_BINS, HISTOGRAM_SAMPLE

SIZES = (1, 7, 4096, 4097, 100_003)
Measure = Callable[[torch.Tensor], Measurement]


@pytest.fixture(params=["torch", "kernel"])
def measure(request: pytest.FixtureRequest) -> Measure:
    """What measures, with the compiled kernel and without."""
    if request.param == "torch":
        return measuring.measure
    kernel = load()
    if kernel is None:
        pytest.skip("there is no C compiler here")
    return partial(measuring.measure, kernel=kernel)


def _expected(values: np.ndarray) -> dict[str, float]:
    finite = values[np.isfinite(values)]
    return {
        "min": finite.min(),
        "max": finite.max(),
        "mean": finite.mean(),
        "std": finite.std(),
        "norm": math.sqrt((finite**2).sum()),
        "zeros": int((finite == 0).sum()),
        "nans": int(np.isnan(values).sum()),
        "infs": int(np.isinf(values).sum()),
    }


def _assert_measured(measure: Measure, tensor: torch.Tensor, values: np.ndarray, tolerance: float) -> None:
    statistics, histogram = measure(tensor).result()
    for name, number in _expected(values).items():
        assert getattr(statistics, name) == pytest.approx(number, rel=tolerance, abs=tolerance * 1e-2), name
    assert histogram is not None
    assert histogram.counts.sum() == min(np.isfinite(values).sum(), HISTOGRAM_SAMPLE)
    assert (histogram.low, histogram.high) == (statistics.min, statistics.max)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", ["normal", "rectified", "far from zero", "constant", "minus zero"])
def test_statistics(measure: Measure, size: int, dtype: torch.dtype, kind: str) -> None:
    base = torch.randn(size, generator=torch.Generator().manual_seed(size))
    tensor = {
        "normal": base,
        "rectified": base.relu(),
        "far from zero": base * 0.01 + 1000.0,
        "constant": torch.full((size,), 3.0),
        "minus zero": torch.where(base > 0, base, -0.0),
    }[kind].to(dtype)
    _assert_measured(measure, tensor, tensor.double().numpy(), 2e-5)


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_squares_neither_overflow_nor_vanish(measure: Measure, size: int, scale: float) -> None:
    tensor = torch.randn(size, generator=torch.Generator().manual_seed(0)) * scale
    statistics, _ = measure(tensor).result()
    values = tensor.double().numpy()
    assert statistics.norm == pytest.approx(math.sqrt((values**2).sum()), rel=1e-5)
    assert statistics.std == pytest.approx(values.std(), rel=1e-5)


@pytest.mark.parametrize("size", SIZES[1:])
def test_what_is_no_number_is_counted_apart(measure: Measure, size: int) -> None:
    tensor = torch.randn(size, generator=torch.Generator().manual_seed(1))
    tensor[0], tensor[1], tensor[2], tensor[3] = float("nan"), float("inf"), float("-inf"), 0.0
    statistics, histogram = measure(tensor).result()
    expected = _expected(tensor.double().numpy())
    for name in ("min", "max", "mean", "std", "norm", "zeros", "nans", "infs"):
        assert getattr(statistics, name) == pytest.approx(expected[name], rel=1e-5), name
    assert histogram is not None
    assert histogram.counts.sum() > 0


@pytest.mark.parametrize("size", [3, 5000])
def test_nothing_but_nan(measure: Measure, size: int) -> None:
    statistics, histogram = measure(torch.full((size,), float("nan"))).result()
    assert (statistics.nans, statistics.min, statistics.norm, histogram) == (size, None, None, None)


def test_an_empty_tensor(measure: Measure) -> None:
    statistics, histogram = measure(torch.empty(0, 3)).result()
    assert (statistics.min, statistics.zeros, histogram) == (None, 0, None)


@pytest.mark.parametrize("size", [5, 6000])
def test_other_kinds_of_numbers(measure: Measure, size: int) -> None:
    integers = torch.arange(size) - 2
    _assert_measured(measure, integers, integers.double().numpy(), 1e-9)
    _assert_measured(measure, integers > 0, (integers > 0).double().numpy(), 1e-9)
    numbers = torch.complex(torch.arange(size) * 1.0, torch.ones(size))
    _assert_measured(measure, numbers, np.abs(numbers.numpy()).astype(np.float64), 1e-5)


def test_the_histogram_counts_what_numpy_counts(measure: Measure) -> None:
    tensor = torch.rand(4000, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    _, histogram = measure(tensor).result()
    counts, _ = np.histogram(tensor.numpy(), bins=HISTOGRAM_BINS)
    assert histogram is not None
    assert np.abs(histogram.counts - counts).sum() <= 2  # an element on the border of two bins


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t.t(),
        lambda t: t[::2, 1:],
        lambda t: t.permute(1, 0)[:, ::3],
        lambda t: t[:1].expand(5, -1),
        lambda t: t[0, 0],
        lambda t: t[:, ::2],
        lambda t: t.reshape(-1)[1::3],
        lambda t: t[:1, :1].expand(90, 70),
        lambda t: t[0, 0].expand(300_000),
        lambda t: t.to(memory_format=torch.contiguous_format).unsqueeze(0).transpose(0, 2),
    ],
)
def test_views_are_measured_by_their_own_elements(measure: Measure, view: object) -> None:
    assert callable(view)
    tensor = view(torch.randn(200, 150, generator=torch.Generator().manual_seed(4)).relu())
    assert sorted(flat_view(tensor).tolist()) == sorted(tensor.reshape(-1).tolist())
    _assert_measured(measure, tensor, tensor.double().numpy().reshape(-1), 1e-5)
    assert raw_bytes(tensor, Buffers()).tobytes() == tensor.contiguous().numpy().tobytes()


@pytest.mark.parametrize("seed", range(40))
def test_any_view_of_a_view_is_measured_as_numpy_does(measure: Measure, seed: int) -> None:
    chance = random.Random(seed)
    dtype = chance.choice([torch.float32, torch.float64, torch.bfloat16, torch.bool, torch.int64, torch.complex64])
    sides = chance.sample([1, 2, 3, 7, 1000, 40, 1], chance.randint(1, 5))
    tensor = (torch.randn(sides, generator=torch.Generator().manual_seed(seed)).relu() * 10).to(dtype)
    for _ in range(chance.randint(1, 4)):
        tensor = _view(tensor, chance)
    values = tensor.to(torch.complex128 if dtype.is_complex else torch.float64).abs().numpy().reshape(-1)
    _assert_measured(measure, tensor, values, 1e-5)


def _view(tensor: torch.Tensor, chance: random.Random) -> torch.Tensor:
    """Elements left out, repeated, or in another order."""
    if not tensor.dim():
        return tensor.expand(5000)
    side = chance.randrange(tensor.dim())
    length = tensor.shape[side]
    ways: list[Callable[[], torch.Tensor]] = [
        lambda: tensor.transpose(side, 0),
        lambda: tensor.narrow(side, length // 2, length - length // 2),
        lambda: tensor.movedim(side, -1)[..., :: chance.choice([2, 3])],
        lambda: tensor.select(side, length // 2),
        lambda: tensor.narrow(side, 0, 1).expand([70 if i == side else -1 for i in range(tensor.dim())]),
        lambda: tensor.unsqueeze(side),
        lambda: tensor.flatten(),
    ]
    return chance.choice(ways)()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_histogram_of_numbers_next_to_zero(measure: Measure, dtype: torch.dtype) -> None:
    """A bin that is narrower than one over the largest number."""
    tiny = torch.finfo(dtype).tiny
    values = torch.tensor([0.0, 0.25, 0.5, 1.0], dtype=dtype) * tiny
    histogram = measure(values).result()[1]
    assert histogram is not None
    assert histogram.counts[[0, 16, 32, HISTOGRAM_BINS - 1]].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("shape", [(5000,), (3, 5000), (70, 70), (2, 3, 4, 1000), (4096,)])
def test_a_preview_is_a_small_even_sample(shape: tuple[int, ...]) -> None:
    tensor = torch.arange(math.prod(shape)).reshape(shape)
    part = preview(tensor)
    assert part.dim() == tensor.dim()
    assert 512 <= part.numel() <= 4096
    assert set(part.reshape(-1).tolist()) <= set(tensor.reshape(-1).tolist())


def test_a_quiet_look_is_not_seen(measure: Measure) -> None:
    w = torch.randn(5000, requires_grad=True)
    number = torch._C._autograd._get_sequence_nr()
    version = w._version
    with Quiet():
        measure(w)
        raw_bytes(w, Buffers())
    assert torch._C._autograd._get_sequence_nr() == number
    assert w._version == version


def test_threads_are_as_many_as_before(measure: Measure) -> None:
    before = torch.get_num_threads()
    with OneThread():
        measure(torch.randn(100_000))
    assert torch.get_num_threads() == before


def test_a_jagged_tensor_is_as_large_as_its_values() -> None:
    jagged = torch.nested.nested_tensor([torch.ones(3, 4), torch.ones(5, 4)], layout=torch.jagged)
    assert byte_size(jagged) == 8 * 4 * 4
    assert byte_size(torch.ones(3, dtype=torch.float64)) == 24
