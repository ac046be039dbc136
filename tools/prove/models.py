"""One training step of every torchvision classification model, recorded in full and proved."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from engine.capture import torchvision_ops
from engine.capture.recorder import record
from engine.host.models import classification_models
from engine.recording.reader import open_recording
from engine.verification import verify_recording
from tools.prove.outcome import Outcome

BUDGET = 1 << 36
SIZES = (64, 96, 128, 224, 299)  # pixels; the first that a model takes
_BATCH = 2


def names() -> list[str]:
    """Names of the models."""
    return classification_models()


def prove_model(name: str) -> Outcome:
    """Record one step of SGD with momentum on random images, and prove every node and every update of it."""
    outcome = Outcome(name, samples=1)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "model.chain"
        model, size = _build(name)
        torch.manual_seed(1)
        images, labels = torch.randn(_BATCH, 3, size, size), torch.randint(1000, (_BATCH,))
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
        with record(path, script=__file__, budget=BUDGET):
            result = model(images)
            outputs = result if isinstance(result, tuple) else (result,)
            losses = [torch.nn.functional.cross_entropy(one, labels) for one in outputs if one is not None]
            torch.stack(losses).sum().backward()
            optimizer.step()
        del model, optimizer, images, result, outputs, losses
        with open_recording(path) as recording:
            for proof in verify_recording(recording):
                outcome.states.setdefault(proof.type, Counter())[proof.state] += 1
                if proof.state in ("wrong", "no_data", "unknown"):
                    outcome.faults.append(f"{proof.state}: {proof.type} {proof.name}: {proof.proof.reason}")
            outcome.faults += [note.text for note in recording.notes]
    return outcome


def _build(name: str) -> tuple[torch.nn.Module, int]:
    """The model in training mode with random weights, and the smallest size of image that it takes."""
    torchvision_ops.install()
    from torchvision import models

    options: dict[str, Any] = {"weights": None}
    if name.startswith("vit_"):
        options["image_size"] = 2 * int(name.rsplit("_", 1)[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        model = models.get_model(name, **options)
    for size in (options["image_size"],) if "image_size" in options else SIZES:
        try:
            with torch.no_grad():
                model.train()(torch.zeros(_BATCH, 3, size, size))
        except (RuntimeError, ValueError, AssertionError):
            continue
        return model, size
    raise ValueError(f"{name} takes none of the sizes {SIZES}")
