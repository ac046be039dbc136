"""Arithmetic on single numbers: sums, products, quotients, powers, roots."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.arithmetic import Array, Bounded, value_of
from engine.rules.registry import elementwise
from engine.rules.scalars import nearest, number, ones, rounded
from engine.rules.values import NodeValues


@elementwise(
    "AddBackward0 AddBackward1",
    {"self": r"<G>", "other": r"<alpha> \cdot <G>"},
    "A sum hands the same gradient to each of its addends.",
)
def add(n: NodeValues) -> tuple[Any, ...]:
    return ones(n), ones(n) * number(n, "alpha", 1)


@elementwise(
    "SubBackward0 SubBackward1",
    {"self": r"<G>", "other": r"-<alpha> \cdot <G>"},
    "A difference hands the gradient on as it is, and with the sign turned to what is taken away.",
)
def sub(n: NodeValues) -> tuple[Any, ...]:
    return ones(n), -ones(n) * number(n, "alpha", 1)


@elementwise(
    "RsubBackward0 RsubBackward1",
    {"self": r"-<alpha> \cdot <G>", "other": r"<G>"},
    "What is taken away gets the gradient with the sign turned; the other gets it as it is.",
)
def rsub(n: NodeValues) -> tuple[Any, ...]:
    return -ones(n) * number(n, "alpha", 1), ones(n)


@elementwise(
    "MulBackward0",
    {"self": r"<G> \cdot <other>", "other": r"<G> \cdot <self>"},
    "Each factor gets the gradient times the other factor.",
)
def mul(n: NodeValues) -> tuple[Any, ...]:
    return (n.saved("other") if n.needs(0) else None, n.saved("self") if n.needs(1) else None)


@elementwise("MulBackward1", {"self": r"<G> \cdot <other>"}, "Scaling by a number scales the gradient by it.")
def mul_number(n: NodeValues) -> tuple[Any, ...]:
    return (ones(n) * number(n, "other"),)


def _quotient(n: NodeValues) -> tuple[Any, ...]:
    other = n.saved("other")
    return (1.0 / other if n.needs(0) else None, -(n.saved("self") / other / other) if n.needs(1) else None)


@elementwise(
    "DivBackward0",
    {"self": r"\frac{<G>}{<other>}", "other": r"-<G> \cdot \frac{<self>}{<other>^{2}}"},
    "The numerator gets the gradient divided by the denominator; the denominator gets what a larger one takes away.",
)
def div(n: NodeValues) -> tuple[Any, ...]:
    return _quotient(n)


@elementwise("DivBackward1", {"self": r"\frac{<G>}{<other>}"}, "Dividing by a number divides the gradient by it.")
def div_number(n: NodeValues) -> tuple[Any, ...]:
    return (ones(n) / number(n, "other"),)


@elementwise(
    "DivBackward2 DivBackward3",
    {"self": r"0", "other": r"0"},
    "A quotient rounded to a whole number does not change with its operands by small amounts: no gradient passes.",
)
def div_rounded(n: NodeValues) -> tuple[Any, ...]:
    if n.argument("rounding_mode", None) is not None:
        return np.zeros(n.output_shape()), np.zeros(n.output_shape())
    return _quotient(n) if n.has("other") else (ones(n) / number(n, "other"),)


@elementwise("NegBackward0 NegViewBackward0", {"self": r"-<G>"}, "The sign of the gradient turns.")
def negative(n: NodeValues) -> tuple[Any, ...]:
    return (-ones(n),)


@elementwise(
    "ReciprocalBackward0",
    {"self": r"-<G> \cdot <result>^{2}"},
    "The slope of one over x is minus the square of the result.",
)
def reciprocal(n: NodeValues) -> tuple[Any, ...]:
    result = n.saved("result")
    return (-(result * result),)


@elementwise("SqrtBackward0", {"self": r"\frac{<G>}{2 \cdot <result>}"}, "The larger the root, the less it moves.")
def sqrt(n: NodeValues) -> tuple[Any, ...]:
    return (1.0 / (2.0 * n.saved("result")),)


@elementwise(
    "RsqrtBackward0",
    {"self": r"-\frac{1}{2} \cdot <G> \cdot <result>^{3}"},
    "The slope of one over a root is minus half the cube of the result.",
)
def rsqrt(n: NodeValues) -> tuple[Any, ...]:
    result = n.saved("result")
    return (-0.5 * (result * result * result),)


@elementwise(
    "PowBackward0",
    {"self": r"<G> \cdot <exponent> \cdot <self>^{<exponent> - 1}"},
    "The exponent comes down in front, and the power goes down by one.",
)
def power(n: NodeValues) -> tuple[Any, ...]:
    exponent = number(n, "exponent")
    x = n.saved("self")
    if exponent == 0:
        return (np.zeros(value_of(x).shape),)
    return (exponent * x if exponent == 2 else exponent * _raise(n, x, exponent - 1),)


def _raise(n: NodeValues, x: Array, exponent: Any) -> Array:
    """x^exponent: complex numbers through their logarithm, as implementations do."""
    if isinstance(exponent, complex) or np.iscomplexobj(value_of(x)) or np.iscomplexobj(value_of(exponent)):
        return _complex_power(x, exponent)
    if not isinstance(exponent, int | float):
        return np.power(x, exponent)
    if abs(exponent) == 0.5:  # as a root, which has no value at -∞, and keeps the sign of zero
        return np.sqrt(x) if exponent > 0 else 1.0 / np.sqrt(x)
    return np.power(x, rounded(n, exponent))


def _one_less(n: NodeValues, exponent: Array) -> Array:
    """The exponent less one, exactly as its dtype has it: a base below zero has whole powers only."""
    value = value_of(exponent)
    return exponent - 1 if np.iscomplexobj(value) else nearest(value - 1, n.unit)


def _complex_power(x: Array, exponent: Any) -> Array:
    base = value_of(x)
    zero = base == 0
    if not np.any(zero):
        return np.exp(exponent * np.log(x + 0j))
    found = np.exp(exponent * np.log(np.where(zero, 1.0, x) + 0j))
    with np.errstate(all="ignore"):
        return np.where(zero, np.power(np.zeros((), dtype=np.complex128), value_of(exponent)), found)


@elementwise(
    "PowBackward1",
    {
        "self": r"<G> \cdot <exponent> \cdot <self>^{<exponent> - 1}",
        "exponent": r"<G> \cdot <result> \cdot \ln <self>",
    },
    "The base gets its exponent in front and a power less; the exponent gets the result times the base's logarithm.",
)
def power_of(n: NodeValues) -> tuple[Any, ...]:
    x, exponent = n.saved("self"), n.saved("exponent")
    base = None
    if n.needs(0):
        base = np.where(value_of(exponent) == 0, 0.0, exponent * _raise(n, x, _one_less(n, exponent)))
    return base, _slope_of_exponent(n, x, exponent) if n.needs(1) else None


def _slope_of_exponent(n: NodeValues, x: Array, exponent: Array) -> Array:
    """result · log(base), and 0 for 0^positive."""
    result, base, raised = n.saved("result"), value_of(x), value_of(exponent)
    if np.iscomplexobj(raised):
        still = (base == 0) & (raised.imag == 0) & (raised.real >= 0)
    else:
        still = (base == 0) & (raised >= 0)
    if np.iscomplexobj(raised) and not np.iscomplexobj(base):
        x = x + 0j
    return np.where(still, 0.0, result * np.log(x))


@elementwise(
    "PowBackward2",
    {"exponent": r"<G> \cdot <result> \cdot \ln <self>"},
    "An exponent moves its power in proportion to the result and to the logarithm of the base.",
)
def power_of_number(n: NodeValues) -> tuple[Any, ...]:
    return (_slope_of_exponent(n, np.asarray(number(n, "self")), n.saved("exponent")),)


@elementwise(
    "AddcmulBackward0",
    {
        "self": r"<G>",
        "tensor1": r"<G> \cdot <value> \cdot <tensor2>",
        "tensor2": r"<G> \cdot <value> \cdot <tensor1>",
    },
    "A scaled product added to something: each factor gets the gradient times the other one.",
)
def addcmul(n: NodeValues) -> tuple[Any, ...]:
    value = number(n, "value", 1)
    return (
        ones(n),
        n.saved("tensor2") * value if n.needs(1) else None,
        n.saved("tensor1") * value if n.needs(2) else None,
    )


@elementwise(
    "AddcdivBackward0",
    {
        "self": r"<G>",
        "tensor1": r"<G> \cdot \frac{<value>}{<tensor2>}",
        "tensor2": r"-<G> \cdot \frac{<value> \cdot <tensor1>}{<tensor2>^{2}}",
    },
    "A scaled quotient added to something: the gradient of the quotient, times the scale.",
)
def addcdiv(n: NodeValues) -> tuple[Any, ...]:
    if not n.needs(1) and not n.needs(2):
        return (ones(n),)
    value, below = number(n, "value", 1), n.saved("tensor2")
    return (
        ones(n),
        value / below,
        -(value * n.saved("tensor1") / (below * below)) if n.needs(2) else None,
    )


@elementwise(
    "LerpBackward0",
    {"self": r"<G> \cdot (1 - <weight>)", "end": r"<G> \cdot <weight>"},
    "A mixture hands its gradient to both ends in the proportion in which it mixes them.",
)
def lerp(n: NodeValues) -> tuple[Any, ...]:
    weight = number(n, "weight")
    return ones(n) * (1 - weight), ones(n) * weight


@elementwise(
    "LerpBackward1",
    {
        "self": r"<G> \cdot (1 - <weight>)",
        "end": r"<G> \cdot <weight>",
        "weight": r"<G> \cdot (<end> - <self>)",
    },
    "A mixture hands its gradient to both ends in proportion; the weight gets it times the distance between them.",
)
def lerp_tensor(n: NodeValues) -> tuple[Any, ...]:
    moved = n.saved("end") - n.saved("self") if n.needs(2) else None
    if not n.needs(0) and not n.needs(1):
        return None, None, moved
    weight = n.saved("weight")
    return 1 - weight, weight, moved


@elementwise(
    "HypotBackward0",
    {"self": r"<G> \cdot \frac{<self>}{<result>}", "other": r"<G> \cdot \frac{<other>}{<result>}"},
    "Each leg of the right triangle gets the gradient times its share of the hypotenuse.",
)
def hypot(n: NodeValues) -> tuple[Any, ...]:
    result = n.saved("result")
    return n.saved("self") / result, n.saved("other") / result


def _whole_quotient(n: NodeValues, function: Any) -> Any:
    """The quotient without its fraction, in the precision in which it was taken: rounding decides the next integer.

    Of narrower dtypes, some implementations round the quotient first: either integer will do.
    """
    x, y = n.saved("self"), n.saved("other")
    if n.plain or n.unit <= 2.0**-24:
        dtype = {2.0**-53: np.float64}.get(n.unit, np.float32)
        return function(value_of(x).astype(dtype), value_of(y).astype(dtype)).astype(np.float64)
    quotient = x / y
    found, *ends = (function(quotient.value + end, 1.0) for end in (0.0, quotient.errors, -quotient.errors))
    return Bounded(found, np.fmax(*(np.abs(end - found) for end in ends)), quotient.unit)


@elementwise(
    "FmodBackward0 RemainderBackward0",
    {"self": r"<G>"},
    "A remainder moves as what is divided moves, as long as the whole quotient stays the same.",
)
def remainder_of_number(n: NodeValues) -> tuple[Any, ...]:
    return (ones(n),)


@elementwise(
    "FmodBackward1",
    {"self": r"<G>", "other": r"-<G> \cdot \mathrm{trunc}\left(\frac{<self>}{<other>}\right)"},
    "The remainder loses as many divisors as fit in: so often does the divisor get the gradient, with the sign turned.",
)
def fmod(n: NodeValues) -> tuple[Any, ...]:
    return ones(n), -_whole_quotient(n, lambda x, y: np.trunc(x / y)) if n.needs(1) else None


@elementwise(
    "RemainderBackward1",
    {"self": r"<G>", "other": r"-<G> \cdot \left\lfloor \frac{<self>}{<other>} \right\rfloor"},
    "The remainder loses as many divisors as fit in: so often does the divisor get the gradient, with the sign turned.",
)
def remainder(n: NodeValues) -> tuple[Any, ...]:
    return ones(n), -_whole_quotient(n, np.floor_divide) if n.needs(1) else None


@elementwise(
    "FrexpBackward0",
    {"self": r"\frac{<G>}{2^{<exponent>}}"},
    "The mantissa is the number divided by a power of two, and so is its gradient.",
)
def frexp(n: NodeValues) -> tuple[Any, ...]:
    return (1.0 / np.exp2(value_of(n.saved("exponent")).astype(np.float64)),)


@elementwise(
    "LdexpBackward0",
    {"self": r"<G> \cdot 2^{<other>}", "other": r"<G> \cdot <result> \cdot \ln 2"},
    "A power of two scales the gradient; the exponent gets the result times the logarithm of two.",
)
def ldexp(n: NodeValues) -> tuple[Any, ...]:
    scale = _raise(n, np.asarray(2.0), n.saved("other")) if n.needs(0) else None
    return scale, n.saved("result") * math.log(2.0) if n.needs(1) else None


@elementwise(
    "Deg2RadBackward0",
    {"self": r"<G> \cdot \frac{\pi}{180}"},
    "A change of unit scales the gradient as it scales the number.",
)
def deg2rad(n: NodeValues) -> tuple[Any, ...]:
    return (ones(n) * (math.pi / 180.0),)


@elementwise(
    "Rad2DegBackward0",
    {"self": r"<G> \cdot \frac{180}{\pi}"},
    "A change of unit scales the gradient as it scales the number.",
)
def rad2deg(n: NodeValues) -> tuple[Any, ...]:
    return (ones(n) * (180.0 / math.pi),)
