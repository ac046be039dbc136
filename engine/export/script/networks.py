"""Layers and losses: products of matrices, convolutions, normalization, pooling, attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.export.script.expressions import NoTemplateError, number
from engine.export.script.kernels_convolution import each, windows
from engine.export.script.registry import backward, forward
from engine.export.script.writing import NodeText


@forward("MmBackward0 BmmBackward0 MvBackward0 DotBackward0")
def matmul(n: NodeText) -> None:
    n.put(f"{n.x(0)} @ {n.x(1)}")


@backward("MmBackward0")
def mm_backward(n: NodeText) -> None:
    n.give_several(_products(n, 0, 1, "T"))


@backward("BmmBackward0")
def bmm_backward(n: NodeText) -> None:
    n.give_several(_products(n, 0, 1, "mT"))


def _products(n: NodeText, left: int, right: int, turned: str, factor: float = 1) -> dict[int, str]:
    """Gradients of the factors of a matrix product, as far as they are needed."""
    by = "" if factor == 1 else f"{number(factor)} * "
    found = {}
    if n.needs(left):
        found[left] = f"{by}{n.g} @ {n.x(right)}.{turned}"
    if n.needs(right):
        found[right] = f"{by}{n.x(left)}.{turned} @ {n.g}"
    return found


@backward("MvBackward0")
def mv_backward(n: NodeText) -> None:
    if n.needs(0):
        n.give(0, f"np.outer({n.g}, {n.x(1)})", broadcast=False)
    if n.needs(1):
        n.give(1, f"{n.x(0)}.T @ {n.g}", broadcast=False)


@backward("DotBackward0")
def dot_backward(n: NodeText) -> None:
    if n.needs(0):
        n.give(0, f"{n.g} * {n.x(1)}", broadcast=False)
    if n.needs(1):
        n.give(1, f"{n.g} * {n.x(0)}", broadcast=False)


@forward("AddmmBackward0 BaddbmmBackward0")
def addmm(n: NodeText) -> None:
    alpha, beta = n.argument("alpha", 1), n.argument("beta", 1)
    product = f"{n.x(1)} @ {n.x(2)}" if alpha == 1 else f"{number(alpha)} * ({n.x(1)} @ {n.x(2)})"
    n.put(f"{product} + {'' if beta == 1 else f'{number(beta)} * '}{n.x(0)}")


@backward("AddmmBackward0 BaddbmmBackward0")
def addmm_backward(n: NodeText) -> None:
    beta = n.argument("beta", 1)
    n.give(0, n.g if beta == 1 else f"{number(beta)} * {n.g}")
    n.give_several(_products(n, 1, 2, "T" if n.type == "AddmmBackward0" else "mT", n.argument("alpha", 1)))


def _each(value: Any, default: int) -> str | None:
    """One number where a list says the same for every dimension; None for what is the default."""
    members = value if isinstance(value, list) else [value]
    if any(not isinstance(member, int) for member in members):
        raise NoTemplateError("its sizes were not recorded as numbers")
    if set(members) <= {default}:
        return None
    return str(members[0]) if len(set(members)) == 1 else str(tuple(members))


def _geometry(n: NodeText) -> dict[str, Any]:
    groups = n.argument("groups", 1)
    return {
        "stride": _each(n.argument("stride", 1), 1),
        "padding": _each(n.argument("padding", 0), 0),
        "dilation": _each(n.argument("dilation", 1), 1),
        "groups": None if groups == 1 else groups,
    }


def _spatial(n: NodeText) -> int:
    return len(n.out_shape) - 2


@forward("ConvolutionBackward0")
def convolution(n: NodeText) -> None:
    x, weight, geometry = n.x(0), n.x(1), _geometry(n)
    if n.argument("transposed", False):
        result = n.call("convolution_grad_input", x, weight, str(n.out_shape), **geometry)
    else:
        result = n.call("convolution", x, weight, **geometry)
    bias = f" + {n.x(2)}.reshape({(-1, *(1,) * _spatial(n))})" if n.has(2) else ""
    n.put(result + bias)


@backward("ConvolutionBackward0")
def convolution_backward(n: NodeText) -> None:
    x, weight, geometry = n.x(0), n.x(1), _geometry(n)
    transposed = n.argument("transposed", False)
    if n.needs(0) and transposed:
        result = n.call("convolution", n.g, weight, **geometry)
        if np.any(n.argument("output_padding", 0)):  # more windows may fit in than there were numbers
            result += f"[..., {', '.join(f':{length}' for length in n.shape(0)[2:])}]"
        n.give(0, result, broadcast=False)
    elif n.needs(0):
        n.give(0, n.call("convolution_grad_input", n.g, weight, f"{x}.shape", **geometry), broadcast=False)
    if n.needs(1):
        sides = (x, n.g) if transposed else (n.g, x)
        n.give(1, n.call("convolution_grad_weight", *sides, f"{weight}.shape", **geometry), broadcast=False)
    if n.needs(2):
        axes = (0, *range(2, len(n.out_shape)))
        n.give(2, f"{n.g}.sum(axis={axes})", broadcast=False)


_BATCH = "NativeBatchNormBackward0 CudnnBatchNormBackward0 MiopenBatchNormBackward0"


def _affine(n: NodeText) -> tuple[str, str]:
    return n.x(1) if n.has(1) else "number(1)", n.x(2) if n.has(2) else "number(0)"


@forward(_BATCH)
def batch_norm(n: NodeText) -> None:
    weight, bias = _affine(n)
    eps = n.argument("eps", n.argument("epsilon", 1e-5))
    normal, scale = n.new("normal"), n.new("scale")
    running = () if n.argument("training", False) else (n.given(3), n.given(4))
    n.unpack([n.out, normal, scale], n.call("batch_norm", n.x(0), weight, bias, repr(eps), *running))


@backward(_BATCH)
def batch_norm_backward(n: NodeText) -> None:
    weight = _affine(n)[0]
    kernel = "batch_norm_backward" if n.argument("training", False) else "frozen_batch_norm_backward"
    _three(n, n.call(kernel, n.g, weight, n.kept("normal"), n.kept("scale")))


def _three(n: NodeText, call: str) -> None:
    """Gradients of input, weight and bias from one call; what is not needed is thrown away."""
    n.unpack([n.target(slot) if n.needs(slot) else "_" for slot in range(3)], call)


@forward("NativeLayerNormBackward0")
def layer_norm(n: NodeText) -> None:
    weight, bias = _affine(n)
    axes = tuple(range(-len(n.argument("normalized_shape", [1])), 0))
    normal, scale = n.new("normal"), n.new("scale")
    n.unpack(
        [n.out, normal, scale], n.call("layer_norm", n.x(0), weight, bias, repr(n.argument("eps", 1e-5)), str(axes))
    )


@backward("NativeLayerNormBackward0")
def layer_norm_backward(n: NodeText) -> None:
    axes = tuple(range(-len(n.argument("normalized_shape", [1])), 0))
    _three(n, n.call("layer_norm_backward", n.g, _affine(n)[0], n.kept("normal"), n.kept("scale"), str(axes)))


@forward("NativeGroupNormBackward0")
def group_norm(n: NodeText) -> None:
    weight, bias = _affine(n)
    normal, scale = n.new("normal"), n.new("scale")
    n.unpack(
        [n.out, normal, scale],
        n.call("group_norm", n.x(0), weight, bias, repr(n.argument("eps", 1e-5)), str(n.argument("group", 1))),
    )


@backward("NativeGroupNormBackward0")
def group_norm_backward(n: NodeText) -> None:
    _three(n, n.call("group_norm_backward", n.g, _affine(n)[0], n.kept("normal"), n.kept("scale")))


def _softmax_axis(n: NodeText) -> int:
    return n.axis("dim", -1, len(n.out_shape))


@forward("SoftmaxBackward0 SafeSoftmaxBackward0")
def softmax(n: NodeText) -> None:
    n.put(n.call("softmax", n.x(), str(_softmax_axis(n))))


@backward("SoftmaxBackward0 SafeSoftmaxBackward0")
def softmax_backward(n: NodeText) -> None:
    n.give(0, n.call("softmax_backward", n.g, n.out, str(_softmax_axis(n))))


@forward("LogSoftmaxBackward0")
def log_softmax(n: NodeText) -> None:
    n.put(n.call("log_softmax", n.x(), str(_softmax_axis(n))))


@backward("LogSoftmaxBackward0")
def log_softmax_backward(n: NodeText) -> None:
    n.give(0, n.call("log_softmax_backward", n.g, n.out, str(_softmax_axis(n))))


_ATTENTION = "ScaledDotProductFlashAttentionForCpuBackward0"


def _attention(n: NodeText) -> dict[str, Any]:
    if n.argument("dropout_p", 0.0):
        raise NoTemplateError("attention with dropout inside the kernel")
    if n.shape(0)[1] != n.shape(1)[1]:
        raise NoTemplateError("attention in which several heads share their keys")
    scale = n.argument("scale")
    return {
        "scale": number(1 / n.shape(0)[-1] ** 0.5 if scale is None else scale),
        "causal": True if n.argument("is_causal", False) else None,
        "mask": n.saved("attn_mask") if n.has_saved("attn_mask") else None,
    }


@forward(_ATTENTION)
def attention(n: NodeText) -> None:
    weights = n.new("weights")
    n.unpack([n.out, weights], n.call("attention", n.x(0), n.x(1), n.x(2), **_attention(n)))


@backward(_ATTENTION)
def attention_backward(n: NodeText) -> None:
    scale = _attention(n)["scale"]
    call = n.call("attention_backward", n.g, n.x(0), n.x(1), n.x(2), n.kept("weights"), scale=scale)
    _three(n, call)


def _window(n: NodeText) -> dict[str, Any]:
    kernel = n.argument("kernel_size")
    stride = n.argument("stride") or kernel
    padding, dilation = n.argument("padding", 0), n.argument("dilation", 1)
    dims = _spatial(n) if len(n.out_shape) > 2 else 2
    if len(n.out_shape) != dims + 2 or not isinstance(kernel, list):
        raise NoTemplateError("pooling without a batch dimension")
    return {"kernel": str(tuple(kernel)) if len(kernel) > 1 else f"({kernel[0]},)", "stride": _each(stride, 1),
            "padding": _each(padding, 0), "dilation": _each(dilation, 1)}  # fmt: skip


_MAX_POOL = "MaxPool2DWithIndicesBackward0 MaxPool3DWithIndicesBackward0"


def _max_pool(n: NodeText) -> dict[str, Any]:
    """With ceil_mode, windows may stand over the far edge, by `beyond` numbers."""
    found = _window(n)
    if n.argument("ceil_mode", False) and any(beyond := _beyond(n)):
        found["beyond"] = str(beyond)
    return found


def _beyond(n: NodeText) -> tuple[int, ...]:
    dims, kernel = _spatial(n), n.argument("kernel_size")
    stride, padding, dilation = (
        each(size, dims)
        for size in (n.argument("stride") or kernel, n.argument("padding", 0), n.argument("dilation", 1))
    )
    return tuple(
        max(0, (count - 1) * step + gap * (size - 1) + 1 - length - 2 * margin)
        for count, step, gap, size, length, margin in zip(
            n.out_shape[2:], stride, dilation, kernel, n.shape(0)[2:], padding, strict=True
        )
    )


@forward(_MAX_POOL)
def max_pool(n: NodeText) -> None:
    window = _max_pool(n)
    chosen = n.new("chosen")
    n.unpack([n.out, chosen], n.call("max_pool", n.x(), window.pop("kernel"), **window))
    close = close_windows(n)
    if close is not None:
        where, choice = n.value("close", close[0]), n.value("choice", close[1])
        n.line(f"{chosen} = {n.call('settled', chosen, where, choice)}")


def close_windows(n: NodeText) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """Windows in which the two largest numbers are so close that rounding decides, and the place that torch chose.

    Equal zeros are not meant: they come from a ReLU, are equal by hand too, and the first of them is chosen.
    """
    x, indices = n.input_array(0), n.saved_array("result1")
    if x is None or indices is None or not np.isfinite(x).all() or x.size == 0:
        return None
    dims = x.ndim - 2
    sizes = (n.argument("kernel_size"), n.argument("padding", 0), n.argument("dilation", 1))
    kernel, padding, dilation = (each(size, dims) for size in sizes)
    stride = each(n.argument("stride") or list(kernel), dims)
    beyond = _beyond(n) if n.argument("ceil_mode", False) else (0,) * dims
    edges = [(0, 0), (0, 0), *((size, size + more) for size, more in zip(padding, beyond, strict=True))]
    padded = np.pad(x.astype(np.float64), edges, constant_values=-np.inf)
    seen = windows(padded, kernel, stride, dilation).reshape(*indices.shape, -1)
    number_of = np.pad(np.arange(x[0, 0].size).reshape(1, 1, *x.shape[2:]), edges, constant_values=-1)
    numbers = windows(number_of, kernel, stride, dilation).reshape(1, 1, *indices.shape[2:], -1)
    if seen.shape[-1] < 2:
        return None
    top = np.partition(seen, -2, axis=-1)
    first, second = top[..., -1], top[..., -2]
    close = (first - second <= min(256 * n.unit, 0.1) * np.abs(x).max()) & ~((first == second) & (first == 0))
    places = np.argmax(numbers == indices[..., None], axis=-1)
    where = np.flatnonzero(close)
    return None if where.size == 0 else (where, places.reshape(-1)[where])


@backward(_MAX_POOL)
def max_pool_backward(n: NodeText) -> None:
    window = _max_pool(n)
    call = n.call("max_pool_backward", n.g, n.kept("chosen"), f"{n.x()}.shape", window.pop("kernel"), **window)
    n.give(0, call, broadcast=False)


_AVG_POOL = "AvgPool2DBackward0 AvgPool3DBackward0"


def _avg_pool(n: NodeText) -> dict[str, Any]:
    padded = any(n.argument("padding", [0])) if isinstance(n.argument("padding", [0]), list) else True
    if n.argument("ceil_mode", False) or n.argument("divisor_override") is not None:
        raise NoTemplateError("average pooling with ceil_mode or a divisor of its own")
    if padded and not n.argument("count_include_pad", True):
        raise NoTemplateError("average pooling that does not count its padding")
    return {name: value for name, value in _window(n).items() if name != "dilation"}


@forward(_AVG_POOL)
def avg_pool(n: NodeText) -> None:
    window = _avg_pool(n)
    n.put(n.call("avg_pool", n.x(), window.pop("kernel"), **window))


@backward(_AVG_POOL)
def avg_pool_backward(n: NodeText) -> None:
    window = _avg_pool(n)
    n.give(0, n.call("avg_pool_backward", n.g, f"{n.x()}.shape", window.pop("kernel"), **window), broadcast=False)


def _averages(n: NodeText) -> tuple[str, str]:
    """Matrices that average rows and columns."""
    return tuple(n.call("averages", str(n.out_shape[axis]), str(n.shape(0)[axis]), "number") for axis in (-2, -1))  # type: ignore[return-value]


@forward("AdaptiveAvgPool2DBackward0")
def adaptive_avg_pool(n: NodeText) -> None:
    rows, columns = _averages(n)
    n.put(f"{rows} @ {n.x()} @ {columns}.T")


@backward("AdaptiveAvgPool2DBackward0")
def adaptive_avg_pool_backward(n: NodeText) -> None:
    rows, columns = _averages(n)
    n.give(0, f"{rows}.T @ {n.g} @ {columns}", broadcast=False)
