"""The same numbers in another place: views, permutations, parts, joining, picking by index."""

from __future__ import annotations

from engine.export.script.expressions import NoTemplateError, number
from engine.export.script.registry import backward, forward
from engine.export.script.writing import NodeText

_RESHAPED = (
    "ViewBackward0 UnsafeViewBackward0 ReshapeAliasBackward0 UnsqueezeBackward0 SqueezeBackward0 SqueezeBackward1 "
    "SqueezeBackward2"
)


@forward(_RESHAPED)
def reshape(n: NodeText) -> None:
    n.put(f"{n.x()}.reshape({n.out_shape})")


@backward(_RESHAPED)
def reshape_backward(n: NodeText) -> None:
    n.give(0, f"{n.g}.reshape({n.shape(0)})", broadcast=False)


@forward("TBackward0")
def t(n: NodeText) -> None:
    n.put(f"{n.x()}.T")


@backward("TBackward0")
def t_backward(n: NodeText) -> None:
    n.give(0, f"{n.g}.T", broadcast=False)


def _swapped(n: NodeText, of: str) -> str:
    length = len(n.out_shape)
    return f"{of}.swapaxes({n.axis('dim0', ndim=length)}, {n.axis('dim1', ndim=length)})"


@forward("TransposeBackward0")
def transpose(n: NodeText) -> None:
    n.put(_swapped(n, n.x()))


@backward("TransposeBackward0")
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


def _index(n: NodeText) -> str:
    """An index of several tensors, as in x[rows, :, columns]."""
    positions = n.given_positions(1)
    if not positions:
        raise NoTemplateError("what it was indexed by was not recorded")
    last = max(positions)
    entries = [n.given(position) if position in positions else ":" for position in range(1, last + 1, 100)]
    return f"[{', '.join(entries)}]"


@forward("IndexBackward0")
def index(n: NodeText) -> None:
    n.put(f"{n.x()}{_index(n)}")


@backward("IndexBackward0")
def index_backward(n: NodeText) -> None:
    picked = _index(n)[1:-1].replace(":", "slice(None)")
    picked = f"({picked})" if "," in picked else picked
    n.give_written(0, lambda name: f"np.add.at({name}, {picked}, {n.g})")


@forward("GatherBackward0")
def gather(n: NodeText) -> None:
    n.put(f"np.take_along_axis({n.x()}, {n.given(2)}, axis={n.axis()})")


@backward("GatherBackward0")
def gather_backward(n: NodeText) -> None:
    """Every element of the index, with its own place in the other dimensions."""
    axis, shape = n.axis(), n.out_shape
    places = n.new("places")
    if n.needs(0):
        n.line(f"{places} = list(np.indices({shape}))")
        n.line(f"{places}[{axis}] = {n.given(2)}")
        n.give_written(0, lambda name: f"np.add.at({name}, tuple({places}), {n.g})")


@forward("IndexSelectBackward0")
def index_select(n: NodeText) -> None:
    n.put(f"np.take({n.x()}, {n.given(2)}, axis={n.axis()})")


@backward("IndexSelectBackward0")
def index_select_backward(n: NodeText) -> None:
    places = ", ".join([*["slice(None)"] * n.axis(), n.given(2)])
    places = f"({places})" if "," in places else places
    n.give_written(0, lambda name: f"np.add.at({name}, {places}, {n.g})")


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
    if any(size < 0 for pair in _margins(n) for size in pair):
        raise NoTemplateError("padding that cuts off")
    n.put(f"np.pad({n.x()}, {_margins(n)}, constant_values={number(n.argument('value', 0))})")


@backward("ConstantPadNdBackward0")
def pad_backward(n: NodeText) -> None:
    ends = [(before, before + length) for (before, _), length in zip(_margins(n), n.shape(0), strict=True)]
    n.give(0, f"{n.g}[{', '.join(f'{start}:{end}' for start, end in ends)}]", broadcast=False)


def _margins(n: NodeText) -> list[tuple[int, int]]:
    """Before and after, by dimension; torch lists them from the last dimension on."""
    sizes = n.argument("pad", [])
    pairs = [(sizes[place], sizes[place + 1]) for place in range(0, len(sizes), 2)]
    return [(0, 0)] * (len(n.out_shape) - len(pairs)) + pairs[::-1]


@forward("TrilBackward0 TriuBackward0")
def triangle(n: NodeText) -> None:
    n.put(f"np.{n.type[:4].lower()}({n.x()}, {n.argument('diagonal', 0)})")


@backward("TrilBackward0 TriuBackward0")
def triangle_backward(n: NodeText) -> None:
    n.give(0, f"np.{n.type[:4].lower()}({n.g}, {n.argument('diagonal', 0)})", broadcast=False)
