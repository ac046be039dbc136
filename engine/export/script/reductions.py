"""Many numbers become one, or a running result: sums, means, spreads, norms, extremes."""

from __future__ import annotations

import math
from collections.abc import Iterable

from engine.export.script.expressions import NoTemplateError, number
from engine.export.script.registry import backward, forward
from engine.export.script.writing import NodeText
from engine.recording.model import Shape


def _dims(n: NodeText, name: str = "dim") -> tuple[int, ...]:
    """The dimensions that are reduced, ascending; none given: all."""
    length, dims = len(n.shape(0)), n.argument(name)
    if dims is None or dims == []:
        return tuple(range(length))
    members: Iterable[int] = dims if isinstance(dims, list) else [dims]
    if not length:
        return ()
    return tuple(sorted(int(dim) % length for dim in members))


def _reduced(n: NodeText, how: str) -> str:
    dims = _dims(n)
    axis = "" if len(dims) == len(n.shape(0)) else f"axis={dims[0] if len(dims) == 1 else dims}"
    if n.argument("keepdim", False):
        axis = f"{axis or f'axis={dims}'}, keepdims=True"
    return f"{n.x()}.{how}({axis})"


def _spread(n: NodeText, gradient: str) -> str:
    """The gradient of a sum: the same for each addend."""
    shape = n.shape(0)
    kept: Shape = tuple(1 if axis in _dims(n) else length for axis, length in enumerate(shape))
    if n.out_shape not in ((), kept):
        gradient = f"{gradient}.reshape({kept})"
    return f"np.broadcast_to({gradient}, {shape})" if shape else gradient


@forward("SumBackward0 SumBackward1")
def total(n: NodeText) -> None:
    n.put(_reduced(n, "sum"))


@backward("SumBackward0 SumBackward1")
def total_backward(n: NodeText) -> None:
    n.give(0, _spread(n, n.g), broadcast=False)


@forward("MeanBackward0 MeanBackward1")
def mean(n: NodeText) -> None:
    n.put(_reduced(n, "mean"))


@backward("MeanBackward0 MeanBackward1")
def mean_backward(n: NodeText) -> None:
    count = math.prod(n.shape(0)[axis] for axis in _dims(n))
    n.give(0, f"{_spread(n, n.g)} / {count}", broadcast=False)


@forward("MaxBackward0 MinBackward0")
def extreme(n: NodeText) -> None:
    n.put(f"np.take_along_axis({n.x()}, {_where(n)}, axis={n.axis()}){_squeezed(n)}")


@backward("MaxBackward0 MinBackward0")
def extreme_backward(n: NodeText) -> None:
    kept = tuple(1 if axis == n.axis() else length for axis, length in enumerate(n.shape(0)))
    n.give_written(0, lambda name: f"np.put_along_axis({name}, {_where(n)}, {n.g}.reshape({kept}), axis={n.axis()})")


def _where(n: NodeText) -> str:
    indices = n.saved("indices")
    return indices if n.argument("keepdim", False) else f"np.expand_dims({indices}, {n.axis()})"


def _squeezed(n: NodeText) -> str:
    return "" if n.argument("keepdim", False) else f".squeeze({n.axis()})"


def _axes(n: NodeText) -> str:
    dims = _dims(n)
    return str(dims[0] if len(dims) == 1 else dims)


def _kept(n: NodeText) -> Shape:
    """The shape of the result, had its reduced dimensions been kept."""
    return tuple(1 if axis in _dims(n) else length for axis, length in enumerate(n.shape(0)))


def _as_kept(n: NodeText, name: str) -> str:
    return name if n.out_shape == _kept(n) else f"{name}.reshape({_kept(n)})"


def _degrees(n: NodeText) -> float:
    """What the sum of squares is divided by."""
    correction = n.argument("correction", 1)
    if not isinstance(correction, (int, float)):
        raise NoTemplateError("its correction was not recorded")
    degrees = math.prod(n.shape(0)[axis] for axis in _dims(n)) - correction
    if degrees <= 0:
        raise NoTemplateError("there are too few numbers for a variance")
    return degrees


@forward("VarBackward0 StdBackward0")
def spread(n: NodeText) -> None:
    keep = ", keepdims=True" if n.argument("keepdim", False) else ""
    correction = n.argument("correction", 1)
    n.put(f"{n.x()}.{n.type[:3].lower()}(axis={_axes(n)}, ddof={number(correction)}{keep})")


@backward("VarBackward0 StdBackward0")
def spread_backward(n: NodeText) -> None:
    centered = f"({n.x()} - {n.x()}.mean(axis={_axes(n)}, keepdims=True))"
    if n.type == "VarBackward0":
        n.give(0, f"{_as_kept(n, n.g)} * 2 * {centered} / {_degrees(n)}", broadcast=False)
    else:
        share = n.call("quotient", _as_kept(n, n.g), _as_kept(n, n.out))
        n.give(0, f"{share} * {centered} / {_degrees(n)}", broadcast=False)


@forward("LinalgVectorNormBackward0")
def norm(n: NodeText) -> None:
    if n.argument("ord", 2) != 2:
        raise NoTemplateError("a norm that is not the Euclidean one")
    keep = ", keepdims=True" if n.argument("keepdim", False) else ""
    n.put(f"np.sqrt(({n.x()} * {n.x()}).sum(axis={_axes(n)}{keep}))")


@backward("LinalgVectorNormBackward0")
def norm_backward(n: NodeText) -> None:
    if n.argument("ord", 2) != 2:
        raise NoTemplateError("a norm that is not the Euclidean one")
    n.give(0, f"{n.call('quotient', _as_kept(n, n.g), _as_kept(n, n.out))} * {n.x()}", broadcast=False)


@forward("LogsumexpBackward0")
def logsumexp(n: NodeText) -> None:
    keep = "" if n.argument("keepdim", False) else f".reshape({n.out_shape})"
    n.put(f"{n.call('logsumexp', n.x(), str(_dims(n)))}{keep}")


@backward("LogsumexpBackward0")
def logsumexp_backward(n: NodeText) -> None:
    n.give(0, f"{_as_kept(n, n.g)} * np.exp({n.x()} - {_as_kept(n, n.out)})", broadcast=False)


@forward("CumsumBackward0")
def cumsum(n: NodeText) -> None:
    n.put(f"np.cumsum({n.x()}, axis={n.axis()})")


@backward("CumsumBackward0")
def cumsum_backward(n: NodeText) -> None:
    axis = n.axis()
    n.give(0, f"np.flip(np.cumsum(np.flip({n.g}, {axis}), axis={axis}), {axis})", broadcast=False)


@forward("AmaxBackward0 AminBackward0 MaxBackward1 MinBackward1")
def extreme_shared(n: NodeText) -> None:
    n.put(_reduced(n, "max" if "ax" in n.type[:4] else "min"))


@backward("AmaxBackward0 AminBackward0 MaxBackward1 MinBackward1")
def extreme_shared_backward(n: NodeText) -> None:
    """Several that are equally large share the gradient."""
    hits = n.new("hits")
    n.line(f"{hits} = ({n.x()} == {_as_kept(n, n.out)}).astype(number)")
    n.give(0, f"{_as_kept(n, n.g)} * {hits} / {hits}.sum(axis={_axes(n)}, keepdims=True)", broadcast=False)
