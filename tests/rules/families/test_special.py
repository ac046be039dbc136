"""Rules of special functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.rules.edges import assert_kinks_hold
from tests.rules.proving import leaf, prove

Function = Callable[..., torch.Tensor]
special = torch.special
FUNCTIONS: list[tuple[str, Function]] = [
    ("ErfBackward0", torch.erf),
    ("ErfcBackward0", torch.erfc),
    ("SpecialErfcxBackward0", special.erfcx),
    ("SpecialLogNdtrBackward0", special.log_ndtr),
    ("LgammaBackward0", torch.lgamma),
    ("DigammaBackward0", torch.digamma),
    ("PolygammaBackward0", lambda a: torch.polygamma(1, a)),
    ("PolygammaBackward0", lambda a: torch.polygamma(3, a)),
    ("PolygammaBackward1", lambda a: (a * 1).polygamma_(2)),
    ("I0Backward0", torch.i0),
    ("SpecialI0EBackward0", special.i0e),
    ("SpecialI1Backward0", special.i1),
    ("SpecialI1EBackward0", special.i1e),
]
LIMITED: list[tuple[str, Function]] = [
    ("ErfinvBackward0", torch.erfinv),
    ("SpecialNdtriBackward0", special.ndtri),
    ("SpecialEntrBackward0", special.entr),
    ("MvlgammaBackward0", lambda a: torch.mvlgamma(a + 2, 3)),
    ("IgammaBackward0", lambda a: torch.igamma(torch.tensor(1.7), 3 * a)),
    ("IgammacBackward0", lambda a: torch.igammac(torch.tensor(1.7), 3 * a)),
    ("SpecialZetaBackward0", lambda a: special.zeta(torch.tensor([2.0, 3.5, 1.25]), 3 * a)),
    ("SpecialZetaBackward1", lambda a: special.zeta(2.5, 3 * a)),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("type_", "function"), FUNCTIONS + LIMITED)
def test_slopes(type_: str, function: Function, dtype: torch.dtype) -> None:
    inside = torch.sigmoid if (type_, function) in LIMITED else lambda a: 3 * a
    prove(lambda a: function(inside(a)), leaf(4, 3, dtype=dtype), type_=type_)


def test_kinks() -> None:
    numbers = (-20.5, -2.75, -1.25, -0.5, -0.0, 0.0, 1e-9, 0.5, 1.0, 2.0, 3.0, 20.0, torch.nan)
    assert_kinks_hold([f for _, f in FUNCTIONS], {type_ for type_, _ in FUNCTIONS}, numbers=numbers)
    limited = (0.0, 1e-6, 0.25, 0.5, 0.999, 1.0, torch.nan)
    chosen = [torch.erfinv, special.ndtri, special.entr]
    assert_kinks_hold(chosen, {"ErfinvBackward0", "SpecialNdtriBackward0"}, numbers=limited)
