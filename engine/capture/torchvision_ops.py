"""Lets torchvision be imported beside a torch for which its compiled operators were not built.

torchvision from PyPI links against CUDA; beside a CPU-only torch its library does not load, and the import then fails
with "operator torchvision::nms does not exist", although no classification model needs it. The schemas of the two
operators are defined just before the module that wants them is imported, and only if they are still missing then.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

import torch

_WANTS_THEM = "torchvision._meta_registrations"
_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_libraries: list[torch.library.Library] = []


def define_missing() -> None:
    """Define the schemas that no compiled library has brought along."""
    for name, schema in _SCHEMAS.items():
        try:
            torch._C._dispatch_find_schema_or_throw(f"torchvision::{name}", "")
        except RuntimeError:
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(schema)
            _libraries.append(library)


class _Finder(importlib.abc.MetaPathFinder):
    """Notices the import and lets the other finders do it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == _WANTS_THEM:
            define_missing()
        return None


def install() -> None:
    """Watch for the import of torchvision in this process."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
