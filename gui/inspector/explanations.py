"""Plain words for the common types of `grad_fn`. To teach one more, add a line; what has no line is not explained.

    "TanhBackward0": QT_TRANSLATE_NOOP("explanations", "Hyperbolic tangent of each element."),

A type that a module makes may stand in `BY_MODULE` too, under the module's class; `{module}` is the module's path.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from engine.recording.model import Node

BY_MODULE: Mapping[tuple[str, str], object] = {
    ("AddmmBackward0", "Linear"): QT_TRANSLATE_NOOP(
        "explanations", "Your linear layer {module}: input times transposed weight, plus bias."
    ),
    ("MmBackward0", "Linear"): QT_TRANSLATE_NOOP(
        "explanations", "Your linear layer {module}, without bias: input times transposed weight."
    ),
    ("TBackward0", "Linear"): QT_TRANSLATE_NOOP(
        "explanations", "The weight of your linear layer {module}, transposed."
    ),
    ("ConvolutionBackward0", "Conv1d"): QT_TRANSLATE_NOOP(
        "explanations", "Your convolution {module}: filters slide along the input."
    ),
    ("ConvolutionBackward0", "Conv2d"): QT_TRANSLATE_NOOP(
        "explanations", "Your convolution {module}: filters slide over the image."
    ),
    ("ConvolutionBackward0", "Conv3d"): QT_TRANSLATE_NOOP(
        "explanations", "Your convolution {module}: filters slide through the volume."
    ),
    ("NativeBatchNormBackward0", "BatchNorm1d"): QT_TRANSLATE_NOOP(
        "explanations", "Your batch normalization {module}, per feature."
    ),
    ("NativeBatchNormBackward0", "BatchNorm2d"): QT_TRANSLATE_NOOP(
        "explanations", "Your batch normalization {module}, per channel."
    ),
    ("NativeLayerNormBackward0", "LayerNorm"): QT_TRANSLATE_NOOP("explanations", "Your layer normalization {module}."),
    ("EmbeddingBackward0", "Embedding"): QT_TRANSLATE_NOOP(
        "explanations", "Your embedding {module}: looks up one row per index."
    ),
}

BY_TYPE: Mapping[str, object] = {
    # --- leaves ------------------------------------------------------------------------------------------------------
    "AccumulateGrad": QT_TRANSLATE_NOOP(
        "explanations", "A leaf of the graph: what arrives here is added to the parameter's .grad."
    ),
    # --- matrices ----------------------------------------------------------------------------------------------------
    "AddmmBackward0": QT_TRANSLATE_NOOP("explanations", "A matrix product plus a bias, as nn.Linear computes it."),
    "MmBackward0": QT_TRANSLATE_NOOP("explanations", "A matrix product."),
    "BmmBackward0": QT_TRANSLATE_NOOP("explanations", "A batch of matrix products."),
    "MvBackward0": QT_TRANSLATE_NOOP("explanations", "A matrix times a vector."),
    "DotBackward0": QT_TRANSLATE_NOOP("explanations", "The scalar product of two vectors."),
    "TBackward0": QT_TRANSLATE_NOOP("explanations", "A matrix, transposed."),
    # --- layers ------------------------------------------------------------------------------------------------------
    "ConvolutionBackward0": QT_TRANSLATE_NOOP("explanations", "A convolution: filters slide over the input."),
    "NativeBatchNormBackward0": QT_TRANSLATE_NOOP(
        "explanations", "Batch normalization: each channel gets mean 0 and variance 1, then scale and shift."
    ),
    "CudnnBatchNormBackward0": QT_TRANSLATE_NOOP("explanations", "Batch normalization, computed by cuDNN."),
    "NativeLayerNormBackward0": QT_TRANSLATE_NOOP(
        "explanations", "Layer normalization: each sample gets mean 0 and variance 1, then scale and shift."
    ),
    "NativeGroupNormBackward0": QT_TRANSLATE_NOOP(
        "explanations", "Group normalization: each group of channels gets mean 0 and variance 1."
    ),
    "NativeDropoutBackward0": QT_TRANSLATE_NOOP(
        "explanations", "Dropout: a random part of the elements is set to zero, the rest scaled up."
    ),
    "EmbeddingBackward0": QT_TRANSLATE_NOOP("explanations", "Looks up one row of the weight per index."),
    "MaxPool2DWithIndicesBackward0": QT_TRANSLATE_NOOP(
        "explanations", "Max pooling: of each window the largest element."
    ),
    "AvgPool2DBackward0": QT_TRANSLATE_NOOP("explanations", "Average pooling: of each window the mean."),
    # --- activations -------------------------------------------------------------------------------------------------
    "ReluBackward0": QT_TRANSLATE_NOOP("explanations", "ReLU: negative elements become zero."),
    "LeakyReluBackward0": QT_TRANSLATE_NOOP("explanations", "Leaky ReLU: negative elements are scaled down."),
    "HardtanhBackward0": QT_TRANSLATE_NOOP("explanations", "Elements are cut off at a lower and an upper limit."),
    "GeluBackward0": QT_TRANSLATE_NOOP(
        "explanations", "GELU: each element times the normal probability of lying below it."
    ),
    "SiluBackward0": QT_TRANSLATE_NOOP("explanations", "SiLU: each element times its own sigmoid."),
    "SigmoidBackward0": QT_TRANSLATE_NOOP("explanations", "Sigmoid of each element: a value between 0 and 1."),
    "TanhBackward0": QT_TRANSLATE_NOOP(
        "explanations", "Hyperbolic tangent of each element: a value between \u22121 and 1."
    ),
    "SoftmaxBackward0": QT_TRANSLATE_NOOP("explanations", "Softmax: positive numbers that sum to 1."),
    "LogSoftmaxBackward0": QT_TRANSLATE_NOOP("explanations", "The logarithm of softmax."),
    # --- losses ------------------------------------------------------------------------------------------------------
    "NllLossBackward0": QT_TRANSLATE_NOOP(
        "explanations", "Negative log likelihood of the right classes; after log-softmax it is the cross entropy."
    ),
    "MseLossBackward0": QT_TRANSLATE_NOOP("explanations", "Mean squared error."),
    "L1LossBackward0": QT_TRANSLATE_NOOP("explanations", "Mean absolute error."),
    "BinaryCrossEntropyBackward0": QT_TRANSLATE_NOOP("explanations", "Binary cross entropy of probabilities."),
    "BinaryCrossEntropyWithLogitsBackward0": QT_TRANSLATE_NOOP("explanations", "Binary cross entropy of logits."),
    # --- element by element ------------------------------------------------------------------------------------------
    "AddBackward0": QT_TRANSLATE_NOOP("explanations", "A sum, element by element: the gradient passes to both sides."),
    "SubBackward0": QT_TRANSLATE_NOOP(
        "explanations",
        "A difference, element by element: the gradient passes to both sides, to the second one negated.",
    ),
    "MulBackward0": QT_TRANSLATE_NOOP("explanations", "A product, element by element."),
    "DivBackward0": QT_TRANSLATE_NOOP("explanations", "A quotient, element by element."),
    "NegBackward0": QT_TRANSLATE_NOOP("explanations", "The sign of each element changes."),
    "PowBackward0": QT_TRANSLATE_NOOP("explanations", "Each element to a fixed power."),
    "PowBackward1": QT_TRANSLATE_NOOP("explanations", "A power, base and exponent both tensors."),
    "ExpBackward0": QT_TRANSLATE_NOOP("explanations", "e to the power of each element."),
    "LogBackward0": QT_TRANSLATE_NOOP("explanations", "The natural logarithm of each element."),
    "SqrtBackward0": QT_TRANSLATE_NOOP("explanations", "The square root of each element."),
    "AbsBackward0": QT_TRANSLATE_NOOP("explanations", "The absolute value of each element."),
    "CloneBackward0": QT_TRANSLATE_NOOP("explanations", "A copy."),
    # --- reductions --------------------------------------------------------------------------------------------------
    "SumBackward0": QT_TRANSLATE_NOOP("explanations", "The sum of all elements: each gets the same gradient."),
    "SumBackward1": QT_TRANSLATE_NOOP("explanations", "A sum along some dimensions."),
    "MeanBackward0": QT_TRANSLATE_NOOP(
        "explanations", "The mean of all elements: each gets the same share of the gradient."
    ),
    "MeanBackward1": QT_TRANSLATE_NOOP("explanations", "A mean along some dimensions."),
    # --- shapes ------------------------------------------------------------------------------------------------------
    "ViewBackward0": QT_TRANSLATE_NOOP("explanations", "The same elements in another shape."),
    "UnsafeViewBackward0": QT_TRANSLATE_NOOP("explanations", "The same elements in another shape."),
    "ReshapeAliasBackward0": QT_TRANSLATE_NOOP("explanations", "The same elements in another shape."),
    "TransposeBackward0": QT_TRANSLATE_NOOP("explanations", "Two dimensions swapped."),
    "PermuteBackward0": QT_TRANSLATE_NOOP("explanations", "The dimensions in another order."),
    "ExpandBackward0": QT_TRANSLATE_NOOP(
        "explanations", "The elements repeated along a dimension; their gradients are summed."
    ),
    "SqueezeBackward1": QT_TRANSLATE_NOOP("explanations", "A dimension of length 1 removed."),
    "UnsqueezeBackward0": QT_TRANSLATE_NOOP("explanations", "A dimension of length 1 added."),
    "CatBackward0": QT_TRANSLATE_NOOP("explanations", "Several tensors joined along a dimension."),
    "StackBackward0": QT_TRANSLATE_NOOP("explanations", "Several tensors stacked along a new dimension."),
    "SelectBackward0": QT_TRANSLATE_NOOP("explanations", "One slice at an index."),
    "SliceBackward0": QT_TRANSLATE_NOOP("explanations", "A part of one dimension."),
}

BY_KIND: Mapping[str, object] = {
    "data": QT_TRANSLATE_NOOP("explanations", "Data: a tensor that needs no gradient."),
}


def explanation(node: Node) -> str:
    """What `node` is in the user's program, in one sentence; "" if nobody has written it down."""
    template = BY_KIND.get(node.kind)
    if template is None and node.module:
        template = BY_MODULE.get((node.type, node.module_type))
    if template is None:
        template = BY_TYPE.get(node.type)
    if template is None:
        return ""
    return QCoreApplication.translate("explanations", str(template)).replace("{module}", node.module)
