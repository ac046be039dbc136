"""Sorting; numbers that are picked by index, and put or added where an index says."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.export.script.expressions import NoTemplateError, summed, times
from engine.export.script.registry import backward, forward
from engine.export.script.writing import NodeText
from engine.recording.model import Shape


@forward("TopkBackward0 SortBackward0 SortBackward1")
def ordered(n: NodeText) -> None:
    n.put(f"np.take_along_axis({n.x()}, {n.saved('indices')}, axis={n.axis(default=-1)})")


@backward("TopkBackward0 SortBackward0 SortBackward1")
def ordered_backward(n: NodeText) -> None:
    """Each number's gradient goes back to where it stood."""
    axis = n.axis(default=-1)
    n.give_written(0, lambda name: f"np.put_along_axis({name}, {n.saved('indices')}, {n.g}, axis={axis})")


def _index(n: NodeText) -> str:
    """An index of several tensors, as in x[rows, :, columns]."""
    positions = n.given_positions(1)
    if not positions:
        raise NoTemplateError("what it was indexed by was not recorded")
    last = max(positions)
    entries = [n.given(position) if position in positions else ":" for position in range(1, last + 1, 100)]
    return f"[{', '.join(entries)}]"


def _along(n: NodeText) -> str:
    """An index in the operator's dimension, and everything in the others."""
    return f"[{', '.join([*[':'] * n.axis(), n.given(2)])}]"


def _as_argument(index: str) -> str:
    """An index as a function takes it."""
    inner = index[1:-1].replace(":", "slice(None)")
    return f"({inner})" if "," in inner else inner


def _places(n: NodeText, shape: Shape) -> str:
    """The index of each element, with its own place in the other dimensions."""
    name = n.new("places")
    n.line(f"{name} = list(np.indices({shape}))")
    n.line(f"{name}[{n.axis()}] = {n.given(2)}")
    return f"tuple({name})"


@forward("IndexBackward0")
def index(n: NodeText) -> None:
    n.put(f"{n.x()}{_index(n)}")


@backward("IndexBackward0")
def index_backward(n: NodeText) -> None:
    n.give_written(0, lambda name: f"np.add.at({name}, {_as_argument(_index(n))}, {n.g})")


@forward("IndexSelectBackward0")
def index_select(n: NodeText) -> None:
    n.put(f"np.take({n.x()}, {n.given(2)}, axis={n.axis()})")


@backward("IndexSelectBackward0")
def index_select_backward(n: NodeText) -> None:
    n.give_written(0, lambda name: f"np.add.at({name}, {_as_argument(_along(n))}, {n.g})")


@forward("GatherBackward0")
def gather(n: NodeText) -> None:
    n.line(f"{n.out} = {n.x()}[{_places(n, n.out_shape)}]")


@backward("GatherBackward0")
def gather_backward(n: NodeText) -> None:
    if n.needs(0):
        places = _places(n, n.out_shape)
        n.give_written(0, lambda name: f"np.add.at({name}, {places}, {n.g})")


@forward("MaskedSelectBackward0")
def masked_select(n: NodeText) -> None:
    n.put(f"{n.x()}[{_mask(n)}]")


@backward("MaskedSelectBackward0")
def masked_select_backward(n: NodeText) -> None:
    n.give_written(0, lambda name: f"{name}[{_mask(n)}] = {n.g}")


def _mask(n: NodeText) -> str:
    mask = n.given_array(1)
    if mask is None or mask.shape != n.shape(0):
        raise NoTemplateError("a mask of another shape")
    return n.given(1)


@forward("EmbeddingBackward0")
def embedding(n: NodeText) -> None:
    n.put(f"{n.x()}[{n.given(1)}]")


@backward("EmbeddingBackward0")
def embedding_backward(n: NodeText) -> None:
    """A row that was looked up several times gets the sum."""
    if n.argument("scale_grad_by_freq", False) or n.argument("sparse", False):
        raise NoTemplateError("an embedding with gradients scaled by frequency, or sparse ones")
    padding = int(n.argument("padding_idx", -1))
    if n.needs(0):
        name = n.target(0)
        n.line(f"{name} = np.zeros({n.shape(0)}, number)")
        n.line(f"np.add.at({name}, {n.given(1)}, {n.g})  # a row that was looked up several times gets the sum")
        if padding >= 0:
            n.line(f"{name}[{padding}] = 0  # padding")


@forward("IndexPutBackward0")
def index_put(n: NodeText) -> None:
    where, value = _index(n), n.x(1, 2)
    n.line(f"{n.out} = np.array({n.x()})")
    if n.argument("accumulate", False):
        n.line(f"np.add.at({n.out}, {_as_argument(where)}, {value})")
    else:
        n.line(f"{n.out}{where} = {value}")


@backward("IndexPutBackward0")
def index_put_backward(n: NodeText) -> None:
    where = _index(n)
    if n.needs(0):
        name = n.target(0)
        n.line(f"{name} = np.array({n.g})")
        if not n.argument("accumulate", False):
            n.line(f"{name}{where} = 0  # these numbers were written over")
    if n.needs(1):
        n.give(1, summed(f"{n.g}{where}", _picked(n), n.shape(1)), broadcast=False)


def _picked(n: NodeText) -> Shape:
    """The shape of what an index of several tensors picks."""
    positions = n.given_positions(1)
    key: list[Any] = [n.given_array(position) if position in positions else slice(None)
                      for position in range(1, max(positions) + 1, 100)]  # fmt: skip
    if any(part is None for part in key):
        raise NoTemplateError("what it was indexed by was not recorded")
    return tuple(np.empty(n.out_shape, bool)[tuple(key)].shape)


@forward("IndexAddBackward0")
def index_add(n: NodeText) -> None:
    n.line(f"{n.out} = np.array({n.x()})")
    n.line(f"np.add.at({n.out}, {_as_argument(_along(n))}, {times(n.argument('alpha', 1), n.x(1, 3))})")


@backward("IndexAddBackward0")
def index_add_backward(n: NodeText) -> None:
    n.give(0, n.g)
    n.give(1, times(n.argument("alpha", 1), f"{n.g}{_along(n)}"), broadcast=False)


@forward("ScatterAddBackward0")
def scatter_add(n: NodeText) -> None:
    n.line(f"{n.out} = np.array({n.x()})")
    n.line(f"np.add.at({n.out}, {_places(n, n.shape(1, 3))}, {n.x(1, 3)})")


@backward("ScatterAddBackward0")
def scatter_add_backward(n: NodeText) -> None:
    n.give(0, n.g)
    if n.needs(1):
        n.give(1, f"{n.g}[{_places(n, n.shape(1))}]", broadcast=False)
