"""The same numbers in another shape or order, or each of them in many places."""

from __future__ import annotations

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.axes import axis, signed
from engine.rules.registry import moving, rule, unbroadcast
from engine.rules.terms import Index, TermGroup, broadcast_sources
from engine.rules.values import NodeValues


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


def unshuffled(g: Array, factor: int) -> Array:
    *batch, channels, height, width = g.shape
    split_up = np.reshape(g, (-1, channels, height // factor, factor, width // factor, factor))
    moved = np.transpose(split_up, (0, 1, 3, 5, 2, 4))
    return np.reshape(moved, (*batch, channels * factor * factor, height // factor, width // factor))


def shuffled(g: Array, factor: int) -> Array:
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
    return (unshuffled(n.grad(), factor) if value_of(n.grad()).size else np.reshape(n.grad(), n.shape(0)),)


@moving(
    "PixelUnshuffleBackward0",
    {"self": r"\mathrm{shuffle}(G)"},
    "Pixels were laid out as channels: the gradients of the channels go back to their pixels.",
)
def pixel_unshuffle(n: NodeValues) -> tuple[Array]:
    factor = signed(n.argument("downscale_factor"))
    return (shuffled(n.grad(), factor) if value_of(n.grad()).size else np.reshape(n.grad(), n.shape(0)),)


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
