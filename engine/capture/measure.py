"""What is kept of a tensor: its statistics, its histogram, its bytes.

Everything here only reads. The caller holds a `Quiet`, so that nothing of it is seen by autograd. Statistics of large
tensors go piece by piece through torch's own vectorized kernels; small ones through NumPy in float64, which is
quicker below a few thousand elements, and of which many are measured together later.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.capture.buffers import Buffers
from engine.capture.guard import OneThread
from engine.capture.kernel import Kernel
from engine.recording.measurement import Measurement, statistics_of_few
from engine.recording.model import HISTOGRAM_RUNS, HISTOGRAM_SAMPLE, Shape, Statistics

PREVIEW_ELEMENTS = 4096
_SMALL = 4096
_PIECE = 262144
_NATIVE = {torch.float32, torch.float64}
_NUMPY: dict[torch.dtype, Any] = {
    getattr(torch, name): np.dtype(name)
    for name in ("float32", "float64", "float16", "bool", "uint8", "int8", "int16", "int32", "int64")
}
_NARROW = {torch.float16, torch.bfloat16} | {
    getattr(torch, name)
    for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu")
    if hasattr(torch, name)
}

EMPTY = Statistics(None, None, None, None, None, 0, 0, 0)


@cache
def dtype_name(dtype: torch.dtype) -> str:
    """torch's name without the prefix: "float32"."""
    return str(dtype).removeprefix("torch.")


def is_readable(tensor: torch.Tensor) -> bool:
    """Whether there are elements in memory to look at: not sparse, nested, fake, wrapped, or on the meta device."""
    return (
        tensor.layout is torch.strided
        and tensor.device.type != "meta"
        and not tensor.is_nested
        and not tensor.is_quantized
        and not tensor._is_zerotensor()
        and not _is_wrapped(tensor)
        and (_has_memory(tensor) if type(tensor) in (torch.Tensor, torch.nn.Parameter) else _has_storage(tensor))
    )


def inner_tensor(tensor: torch.Tensor) -> torch.Tensor | None:
    """The one that a tensor of a class of its own stands for, as a `DTensor` does for this process's part of it.

    None if there is no such tensor, or several, or its shape is another.
    """
    flatten = getattr(type(tensor), "__tensor_flatten__", None)
    parts = [getattr(tensor, name) for name in flatten(tensor)[0]] if flatten is not None else []
    inner = [part for part in parts if isinstance(part, torch.Tensor)]
    return inner[0] if len(inner) == 1 and inner[0].shape == tensor.shape and is_readable(inner[0]) else None


def dense_equivalent(tensor: torch.Tensor, limit: int) -> torch.Tensor | None:
    """The same numbers without gaps, of a sparse tensor that would have at most `limit` of them; None of any other.

    Autograd's own zeros, which have no memory, are one, too.
    """
    if tensor.is_nested or _is_wrapped(tensor) or tensor.device.type == "meta":
        return None
    if tensor._is_zerotensor():
        return torch.zeros(tensor.shape, dtype=tensor.dtype)
    if tensor.layout is torch.strided:
        return None
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter) or tensor.numel() > limit:
        return None
    try:
        # Of a compressed layout, `to_dense` counts up the version of what it reads: read a copy.
        return tensor.detach().clone().to_dense()
    except (RuntimeError, NotImplementedError):
        return None


# Inside torch.func's transforms a tensor stands for others.
_is_wrapped: Callable[[torch.Tensor], bool] = torch._C._functorch.is_functorch_wrapped_tensor


def _has_memory(tensor: torch.Tensor) -> bool:
    """Not where it stands for several gradients at once (`is_grads_batched=True`)."""
    try:
        tensor.untyped_storage()
    except NotImplementedError:
        return False
    return True


def _has_storage(tensor: torch.Tensor) -> bool:
    try:
        return not isinstance(tensor, torch._subclasses.FakeTensor) and tensor.untyped_storage().data_ptr() != 0
    except (RuntimeError, NotImplementedError):
        return False


def covered(shape: Sequence[int], stride: Sequence[int]) -> int | None:
    """How many elements a tensor covers from its offset on without gaps or overlaps, in any order; None if it has any.

    A tensor, its transpose and its views of other shapes cover the same elements.
    """
    expected = 1
    for step, length in sorted(zip(stride, shape, strict=True)):
        if length != 1:
            if step != expected:
                return None
            expected *= length
    return expected


def is_dense(tensor: torch.Tensor) -> bool:
    """Whether its elements lie side by side from its first on, without gaps or overlaps, in any order."""
    return tensor.is_contiguous() or covered(tensor.shape, tensor.stride()) is not None


def flat_view(tensor: torch.Tensor) -> torch.Tensor:
    """All elements in one dimension, in any order. They need not lie side by side, as those of `t[::2]` do not."""
    if tensor.is_contiguous():
        return tensor.view(-1)
    if not is_dense(tensor):
        return tensor.reshape(-1)
    return tensor.as_strided((tensor.numel(),), (1,), tensor.storage_offset())


def _as_real(flat: torch.Tensor) -> torch.Tensor:
    """float32 or float64 with the same values: absolute values of complex numbers, 0 and 1 for bool."""
    if flat.dtype in _NATIVE:
        return flat
    if flat.is_complex():
        return (flat.to(torch.complex64) if flat.dtype == torch.complex32 else flat).abs()
    if flat.dtype in _NARROW:
        return flat.float()
    return flat.double()


def snapshot(tensor: torch.Tensor) -> npt.NDArray[Any] | None:
    """A copy of a small tensor in memory that NumPy knows, in row-major order; None of any other.

    It takes a fraction of the time that measuring takes, which can then wait. No conjugate or negative view is taken.
    """
    dtype = _NUMPY.get(tensor.dtype)
    if dtype is None or not 0 < tensor.numel() <= _SMALL:
        return None
    if tensor.is_contiguous():
        return memory(tensor, dtype).reshape(tensor.shape).copy()
    copy: npt.NDArray[Any] = np.empty(tensor.shape, dtype)
    torch.from_numpy(copy).copy_(tensor.detach())
    return copy


def memory(tensor: torch.Tensor, dtype: Any) -> npt.NDArray[Any]:
    """The elements of a contiguous tensor in the processor's memory, while it lives, in one dimension.

    `Tensor.numpy` gives the same, and forbids the script to resize that memory from then on.
    """
    size = tensor.numel() * tensor.element_size()
    memory: Any = (ctypes.c_char * size).from_address(tensor.data_ptr())
    return np.frombuffer(memory, dtype)


def _copy_of(tensor: torch.Tensor) -> npt.NDArray[Any]:
    """In the processor's memory and row-major order; nobody else refers to it. float32 or float64."""
    copy: npt.NDArray[Any] = tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format).numpy()
    return copy


def measure(tensor: torch.Tensor, kernel: Kernel | None = None) -> Measurement:
    """Statistics and histogram of `tensor` (any shape, dtype and device); the tensor is not needed any more."""
    count = tensor.numel()
    if count == 0:
        return Measurement(EMPTY)
    tensor = tensor.detach()
    if tensor.is_conj() or tensor.is_neg():
        tensor = tensor.resolve_conj().resolve_neg()
    flat = _as_real(flat_view(tensor))
    if kernel is not None and flat.device.type == "cpu" and flat.is_contiguous():
        figures = kernel.measure(flat, count)
        if figures is not None:
            return Measurement.made(figures)
    if count <= _SMALL:
        return Measurement.of(_copy_of(flat.double()))
    with OneThread():
        statistics = _statistics_large(flat)
    runs = flat[: count - count % HISTOGRAM_RUNS].view(HISTOGRAM_RUNS, -1)
    return Measurement.sampled(statistics, _copy_of(runs[:, : HISTOGRAM_SAMPLE // HISTOGRAM_RUNS]))


def _statistics_large(flat: torch.Tensor) -> Statistics:
    """Sums of pieces in the tensor's own precision, added in float64; all of it in float64 where that is not enough."""
    count = flat.numel()
    low, high, total, squares, zeros = math.inf, -math.inf, 0.0, 0.0, 0
    # A piece stays in the processor's cache for all four readings: the memory is read once, not four times.
    for part in flat.split(_PIECE) if flat.device.type == "cpu" else (flat,):
        piece = part.contiguous()
        lowest, highest = torch.aminmax(piece)
        least, most = lowest.item(), highest.item()
        if not (math.isfinite(least) and math.isfinite(most)):
            return _statistics_of_finite(flat)
        low, high = min(low, least), max(high, most)
        total += piece.sum().item()
        squares += _square(piece)
        if least <= 0.0 <= most:
            zeros += _zeros(piece)
    mean, square = total / count, squares / count
    variance = square - mean * mean
    if not (math.isfinite(square) and variance > 1e-3 * square and square > 1e-30):
        wide = flat.double()
        mean = wide.mean().item()
        scale = max(-low, high)
        square = (torch.linalg.vector_norm(wide / scale).item() * scale) ** 2 / count if scale else 0.0
        variance = torch.linalg.vector_norm(wide - mean).item() ** 2 / count
    return Statistics(low, high, mean, math.sqrt(max(variance, 0.0)), math.sqrt(square * count), zeros, 0, 0)


def _square(flat: torch.Tensor) -> float:
    """The sum of squares. BLAS takes half as long for it as a norm takes; on other devices it may refuse to be used."""
    if flat.device.type == "cpu":
        return float(torch.dot(flat, flat))
    return float(torch.linalg.vector_norm(flat)) ** 2


def _zeros(flat: torch.Tensor) -> int:
    """How many elements, which lie side by side, are zero.

    NumPy counts a comparison three times as fast as torch counts what is not zero.
    """
    if flat.device.type == "cpu":
        return int(np.count_nonzero(memory(flat, _NUMPY[flat.dtype]) == 0))
    return flat.numel() - int(torch.count_nonzero(flat).item())


def _statistics_of_finite(flat: torch.Tensor) -> Statistics:
    nans = int(torch.isnan(flat).sum().item())
    finite = flat[torch.isfinite(flat)]
    infs = flat.numel() - nans - finite.numel()
    if finite.numel() == 0:
        return Statistics(None, None, None, None, None, 0, nans, infs)
    small = finite.numel() <= _SMALL
    inner = statistics_of_few(_copy_of(finite.double())) if small else _statistics_large(finite)
    return replace(inner, nans=nans, infs=infs)


def raw_bytes(tensor: torch.Tensor, buffers: Buffers) -> npt.NDArray[np.uint8]:
    """A copy of the elements in row-major order, little-endian, as a flat array of bytes."""
    data = buffers.take(tensor.numel() * tensor.element_size())
    if data.size:
        copy = torch.from_numpy(data).view(tensor.dtype).view(tensor.shape)
        with OneThread():
            copy.copy_(tensor.detach())
    return data


def preview(tensor: torch.Tensor) -> torch.Tensor:
    """A view with at most `PREVIEW_ELEMENTS` elements, evenly spaced; the longest dimensions are thinned first."""
    kept = list(tensor.shape)
    while math.prod(kept) > PREVIEW_ELEMENTS:
        longest = max(range(len(kept)), key=kept.__getitem__)
        kept[longest] = (kept[longest] + 1) // 2
    for dimension, (length, target) in enumerate(zip(tensor.shape, kept, strict=True)):
        if target < length:
            step = -(-length // target)
            tensor = tensor[(slice(None),) * dimension + (slice(None, None, step),)]
    return tensor


def byte_size(tensor: torch.Tensor) -> int:
    """How much its elements take; of a jagged tensor, whose number of elements is a symbol, that of its values."""
    count: Any = tensor.numel()
    if isinstance(count, int):
        return count * tensor.element_size()
    values = getattr(tensor, "_values", None)
    return byte_size(values) if isinstance(values, torch.Tensor) else 0


def shape_of(tensor: torch.Tensor) -> Shape:
    """The shape as plain integers; () for a nested tensor, which has none."""
    if tensor.is_nested:
        return ()
    return tuple(map(int, tensor.shape))
