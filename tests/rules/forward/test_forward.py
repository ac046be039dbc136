"""The forward pass done by hand: each operation against PyTorch, and a number that is off is noticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine.capture.recorder import record
from engine.desk.typeset import set_formula
from engine.manual import Line, outline, work_out
from engine.recording.model import Node
from engine.recording.reader import open_recording
from engine.rules.forward import forward_of, table
from engine.rules.naming import PLACEHOLDER, plain_text
from tests.rules.proving import leaf

Case = tuple[str, Callable[..., Tensor], tuple[Tensor, ...]]


def _case(types: str, function: Any, *leaves: Tensor) -> Any:
    return pytest.param(types, function, leaves, id=types)


IMAGE, KERNEL = leaf(2, 4, 7, 6), leaf(6, 2, 3, 3, seed=1)
ROWS, CHANNELS = leaf(3, 5), leaf(4, seed=2)
HEADS = tuple(leaf(2, 2, 5, 4, seed=seed) for seed in range(3))
CLASSES = torch.tensor([1, -100, 4])
MASK = torch.arange(15).reshape(3, 5) % 2 == 0

CASES = [
    _case("ConvolutionBackward0", lambda x, k, b: functional.conv2d(x, k, b, (2, 1), 1, (1, 2), 2), IMAGE, KERNEL,
          leaf(6)),
    _case("ConvolutionBackward0", lambda x, k: functional.conv_transpose2d(x, k, None, 2, 1, 1), IMAGE,
          leaf(4, 3, 3, 3)),
    _case("ConvolutionBackward0", lambda x, k: functional.conv1d(x, k), leaf(1, 2, 9), leaf(3, 2, 4, seed=3)),
    _case("ConvolutionBackward0", lambda x, k: functional.conv3d(x, k), leaf(1, 2, 4, 5, 4), leaf(3, 2, 2, 2, 2)),
    _case("NativeBatchNormBackward0", lambda x, w, b: functional.batch_norm(x, None, None, w, b, True), IMAGE, CHANNELS,
          leaf(4)),
    _case("NativeBatchNormBackward0", lambda x: functional.batch_norm(x, torch.ones(4), torch.rand(4) + 0.5), IMAGE),
    _case("NativeLayerNormBackward0", lambda x, w, b: functional.layer_norm(x, (5,), w, b), ROWS, leaf(5),
          leaf(5, seed=4)),
    _case("NativeLayerNormBackward0", lambda x: functional.layer_norm(x + 3, (3, 5)), ROWS),
    _case("NativeGroupNormBackward0", lambda x, w: functional.group_norm(x, 2, w), IMAGE, CHANNELS),
    _case("MaxPool2DWithIndicesBackward0", lambda x: functional.max_pool2d(x, 3, 2, 1, ceil_mode=True), IMAGE),
    _case("MaxPool2DWithIndicesBackward0", lambda x: functional.max_pool2d(x, (2, 3), 1, 0, (2, 1)), IMAGE),
    _case("AvgPool2DBackward0", lambda x: functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False), IMAGE),
    _case("AdaptiveAvgPool2DBackward0", lambda x: functional.adaptive_avg_pool2d(x, (3, 4)), IMAGE),
    _case("UpsampleNearest2DBackward0", lambda x: functional.interpolate(x, scale_factor=2), IMAGE),
    _case("ScaledDotProductFlashAttentionForCpuBackward0",
          lambda q, k, v: functional.scaled_dot_product_attention(q, k, v), *HEADS),
    _case("ScaledDotProductFlashAttentionForCpuBackward0",
          lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3), *HEADS),
    _case("ScaledDotProductFlashAttentionForCpuBackward0",
          lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, enable_gqa=True), leaf(2, 4, 5, 3),
          leaf(2, 2, 5, 3, seed=1), leaf(2, 2, 5, 3, seed=2)),
    _case("NativeDropoutBackward0", lambda x: torch.native_dropout(x, 0.3, True)[0], ROWS),
    _case("SoftmaxBackward0", lambda x: x.softmax(0), ROWS),
    _case("LogSoftmaxBackward0", lambda x: x.log_softmax(-1), ROWS),
    *(_case(f"{name}Backward0", function, ROWS) for name, function in {
        "Silu": functional.silu, "Gelu": functional.gelu, "Hardtanh": functional.relu6,
        "Hardsigmoid": functional.hardsigmoid, "Hardswish": functional.hardswish, "LeakyRelu": functional.leaky_relu,
        "Elu": functional.elu, "Softplus": functional.softplus, "Mish": functional.mish, "Erf": torch.erf,
        "Permute": lambda x: x.permute(1, 0), "Transpose": lambda x: x.transpose(0, -1),
        "View": lambda x: x.view(-1), "Unsqueeze": lambda x: x.unsqueeze(1), "Expand": lambda x: x.expand(2, 3, 5),
        "Slice": lambda x: x[:, -4:9:2], "Select": lambda x: x.select(1, -2), "Flip": lambda x: x.flip(0),
        "Roll": lambda x: x.roll((1, -2), (0, 1)), "Cat": lambda x: torch.cat([torch.ones(3, 2), x, x * 2], 1),
        "Stack": lambda x: torch.stack([x, x + 1], 1), "Index": lambda x: x[torch.tensor([2, 0, 2]), 1:],
        "ConstantPadNd": lambda x: functional.pad(x, (1, -1, 0, 2), value=0.5),
        "Where": lambda x: torch.where(MASK, x, x * 2), "MaskedFill": lambda x: x.masked_fill(MASK, 0.25),
        "Split": lambda x: x.split(2, 1)[0], "Unbind": lambda x: x.unbind(1)[0],
        "Rsqrt": lambda x: (x * x + 1).rsqrt(), "Log1P": lambda x: (x * x).log1p(),
    }.items()),
    _case("GeluBackward0", lambda x: functional.gelu(x, approximate="tanh"), ROWS),
    _case("ClampBackward1", lambda x: x.clamp(-0.5, 0.3), ROWS),
    _case("ClampMinBackward0", lambda x: x.clamp_min(0.1), ROWS),
    _case("EmbeddingBackward0", lambda x: functional.embedding(torch.tensor([[2, 0], [1, 1]]), x), ROWS),
    _case("MaximumBackward0", torch.maximum, ROWS, leaf(3, 5, seed=5)),
    _case("BaddbmmBackward0", lambda a, x, y: torch.baddbmm(a, x, y, beta=0.5), leaf(2, 3, 3), leaf(2, 3, 4),
          leaf(2, 4, 3)),
    *(_case("NllLossBackward0", lambda x, how=how, weight=weight: functional.nll_loss(
        x, CLASSES, weight, reduction=how), ROWS) for how, weight in
        (("mean", None), ("sum", torch.rand(5)), ("none", None), ("mean", torch.rand(5)))),
    _case("SmoothL1LossBackward0", lambda x: functional.smooth_l1_loss(x, torch.ones(3, 5), beta=0.7), ROWS),
    _case("HuberLossBackward0", lambda x: functional.huber_loss(x, torch.ones(3, 5), delta=0.7), ROWS),
    _case("BinaryCrossEntropyBackward0", lambda x: functional.binary_cross_entropy(x.sigmoid(), MASK.float()), ROWS),
    _case("BinaryCrossEntropyWithLogitsBackward0", lambda x: functional.binary_cross_entropy_with_logits(
        x, MASK.float(), pos_weight=torch.rand(5)), ROWS),
]  # fmt: skip

SQUARE, POSITIVE, OTHER = leaf(4, 4, seed=7), leaf(3, 5, seed=8), leaf(3, 5, seed=9)
PLACES = torch.tensor([[0, 2, 1, 2, 0]])
ROW = torch.tensor([2, 0])


def _of_positive(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """On numbers between 0 and 1."""
    return lambda x: function(x.detach().sigmoid().requires_grad_())


FUNCTIONS = [
    *(_case(f"{name}Backward0", function, ROWS) for name, function in {
        "Exp2": torch.exp2, "Tan": torch.tan, "Sinh": torch.sinh, "Cosh": torch.cosh, "Asinh": torch.asinh,
        "Erfc": torch.erfc, "Sinc": torch.sinc, "Deg2Rad": torch.deg2rad, "Rad2Deg": torch.rad2deg,
        "Frac": torch.frac, "LogSigmoid": functional.logsigmoid, "Celu": lambda x: functional.celu(x, 0.7),
        "Hardshrink": functional.hardshrink, "Softshrink": functional.softshrink,
        "Threshold": lambda x: functional.threshold(x, 0.2, -3.0), "Glu": lambda x: functional.glu(x[:, :4], 1),
        "RreluWithNoise": lambda x: functional.rrelu(x, training=True),
        "NanToNum": lambda x: x.nan_to_num(), "ToCopy": lambda x: x.double().float(),
        "Floor": lambda x: (x * 3).floor(), "Ceil": lambda x: (x * 3).ceil(), "Trunc": lambda x: (x * 3).trunc(),
        "Round": lambda x: (x * 3).round(), "Sign": torch.sign, "Sgn": torch.sgn,
        "Rsub": lambda x: torch.rsub(x, 2 * x, alpha=3), "Remainder": lambda x: x.remainder(-0.3),
        "Fmod": lambda x: x.fmod(0.3), "Addcmul": lambda x: torch.addcmul(x, x * 2, x * 3, value=0.5),
        "Addcdiv": lambda x: torch.addcdiv(x, x * 2, x.abs() + 1, value=0.5),
        "Lerp": lambda x: torch.lerp(x, x * 2, 0.7),
    }.items()),
    *(_case(f"{name}Backward0", _of_positive(function), ROWS) for name, function in {
        "Asin": torch.asin, "Acos": torch.acos, "Atanh": torch.atanh, "Erfinv": torch.erfinv, "Lgamma": torch.lgamma,
        "Digamma": torch.digamma, "Acosh": lambda x: torch.acosh(x + 1),
    }.items()),
    *(_case(f"{name}Backward0", function, ROWS, OTHER) for name, function in {
        "Atan2": torch.atan2, "Hypot": torch.hypot, "Logaddexp": torch.logaddexp, "Logaddexp2": torch.logaddexp2,
        "Xlogy": lambda x, y: torch.xlogy(x, y.exp()), "Copysign": torch.copysign, "Fmax": torch.fmax,
        "Fmin": torch.fmin, "Dist": lambda x, y: torch.dist(x, y, 3),
        "SoftMarginLoss": lambda x, y: functional.soft_margin_loss(x, y.detach().sign()) + 0 * y.sum(),
        "PreluKernel": lambda x, y: functional.prelu(x, y[0]),
    }.items()),
    _case("RemainderBackward1", torch.remainder, ROWS, OTHER),
    _case("FmodBackward1", torch.fmod, ROWS, OTHER),
    _case("LerpBackward1", torch.lerp, ROWS, OTHER, POSITIVE),
    _case("RreluWithNoiseBackward1", lambda x: functional.rrelu(x * 1, training=True, inplace=True), ROWS),
    _case("ThresholdBackward1", lambda x: functional.threshold(x * 1, 0.2, -3.0, inplace=True), ROWS),
]  # fmt: skip
CHOICES = [
    *(_case(f"{name}Backward0", function, ROWS) for name, function in {
        "Prod": torch.prod, "Amax": lambda x: x.amax((0, 1)), "Amin": lambda x: x.amin(1, keepdim=True),
        "Max": lambda x: x.max(1).values, "Min": lambda x: x.min(0, keepdim=True).values,
        "Var": lambda x: x.var(1, unbiased=False), "VarMean": lambda x: torch.var_mean(x, 0)[0],
        "Std": lambda x: x.std(), "StdMean": lambda x: torch.std_mean(x, (0, 1), correction=2, keepdim=True)[0],
        "LinalgVectorNorm": lambda x: x.norm(dim=1), "Logsumexp": lambda x: x.logsumexp((0, 1)),
        "Cumsum": lambda x: x.cumsum(1), "Cumprod": lambda x: x.cumprod(0), "Cummax": lambda x: x.cummax(1).values,
        "Cummin": lambda x: x.cummin(0).values, "Sort": lambda x: x.sort(0, descending=True).values,
        "Topk": lambda x: x.topk(2, 1, largest=False).values, "Kthvalue": lambda x: x.kthvalue(2, 1).values,
        "Median": torch.median, "Mode": lambda x: x.mode(1).values, "Gather": lambda x: x.gather(0, PLACES),
        "IndexSelect": lambda x: x.index_select(1, ROW), "Take": lambda x: x.take(PLACES),
        "MaskedSelect": lambda x: x.masked_select(MASK), "AsStrided": lambda x: x.as_strided((2, 3), (5, 1), 2),
        "Unfold": lambda x: x.unfold(1, 3, 2), "Repeat": lambda x: x.repeat(2, 1, 3), "Tril": lambda x: x.tril(-1),
        "Triu": lambda x: x.triu(1), "Rot90": lambda x: x.rot90(1, (1, 0)),
        "IndexPut": lambda x: (x * 1).index_put((ROW,), x[:2] * 2),
        "IndexAdd": lambda x: (x * 1).index_add(0, ROW, x[:2] * 2, alpha=0.5),
        "IndexCopy": lambda x: (x * 1).index_copy(0, ROW, x[:2] * 2),
        "IndexFill": lambda x: x.index_fill(1, ROW, 2.5), "Scatter": lambda x: (x * 1).scatter(0, PLACES, x[:1] * 2),
        "ScatterAdd": lambda x: (x * 1).scatter_add(0, PLACES, x[:1] * 2),
        "MaskedScatter": lambda x: (x * 1).masked_scatter(MASK, x.t().reshape(-1)[:8] * 2),
    }.items()),
    _case("ProdBackward1", lambda x: x.prod(1), ROWS),
    _case("MaxBackward1", torch.max, ROWS),
    _case("MinBackward1", torch.min, ROWS),
    _case("MedianBackward1", lambda x: x.median(1, keepdim=True).values, ROWS),
    _case("ScatterBackward1", lambda x: x.scatter(0, PLACES, 1.5), ROWS),
    _case("SortBackward1", lambda x: x.sort(dim=1, stable=True).values, ROWS),
    *(_case("LinalgVectorNormBackward0", lambda x, p=p: torch.linalg.vector_norm(x, p, dim=1), ROWS)
      for p in (0.5, 1, 3, torch.inf, -torch.inf)),
    _case("DiagonalBackward0", lambda x: x.diagonal(1), SQUARE),
    _case("TraceBackward0", torch.trace, SQUARE),
]  # fmt: skip
MORE_LAYERS = [
    _case("MkldnnRnnLayerBackward0", lambda x: torch.nn.LSTM(4, 3)(x)[0], leaf(5, 2, 4)),
    _case("MkldnnRnnLayerBackward0", lambda x: torch.nn.LSTM(4, 3, batch_first=True, bidirectional=True)(x)[0],
          leaf(2, 5, 4)),
    _case("PowBackward2", lambda x: 2.5**x, ROWS),
    _case("UpsampleBilinear2DBackward0", lambda x: functional.interpolate(x, (9, 5), mode="bilinear"), IMAGE),
    _case("UpsampleBicubic2DBackward0", lambda x: functional.interpolate(x, (9, 5), mode="bicubic"), IMAGE),
    _case("UpsampleBilinear2DAaBackward0", lambda x: functional.interpolate(
        x, (3, 5), mode="bilinear", antialias=True), IMAGE),
    _case("UpsampleLinear1DBackward0", lambda x: functional.interpolate(x, 9, mode="linear"), leaf(2, 3, 4)),
    _case("ReflectionPad2DBackward0", lambda x: functional.pad(x, (1, 2, 3, 1), mode="reflect"), IMAGE),
    _case("ReplicationPad1DBackward0", lambda x: functional.pad(x, (1, 2), mode="replicate"), leaf(2, 3, 4)),
    _case("WeightNormInterfaceBackward0", lambda v, g: torch._weight_norm(v, g, 0), KERNEL, leaf(6, 1, 1, 1)),
]  # fmt: skip

READ_AT_PLACES = [
    _case("Im2ColBackward0", lambda x: functional.unfold(x, (2, 3), (2, 1), (1, 0), (1, 2)), IMAGE),
    _case("Col2ImBackward0", lambda x: functional.fold(x, (4, 5), (2, 3), padding=1), leaf(2, 12, 25)),
    _case("PixelShuffleBackward0", lambda x: functional.pixel_shuffle(x, 2), leaf(2, 8, 2, 3)),
    _case("PixelUnshuffleBackward0", lambda x: functional.pixel_unshuffle(x, 3), leaf(2, 1, 6, 3)),
    _case("ChannelShuffleBackward0", lambda x: functional.channel_shuffle(x, 2), IMAGE),
    _case("AdaptiveMaxPool2DBackward0", lambda x: functional.adaptive_max_pool2d(x, (3, 4)), IMAGE),
    _case("AdaptiveMaxPool3DBackward0", lambda x: functional.adaptive_max_pool3d(x, (1, 3, 4)), IMAGE),
    _case("MaxUnpool2DBackward0", lambda x: functional.max_unpool2d(
        *functional.max_pool2d(x, 2, return_indices=True), (2, 2)), IMAGE),
    *(_case("EmbeddingBagBackward0", lambda x, mode=mode: functional.embedding_bag(
        torch.tensor([2, 0, 1, 1, 2]), x, torch.tensor([0, 2, 2]), mode=mode, padding_idx=0), ROWS)
      for mode in ("sum", "mean", "max")),
    _case("EmbeddingBagBackward0", lambda x, w: functional.embedding_bag(
        torch.tensor([[2, 0], [1, 1]]), x, mode="sum", per_sample_weights=w), ROWS, leaf(2, 2)),
    *(_case("GridSampler2DBackward0", lambda x, grid, how=how: functional.grid_sample(
        x, grid, how[0], how[1], align_corners=how[2]), IMAGE, leaf(2, 3, 3, 2, seed=6))
      for how in (("bilinear", "zeros", False), ("bicubic", "reflection", True), ("nearest", "border", False))),
    _case("GridSampler3DBackward0", lambda x, grid: functional.grid_sample(x, grid, align_corners=False),
          leaf(1, 2, 3, 4, 3), leaf(1, 2, 2, 2, 3, seed=6)),
    _case("AffineGridGeneratorBackward0", lambda x: functional.affine_grid(x, [2, 1, 3, 4], align_corners=False),
          leaf(2, 2, 3)),
    *(_case("CdistBackward0", lambda x, y, p=p: torch.cdist(x, y, p), ROWS, OTHER) for p in (1.0, 2.0, 3.0, torch.inf)),
    _case("EuclideanDistBackward0", lambda x, y: torch.cdist(
        x, y, compute_mode="use_mm_for_euclid_dist"), ROWS, leaf(4, 5, seed=9)),
    _case("PdistBackward0", functional.pdist, ROWS),
    _case("CopyBackwards", lambda x, y: (x * 1).copy_(y[0]) + x, ROWS, OTHER),
    _case("TrilinearBackward0", lambda x, y, w: functional.bilinear(x, y, w), ROWS, leaf(3, 4), leaf(2, 5, 4)),
]  # fmt: skip


def _of_complex(function: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda x: torch.view_as_real(function(torch.complex(x.detach(), x.detach().flip(0)).requires_grad_()))


COMPLEX = [
    *(_case(f"{name}Backward0", _of_complex(function), ROWS) for name, function in {
        "Conj": lambda z: z.conj().exp(), "Mul": lambda z: z.conj() * z, "Sub": lambda z: z - (2 + 1j),
        "Div": lambda z: z / (2 - 1j), "ConjPhysical": lambda z: torch.conj_physical(z) * 2,
        "ViewAsReal": lambda z: torch.view_as_complex(torch.view_as_real(z) * 2) * 3,
        "ViewAsComplex": lambda z: torch.view_as_complex(torch.view_as_real(z) * 2) * 3,
        "Vdot": lambda z: torch.vdot(z[0], z[1]) * 2, "Log1P": torch.log1p, "MaskedFill": lambda z: z.masked_fill(
            MASK, 1 + 2j), "Addmm": lambda z: torch.addmm(z[:, :3], z, z.t()[:, :3], beta=0.5 + 1j, alpha=2),
        "FftC2C": lambda z: torch.fft.ifft2(z, norm="ortho"),
    }.items()),
    *(_case(f"{name}Backward0", lambda x, function=function: function(
        torch.complex(x.detach(), x.detach().flip(0)).requires_grad_()), ROWS) for name, function in {
        "Var": lambda z: z.var(1), "Std": lambda z: z.std(), "Angle": torch.angle,
        "FftC2R": lambda z: torch.fft.irfft2(z, (4, 7)),
    }.items()),
    _case("AngleBackward0", torch.angle, ROWS),
    _case("ComplexBackward0", lambda x, y: torch.complex(x, y[0]).abs(), ROWS, OTHER),
    _case("PolarBackward0", lambda x, y: torch.view_as_real(torch.polar(x.exp(), y) * 1), ROWS, OTHER),
    _case("FftR2CBackward0", lambda x: torch.view_as_real(torch.fft.rfft(x, 7) * 1), ROWS),
    _case("FftR2CBackward0", lambda x: torch.view_as_real(torch.fft.rfft2(x) * 1), ROWS),
]  # fmt: skip


def lines_of(path: Path, type_: str) -> list[Line]:
    with open_recording(path) as recording:
        places = [place for place in outline(recording, 0) if place.stage in ("forward", "loss")]
        return [
            work_out(recording, place)
            for place in places
            if place.node is not None and recording.node(place.node).type == type_
        ]


@pytest.mark.parametrize(
    ("type_", "function", "leaves"), [*CASES, *FUNCTIONS, *CHOICES, *MORE_LAYERS, *READ_AT_PLACES, *COMPLEX]
)
def test_the_forward_is_what_torch_computed(
    tmp_path: Path, type_: str, function: Callable[..., Tensor], leaves: tuple[Tensor, ...]
) -> None:
    path = tmp_path / "it.chain"
    torch.manual_seed(0)
    with record(path, script=__file__):
        result = function(*leaves)
        (result * torch.linspace(1, 2, result.numel()).reshape(result.shape)).sum().backward()
    found = lines_of(path, type_)
    assert found
    for line in found:
        assert line.verdict in ("equal", "within_rounding"), line
        assert line.comparison is not None
        assert line.comparison.max_rel < 1e-4
        assert line.formula or line.name != r"\mathrm{result}"
    _disturb(path, type_)
    assert lines_of(path, type_)[0].verdict == "wrong"


def _disturb(path: Path, type_: str) -> None:
    """The largest number of the first result one percent off."""
    with sqlite3.connect(path) as connection:
        tensor, data = connection.execute(
            "SELECT tensor.id, tensor.data FROM node JOIN value ON value.event = node.forward_event"
            " JOIN tensor ON tensor.id = value.tensor WHERE node.type = ? AND value.role = 'output'"
            " ORDER BY node.forward_event, value.slot LIMIT 1", (type_,),
        ).fetchone()  # fmt: skip
        numbers = np.frombuffer(data, np.float32).copy()
        numbers[np.argmax(np.abs(numbers))] *= 1.01
        connection.execute("UPDATE tensor SET data = ? WHERE id = ?", (numbers.tobytes(), tensor))
    connection.close()


def test_what_is_taken_from_a_number_stands_behind_it(tmp_path: Path) -> None:
    """The operator's first argument is what is taken away."""
    path = tmp_path / "it.chain"
    with record(path, script=__file__):
        w = torch.tensor(3.0, requires_grad=True)
        result = 2 - w
        result.backward()
    (line,) = lines_of(path, "RsubBackward1")
    assert (line.formula, line.numbers, line.by_hand) == ("2 - w", "2 - 3", "-1.0")


def test_a_number_is_rounded_to_the_dtype_of_the_tensors(tmp_path: Path) -> None:
    """Nothing but its rounding is left of -0.3 + 0.3."""
    path = tmp_path / "it.chain"
    with record(path, script=__file__):
        w = torch.tensor([-0.3, -0.30000004], requires_grad=True)
        half = torch.tensor([-0.3, 1.0], dtype=torch.bfloat16, requires_grad=True)
        ((w + 0.3).sum() + (half + 0.3).sum()).backward()
    assert {line.verdict for line in lines_of(path, "AddBackward0")} <= {"equal", "within_rounding"}


def test_a_complex_number_stands_in_the_formula(tmp_path: Path) -> None:
    path = tmp_path / "it.chain"
    with record(path, script=__file__):
        w = torch.tensor([1 + 1j, 2], requires_grad=True)
        total = torch.add(w, w, alpha=2 - 1j)
        total.abs().sum().backward()
    (line,) = lines_of(path, "AddBackward0")
    assert (line.formula, line.verdict) == (r"w + \left(2 - 1 i\right) \cdot w", "equal")


def test_where_no_gradient_passes_it_is_zero_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "it.chain"
    with record(path, script=__file__):
        w = torch.tensor([-0.3, 2.0], requires_grad=True)
        (w * w.sign()).sum().backward()
    with open_recording(path) as recording:
        lines = [work_out(recording, place) for place in outline(recording, 0)]
        (sign,) = (node.id for node in recording.nodes(0) if node.type == "SignBackward0")
    (line,) = (line for line in lines if line.place.stage == "gradient" and line.place.node == sign)
    assert (line.verdict, line.formula) == ("equal", "0")
    assert "no gradient passes" in line.remark


def test_of_what_has_no_forward_nothing_is_claimed() -> None:
    assert forward_of("SpecialBesselJ0Backward0") is None


@pytest.mark.parametrize("type_", table())
def test_its_formula_can_be_set_and_read_out(type_: str) -> None:
    node = Node(0, 0, "operation", type_)
    formula = PLACEHOLDER.sub(r"\\mathrm{layer\\_1}", table()[type_].written(node))
    assert "<" not in formula
    assert set_formula(formula) is not None
    assert not set("\\{}") & set(plain_text(formula))
