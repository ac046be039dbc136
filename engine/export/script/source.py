"""The text of plain functions, as programs get it: without annotations, with everything that they call."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from engine.export.script import kernels, kernels_convolution
from engine.export.script.lines import statement


@cache
def functions() -> Mapping[str, Callable[..., Any]]:
    """Every function that a program may be given, by name, in the order in which they are written."""
    found: dict[str, Callable[..., Any]] = {}
    for module in (kernels, kernels_convolution):
        found |= _defined_in(module)
    return found


def _defined_in(module: ModuleType) -> dict[str, Callable[..., Any]]:
    return {
        name: member for name, member in vars(module).items()
        if inspect.isfunction(member) and member.__module__ == module.__name__
    }  # fmt: skip


def needed(names: Iterable[str]) -> list[str]:
    """`names` and the functions that they call, in the order in which they are written."""
    wanted, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            tree = ast.parse(text_of(functions()[name]))
            waiting += [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in functions()]
    return [name for name in functions() if name in wanted]


@cache
def text_of(function: Callable[..., Any]) -> str:
    """Its source without annotations and remarks to linters."""
    source = textwrap.dedent(inspect.getsource(function))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    defaults: list[ast.expr | None] = [None] * (len(node.args.args) - len(node.args.defaults))
    arguments = [
        argument.arg if default is None else f"{argument.arg}={ast.get_source_segment(source, default)}"
        for argument, default in zip(node.args.args, [*defaults, *node.args.defaults], strict=True)
    ]
    lines = source.splitlines()[node.body[0].lineno - 1 :]
    head = statement(f"def {node.name}({', '.join(arguments)})", 0)
    head[-1] += ":"
    return re.sub(r"  # (noqa|type: ignore|fmt).*", "", "\n".join([*head, *lines]))
