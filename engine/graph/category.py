"""What kind of operation a node is, which decides its colour.

`PATTERNS` is read from top to bottom, and the first pattern that matches the name of the operation (the type without
"Backward0") decides. Patterns are those of a shell: `*` stands for anything. To add a type, put its name, or a pattern
for its family, into a row of its category; to make an exception, put it into a row further up:

    ("normalization", "*BatchNorm* *LayerNorm …"),    # NativeBatchNorm, CudnnBatchNorm, …
    ("reduction", "… Norm"),                          # the rest of what ends in Norm
"""

from __future__ import annotations

import re
from fnmatch import translate
from functools import cache

CATEGORIES = (
    "linear",
    "normalization",
    "activation",
    "shape",
    "reduction",
    "loss",
    "arithmetic",
    "attention",
    "parameter",
    "data",
    "other",
)

PATTERNS: tuple[tuple[str, str], ...] = (
    ("parameter", "AccumulateGrad"),
    ("attention", "*Attention* NativeMultiHead*"),
    ("loss", "*Loss *Loss2D *CrossEntropy* KlDiv"),
    ("normalization", "*BatchNorm* *LayerNorm* *GroupNorm* *InstanceNorm* *RmsNorm* LocalResponseNorm WeightNorm*"),
    ("normalization", "Renorm EmbeddingRenorm"),
    # Elementwise functions that networks use as activations, and dropout, which gates like one.
    (
        "activation",
        "*Softmax* LogSigmoid Sigmoid Tanh *Relu* Prelu* Elu Celu Selu Gelu Silu Glu Mish Softplus Threshold",
    ),
    ("activation", "Rrelu* Hard* Soft* *Dropout FakeQuantize* FusedMovingAvg*"),
    # Products with weights, and whatever else a linear algebra text would hold.
    ("linear", "Mm Bmm Mv Addmm Addmv Addbmm Baddbmm Addr GroupedMm ForeachMm Dot Vdot Matmul *Linear Trilinear"),
    ("linear", "*Conv* *Rnn* *Lstm* *FusedGru* Embedding*"),
    ("reduction", "LinalgVectorNorm"),
    ("linear", "Sparse*mm Sparse*Matmul SparseMm*"),
    ("linear", "Cholesky* TriangularSolve LuUnpack Geqrf Ormqr Fft*"),
    ("arithmetic", "LinalgCross"),
    ("linear", "Linalg*"),
    ("reduction", "Sum Mean Prod Median Nansum Nanmean Nanmedian Std Var StdMean VarMean SparseSum Trace"),
    ("reduction", "Max Min Amax Amin Aminmax Mode Kthvalue Topk Sort Norm *Dist Cdist Pdist *sumexp Cum*"),
    ("reduction", "*Pool1D *Pool2D* *Pool3D* SegmentReduce Unique*"),
    # The same numbers in another place or another form.
    ("shape", "T View* *View NestedView* *Reshape* Transpose Permute Expand Squeeze Unsqueeze Alias AsStrided*"),
    ("shape", "Movedim Slice* Select* *Split* *Chunk Unbind Unfold Narrow* Diagonal* DiagEmbed Cat Stack BlockDiag"),
    ("shape", "Repeat Roll Flip Rot90 Tril Triu *Clone ToCopy CopySlices CopyBackwards Lift* Detach Contiguous"),
    ("shape", "*Index* Gather Scatter* Take Put Masked* Where Fill Zero"),
    ("shape", "*Pad1D *Pad2D *Pad3D *PadNd *Unpool2D *Unpool3D Upsample* *GridSample* *AffineGrid*"),
    ("shape", "PixelShuffle PixelUnshuffle ChannelShuffle Im2Col Col2Im"),
    ("shape", "To* PinMemory PackPaddedSequence Nested* Values Coalesce Sparse* Complex Polar Conj*"),
    ("arithmetic", "Add Sub Rsub Mul Div Neg Pow Reciprocal Sqrt Rsqrt Abs Sgn Sign Copysign Lerp Addcmul Addcdiv"),
    ("arithmetic", "Ldexp Exp Exp2 Expm1 Log Log2 Log10 Log1P Logaddexp* Logit Xlogy Special* Erf* *gamma *gammac I0"),
    ("arithmetic", "Sin Cos Tan Sinh Cosh Asin Acos Atan Asinh Acosh Atanh Atan2 Sinc Hypot Angle Deg2Rad Rad2Deg"),
    ("arithmetic", "Maximum Minimum Fmax Fmin Clamp* Fmod Remainder Floor Ceil Round Trunc Frac Frexp NanToNum"),
    ("arithmetic", "Nextafter Eq Ne Lt Le Gt Ge Foreach*"),
)

_COMPILED = tuple(
    (category, re.compile("|".join(translate(pattern) for pattern in patterns.split())))
    for category, patterns in PATTERNS
)
_SUFFIX = re.compile(r"(Backward(AutogradNestedTensor|AutogradCUDA)?\d*(_copy)?(List|Tensor|Scalar|ScalarList)?)+$")


@cache
def category(type_: str, kind: str = "operation") -> str:
    """One of `CATEGORIES` for a node of torch's type `type_` ("AddmmBackward0") and the recording's `kind`.

    "other" for what no pattern knows: the user's own Functions, random numbers, new operators.
    """
    if kind in ("parameter", "data"):
        return kind
    name = base_name(type_)
    for found, pattern in _COMPILED:
        if pattern.fullmatch(name):
            return found
    return "other"


@cache
def base_name(type_: str) -> str:
    """The operation in torch's camel case: "AddmmBackward0" → "Addmm", "torch::autograd::CopySlices" → "CopySlices"."""
    name = type_.rsplit("::", 1)[-1]
    return _SUFFIX.sub("", name) or name
