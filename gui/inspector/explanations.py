"""Plain words for the common types of `grad_fn`. To teach one more, add a line; what has no line is not explained.

    "TanhBackward0": _T("Hyperbolic tangent of each element."),

A type that a module makes may stand in `BY_MODULE` too, under the module's class; `{module}` is the module's path.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from engine.recording.model import Node

_CONTEXT = "explanations"


def _T(text: str) -> str:
    return str(QT_TRANSLATE_NOOP("explanations", text))


BY_MODULE: Mapping[tuple[str, str], str] = {
    ("AddmmBackward0", "Linear"): _T("Your linear layer {module}: input times transposed weight, plus bias."),
    ("MmBackward0", "Linear"): _T("Your linear layer {module}, without bias: input times transposed weight."),
    ("TBackward0", "Linear"): _T("The weight of your linear layer {module}, transposed."),
    ("ConvolutionBackward0", "Conv1d"): _T("Your convolution {module}: filters slide along the input."),
    ("ConvolutionBackward0", "Conv2d"): _T("Your convolution {module}: filters slide over the image."),
    ("ConvolutionBackward0", "Conv3d"): _T("Your convolution {module}: filters slide through the volume."),
    ("NativeBatchNormBackward0", "BatchNorm1d"): _T("Your batch normalization {module}, per feature."),
    ("NativeBatchNormBackward0", "BatchNorm2d"): _T("Your batch normalization {module}, per channel."),
    ("NativeLayerNormBackward0", "LayerNorm"): _T("Your layer normalization {module}."),
    ("EmbeddingBackward0", "Embedding"): _T("Your embedding {module}: looks up one row per index."),
}

BY_TYPE: Mapping[str, str] = {
    # --- leaves ------------------------------------------------------------------------------------------------------
    "AccumulateGrad": _T("A leaf of the graph: what arrives here is added to the parameter's .grad."),
    # --- matrices ----------------------------------------------------------------------------------------------------
    "AddmmBackward0": _T("A matrix product plus a bias, as nn.Linear computes it."),
    "MmBackward0": _T("A matrix product."),
    "BmmBackward0": _T("A batch of matrix products."),
    "MvBackward0": _T("A matrix times a vector."),
    "DotBackward0": _T("The scalar product of two vectors."),
    "TBackward0": _T("A matrix, transposed."),
    # --- layers ------------------------------------------------------------------------------------------------------
    "ConvolutionBackward0": _T("A convolution: filters slide over the input."),
    "NativeBatchNormBackward0": _T(
        "Batch normalization: each channel gets mean 0 and variance 1, then scale and shift."
    ),
    "CudnnBatchNormBackward0": _T("Batch normalization, computed by cuDNN."),
    "NativeLayerNormBackward0": _T(
        "Layer normalization: each sample gets mean 0 and variance 1, then scale and shift."
    ),
    "NativeGroupNormBackward0": _T("Group normalization: each group of channels gets mean 0 and variance 1."),
    "NativeDropoutBackward0": _T("Dropout: a random part of the elements is set to zero, the rest scaled up."),
    "EmbeddingBackward0": _T("Looks up one row of the weight per index."),
    "MaxPool2DWithIndicesBackward0": _T("Max pooling: of each window the largest element."),
    "AvgPool2DBackward0": _T("Average pooling: of each window the mean."),
    # --- activations -------------------------------------------------------------------------------------------------
    "ReluBackward0": _T("ReLU: negative elements become zero."),
    "LeakyReluBackward0": _T("Leaky ReLU: negative elements are scaled down."),
    "HardtanhBackward0": _T("Elements are cut off at a lower and an upper limit."),
    "GeluBackward0": _T("GELU: each element times the normal probability of lying below it."),
    "SiluBackward0": _T("SiLU: each element times its own sigmoid."),
    "SigmoidBackward0": _T("Sigmoid of each element: a value between 0 and 1."),
    "TanhBackward0": _T("Hyperbolic tangent of each element: a value between \u22121 and 1."),
    "SoftmaxBackward0": _T("Softmax: positive numbers that sum to 1."),
    "LogSoftmaxBackward0": _T("The logarithm of softmax."),
    # --- losses ------------------------------------------------------------------------------------------------------
    "NllLossBackward0": _T("Negative log likelihood of the right classes; after log-softmax it is the cross entropy."),
    "MseLossBackward0": _T("Mean squared error."),
    "L1LossBackward0": _T("Mean absolute error."),
    "BinaryCrossEntropyBackward0": _T("Binary cross entropy of probabilities."),
    "BinaryCrossEntropyWithLogitsBackward0": _T("Binary cross entropy of logits."),
    # --- element by element ------------------------------------------------------------------------------------------
    "AddBackward0": _T("A sum, element by element: the gradient passes to both sides."),
    "SubBackward0": _T(
        "A difference, element by element: the gradient passes to both sides, to the second one negated."
    ),
    "MulBackward0": _T("A product, element by element."),
    "DivBackward0": _T("A quotient, element by element."),
    "NegBackward0": _T("The sign of each element changes."),
    "PowBackward0": _T("Each element to a fixed power."),
    "PowBackward1": _T("A power, base and exponent both tensors."),
    "ExpBackward0": _T("e to the power of each element."),
    "LogBackward0": _T("The natural logarithm of each element."),
    "SqrtBackward0": _T("The square root of each element."),
    "AbsBackward0": _T("The absolute value of each element."),
    "CloneBackward0": _T("A copy."),
    # --- reductions --------------------------------------------------------------------------------------------------
    "SumBackward0": _T("The sum of all elements: each gets the same gradient."),
    "SumBackward1": _T("A sum along some dimensions."),
    "MeanBackward0": _T("The mean of all elements: each gets the same share of the gradient."),
    "MeanBackward1": _T("A mean along some dimensions."),
    # --- shapes ------------------------------------------------------------------------------------------------------
    "ViewBackward0": _T("The same elements in another shape."),
    "UnsafeViewBackward0": _T("The same elements in another shape."),
    "ReshapeAliasBackward0": _T("The same elements in another shape."),
    "TransposeBackward0": _T("Two dimensions swapped."),
    "PermuteBackward0": _T("The dimensions in another order."),
    "ExpandBackward0": _T("The elements repeated along a dimension; their gradients are summed."),
    "SqueezeBackward1": _T("A dimension of length 1 removed."),
    "UnsqueezeBackward0": _T("A dimension of length 1 added."),
    "CatBackward0": _T("Several tensors joined along a dimension."),
    "StackBackward0": _T("Several tensors stacked along a new dimension."),
    "SelectBackward0": _T("One slice at an index."),
    "SliceBackward0": _T("A part of one dimension."),
}

BY_KIND: Mapping[str, str] = {
    "data": _T("Data: a tensor that needs no gradient."),
}


def explanation(node: Node) -> str:
    """What `node` is in the user's program, in one sentence; "" if nobody has written it down."""
    if node.kind == "data":
        return QCoreApplication.translate(_CONTEXT, BY_KIND["data"])
    template = BY_MODULE.get((node.type, node.module_type)) if node.module else None
    if template is not None:
        return QCoreApplication.translate(_CONTEXT, template).format(module=node.module)
    text = BY_TYPE.get(node.type)
    return "" if text is None else QCoreApplication.translate(_CONTEXT, text)
