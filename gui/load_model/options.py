"""What can be chosen in “Load model…”, and what is known of single models without importing torchvision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Loss = Literal["difference", "cross_entropy", "mse"]
Optimizer = Literal["sgd", "adam", "adamw", "rmsprop"]
Weights = Literal["random", "pretrained", "file"]

LEARNING_RATES: dict[Optimizer, float] = {"sgd": 1e-2, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3}


@dataclass(frozen=True)
class ModelOptions:
    """Sizes in pixels; `file` is the state_dict of `weights == "file"`."""

    model: str
    size: int = 64
    batch: int = 1
    loss: Loss = "difference"
    optimizer: Optimizer = "sgd"
    learning_rate: float = 1e-2
    weights: Weights = "random"
    seed: int = 0
    file: Path | None = None
    steps: int = 10


@dataclass(frozen=True)
class SizeRule:
    """Which square inputs a model takes: at least `minimum`, a multiple of `multiple`.

    `pretrained` is the size that its pretrained weights need, if they need one; `argument` is the constructor's
    argument that must be told the size, with the value for it in Python.
    """

    default: int = 64
    minimum: int = 32
    multiple: int = 1
    pretrained: int | None = None
    argument: str = ""
    minimum_batch: int = 1

    def nearest(self, size: int) -> int:
        """The smallest allowed size that is not below `size`."""
        size = max(size, self.minimum)
        return -(-size // self.multiple) * self.multiple


# Batch normalization needs more than one value per channel: at 32 px and below the last stage of most networks is one
# pixel, in some at 63; and so is the auxiliary head of inception_v3 at 299.
PLAIN = SizeRule()
SIZE_RULES: dict[str, SizeRule] = {
    "alexnet": SizeRule(minimum=63),
    "inception_v3": SizeRule(default=299, minimum=299, minimum_batch=2),
    "maxvit_t": SizeRule(default=224, minimum=224, multiple=224, pretrained=224, argument="input_size=({0}, {0})"),
    "vit_b_16": SizeRule(minimum=16, multiple=16, pretrained=224, argument="image_size={0}"),
    "vit_b_32": SizeRule(minimum=32, multiple=32, pretrained=224, argument="image_size={0}"),
    "vit_l_16": SizeRule(minimum=16, multiple=16, pretrained=224, argument="image_size={0}"),
    "vit_l_32": SizeRule(minimum=32, multiple=32, pretrained=224, argument="image_size={0}"),
    "vit_h_14": SizeRule(default=56, minimum=14, multiple=14, pretrained=518, argument="image_size={0}"),
}
EARLY_PIXEL = ("densenet", "googlenet")
NO_BATCH_NORM = ("alexnet", "convnext", "squeezenet", "swin", "vgg", "vit")


def size_rule(model: str) -> SizeRule:
    return SIZE_RULES.get(model, PLAIN)


def smallest_size(model: str, batch: int) -> int:
    """The smallest input that the model takes in training mode with that batch size."""
    rule = size_rule(model)
    normalizes = "_bn" in model or not model.startswith(NO_BATCH_NORM)
    if not normalizes or batch > 1:
        return rule.minimum
    return max(rule.minimum, 64 if model.startswith(EARLY_PIXEL) else 33)
