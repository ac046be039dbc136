"""Images made larger or smaller, and borders that repeat what is inside."""

from __future__ import annotations

import math

from engine.export.script.expressions import NoTemplateError
from engine.export.script.registry import backward, forward
from engine.export.script.writing import NodeText

_NEAREST = "UpsampleNearest1DBackward0 UpsampleNearest2DBackward0 UpsampleNearest3DBackward0"


def _factors(n: NodeText) -> list[int]:
    """How often each number of an image is repeated, by dimension."""
    pairs = list(zip(n.out_shape[2:], n.shape(0)[2:], strict=True))
    if any(not small or large % small for large, small in pairs):
        raise NoTemplateError("it was not made larger by a whole number")
    return [large // small for large, small in pairs]


@forward(_NEAREST)
def nearest(n: NodeText) -> None:
    repeats = "".join(f".repeat({factor}, axis={axis})" for axis, factor in enumerate(_factors(n), 2))
    n.put(f"{n.x()}{repeats}")


@backward(_NEAREST)
def nearest_backward(n: NodeText) -> None:
    """Each number gets the sum of its copies' gradients."""
    shape, factors = n.shape(0), _factors(n)
    apart = (*shape[:2], *(length for pair in zip(shape[2:], factors, strict=True) for length in pair))
    axes = tuple(range(3, len(apart), 2))
    n.give(0, f"{n.g}.reshape({apart}).sum(axis={axes})", broadcast=False)


def _between(n: NodeText, dimension: int) -> str:
    """The call for the matrix that makes one dimension of an image longer or shorter."""
    small, large = n.shape(0)[2 + dimension], n.out_shape[2 + dimension]
    corners = bool(n.argument("align_corners", False))
    names = ("scales_h", "scales_w") if len(n.out_shape) == 4 else ("scales",)
    factors = n.argument("scale_factors", None)
    scale = factors[dimension] if isinstance(factors, list) else n.argument(names[dimension], None)
    if corners:
        step = (small - 1) / (large - 1) if large > 1 else 0.0
    else:
        step = 1 / scale if isinstance(scale, (int, float)) and scale > 0 else small / large
    return f"{n.call('between', str(small), str(large), repr(float(step)), str(corners))}.astype(number)"


def _matrices(n: NodeText) -> list[str]:
    names = [n.new("rows"), n.new("columns")]
    for dimension, name in enumerate(names):
        n.line(f"{name} = {_between(n, dimension)}")
    return names


@forward("UpsampleBilinear2DBackward0")
def bilinear(n: NodeText) -> None:
    rows, columns = _matrices(n)
    n.line(f"{n.out} = {rows} @ {n.x()} @ {columns}.T")


@backward("UpsampleBilinear2DBackward0")
def bilinear_backward(n: NodeText) -> None:
    rows, columns = n.kept("rows"), n.kept("columns")
    n.give(0, f"{rows}.T @ {n.g} @ {columns}", broadcast=False)


_REFLECTED = "ReflectionPad1DBackward0 ReflectionPad2DBackward0 ReflectionPad3DBackward0"
_REPEATED = "ReplicationPad1DBackward0 ReplicationPad2DBackward0 ReplicationPad3DBackward0"


def _border(n: NodeText) -> str:
    """Width before and after, by dimension, and NumPy's name for what stands there."""
    sizes = n.argument("padding", [])
    pairs = [(sizes[place], sizes[place + 1]) for place in range(0, len(sizes), 2)]
    if any(size < 0 for pair in pairs for size in pair):
        raise NoTemplateError("padding that cuts off")
    widths = [(0, 0)] * (len(n.out_shape) - len(pairs)) + pairs[::-1]
    return f'{widths}, "{"reflect" if n.type.startswith("Reflection") else "edge"}"'


@forward(f"{_REFLECTED} {_REPEATED}")
def border(n: NodeText) -> None:
    n.put(f"np.pad({n.x()}, {_border(n)})")


@backward(f"{_REFLECTED} {_REPEATED}")
def border_backward(n: NodeText) -> None:
    """Each number gets the sum of its copies' gradients."""
    if n.needs(0):
        shape, source = n.shape(0), n.new("source")
        n.line(f"{source} = np.pad(np.arange({math.prod(shape)}).reshape({shape}), {_border(n)})")
        n.give_written(0, lambda name: f"np.add.at({name}.reshape(-1), {source}, {n.g})")
