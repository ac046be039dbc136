"""Recordings of all of torchvision's classification models, for what is measured on their graphs.

    python -m benchmarks.torchvision_graphs FOLDER [MODEL …]

They are made on the meta device: no weights are drawn and nothing is computed, but the backward graph, its module paths
and its shapes are those of the real model. A model that is in FOLDER already is left alone.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from engine import record
from engine.capture.torchvision_ops import define_missing
from gui.load_model.options import size_rule


def names() -> list[str]:
    """All models of `torchvision.models` that classify."""
    models = _torchvision()
    return list(models.list_models(module=models))


def make(name: str, folder: Path) -> Path:
    """The recording of one forward and backward pass over two random images."""
    path = folder / f"{name}.chain"
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        _record(name, unfinished)
        unfinished.rename(path)
    return path


def _record(name: str, path: Path) -> None:
    models, rule = _torchvision(), size_rule(name)
    size = rule.nearest(max(rule.default, 64))
    options: dict[str, Any] = {"weights": None}
    if rule.argument:
        argument = rule.argument.partition("=")[0]
        options[argument] = (size, size) if argument == "input_size" else size
    with torch.device("meta"):
        model = getattr(models, name)(**options)
        images, labels = torch.rand(2, 3, size, size), torch.rand(2, 1000)
        with record(path, tensors="stats"):
            prediction = model(images)
            heads = (
                [prediction]
                if isinstance(prediction, torch.Tensor)
                else [head for head in prediction if head is not None]
            )
            loss = sum(((head - labels).sum() for head in heads[1:]), (heads[0] - labels).sum())
            loss.backward()


def _torchvision() -> Any:
    define_missing()
    from torchvision import models

    # It works out widths with small tensors, and reads them: there is nothing to read on the meta device.
    widths = models.regnet.BlockParams.from_init_params.__func__
    if widths.__name__ == "from_init_params":

        def on_the_cpu(cls: type, *arguments: Any, **options: Any) -> Any:
            with torch.device("cpu"):
                return widths(cls, *arguments, **options)

        models.regnet.BlockParams.from_init_params = classmethod(on_the_cpu)
    return models


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    for name in arguments[1:] or names():
        print(name, file=sys.stderr, flush=True)
        make(name, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
