"""Which classification models torchvision has here."""

from __future__ import annotations

from engine.capture import torchvision_ops


def classification_models() -> list[str]:
    """Names as `torchvision.models.get_model` takes them, sorted."""
    torchvision_ops.install()
    from torchvision import models

    return sorted(models.list_models(module=models))
