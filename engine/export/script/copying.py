"""Writes into a part of a tensor, and the views that they leave behind."""

from __future__ import annotations

import numpy as np

from engine.export.script.expressions import NoTemplateError, summed
from engine.export.script.registry import backward, forward
from engine.export.script.writing import NodeText
from engine.recording.model import Shape
from engine.rules.families.overlapping import memory


def _row_major(shape: Shape) -> tuple[int, ...]:
    found = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        found[axis] = found[axis + 1] * max(shape[axis + 1], 1)
    return tuple(found)


def _is_row_major(shape: Shape, stride: tuple[int, ...]) -> bool:
    pairs = zip(shape, stride, _row_major(shape), strict=True)
    return all(length == 1 or one == other for length, one, other in pairs)


def _part(n: NodeText) -> tuple[Shape, str]:
    """Shape of the part that was written to, and how `view_of` is told where it is."""
    (base, base_stride, base_offset), (shape, stride, offset) = n.view()
    if base != n.out_shape or not _is_row_major(base, base_stride):
        raise NoTemplateError("a write into a tensor whose numbers do not lie in order")
    return shape, f"{shape}, {stride}, {offset - base_offset}"


_WRITTEN = {
    "aten.mul_": "{x} * {other}",
    "aten.add_": "{x} + {other}",
    "aten.sub_": "{x} - {other}",
    "aten.copy_": "{other}",
}


def _write(n: NodeText) -> str:
    """What is written, of the part as it was and the other operand."""
    found = _WRITTEN.get(n.operation.rpartition(".")[0])
    if found is None or n.argument("alpha", 1) != 1:
        raise NoTemplateError(f"{n.operation} into a part")
    return found


@forward("CopySlices")
def copy_slices(n: NodeText) -> None:
    _, where = _part(n)
    formula = _write(n)
    if not n.needs_gradient(0):
        raise NoTemplateError("what the tensor held before was not recorded")
    part = n.call("view_of", n.out, where)
    n.line(f"{n.out} = np.array({n.x()}, order='C')".replace("'", '"'))
    n.line(f"{part}[...] = {formula.format(x=part, other=n.x(1, name='other'))}")


@backward("CopySlices")
def copy_slices_backward(n: NodeText) -> None:
    shape, where = _part(n)
    formula = _write(n)
    entered = n.call("view_of", n.g, where)
    if n.needs(0):
        name = n.target(0)
        n.line(f'{name} = np.array({n.g}, order="C")')
        if formula == "{other}":
            n.line(f"{n.call('view_of', name, where)}[...] = 0  # these numbers were written over")
        elif "*" in formula:
            n.line(f"{n.call('view_of', name, where)}[...] *= {n.x(1, name='other')}")
    if n.needs(1):
        slope = f"{entered} * {n.call('view_of', n.x(0), where)}" if "*" in formula else entered
        sign = "-" if " - " in formula else ""
        n.give(1, summed(f"{sign}{slope}", shape, n.shape(1)), broadcast=False)


_STRIDED = "AsStridedBackward0 AsStridedBackward1"


def _strided(n: NodeText) -> str | None:
    """How `view_of` is told what an as_strided shows; None if that is everything, in order."""
    size, stride = tuple(n.argument("size", [])), tuple(n.argument("stride", []))
    shape, own_stride, start = n.argument("self_geometry", (n.shape(0), _row_major(n.shape(0)), 0))
    if not _is_row_major(tuple(shape), tuple(own_stride)):
        raise NoTemplateError("as_strided of a tensor whose numbers do not lie in order")
    offset = n.argument("storage_offset", None)
    offset = 0 if offset is None else offset - start
    if _count(size) == _count(n.shape(0)) and _is_row_major(size, stride) and not offset:
        return None
    places = memory(size, stride, offset)
    if places.size and not 0 <= places.min() <= places.max() < _count(n.shape(0)):
        raise NoTemplateError("as_strided of what lies beyond the tensor")
    return f"{size}, {stride}, {offset}"


def _shows_again(n: NodeText) -> bool:
    """Whether an as_strided shows a number several times."""
    places = memory(tuple(n.argument("size", [])), tuple(n.argument("stride", [])), 0)
    return np.unique(places).size < places.size


def _count(shape: Shape) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


@forward(_STRIDED)
def as_strided(n: NodeText) -> None:
    where = _strided(n)
    n.put(f"{n.x()}.reshape({n.out_shape})" if where is None else n.call("view_of", n.x(), where))


@backward(_STRIDED)
def as_strided_backward(n: NodeText) -> None:
    where = _strided(n)
    if where is None:
        n.give(0, f"{n.g}.reshape({n.shape(0)})", broadcast=False)
    elif _shows_again(n):
        seen = n.call("view_of", f"np.arange({_count(n.shape(0))})", where)
        n.give_written(0, lambda name: f"np.add.at({name}.reshape(-1), {seen}, {n.g})")
    else:
        n.give_written(0, lambda name: f"{n.call('view_of', name, where)}[...] = {n.g}")
