"""What is worth importing before the script asks for it."""

from __future__ import annotations

import pytest

from gui.waiting_host import slow_imports


@pytest.mark.parametrize(
    ("script", "modules"),
    [
        ("import torch, torchvision.models as m", ("torchvision",)),
        ("from torchvision.models import resnet18", ("torchvision",)),
        ("def f():\n    import torchvision", ("torchvision",)),
        ("from .torchvision import x", ()),
        ("import os", ()),
        ("import (", ()),
        ("", ()),
    ],
)
def test_slow_imports(script: str, modules: tuple[str, ...]) -> None:
    assert slow_imports(script) == modules
