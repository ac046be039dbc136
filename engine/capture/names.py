"""The user's own names for modules, parameters and tensors."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import torch

from engine.capture.frames import Frames
from engine.capture.known import ByTensor

_MAX_CONTAINER = 64


class Names:
    """Learns names from the modules that are called and from the variables of the frames that call them."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._modules: weakref.WeakKeyDictionary[torch.nn.Module, str] = weakref.WeakKeyDictionary()
        self._tensors: ByTensor[str] = ByTensor()
        self._taken: set[str] = set()
        self._stack: list[torch.nn.Module] = []

    def enter(self, module: torch.nn.Module) -> None:
        """A module's forward begins."""
        if module not in self._modules:
            self._learn(module)
        self._stack.append(module)

    def leave(self, module: torch.nn.Module) -> None:
        """A module's forward ends, orderly or by an exception."""
        while self._stack:
            if self._stack.pop() is module:
                return

    def current_module(self) -> tuple[str, str]:
        """(path, class name) of the innermost module call, or two empty strings."""
        if not self._stack:
            return "", ""
        module = self._stack[-1]
        return self._modules.get(module, ""), type(module).__name__

    def _learn(self, module: torch.nn.Module) -> None:
        """Names for `module` and everything in it, as seen from the outermost module in the user's variables."""
        root, prefix = module, ""
        if self._stack and self._stack[0] in self._modules:
            # Made on the fly inside a known model: name it after the module that called it.
            outer = self._modules[self._stack[-1]]
            prefix = f"{outer}.{type(module).__name__}" if outer else type(module).__name__
        else:
            roots = self._roots_in_scope()
            for name, candidate in roots:
                if any(part is module for part in candidate.modules()):
                    root = candidate
                    prefix = name if len(roots) > 1 else ""
                    break
        for path, part in root.named_modules():
            self._modules.setdefault(part, _joined(prefix, path))
        for path, tensor in (*root.named_parameters(), *root.named_buffers()):
            if self._tensors.get(tensor) is None:
                self._tensors[tensor] = self._unique(_joined(prefix, path))

    def _roots_in_scope(self) -> list[tuple[str, torch.nn.Module]]:
        """Modules among the user's variables that are no part of another one there."""
        found: dict[int, tuple[str, torch.nn.Module]] = {}
        for frame in self._frames.user_frames():
            for variables in (frame.f_locals, frame.f_globals):
                for name, value in list(variables.items()):
                    if isinstance(value, torch.nn.Module):
                        found.setdefault(id(value), (name, value))
        parts = {id(part) for _, module in found.values() for part in module.modules() if part is not module}
        roots = [(name, module) for key, (name, module) in found.items() if key not in parts]
        if len(roots) > 1:
            roots = [(name, module) for name, module in roots if any(True for _ in module.parameters())] or roots
        return roots

    def _unique(self, name: str) -> str:
        candidate, count = name, 2
        while candidate in self._taken:
            candidate, count = f"{name} ({count})", count + 1
        self._taken.add(candidate)
        return candidate

    def leaf_name(self, tensor: torch.Tensor) -> str:
        """A lasting name for a leaf: its module's name for it, else a variable's, else its shape."""
        known = self._tensors.get(tensor)
        if known is None:
            shape = "×".join(str(int(length)) for length in tensor.shape)
            found = self.variable_name(tensor) or (f"leaf {shape}" if shape else "leaf")
            known = self._tensors[tensor] = self._unique(found)
        return known

    def data_name(self, tensor: torch.Tensor) -> str:
        """A name for an input that needs no gradient: a buffer's name, a variable's, or ""."""
        return self._tensors.get(tensor) or self.variable_name(tensor)

    def variable_name(self, tensor: torch.Tensor) -> str:
        """The variable of the user's frames that holds `tensor` itself, or ""."""
        for frame in self._frames.user_frames():
            for name, value in _tensors_of(frame):
                if value is tensor:
                    return name
        return ""

    def variables(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Every tensor in the user's frames with its name, innermost frame first."""
        for frame in self._frames.user_frames():
            yield from _tensors_of(frame)


def _joined(prefix: str, path: str) -> str:
    return f"{prefix}.{path}" if prefix and path else prefix or path


def _tensors_of(frame: FrameType) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors in a frame's variables, in lists, tuples and dicts there, and in the attributes of `self`."""
    for variables in (frame.f_locals, frame.f_globals):
        for name, value in list(variables.items()):
            if isinstance(value, torch.Tensor):
                yield name, value
            elif not name.startswith("__") and isinstance(value, list | tuple | dict):
                yield from _tensors_in(name, value)
        if frame.f_locals is frame.f_globals:
            break
    holder = frame.f_locals.get("self")
    for name, value in list(getattr(holder, "__dict__", {}).items()):
        if isinstance(value, torch.Tensor):
            yield f"self.{name}", value


def _tensors_in(
    name: str, container: list[Any] | tuple[Any, ...] | Mapping[Any, Any]
) -> Iterator[tuple[str, torch.Tensor]]:
    if len(container) > _MAX_CONTAINER:
        return
    items = list(container.items()) if isinstance(container, Mapping) else list(enumerate(container))
    for key, value in items:
        if isinstance(value, torch.Tensor):
            yield f"{name}[{key!r}]", value
