"""Products of Householder reflections, forwards and backwards, one mirror at a time."""

from __future__ import annotations

import numpy as np

from engine.arithmetic import Array, Bounded


def reflectors(packed: Array, count: int) -> list[Array]:
    """The vectors v of the mirrors 1 - tau v vᴴ, as columns: a one, then what is below the diagonal; zeros above."""
    rows = packed.shape[-2]
    found = []
    for place in range(count):
        below = np.arange(rows) > place
        column = np.where(below, packed[..., place], 0.0)
        vector = np.where(np.arange(rows) == place, 1.0, column)
        found.append(vector[..., :, None])
    return found


def _mirror(vector: Array, tau: Array, matrix: Array) -> Array:
    """matrix - tau v (vᴴ matrix)."""
    return matrix - tau[..., None, None] * np.matmul(vector, np.matmul(_adjoint(vector), matrix))


def _adjoint(matrix: Array) -> Array:
    return np.conj(np.swapaxes(matrix, -1, -2))


def reflected(
    vectors: list[Array], tau: Array, matrix: Array, g: Array, *, adjoint_of_product: bool
) -> tuple[list[Array], Array, Array]:
    """Gradients of the mirrors' vectors, of tau, and of `matrix`, from that of H₁ H₂ … Hₖ · matrix.

    Of Hₖᴴ … H₁ᴴ · matrix if `adjoint_of_product`.
    """
    count = len(vectors)
    order = list(range(count)) if adjoint_of_product else list(range(count))[::-1]
    factors = {place: np.conj(tau[..., place]) if adjoint_of_product else tau[..., place] for place in order}
    seen = [matrix]
    for place in order:
        seen.append(_mirror(vectors[place], factors[place], seen[-1]))
    g_vectors: dict[int, Array] = {}
    g_factors: dict[int, Array] = {}
    for step in range(count - 1, -1, -1):
        place = order[step]
        vector, factor, before = vectors[place], factors[place], seen[step]
        row = np.matmul(_adjoint(vector), before)
        g_factors[place] = -np.sum(g * np.conj(np.matmul(vector, row)), axis=(-2, -1))
        g_row = -np.conj(factor)[..., None, None] * np.matmul(_adjoint(vector), g)
        from_left = -np.conj(factor)[..., None, None] * np.matmul(g, _adjoint(row))
        g_vectors[place] = (from_left + np.matmul(before, _adjoint(g_row)))[..., 0]
        g = g + np.matmul(vector, g_row)
    taus = [np.conj(g_factors[place]) if adjoint_of_product else g_factors[place] for place in range(count)]
    g_tau = np.stack(taus, -1) if taus else _no_numbers(tau)
    return [g_vectors[place] for place in range(count)], g_tau, g


def _no_numbers(tau: Array) -> Array:
    return Bounded(np.zeros(tau.shape), None, tau.unit) if isinstance(tau, Bounded) else np.zeros(tau.shape)
