"""Puts off `import torch._dynamo`, which takes as long as torch itself, until something has a use for it; and lets what
would be compiled run as the Python that it is, and what is exported be exported as it is.

torch hides some of its functions from its compiler, `zero_grad` and `__torch_dispatch__` among them, and imports the
compiler for that when one of them is called first. While nobody has imported it nothing is compiled, so there is nobody
to hide from, and the function itself does the same.
"""

from __future__ import annotations

import functools
import importlib.machinery
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch._compile import _disable_dynamo

_KEPT = "__dynamo_disable"  # where a function keeps its hidden twin, once that has been made
_HIDING = _disable_dynamo(lambda: None).__code__


@contextmanager
def dynamo_put_off(*classes: type) -> Iterator[None]:
    """Inside, calling a method of `classes` that torch hides from its compiler does not import the compiler."""
    put_off = [function for name in classes for function in _hidden(vars(name).values())]
    twins = [(function.__wrapped__, _twin(function)) for function in put_off]
    for function, twin in twins:
        if not hasattr(function, _KEPT):
            setattr(function, _KEPT, twin)
    try:
        yield
    finally:
        for function, twin in twins:
            _give_back(function, twin)


@contextmanager
def compiled_runs_as_python() -> Iterator[None]:
    """Inside, nothing is compiled: compiled code makes no nodes that could be followed.

    While a dispatch mode is active torch compiles nothing anyway, and raises where nothing but compiled code will do
    (`fullgraph=True`).
    """
    stances: list[Any] = []
    waiting = _WhenImported(lambda: stances.append(torch.compiler.set_stance("force_eager")))
    if _imported():
        waiting.then()
    else:
        sys.meta_path.insert(0, waiting)
    # A module that would have been compiled warns of hooks on all modules, which are ours.
    warnings.filterwarnings("ignore", r"Using `torch\.compile\(module\)` when there are global hooks on modules")
    ours = warnings.filters[0]
    try:
        yield
    finally:
        if waiting in sys.meta_path:
            sys.meta_path.remove(waiting)
        if ours in warnings.filters:
            warnings.filters.remove(ours)  # type: ignore[attr-defined]
        for stance in stances:
            stance.__exit__(None, None, None)


@contextmanager
def exported_without(handles: Iterable[Any]) -> Iterator[None]:
    """Inside, hooks on all modules, by their handles, step aside while a script exports a model.

    `torch.export` reads the code of the model together with that of such hooks, and refuses a model that it cannot
    begin with. There is nothing to register for that tells of an export before it has looked at the hooks.
    """
    export = torch.export.export

    @functools.wraps(export)
    def without(*args: Any, **kwargs: Any) -> Any:
        with _aside(handles):
            return export(*args, **kwargs)

    torch.export.export = without
    try:
        yield
    finally:
        if torch.export.export is without:
            torch.export.export = export


@contextmanager
def _aside(handles: Iterable[Any]) -> Iterator[None]:
    """These hooks are not there inside; afterwards, those that were are the first again."""
    places = [(handle.hooks_dict_ref(), handle.id) for handle in handles]
    put_off = [(hooks, number, hooks.pop(number)) for hooks, number in places if hooks and number in hooks]
    try:
        yield
    finally:
        for hooks, number, hook in put_off:
            hooks[number] = hook
            hooks.move_to_end(number, last=False)


class _WhenImported:
    """A finder that finds nothing of its own: it calls `then` once `torch._dynamo` has been imported."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.then = then

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "torch._dynamo":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        loader: Any = None if spec is None else spec.loader
        if loader is not None:
            load = loader.exec_module

            def load_and_tell(module: ModuleType) -> None:
                del loader.exec_module
                load(module)
                self.then()

            loader.exec_module = load_and_tell
        return spec


def _hidden(members: Iterable[object]) -> Iterator[Any]:
    """Those that have torch's cloak around them; none if another version of torch makes it otherwise."""
    for member in members:
        if (
            inspect.isfunction(member)
            and member.__code__ is _HIDING
            and inspect.isfunction(vars(member).get("__wrapped__"))
        ):
            yield member


def _twin(hidden: Any) -> Callable[..., Any]:
    function = hidden.__wrapped__

    def twin(*args: Any, **kwargs: Any) -> Any:
        if not _imported():
            return function(*args, **kwargs)
        _give_back(function, twin)
        return hidden(*args, **kwargs)

    return twin


def _give_back(function: Any, twin: Callable[..., Any]) -> None:
    if getattr(function, _KEPT, None) is twin:
        delattr(function, _KEPT)


def _imported() -> bool:
    """Whether the compiler is there, all of it: its own import calls operators, too."""
    module = sys.modules.get("torch._dynamo")
    return module is not None and not getattr(module.__spec__, "_initializing", False)
