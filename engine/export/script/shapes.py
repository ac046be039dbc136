"""The same numbers in another place: views, permutations, parts, joining."""

from __future__ import annotations

from engine.export.script.expressions import NoTemplateError, number
from engine.export.script.registry import backward, forward
from engine.export.script.writing import NodeText

_RESHAPED = (
    "ViewBackward0 UnsafeViewBackward0 ReshapeAliasBackward0 UnsqueezeBackward0 SqueezeBackward0 SqueezeBackward1 "
    "SqueezeBackward2 SqueezeBackward4 UnsqueezeBackward1"
)


@forward(_RESHAPED)
def reshape(n: NodeText) -> None:
    n.put(f"{n.x()}.reshape({n.out_shape})")


@backward(_RESHAPED)
def reshape_backward(n: NodeText) -> None:
    n.give(0, f"{n.g}.reshape({n.shape(0)})", broadcast=False)


@forward("BackwardHookFunctionBackward")
def hooked(n: NodeText) -> None:
    """Between what goes into a module that has a hook, or comes out of it, and the rest."""
    for index in n.slots:
        if n.is_used(index):
            n.line(f"{n.output(index)} = {n.x(index)}")


@backward("BackwardHookFunctionBackward")
def hooked_backward(n: NodeText) -> None:
    for index in n.slots:
        if n.has_grad(index):
            n.give(index, n.grad(index), broadcast=False)


@forward("TBackward0")
def t(n: NodeText) -> None:
    n.put(f"{n.x()}.T")


@backward("TBackward0")
def t_backward(n: NodeText) -> None:
    n.give(0, f"{n.g}.T", broadcast=False)


def _swapped(n: NodeText, of: str) -> str:
    length = len(n.out_shape)
    return f"{of}.swapaxes({n.axis('dim0', ndim=length)}, {n.axis('dim1', ndim=length)})"


@forward("TransposeBackward0 TransposeBackward1")
def transpose(n: NodeText) -> None:
    n.put(_swapped(n, n.x()))


@backward("TransposeBackward0 TransposeBackward1")
def transpose_backward(n: NodeText) -> None:
    n.give(0, _swapped(n, n.g), broadcast=False)


def _axes(n: NodeText, name: str = "dims") -> list[int]:
    length = len(n.out_shape)
    return [int(axis) % length for axis in n.argument(name, [])]


@forward("PermuteBackward0")
def permute(n: NodeText) -> None:
    n.put(f"{n.x()}.transpose({tuple(_axes(n))})")


@backward("PermuteBackward0")
def permute_backward(n: NodeText) -> None:
    axes = _axes(n)
    n.give(0, f"{n.g}.transpose({tuple(axes.index(axis) for axis in range(len(axes)))})", broadcast=False)


@forward("ExpandBackward0")
def expand(n: NodeText) -> None:
    n.put(n.x() if n.shape(0) == n.out_shape else f"np.broadcast_to({n.x()}, {n.out_shape})")


@backward("ExpandBackward0")
def expand_backward(n: NodeText) -> None:
    n.give(0, n.g)


@forward("RepeatBackward0")
def repeat(n: NodeText) -> None:
    n.put(f"np.tile({n.x()}, {tuple(n.argument('repeats', []))})")


@backward("RepeatBackward0")
def repeat_backward(n: NodeText) -> None:
    """Each repetition in a dimension of its own, which is summed over."""
    repeats = n.argument("repeats", [])
    padded = (1,) * (len(repeats) - len(n.shape(0))) + n.shape(0)
    apart = tuple(length for pair in zip(repeats, padded, strict=True) for length in pair)
    axes = tuple(range(0, len(apart), 2))
    n.give(0, f"{n.g}.reshape({apart}).sum(axis={axes}).reshape({n.shape(0)})", broadcast=False)


@forward("FlipBackward0")
def flip(n: NodeText) -> None:
    n.put(f"np.flip({n.x()}, {tuple(_axes(n))})")


@backward("FlipBackward0")
def flip_backward(n: NodeText) -> None:
    n.give(0, f"np.flip({n.g}, {tuple(_axes(n))})", broadcast=False)


def _part(n: NodeText) -> str:
    """The index of a select or slice: "[:, 1:3]"."""
    axis = n.axis()
    before = ":, " * axis
    if n.type == "SelectBackward0":
        return f"[{before}{n.argument('index')}]"
    length = n.shape(0)[axis]
    start, end, step = (n.argument(name) for name in ("start", "end", "step"))
    start = "" if start in (None, 0) else start
    end = "" if end is None or end >= length else end
    return f"[{before}{start}:{end}{f':{step}' if step not in (None, 1) else ''}]"


@forward("SelectBackward0 SliceBackward0")
def part(n: NodeText) -> None:
    n.put(f"{n.x()}{_part(n)}")


@backward("SelectBackward0 SliceBackward0")
def part_backward(n: NodeText) -> None:
    n.give_written(0, lambda name: f"{name}{_part(n)} = {n.g}")


def _members(n: NodeText) -> list[str]:
    """The variables of a list of tensors, in order: those with a gradient by slot, the others by place."""
    found: list[str] = []
    while n.has(len(found), 100 * len(found)):
        found.append(n.x(len(found), 100 * len(found)))
    return found


@forward("CatBackward0")
def cat(n: NodeText) -> None:
    n.put(f"np.concatenate([{', '.join(_members(n))}], axis={n.axis(ndim=len(n.out_shape))})")


@backward("CatBackward0")
def cat_backward(n: NodeText) -> None:
    axis, start = n.axis(ndim=len(n.out_shape)), 0
    for slot in range(len(_members(n))):
        end = start + n.shape(slot, 100 * slot)[axis]
        n.give(slot, f"{n.g}[{':, ' * axis}{start}:{end}]", broadcast=False)
        start = end


@forward("StackBackward0")
def stack(n: NodeText) -> None:
    n.put(f"np.stack([{', '.join(_members(n))}], axis={n.axis(ndim=len(n.out_shape))})")


@backward("StackBackward0")
def stack_backward(n: NodeText) -> None:
    axis = n.axis(ndim=len(n.out_shape))
    for slot in range(len(_members(n))):
        n.give(slot, f"{n.g}[{':, ' * axis}{slot}]", broadcast=False)


def _pieces(n: NodeText) -> list[tuple[int, int]]:
    """Start and end of each output of a split."""
    total = n.shape(0)[n.axis()]
    sizes = n.argument("split_sizes", n.argument("split_size"))
    if isinstance(sizes, int) and sizes > 0:
        return [(start, min(start + sizes, total)) for start in range(0, total, sizes)]
    if not isinstance(sizes, list):
        raise NoTemplateError("the sizes of its parts were not recorded")
    ends = [sum(sizes[: count + 1]) for count in range(len(sizes))]
    return [(end - size, end) for end, size in zip(ends, sizes, strict=True)]


@forward("SplitBackward0 SplitWithSizesBackward0 UnsafeSplitBackward0")
def split(n: NodeText) -> None:
    for index, (start, end) in enumerate(_pieces(n)):
        if n.is_used(index):
            n.line(f"{n.output(index)} = {n.x()}[{':, ' * n.axis()}{start}:{end}]")


@backward("SplitBackward0 SplitWithSizesBackward0 UnsafeSplitBackward0")
def split_backward(n: NodeText) -> None:
    if n.needs(0):
        name = n.target(0)
        n.line(f"{name} = np.zeros({n.shape(0)}, number)")
        for index, (start, end) in enumerate(_pieces(n)):
            if n.has_grad(index):
                n.line(f"{name}[{':, ' * n.axis()}{start}:{end}] = {n.grad(index)}")


@forward("UnbindBackward0")
def unbind(n: NodeText) -> None:
    for index in range(n.shape(0)[n.axis()]):
        if n.is_used(index):
            n.line(f"{n.output(index)} = {n.x()}[{':, ' * n.axis()}{index}]")


@backward("UnbindBackward0")
def unbind_backward(n: NodeText) -> None:
    if n.needs(0):
        name = n.target(0)
        n.line(f"{name} = np.zeros({n.shape(0)}, number)")
        for index in range(n.shape(0)[n.axis()]):
            if n.has_grad(index):
                n.line(f"{name}[{':, ' * n.axis()}{index}] = {n.grad(index)}")


@forward("RollBackward0")
def roll(n: NodeText) -> None:
    n.put(_rolled(n, n.x(), 1))


@backward("RollBackward0")
def roll_backward(n: NodeText) -> None:
    n.give(0, _rolled(n, n.g, -1), broadcast=False)


def _rolled(n: NodeText, of: str, sign: int) -> str:
    shifts = tuple(sign * shift for shift in n.argument("shifts", []))
    dims = tuple(n.argument("dims", []))
    return f"np.roll({of}, {shifts}, {dims})" if dims else f"np.roll({of}, {shifts[0]})"


@forward("ConstantPadNdBackward0")
def pad(n: NodeText) -> None:
    n.put(f"np.pad({n.x()}, {_margins(n)}, constant_values={number(n.argument('value', 0))})")


@backward("ConstantPadNdBackward0")
def pad_backward(n: NodeText) -> None:
    ends = [(before, before + length) for (before, _), length in zip(_margins(n), n.shape(0), strict=True)]
    n.give(0, f"{n.g}[{', '.join(f'{start}:{end}' for start, end in ends)}]", broadcast=False)


def _margins(n: NodeText) -> list[tuple[int, int]]:
    """Before and after, by dimension; torch lists them from the last dimension on."""
    sizes = n.argument("pad", [])
    pairs = [(sizes[place], sizes[place + 1]) for place in range(0, len(sizes), 2)]
    if any(size < 0 for size in sizes):
        raise NoTemplateError("padding that cuts off")
    return [(0, 0)] * (len(n.out_shape) - len(pairs)) + pairs[::-1]


@forward("TrilBackward0 TriuBackward0")
def triangle(n: NodeText) -> None:
    n.put(f"np.{n.type[:4].lower()}({n.x()}, {n.argument('diagonal', 0)})")


@backward("TrilBackward0 TriuBackward0")
def triangle_backward(n: NodeText) -> None:
    n.give(0, f"np.{n.type[:4].lower()}({n.g}, {n.argument('diagonal', 0)})", broadcast=False)
