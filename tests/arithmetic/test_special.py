"""Special functions: against the standard library's and PyTorch's in double precision, and their bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from engine.arithmetic import Bounded, compare, exact, special, unit_roundoff
from engine.arithmetic import bessel_functions as bessel
from engine.arithmetic import error_functions as error
from engine.arithmetic import gamma_functions as gamma

UNIT = unit_roundoff("float32")
Floats = npt.NDArray[np.float64]
GENERATOR = np.random.default_rng(0)
ANY = np.concatenate([GENERATOR.normal(size=400) * 3, 10.0 ** GENERATOR.uniform(-9, 1.3, 100)])
POSITIVE = np.concatenate([np.abs(ANY) + 1e-3, 10.0 ** GENERATOR.uniform(1, 4, 50)])
PROBABLE = np.concatenate([GENERATOR.uniform(1e-3, 1 - 1e-3, 300), 10.0 ** GENERATOR.uniform(-12, -3, 50)])
PLAIN: list[tuple[Callable[..., Any], Callable[..., Any], Floats, float]] = [
    (error.erf, torch.erf, ANY, 1e-15),
    (error.erfc, torch.erfc, ANY, 2e-13),
    (error.erfcx, torch.special.erfcx, np.abs(ANY), 2e-15),
    (error.erfinv, torch.erfinv, PROBABLE, 1e-14),
    (error.ndtr, torch.special.ndtr, ANY, 2e-13),
    (error.log_ndtr, torch.special.log_ndtr, ANY[ANY < 5], 1e-13),
    (error.ndtri, torch.special.ndtri, PROBABLE, 1e-13),
    (gamma.lgamma, torch.lgamma, POSITIVE, 1e-12),
    (gamma.digamma, torch.digamma, POSITIVE, 1e-12),
    (lambda x: gamma.polygamma(2, x), lambda x: torch.polygamma(2, x), POSITIVE, 1e-13),
    (lambda x: gamma.zeta(2.5, x), lambda x: torch.special.zeta(torch.tensor(2.5), x), POSITIVE, 1e-13),
    (bessel.i0, torch.i0, ANY, 1e-14),
    (bessel.i1, torch.special.i1, ANY, 1e-14),
    (bessel.i0e, torch.special.i0e, ANY, 1e-14),
    (bessel.i1e, torch.special.i1e, ANY, 1e-14),
]
BOUNDED: list[tuple[Callable[..., Any], Callable[..., Any], Floats]] = [
    (special.erf, torch.erf, ANY),
    (special.erfc, torch.erfc, ANY[ANY < 8]),
    (special.erfcx, torch.special.erfcx, ANY[ANY > -8]),
    (special.erfinv, torch.erfinv, PROBABLE),
    (special.ndtri, torch.special.ndtri, PROBABLE),
    (special.lgamma, torch.lgamma, POSITIVE),
    (special.digamma, torch.digamma, ANY),
    (lambda x: special.polygamma(1, x), lambda x: torch.polygamma(1, x), ANY),
    (lambda x: special.polygamma(3, x), lambda x: torch.polygamma(3, x), POSITIVE[POSITIVE < 100]),
    (lambda x: special.zeta(np.asarray(2.5), x), lambda x: torch.special.zeta(torch.tensor(2.5), x), POSITIVE),
    (special.i0, torch.i0, ANY),
    (special.i1, torch.special.i1, ANY),
    (special.i0e, torch.special.i0e, ANY),
    (special.i1e, torch.special.i1e, ANY),
    (special.sigmoid, torch.sigmoid, ANY),
]


@pytest.mark.parametrize(("ours", "theirs", "points", "tolerance"), PLAIN)
def test_values(ours: Callable[..., Any], theirs: Callable[..., Any], points: Floats, tolerance: float) -> None:
    expected = theirs(torch.from_numpy(points)).numpy()
    np.testing.assert_allclose(ours(points), expected, rtol=tolerance, atol=1e-15)


@pytest.mark.parametrize(("ours", "theirs", "points"), BOUNDED)
def test_single_precision_is_within_narrow_bounds(
    ours: Callable[..., Any], theirs: Callable[..., Any], points: Floats
) -> None:
    single = points.astype(np.float32)
    bounded = ours(exact(single, UNIT))
    comparison = compare(bounded, theirs(torch.from_numpy(single)).numpy(), "float32")
    assert comparison.holds, comparison
    assert np.median(bounded.errors / np.abs(bounded.value)) < 1e-5
    np.testing.assert_array_equal(bounded.value, ours(single.astype(np.float64)))


@pytest.mark.parametrize(("ours", "theirs", "points"), BOUNDED)
def test_an_error_of_the_argument_is_passed_on(
    ours: Callable[..., Any], theirs: Callable[..., Any], points: Floats
) -> None:
    """What comes of the argument moved by its error lies within the bound."""
    some = points[np.abs(points) > 0.1][:50]
    factor = np.full(some.shape, 1.0 + 2.0**-20)
    moved = exact(some, UNIT) * exact(factor, UNIT)
    with np.errstate(all="ignore"):
        there = ours(moved.value + moved.errors)
    result = ours(moved)
    assert np.all(np.abs(there - result.value) <= result.errors * (1 + 1e-6))


def test_against_the_standard_library() -> None:
    np.testing.assert_allclose(error.erf(ANY), [math.erf(x) for x in ANY], rtol=4e-16)
    np.testing.assert_allclose(error.erfc(ANY), [math.erfc(x) for x in ANY], rtol=1e-15, atol=1e-307)
    np.testing.assert_allclose(gamma.lgamma(-ANY), [math.lgamma(-x) for x in ANY], rtol=1e-12, atol=1e-12)


def test_ends_and_poles() -> None:
    inf, nan = math.inf, math.nan
    np.testing.assert_array_equal(error.erf([0.0, inf, -inf, nan]), [0.0, 1.0, -1.0, nan])
    np.testing.assert_array_equal(error.erfc([inf, -inf, nan]), [0.0, 2.0, nan])
    np.testing.assert_array_equal(error.erfcx([inf, -inf, nan, -30.0]), [0.0, inf, nan, inf])
    np.testing.assert_array_equal(error.erfinv([1.0, -1.0, 2.0, nan, 0.0]), [inf, -inf, nan, nan, 0.0])
    np.testing.assert_array_equal(error.ndtri([0.0, 1.0, 2.0, nan]), [-inf, inf, nan, nan])
    np.testing.assert_array_equal(gamma.lgamma([0.0, -1.0, inf, nan]), [inf, inf, inf, nan])
    np.testing.assert_array_equal(gamma.digamma([0.0, -1.0, inf, nan]), [-inf, nan, inf, nan])
    np.testing.assert_array_equal(gamma.zeta([1.0, 0.5, 2.0, 2.5], [2.0, 2.0, -1.0, -0.5]), [inf, nan, inf, nan])
    np.testing.assert_array_equal(bessel.i1([0.0, -inf * 0]), [0.0, nan])


def test_shapes_and_emptiness() -> None:
    assert error.erf(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    assert error.erf(0.5).shape == ()
    assert gamma.zeta(2.0, np.zeros((0,))).shape == (0,)
    large = GENERATOR.normal(size=40_000).reshape(200, 200)
    np.testing.assert_array_equal(error.erf(large)[7, 9], error.erf(large[7, 9]))


def test_the_logarithm_of_gamma_next_to_its_zeros_is_within_its_bound() -> None:
    x = np.concatenate([np.linspace(0.99, 1.01, 301), np.linspace(1.99, 2.01, 301), np.linspace(-2.5, -2.4, 301)])
    found = special.lgamma(exact(x, 2.0**-53))
    assert isinstance(found, Bounded)
    assert np.all(np.abs(found.value - torch.lgamma(torch.tensor(x)).numpy()) <= found.errors)
    assert found.errors.max() < 1e-14
