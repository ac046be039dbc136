"""Bounds of linear and bilinear maps written for plain arrays."""

from __future__ import annotations

import numpy as np

from engine.arithmetic import Bounded, bilinear, compare, exact, linear, scatter_add, unit_roundoff

UNIT = unit_roundoff("float32")


def test_a_linear_map_bounds_its_sum() -> None:
    a = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    summed = linear(lambda x: x.sum(0), exact(a, UNIT), 40)
    assert isinstance(summed, Bounded)
    assert compare(summed, a.sum(0), "float32").holds
    np.testing.assert_allclose(summed.errors, exact(a, UNIT).sum(axis=0).errors, rtol=0.1)
    np.testing.assert_array_equal(linear(lambda x: x.sum(0), a, 40), a.sum(0))


def test_a_bilinear_map_bounds_like_a_product_of_matrices() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 6, 6)).astype(np.float32)
    product = bilinear(lambda x, y: np.einsum("ij,jk->ik", x, y), exact(a, UNIT), exact(b, UNIT), 6)
    assert compare(product, a @ b, "float32").holds
    np.testing.assert_allclose(product.errors, (exact(a, UNIT) @ exact(b, UNIT)).errors)


def test_scattered_numbers_are_summed_where_they_meet() -> None:
    source = exact(np.array([0.1, 0.2, 0.3], dtype=np.float32), UNIT)
    scattered = scatter_add((4,), (np.array([1, 3, 1]),), source)
    np.testing.assert_allclose(scattered.value, [0.0, 0.4, 0.0, 0.2])
    assert scattered.errors[1] > 0
    assert scattered.errors[0] == 0


def test_scattering_apart_is_exact() -> None:
    scattered = scatter_add((3,), (np.array([2, 0]),), exact(np.array([0.1, 0.2]), UNIT))
    np.testing.assert_array_equal(scattered.value, [0.2, 0.0, 0.1])
    assert not scattered.errors.any()
