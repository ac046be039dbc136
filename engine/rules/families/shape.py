"""Other views of the same numbers: reshaping, transposing, slicing, splitting, joining, padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, linear, value_of
from engine.arithmetic.bounded import Floats
from engine.recording.model import Shape
from engine.rules.axes import axis, signed
from engine.rules.registry import moving, rule, unbroadcast
from engine.rules.terms import Index, TermGroup, broadcast_sources
from engine.rules.values import NodeValues, UnsupportedError


def put_into(g: Array, shape: Shape, key: Any) -> Array:
    """Zeros of `shape` with `g` in the part `key`."""

    def put(array: Floats) -> Floats:
        whole = np.zeros(shape, dtype=array.dtype)
        whole[key] = array
        return whole

    return linear(put, g, 1)


def without(g: Array, key: Any) -> Array:
    """`g` with zeros in the part `key`."""

    def clear(array: Floats) -> Floats:
        whole = np.array(array)
        whole[key] = 0.0
        return whole

    return linear(clear, g, 1)


def _at(dim: int, part: Any) -> tuple[Any, ...]:
    return (*[slice(None)] * dim, part)


@moving(
    "ViewBackward0 UnsafeViewBackward0 ReshapeAliasBackward0 ReshapeCopyBackward0",
    {"self": r"\mathrm{reshape}(G)"},
    "The same numbers in another shape: the gradient is put back into the old shape, and no number changes.",
)
@moving(
    "SqueezeBackward0 SqueezeBackward1 SqueezeBackward2 SqueezeBackward3 SqueezeBackward4 SqueezeBackward5",
    {"self": r"\mathrm{unsqueeze}(G)"},
    "Dimensions of length 1 were dropped: the gradient gets them back.",
)
@moving(
    "UnsqueezeBackward0 UnsqueezeBackward1",
    {"self": r"\mathrm{squeeze}(G)"},
    "A dimension of length 1 was added: the gradient loses it again.",
)
def reshape(n: NodeValues) -> tuple[Array]:
    return (np.reshape(n.grad(), n.shape(0)),)


@moving(
    "TransposeBackward0 TransposeBackward1",
    {"self": r"G^{\mathsf{T}}"},
    "Two dimensions were swapped: the gradient swaps them back.",
)
def transpose(n: NodeValues) -> tuple[Array]:
    ndim = len(n.shape(0))
    return (np.swapaxes(n.grad(), axis(n, "dim0", ndim), axis(n, "dim1", ndim)) if ndim else n.grad(),)


@moving("TBackward0 TBackward1", {"self": r"G^{\mathsf{T}}"}, "A matrix was transposed: so is its gradient.")
def t(n: NodeValues) -> tuple[Array]:
    return (n.grad().T,)


@moving(
    "PermuteBackward0",
    {"self": r"\mathrm{permute}^{-1}(G)"},
    "Dimensions were put in another order: the gradient takes them back to the old one.",
)
def permute(n: NodeValues) -> tuple[Array]:
    ndim = len(n.shape(0))
    dims = [signed(dim) % ndim for dim in n.argument("dims")]
    return (np.transpose(n.grad(), np.argsort(dims, kind="stable")) if ndim else n.grad(),)


@moving(
    "FlipBackward0",
    {"self": r"\mathrm{flip}(G)"},
    "The order along some dimensions was turned round: the gradient is turned round likewise.",
)
def flip(n: NodeValues) -> tuple[Array]:
    ndim = len(n.shape(0))
    dims = tuple(signed(dim) % ndim for dim in n.argument("dims")) if ndim else ()
    return (np.flip(n.grad(), dims) if dims else n.grad(),)


@moving(
    "RollBackward0",
    {"self": r"\mathrm{roll}(G, -\mathrm{shifts})"},
    "Numbers were moved round in a circle: the gradient is moved round the other way.",
)
def roll(n: NodeValues) -> tuple[Array]:
    shifts = [-signed(shift) for shift in n.argument("shifts")]
    ndim = len(n.shape(0))
    dims = [signed(dim) % ndim for dim in n.argument("dims", [])] if ndim else []
    if not dims:
        return (np.reshape(np.roll(np.reshape(n.grad(), (-1,)), sum(shifts)), n.shape(0)),)
    return (np.roll(n.grad(), shifts, dims),)


@moving("Rot90Backward0", {"self": r"\mathrm{rot90}(G, -k)"}, "A picture was turned: its gradient is turned back.")
def rot90(n: NodeValues) -> tuple[Array]:
    ndim = len(n.shape(0))
    first, second = (signed(dim) % ndim for dim in n.argument("dims", [0, 1]))
    return (np.rot90(n.grad(), -signed(n.argument("k", 1)), (first, second)),)


@moving(
    "TrilBackward0",
    {"self": r"\mathrm{tril}(G)"},
    "What lies above the diagonal was set to zero: no gradient goes there.",
)
def tril(n: NodeValues) -> tuple[Array]:
    return (np.tril(n.grad(), signed(n.argument("diagonal", 0))),)


@moving(
    "TriuBackward0",
    {"self": r"\mathrm{triu}(G)"},
    "What lies below the diagonal was set to zero: no gradient goes there.",
)
def triu(n: NodeValues) -> tuple[Array]:
    return (np.triu(n.grad(), signed(n.argument("diagonal", 0))),)


def _expand_terms(n: NodeValues, _slot: int, index: Index) -> list[TermGroup]:
    at = broadcast_sources(index, n.shape(0), n.output_shape())
    return [TermGroup(0, at, np.ones(at[0].shape if at else 1), "a copy")]


@rule(
    "ExpandBackward0",
    {"self": r"\sum_{\mathrm{copies}} G"},
    "One number was used in many places: the gradients of all of its copies are added up.",
    terms=_expand_terms,
)
def expand(n: NodeValues) -> tuple[Array]:
    return (unbroadcast(n.grad(), n.shape(0)),)


def _select_key(n: NodeValues, ndim: int) -> tuple[Any, ...]:
    return _at(axis(n, "dim", ndim), signed(n.argument("index")))


def _slice_key(n: NodeValues, ndim: int) -> tuple[Any, ...]:
    ends = [n.argument(name, None) for name in ("start", "end")]
    start, end = (None if one is None else signed(one) for one in ends)
    return _at(axis(n, "dim", ndim, 0), slice(start, end, signed(n.argument("step", 1))))


def diagonal_key(n: NodeValues, shape: Shape, defaults: tuple[int, int] = (0, 1)) -> tuple[Any, ...]:
    """The index arrays of the diagonal that arguments offset, dim1 and dim2 name, which is the last dimension then."""
    first, second = (axis(n, name, len(shape), one) for name, one in zip(("dim1", "dim2"), defaults, strict=True))
    offset = signed(n.argument("offset", 0))
    row, column = max(-offset, 0), max(offset, 0)
    length = max(0, min(shape[first] - row, shape[second] - column))
    others = [np.arange(size) for dim, size in enumerate(shape) if dim not in (first, second)]
    *grids, along = np.meshgrid(*others, np.arange(length), indexing="ij")
    spare = iter(grids)
    ends = {first: along + row, second: along + column}
    return tuple(ends[dim] if dim in ends else next(spare) for dim in range(len(shape)))


@moving(
    "SelectBackward0",
    {"self": r"\mathrm{zeros},\; G \mathrm{\ at\ } [index]"},
    "One slice was picked: it gets the gradient, all others get zero.",
)
def select(n: NodeValues) -> tuple[Array]:
    return (put_into(n.grad(), n.shape(0), _select_key(n, len(n.shape(0)))),)


@moving(
    "SliceBackward0",
    {"self": r"\mathrm{zeros},\; G \mathrm{\ at\ } [start : end]"},
    "A part was cut out: it gets the gradient, what was left out gets zero.",
)
def slice_(n: NodeValues) -> tuple[Array]:
    return (put_into(n.grad(), n.shape(0), _slice_key(n, len(n.shape(0)))),)


@moving(
    "NarrowCopyBackward0",
    {"self": r"\mathrm{zeros},\; G \mathrm{\ at\ } [start : start + length]"},
    "A part was cut out: it gets the gradient, what was left out gets zero.",
)
def narrow(n: NodeValues) -> tuple[Array]:
    shape = n.shape(0)
    dim = axis(n, "dim", len(shape))
    start = signed(n.argument("start"))
    start += shape[dim] if start < 0 else 0
    return (put_into(n.grad(), shape, _at(dim, slice(start, start + signed(n.argument("length"))))),)


@moving(
    "DiagonalBackward0 LinalgDiagonalBackward0",
    {"self": r"\mathrm{diag}(G)"},
    "The diagonal was read: it gets the gradient, everything beside it gets zero.",
)
def diagonal(n: NodeValues) -> tuple[Array]:
    return (put_into(n.grad(), n.shape(0), diagonal_key(n, n.shape(0))),)


@moving(
    "DiagEmbedBackward0",
    {"self": r"\mathrm{diagonal}(G)"},
    "Numbers were laid out along a diagonal: they get the gradient of the diagonal.",
)
def diag_embed(n: NodeValues) -> tuple[Array]:
    return (n.grad()[diagonal_key(n, n.grad_shape(), (-2, -1))],)


@moving(
    "DiagonalBackwardBackward0",
    {"grad_output": r"\mathrm{diagonal}(G)"},
    "Numbers were laid out along a diagonal: they get the gradient of the diagonal.",
)
def diagonal_backward(n: NodeValues) -> tuple[Array]:
    return (n.grad()[diagonal_key(n, n.grad_shape())],)


@moving(
    "SelectBackwardBackward0",
    {"grad_output": r"G[index]"},
    "Numbers were put into one slice of zeros: they get the gradient of that slice.",
)
def select_backward(n: NodeValues) -> tuple[Array]:
    return (n.grad()[_select_key(n, len(n.grad_shape()))],)


@moving(
    "SliceBackwardBackward0",
    {"grad_output": r"G[start : end]"},
    "Numbers were put into a part of zeros: they get the gradient of that part.",
)
def slice_backward(n: NodeValues) -> tuple[Array]:
    return (n.grad()[_slice_key(n, len(n.grad_shape()))],)


def _written(n: NodeValues, key: tuple[Any, ...]) -> tuple[Array | None, Array | None]:
    g = n.grad()
    return (without(g, key) if n.needs(0) else None, g[key] if n.needs(1) else None)


_SCATTER = {"self": r"G \mathrm{\ with\ zeros\ there}", "src": r"G \mathrm{\ there}"}
_SCATTER_WORDS = "A part was written over: what was written gets the gradient of that part, what was there before none."


@moving("SelectScatterBackward0", _SCATTER, _SCATTER_WORDS)
def select_scatter(n: NodeValues) -> tuple[Any, ...]:
    return _written(n, _select_key(n, len(n.grad_shape())))


@moving("SliceScatterBackward0", _SCATTER, _SCATTER_WORDS)
def slice_scatter(n: NodeValues) -> tuple[Any, ...]:
    return _written(n, _slice_key(n, len(n.grad_shape())))


@moving("DiagonalScatterBackward0", _SCATTER, _SCATTER_WORDS)
def diagonal_scatter(n: NodeValues) -> tuple[Any, ...]:
    return _written(n, diagonal_key(n, n.grad_shape()))


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
            found[slot] = np.zeros(0) if empty else g[_at(dim, slice(start, end))]
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
    return {slot: g[_at(dim, slot)] for slot in n.slots}


@moving(
    "ConstantPadNdBackward0",
    {"self": r"G \mathrm{\ without\ the\ border}"},
    "A border of constants was put round: the gradient loses it, as constants have none.",
)
def constant_pad(n: NodeValues) -> tuple[Array]:
    g, shape = n.grad(), n.shape(0)
    pad = [signed(one) for one in n.argument("pad")]
    inner, outer = [], []
    for dim, length in enumerate(shape):
        place = 2 * (len(shape) - 1 - dim)
        before, after = (pad[place], pad[place + 1]) if place < len(pad) else (0, 0)
        inner.append(slice(max(0, -before), length - max(0, -after)))
        outer.append(slice(max(0, before), g.shape[dim] - max(0, after)))
    return (put_into(g[tuple(outer)], shape, tuple(inner)),)


def _unshuffled(g: Array, factor: int) -> Array:
    *batch, channels, height, width = g.shape
    split_up = np.reshape(g, (-1, channels, height // factor, factor, width // factor, factor))
    moved = np.transpose(split_up, (0, 1, 3, 5, 2, 4))
    return np.reshape(moved, (*batch, channels * factor * factor, height // factor, width // factor))


def _shuffled(g: Array, factor: int) -> Array:
    *batch, channels, height, width = g.shape
    split_up = np.reshape(g, (-1, channels // (factor * factor), factor, factor, height, width))
    moved = np.transpose(split_up, (0, 1, 4, 2, 5, 3))
    return np.reshape(moved, (*batch, channels // (factor * factor), height * factor, width * factor))


@moving(
    "PixelShuffleBackward0",
    {"self": r"\mathrm{unshuffle}(G)"},
    "Channels were laid out as pixels: the gradients of the pixels go back to their channels.",
)
def pixel_shuffle(n: NodeValues) -> tuple[Array]:
    factor = signed(n.argument("upscale_factor"))
    return (_unshuffled(n.grad(), factor) if value_of(n.grad()).size else np.reshape(n.grad(), n.shape(0)),)


@moving(
    "PixelUnshuffleBackward0",
    {"self": r"\mathrm{shuffle}(G)"},
    "Pixels were laid out as channels: the gradients of the channels go back to their pixels.",
)
def pixel_unshuffle(n: NodeValues) -> tuple[Array]:
    factor = signed(n.argument("downscale_factor"))
    return (_shuffled(n.grad(), factor) if value_of(n.grad()).size else np.reshape(n.grad(), n.shape(0)),)


@moving(
    "ChannelShuffleBackward0",
    {"self": r"\mathrm{shuffle}^{-1}(G)"},
    "Channels were mixed between groups: their gradients go back to where they came from.",
)
def channel_shuffle(n: NodeValues) -> tuple[Array]:
    g = n.grad()
    groups = signed(n.argument("groups"))
    batch, channels, *rest = g.shape
    mixed = np.reshape(g, (batch, channels // groups, groups, *rest))
    return (np.reshape(np.swapaxes(mixed, 1, 2), n.shape(0)),)
