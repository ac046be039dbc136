"""Special functions: gamma, error and Bessel functions, and their relatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.arithmetic import special, unit_roundoff, value_of
from engine.rules.registry import elementwise
from engine.rules.scalars import number
from engine.rules.values import NodeValues

_TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)


@elementwise("ErfBackward0", {"self": r"<G> \cdot \frac{2}{\sqrt{\pi}} e^{-<self>^{2}}"}, "Its slope is a bell curve.")
def erf(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    return (_TWO_OVER_SQRT_PI * np.exp(-(x * x)),)


@elementwise("ErfcBackward0", {"self": r"-<G> \cdot \frac{2}{\sqrt{\pi}} e^{-<self>^{2}}"}, "A bell curve, downwards.")
def erfc(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    return (-_TWO_OVER_SQRT_PI * np.exp(-(x * x)),)


@elementwise(
    "SpecialErfcxBackward0",
    {"self": r"<G> \cdot \left(2 \cdot <self> \cdot <result> - \frac{2}{\sqrt{\pi}}\right)"},
    "The slope of exp(x²) times the complementary error function, from its result.",
)
def erfcx(n: NodeValues) -> tuple[Any, ...]:
    return (2.0 * n.saved("self") * n.saved("result") - _TWO_OVER_SQRT_PI,)


@elementwise(
    "ErfinvBackward0",
    {"self": r"<G> \cdot \frac{\sqrt{\pi}}{2} e^{\mathrm{erfinv}(<self>)^{2}}"},
    "One over the slope of the error function at the result.",
)
def erfinv(n: NodeValues) -> tuple[Any, ...]:
    found = special.erfinv(n.saved("self"))
    return (np.exp(found * found) / _TWO_OVER_SQRT_PI,)


@elementwise(
    "SpecialNdtriBackward0",
    {"self": r"<G> \cdot \sqrt{2\pi} \cdot e^{<result>^{2} / 2}"},
    "One over the height of the bell curve at the result.",
)
def ndtri(n: NodeValues) -> tuple[Any, ...]:
    result = n.saved("result")
    return (math.sqrt(2.0 * math.pi) * np.exp(result * result / 2.0),)


@elementwise(
    "SpecialLogNdtrBackward0",
    {"self": r"\frac{<G>}{\sqrt{2\pi}} \cdot e^{-(<result> + <self>^{2} / 2)}"},
    "The height of the bell curve over the area below it.",
)
def log_ndtr(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    return (np.exp(-(n.saved("result") + x * x / 2.0)) / math.sqrt(2.0 * math.pi),)


@elementwise("SpecialEntrBackward0", {"self": r"-<G> \cdot (1 + \ln <self>)"}, "The slope of -x log x.")
def entr(n: NodeValues) -> tuple[Any, ...]:
    return (-(1.0 + np.log(n.saved("self"))),)


@elementwise("LgammaBackward0", {"self": r"<G> \cdot \psi(<self>)"}, "The slope of log Γ is the digamma function ψ.")
def lgamma(n: NodeValues) -> tuple[Any, ...]:
    return (special.digamma(n.saved("self")),)


@elementwise("DigammaBackward0", {"self": r"<G> \cdot \psi_{1}(<self>)"}, "The slope of ψ is the trigamma function.")
def digamma(n: NodeValues) -> tuple[Any, ...]:
    return (special.polygamma(1, n.saved("self")),)


@elementwise(
    "PolygammaBackward0 PolygammaBackward1",
    {"self": r"<G> \cdot \psi_{<n> + 1}(<self>)"},
    "The slope of a polygamma function is the one of the next order.",
)
def polygamma(n: NodeValues) -> tuple[Any, ...]:
    return (special.polygamma(int(n.argument("n")) + 1, n.saved("self")),)


@elementwise(
    "MvlgammaBackward0",
    {"self": r"G \cdot \sum_{j=1}^{p} \psi\left(x + \frac{1 - j}{2}\right)"},
    "The logarithm of the multivariate gamma function is a sum of p of log Γ, half a step apart: so is its slope of ψ.",
)
def mvlgamma(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    steps = -0.5 * np.arange(int(n.argument("p")))
    return (np.sum(special.digamma(np.expand_dims(x, -1) + steps), axis=-1),)


@elementwise(
    "IgammaBackward0",
    {"self": r"", "other": r"<G> \cdot \frac{<other>^{<self> - 1} e^{-<other>}}{\Gamma(<self>)}"},
    "The upper end of the integral moves with the integrand; there is no formula for the order.",
)
def igamma(n: NodeValues) -> tuple[Any, ...]:
    return None, _integrand(n)


@elementwise(
    "IgammacBackward0",
    {"self": r"", "other": r"-<G> \cdot \frac{<other>^{<self> - 1} e^{-<other>}}{\Gamma(<self>)}"},
    "The lower end of the integral moves with minus the integrand; there is no formula for the order.",
)
def igammac(n: NodeValues) -> tuple[Any, ...]:
    return None, -_integrand(n)


def _integrand(n: NodeValues) -> Any:
    order, x = n.saved("self"), n.saved("other")
    return np.exp((order - 1.0) * np.log(x) - x - special.lgamma(order))


@elementwise(
    "SpecialZetaBackward0 SpecialZetaBackward2",
    {"self": r"", "other": r"-<G> \cdot <self> \cdot \zeta(<self> + 1, <other>)"},
    "The slope of Hurwitz' zeta function in its second argument; there is no formula for the first.",
)
def zeta(n: NodeValues) -> tuple[Any, ...]:
    s = n.saved("self")
    return None, -s * special.zeta(value_of(s) + 1.0, n.saved("other"))


@elementwise(
    "SpecialZetaBackward1",
    {"other": r"-<G> \cdot <self> \cdot \zeta(<self> + 1, <other>)"},
    "The slope of Hurwitz' zeta function in its second argument.",
)
def zeta_of_number(n: NodeValues) -> tuple[Any, ...]:
    s = float(number(n, "self"))
    return (-s * special.zeta(np.asarray(s + 1.0), n.saved("other")),)


@elementwise("I0Backward0", {"self": r"<G> \cdot I_{1}(<self>)"}, "The slope of the Bessel function I₀ is I₁.")
def i0(n: NodeValues) -> tuple[Any, ...]:
    return (special.i1(n.saved("self")),)


@elementwise(
    "SpecialI0EBackward0",
    {"self": r"<G> \cdot (e^{-|<self>|} I_{1}(<self>) - \mathrm{sgn}(<self>) \cdot <result>)"},
    "The slope of the scaled Bessel function: that of the function, less that of the scale.",
)
def i0e(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    return (special.i1e(x) - np.sign(value_of(x)) * n.saved("result"),)


def _nearly_zero(n: NodeValues) -> Any:
    """Where PyTorch puts the slope at zero in place of 0 / 0."""
    return ~(np.abs(value_of(n.saved("self"))) > 2.0 * unit_roundoff(n.saved_dtype("self")))


@elementwise(
    "SpecialI1Backward0",
    {"self": r"<G> \cdot \left(I_{0}(<self>) - \frac{<result>}{<self>}\right)"},
    "The slope of the Bessel function I₁, which is one half at zero.",
)
def i1(n: NodeValues) -> tuple[Any, ...]:
    x, tiny = n.saved("self"), _nearly_zero(n)
    safe = np.where(tiny, 1.0, x)
    return (np.where(tiny, 0.5, special.i0(safe) - n.saved("result") / safe),)


@elementwise(
    "SpecialI1EBackward0",
    {
        "self": r"<G> \cdot (e^{-|<self>|} I_{0}(<self>) - <result> \cdot (\mathrm{sgn}(<self>) + 1 / <self>))",
    },
    "The slope of the scaled Bessel function I₁, which is one half at zero.",
)
def i1e(n: NodeValues) -> tuple[Any, ...]:
    x, tiny = n.saved("self"), _nearly_zero(n)
    safe = np.where(tiny, 1.0, x)
    slope = special.i0e(safe) - n.saved("result") * (np.sign(value_of(safe)) + 1.0 / safe)
    return (np.where(tiny, 0.5, slope),)
