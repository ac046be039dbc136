"""Sums, products and functions of single numbers, as one line of NumPy each way."""

from __future__ import annotations

from engine.export.script.expressions import number, times
from engine.export.script.registry import BACKWARD, FORWARD, Template, backward, forward
from engine.export.script.writing import NodeText

# type: (the output, the gradient), with x the input, y the output, g the gradient that entered
_FUNCTIONS = {
    "NegBackward0": ("-{x}", "-{g}"),
    "ExpBackward0": ("np.exp({x})", "{g} * {y}"),
    "Exp2Backward0": ("np.exp2({x})", "{g} * {y} * 0.6931471805599453"),
    "Expm1Backward0": ("np.expm1({x})", "{g} * ({y} + 1)"),
    "LogBackward0": ("np.log({x})", "{g} / {x}"),
    "Log2Backward0": ("np.log2({x})", "{g} / ({x} * 0.6931471805599453)"),
    "Log10Backward0": ("np.log10({x})", "{g} / ({x} * 2.302585092994046)"),
    "Log1PBackward0": ("np.log1p({x})", "{g} / ({x} + 1)"),
    "SqrtBackward0": ("np.sqrt({x})", "{g} / (2 * {y})"),
    "RsqrtBackward0": ("1 / np.sqrt({x})", "{g} * -0.5 * {y}**3"),
    "ReciprocalBackward0": ("1 / {x}", "{g} * -{y} * {y}"),
    "SinBackward0": ("np.sin({x})", "{g} * np.cos({x})"),
    "CosBackward0": ("np.cos({x})", "{g} * -np.sin({x})"),
    "TanBackward0": ("np.tan({x})", "{g} * (1 + {y} * {y})"),
    "SinhBackward0": ("np.sinh({x})", "{g} * np.cosh({x})"),
    "CoshBackward0": ("np.cosh({x})", "{g} * np.sinh({x})"),
    "TanhBackward0": ("np.tanh({x})", "{g} * (1 - {y} * {y})"),
    "AsinBackward0": ("np.arcsin({x})", "{g} / np.sqrt(1 - {x} * {x})"),
    "AcosBackward0": ("np.arccos({x})", "-{g} / np.sqrt(1 - {x} * {x})"),
    "AtanBackward0": ("np.arctan({x})", "{g} / (1 + {x} * {x})"),
    "SigmoidBackward0": ("1 / (1 + np.exp(-{x}))", "{g} * {y} * (1 - {y})"),
    "AsinhBackward0": ("np.arcsinh({x})", "{g} / np.sqrt({x} * {x} + 1)"),
    "AcoshBackward0": ("np.arccosh({x})", "{g} / np.sqrt({x} * {x} - 1)"),
    "AtanhBackward0": ("np.arctanh({x})", "{g} / (1 - {x} * {x})"),
    "FloorBackward0": ("np.floor({x})", "np.zeros_like({g})"),
    "CeilBackward0": ("np.ceil({x})", "np.zeros_like({g})"),
    "TruncBackward0": ("np.trunc({x})", "np.zeros_like({g})"),
    "RoundBackward0": ("np.rint({x})", "np.zeros_like({g})"),
    "SignBackward0": ("np.sign({x})", "np.zeros_like({g})"),
    "SgnBackward0": ("np.sign({x})", "np.zeros_like({g})"),
    "AbsBackward0": ("np.abs({x})", "{g} * np.sign({x})"),
}


def _function(out: str, gradient: str) -> tuple[Template, Template]:
    def write_forward(n: NodeText) -> None:
        n.put(out.format(x=n.x()))

    def write_backward(n: NodeText) -> None:
        n.give(0, gradient.format(x=n.x(), y=n.out, g=n.g))

    return write_forward, write_backward


for _type, (_out, _gradient) in _FUNCTIONS.items():
    FORWARD[_type], BACKWARD[_type] = _function(_out, _gradient)


def _other(n: NodeText) -> str:
    return n.x(1, name="other")


@forward("AddBackward0 AddBackward1")
def add(n: NodeText) -> None:
    n.put(f"{n.x(0, name='self')} + {times(n.argument('alpha', 1), _other(n))}")


@backward("AddBackward0 AddBackward1")
def add_backward(n: NodeText) -> None:
    n.give(0, n.g)
    n.give(1, times(n.argument("alpha", 1), n.g))


@forward("SubBackward0 SubBackward1")
def sub(n: NodeText) -> None:
    n.put(f"{n.x(0, name='self')} - {times(n.argument('alpha', 1), _other(n))}")


@backward("SubBackward0 SubBackward1")
def sub_backward(n: NodeText) -> None:
    n.give(0, n.g)
    n.give(1, times(-n.argument("alpha", 1), n.g))


@forward("RsubBackward0 RsubBackward1")
def rsub(n: NodeText) -> None:
    n.put(f"{_other(n)} - {times(n.argument('alpha', 1), n.x(0))}")


@backward("RsubBackward0 RsubBackward1")
def rsub_backward(n: NodeText) -> None:
    n.give(0, times(-n.argument("alpha", 1), n.g))
    n.give(1, n.g)


@forward("MulBackward0 MulBackward1")
def mul(n: NodeText) -> None:
    n.put(f"{n.x(0, name='self')} * {_other(n)}")


@backward("MulBackward0 MulBackward1")
def mul_backward(n: NodeText) -> None:
    if n.needs(0):
        n.give(0, f"{n.g} * {_other(n)}")
    if n.needs(1):
        n.give(1, f"{n.g} * {n.x(0, name='self')}")


@forward("DivBackward0 DivBackward1")
def div(n: NodeText) -> None:
    n.put(f"{n.x(0, name='self')} / {_other(n)}")


@backward("DivBackward0 DivBackward1")
def div_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} / {_other(n)}")
    if n.needs(1):
        n.give(1, f"-{n.g} * {n.out} / {_other(n)}")


@forward("PowBackward0")
def power(n: NodeText) -> None:
    n.put(f"{n.x()}**{n.argument('exponent')!r}")


@backward("PowBackward0")
def power_backward(n: NodeText) -> None:
    exponent = n.argument("exponent")
    if exponent == 2:
        n.give(0, f"{n.g} * 2 * {n.x()}")
    elif exponent == 0:
        n.give(0, f"0 * {n.g}")
    else:
        n.give(0, f"{n.g} * {number(exponent)} * {n.x()}**{exponent - 1!r}")


@forward("PowBackward1")
def power_of_tensors(n: NodeText) -> None:
    n.put(f"{n.x(0, name='self')}**{n.x(1, name='exponent')}")


@backward("PowBackward1")
def power_of_tensors_backward(n: NodeText) -> None:
    base, exponent = n.x(0, name="self"), n.x(1, name="exponent")
    n.give(0, f"np.where({exponent} == 0, 0, {n.g} * {exponent} * {base} ** ({exponent} - 1))")
    n.give(1, f"np.where(({base} == 0) & ({exponent} >= 0), 0, {n.g} * {n.out} * np.log({base}))")


@forward("MaximumBackward0 MinimumBackward0")
def larger(n: NodeText) -> None:
    n.put(f"np.{n.type[:7].lower()}({n.x(0)}, {n.x(1)})")


@backward("MaximumBackward0 MinimumBackward0")
def larger_backward(n: NodeText) -> None:
    """The one that was taken gets the gradient; if both are equal, each half of it."""
    sign = "<" if n.type == "MaximumBackward0" else ">"
    for slot, other in ((0, 1), (1, 0)):
        mine, theirs = n.x(slot), n.x(other)
        n.give(slot, f"np.where({mine} == {theirs}, {n.g} / 2, np.where({mine} {sign} {theirs}, 0, {n.g}))")


@forward("Atan2Backward0")
def angle(n: NodeText) -> None:
    n.put(f"np.arctan2({n.x(0)}, {n.x(1)})")


@backward("Atan2Backward0")
def angle_backward(n: NodeText) -> None:
    y, x = n.x(0), n.x(1)
    n.give(0, f"{n.g} * {x} / ({x} * {x} + {y} * {y})")
    n.give(1, f"-{n.g} * {y} / ({x} * {x} + {y} * {y})")


@forward("HypotBackward0")
def hypotenuse(n: NodeText) -> None:
    n.put(f"np.hypot({n.x(0)}, {n.x(1)})")


@backward("HypotBackward0")
def hypotenuse_backward(n: NodeText) -> None:
    for slot in (0, 1):
        n.give(slot, f"{n.g} * {n.x(slot)} / {n.out}")


@forward("LerpBackward0 LerpBackward1")
def lerp(n: NodeText) -> None:
    start, weight = n.x(0), n.x(2, name="weight")
    n.put(f"{start} + {weight} * ({n.x(1)} - {start})")


@backward("LerpBackward0 LerpBackward1")
def lerp_backward(n: NodeText) -> None:
    weight = n.x(2, name="weight")
    n.give(0, f"{n.g} * (1 - {weight})")
    n.give(1, f"{n.g} * {weight}")
    if n.needs(2):
        n.give(2, f"{n.g} * ({n.x(1)} - {n.x(0)})")


@forward("AddcmulBackward0 AddcdivBackward0")
def add_product(n: NodeText) -> None:
    first, sign = times(n.argument("value", 1), n.x(1)), "*" if n.type == "AddcmulBackward0" else "/"
    n.put(f"{n.x(0)} + {first} {sign} {n.x(2)}")


@backward("AddcmulBackward0 AddcdivBackward0")
def add_product_backward(n: NodeText) -> None:
    n.give(0, n.g)
    g, second = times(n.argument("value", 1), n.g), n.x(2)
    if n.type == "AddcmulBackward0":
        n.give(1, f"{g} * {second}")
        n.give(2, f"{g} * {n.x(1)}")
    else:
        n.give(1, f"{g} / {second}")
        n.give(2, f"-({g}) * {n.x(1)} / ({second} * {second})")


@forward("WhereBackward0")
def where(n: NodeText) -> None:
    n.put(f"np.where({n.given(0)}, {n.x(0, 1, 'self')}, {n.x(1, 2, 'other')})")


@backward("WhereBackward0")
def where_backward(n: NodeText) -> None:
    n.give(0, f"np.where({n.given(0)}, {n.g}, 0)")
    n.give(1, f"np.where({n.given(0)}, 0, {n.g})")


@forward("MaskedFillBackward0")
def masked_fill(n: NodeText) -> None:
    n.put(f"np.where({n.given(1)}, number({number(n.argument('value'))}), {n.x()})")


@backward("MaskedFillBackward0")
def masked_fill_backward(n: NodeText) -> None:
    n.give(0, f"np.where({n.given(1)}, 0, {n.g})")


@forward("NativeDropoutBackward0")
def dropout(n: NodeText) -> None:
    n.put(f"{n.x()} * {n.saved('result1')} / {number(1 - n.argument('p', 0.5))}")


@backward("NativeDropoutBackward0")
def dropout_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} * {n.saved('result1')} / {number(1 - n.argument('p', 0.5))}")


_SAME = "CloneBackward0 AliasBackward0 ToCopyBackward0 ViewAsBackward0 LiftFreshBackward0"


@forward(_SAME)
def same(n: NodeText) -> None:
    n.put(n.x())


@backward(_SAME)
def same_backward(n: NodeText) -> None:
    n.give(0, n.g)
