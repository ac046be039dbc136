"""Tensors taken apart into pieces, and pieces put together."""

from __future__ import annotations

import numpy as np

from engine.arithmetic import Array
from engine.recording.model import Shape
from engine.rules.axes import axis, key_along, signed
from engine.rules.registry import moving
from engine.rules.values import NodeValues, UnsupportedError


@moving(
    "UnbindBackward0",
    {"self": r"\mathrm{stack}(G_0, G_1, \ldots)"},
    "A tensor was taken apart into slices: their gradients are stacked again.",
)
def unbind(n: NodeValues) -> tuple[Array]:
    shape = n.shape(0)
    dim = axis(n, "dim", len(shape), 0)
    piece = (*shape[:dim], *shape[dim + 1 :])
    return (np.stack([n.grad(k, piece) for k in range(shape[dim])], axis=dim),)


def _joined(n: NodeValues, sizes: list[int], dim: int) -> tuple[Array]:
    shape = n.shape(0)
    pieces = [n.grad(k, (*shape[:dim], size, *shape[dim + 1 :])) for k, size in enumerate(sizes)]
    return (np.concatenate(pieces, axis=dim),)


_JOIN = {"self": r"\mathrm{cat}(G_0, G_1, \ldots)"}
_JOIN_WORDS = "A tensor was cut into pieces: their gradients are joined again."


@moving("SplitBackward0 UnsafeSplitBackward0", _JOIN, _JOIN_WORDS)
def split(n: NodeValues) -> tuple[Array]:
    shape = n.shape(0)
    dim = axis(n, "dim", len(shape), 0)
    size = signed(n.argument("split_size"))
    starts = range(0, shape[dim], size) if size else range(0)
    return _joined(n, [min(size, shape[dim] - start) for start in starts] or [0], dim)


@moving("SplitWithSizesBackward0 UnsafeSplitWithSizesBackward0", _JOIN, _JOIN_WORDS)
def split_with_sizes(n: NodeValues) -> tuple[Array]:
    shape = n.shape(0)
    dim = axis(n, "dim", len(shape), 0)
    given = n.argument("split_sizes", None)
    if given is not None:
        return _joined(n, [signed(size) for size in given], dim)
    sizes: list[int] = []  # a long list was not recorded, but every piece was
    while sum(sizes) < shape[dim]:
        sizes.append(n.output_shape(len(sizes))[dim])
    return _joined(n, sizes, dim)


def _cat_shapes(n: NodeValues, dim: int) -> list[Shape | None]:
    """Shapes of the tensors that were joined; at most one may be unknown, and is what the others leave."""
    shapes: list[Shape | None] = []
    while True:
        slot = len(shapes)
        if n.needs(slot):
            shapes.append(n.shape(slot))
        elif n.has_input(0, slot):
            shapes.append(n.input_shape(0, slot))
        elif slot in n.edges:
            shapes.append(None)
        else:
            break
    whole = n.output_shape()
    if shapes.count(None) > 1:
        raise UnsupportedError("the lengths of the tensors that were joined were not recorded")
    if None in shapes:
        taken = sum(shape[dim] for shape in shapes if shape is not None and shape != (0,))
        shapes[shapes.index(None)] = (*whole[:dim], whole[dim] - taken, *whole[dim + 1 :])
    return shapes


@moving(
    "CatBackward0",
    {"tensors": r"G[start_i : end_i]"},
    "Tensors were joined: each gets its own part of the gradient.",
)
def cat(n: NodeValues) -> dict[int, Array]:
    g = n.grad()
    dim = axis(n, "dim", g.ndim, 0)
    found: dict[int, Array] = {}
    start = 0
    for slot, shape in enumerate(_cat_shapes(n, dim)):
        assert shape is not None
        empty = shape == (0,) and g.ndim != 1  # an old kind of nothing that fits everywhere
        end = start if empty else start + shape[dim]
        if n.needs(slot):
            found[slot] = np.zeros(0) if empty else g[key_along(dim, slice(start, end))]
        start = end
    return found


@moving(
    "BlockDiagBackward0",
    {"tensors": r"G[r_i : r_{i+1},\ c_i : c_{i+1}]"},
    "Matrices were put along a diagonal: each gets its own block of the gradient.",
)
def block_diag(n: NodeValues) -> dict[int, Array]:
    found: dict[int, Array] = {}
    row = column = slot = 0
    while n.needs(slot) or n.has_input(0, slot):
        shape = n.shape(slot) if n.needs(slot) else n.input_shape(0, slot)
        height, width = ((1, 1), *((1, length) for length in shape[-1:]), shape[-2:])[min(len(shape), 2)]
        if n.needs(slot):
            found[slot] = n.grad()[row : row + height, column : column + width].reshape(shape)
        row, column, slot = row + height, column + width, slot + 1
    if (row, column) != n.grad_shape():
        raise UnsupportedError("the shape of one of the matrices was not recorded")
    return found


@moving("StackBackward0", {"tensors": r"G[i]"}, "Tensors were stacked: each gets its own slice of the gradient.")
def stack(n: NodeValues) -> dict[int, Array]:
    g = n.grad()
    dim = axis(n, "dim", g.ndim, 0)
    return {slot: g[key_along(dim, slot)] for slot in n.slots}
