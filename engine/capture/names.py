"""The user's own names for modules, parameters and tensors."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import torch

from engine.capture.frames import Frames
from engine.capture.known import ByTensor
from engine.capture.measure import shape_of

_MAX_CONTAINER = 64
_CONTAINERS = (list, tuple, dict)


class _OfThread(threading.local):
    """The calls of modules under way in this thread, the outermost first, each with the module's path."""

    def __init__(self) -> None:
        self.stack: list[tuple[torch.nn.Module, str]] = []


class Names:
    """Learns names from the modules that are called and from the variables of the frames that call them."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._modules: weakref.WeakKeyDictionary[torch.nn.Module, str] = weakref.WeakKeyDictionary()
        self._tensors: ByTensor[str] = ByTensor()
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}  # by name, where to go on counting: a script may make a leaf in each step
        # Called before any variable held the whole that they may be parts of, as models do that try themselves out.
        self._provisional: weakref.WeakSet[torch.nn.Module] = weakref.WeakSet()
        self._provisional_names: set[str] = set()
        self._shared: weakref.WeakSet[torch.nn.Module] = weakref.WeakSet()  # parts of more than one module
        self._calls = _OfThread()
        self._lock = threading.RLock()  # names are given in whatever thread meets something first

    def enter(self, module: torch.nn.Module) -> None:
        """A module's forward begins."""
        if module not in self._modules:
            with self._lock:
                self._learn(module)
        self._calls.stack.append((module, self._path(module)))

    def leave(self, module: torch.nn.Module) -> None:
        """A module's forward ends, orderly or by an exception."""
        stack = self._calls.stack
        while stack:
            if stack.pop()[0] is module:
                return

    def _path(self, module: torch.nn.Module) -> str:
        """Of a shared module, as one activation for all layers, the name that the module has for it that calls it."""
        if module in self._shared and self._calls.stack:
            caller, path = self._calls.stack[-1]
            for name, part in caller._modules.items():
                if part is module:
                    return _joined(path, name)
        return self._modules.get(module, "")

    def current_module(self) -> tuple[str, str]:
        """(path, class name) of the innermost module call of this thread, or two empty strings."""
        stack = self._calls.stack
        if not stack:
            return "", ""
        module, path = stack[-1]
        return path, type(module).__name__

    def _learn(self, module: torch.nn.Module) -> None:
        """Names for `module` and everything in it, as seen from the outermost module in the user's variables."""
        root, prefix, lasting = module, "", False
        stack = self._calls.stack
        if stack and stack[0][0] in self._modules:
            # Made on the fly inside a known model: name it after the module that called it.
            outer = stack[-1][1]
            prefix = f"{outer}.{type(module).__name__}" if outer else type(module).__name__
            lasting = True
        else:
            roots = self._roots_in_scope()
            for name, candidate in roots:
                if any(part is module for part in candidate.modules()):
                    root, lasting = candidate, True
                    prefix = name if len(roots) > 1 else ""
                    break
        met: set[int] = set()
        for path, part in root.named_modules(remove_duplicate=False):
            if id(part) in met:
                self._shared.add(part)
                continue
            met.add(id(part))
            if part not in self._modules or part in self._provisional:
                self._modules[part] = _joined(prefix, path)
                (self._provisional.discard if lasting else self._provisional.add)(part)
        for path, tensor in (*root.named_parameters(), *root.named_buffers()):
            known = self._tensors.get(tensor)
            if known is None or known in self._provisional_names:
                self._provisional_names.discard(known or "")
                self._taken.discard(known or "")
                name = self._tensors[tensor] = self._unique(_joined(prefix, path))
                if not lasting:
                    self._provisional_names.add(name)

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
        candidate, count = name, self._numbers.get(name, 2)
        while candidate in self._taken:
            candidate, count = f"{name} ({count})", count + 1
        self._taken.add(candidate)
        self._numbers[name] = count
        return candidate

    def leaf_name(self, tensor: torch.Tensor) -> str:
        """A lasting name for a leaf: its module's name for it, else a variable's, else its shape."""
        with self._lock:
            known = self._tensors.get(tensor)
            if known is None:
                shape = "×".join(map(str, shape_of(tensor)))
                found = self._member_name(tensor) or self.variable_name(tensor)
                if not found and isinstance(tensor, torch.nn.Parameter):
                    known = self._in_scope(tensor)
                if known is None:
                    known = self._tensors[tensor] = self._unique(found or (f"leaf {shape}" if shape else "leaf"))
            self._provisional_names.discard(known)
            return known

    def _member_name(self, tensor: torch.Tensor) -> str:
        """Of a parameter that was put into a known module after its names were learned, as sharding does."""
        for module, path in self._modules.items():
            for name, member in module._parameters.items():
                if member is tensor:
                    return _joined(path, name)
        return ""

    def _in_scope(self, tensor: torch.Tensor) -> str | None:
        """Of a parameter of a module that ran no hook: some classes (gpytorch's) have a `__call__` of their own."""
        for _, root in self._roots_in_scope():
            if any(member is tensor for member in root.parameters()):
                self._learn(root)
                return self._tensors.get(tensor)
        return None

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
            elif not name.startswith("__") and isinstance(value, _CONTAINERS):
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
