"""Every type has a category."""

from __future__ import annotations

import pytest

from engine.graph.category import CATEGORIES, PATTERNS, base_name, category

EXAMPLES = {
    "linear": "Addmm Mm Bmm Mv Dot Linear Convolution MkldnnConvolution SlowConv2D ConvDepthwise3D Embedding CudnnRnn "
    "ThnnFusedGruCell LinalgSolveEx LinalgSvd Cholesky FftR2C SparseAddmm GroupedMm Baddbmm",
    "normalization": "NativeBatchNorm CudnnBatchNorm NativeLayerNorm NativeGroupNorm FusedRmsNorm WeightNormInterface "
    "NativeBatchNormLegitNoTraining Renorm",
    "activation": "Relu LeakyRelu PreluKernel RreluWithNoise Gelu Silu Elu Celu Sigmoid Tanh Softmax LogSoftmax "
    "SafeSoftmax LogSigmoid Softplus Softshrink Hardswish Hardtanh Glu Mish NativeDropout Threshold",
    "shape": "View UnsafeView Reshape ReshapeAlias T Transpose Permute Expand Squeeze Unsqueeze Select Slice Cat Stack "
    "Split SplitWithSizes Unbind Index IndexSelect Gather ScatterAdd MaskedFill Where ConstantPadNd Clone ToCopy Alias "
    "AsStrided CopySlices UpsampleBilinear2D GridSampler2D PixelShuffle Roll Tril Repeat Unfold",
    "reduction": "Sum Mean Prod Max Min Amax Median Var Std VarMean Norm LinalgVectorNorm Logsumexp Cumsum MaxPool2D "
    "MaxPool2DWithIndices AdaptiveAvgPool2D AvgPool3D Topk Sort Trace Cdist Nansum",
    "loss": "MseLoss NllLoss NllLoss2D BinaryCrossEntropy BinaryCrossEntropyWithLogits SmoothL1Loss HuberLoss CtcLoss",
    "arithmetic": "Add Sub Rsub Mul Div Neg Pow Exp Log Log1P Sqrt Rsqrt Abs Sin Atan2 Sinh Clamp Maximum Fmod Lerp "
    "Addcmul Erf Lgamma Polygamma SpecialEntr LinalgCross Reciprocal Xlogy ForeachMul Atanh",
    "attention": "ScaledDotProductFlashAttention ScaledDotProductFlashAttentionForCpu EfficientAttention",
    "other": "Bernoulli MyOwnFunction",
}
CASES = [(name, expected) for expected, names in EXAMPLES.items() for name in names.split()]


@pytest.mark.parametrize(("name", "expected"), CASES)
def test_examples(name: str, expected: str) -> None:
    assert category(f"{name}Backward0") == expected
    assert category(f"torch::autograd::{name}Backward1") == expected


def test_leaves() -> None:
    assert category("torch::autograd::AccumulateGrad", "parameter") == "parameter"
    assert category("AccumulateGrad") == "parameter"
    assert category("", "data") == "data"
    assert category("") == "other"


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("AddmmBackward0", "Addmm"),
        ("torch::autograd::CopySlices", "CopySlices"),
        ("SqueezeBackward1_copy", "Squeeze"),
        ("ForeachAddBackward1ScalarList", "ForeachAdd"),
        ("ConvolutionBackwardBackward0", "Convolution"),
        ("ViewBackwardAutogradNestedTensor0", "View"),
        ("MyFunctionBackward", "MyFunction"),
        ("Backward", "Backward"),
        ("", ""),
    ],
)
def test_base_name(type_: str, name: str) -> None:
    assert base_name(type_) == name


def test_the_table_speaks_of_known_categories() -> None:
    assert {found for found, _ in PATTERNS} | {"data", "other"} == set(CATEGORIES)
