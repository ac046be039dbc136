"""Recurrent layers and cells."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tests.rules.handmade import assert_gradients, node_values
from tests.rules.proving import leaf, prove

TYPE = "MkldnnRnnLayerBackward0"
pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="LSTM is one node only with oneDNN")


def _prove(shape: tuple[int, int, int], hidden: int, **options: Any) -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(shape[-1], hidden, **options)

    def everything(x: torch.Tensor) -> torch.Tensor:
        y, states = layer(x)
        return torch.cat([y.flatten(), *(state.flatten() for state in states)])

    prove(everything, leaf(*shape), type_=TYPE)


def test_lstm() -> None:
    _prove((3, 2, 4), 5)


def test_layers_and_directions() -> None:
    _prove((3, 1, 3), 2, bidirectional=True, num_layers=2)


def test_without_bias() -> None:
    _prove((2, 3, 3), 4, bias=False, batch_first=True)


def test_bounds_stay_small_over_many_steps() -> None:
    _prove((60, 1, 8), 32)


def test_states_that_are_given() -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(3, 4)
    states = leaf(1, 2, 4, seed=1), leaf(1, 2, 4, seed=2)
    prove(lambda x, h, c: layer(x, (h, c))[0], leaf(3, 2, 3), *states, type_=TYPE)


def test_fused_lstm_cell() -> None:
    of_input, of_state, cx = (leaf(3, width, dtype=torch.float64, seed=width) for width in (8, 8, 2))
    biases = leaf(8, dtype=torch.float64, seed=1), leaf(8, dtype=torch.float64, seed=2)
    i, f, c, o = (of_input + of_state + biases[0] + biases[1]).chunk(4, 1)
    gates = torch.cat([i.sigmoid(), f.sigmoid(), c.tanh(), o.sigmoid()], 1)
    cy = f.sigmoid() * cx + i.sigmoid() * c.tanh()
    hy = o.sigmoid() * cy.tanh()
    grads = {0: torch.randn_like(hy), 1: torch.randn_like(cy)}
    leaves = (of_input, of_state, cx, *biases)
    gradients = dict(enumerate(torch.autograd.grad((hy * grads[0] + cy * grads[1]).sum(), leaves)))
    saved = {"cx": cx, "result1": cy, "result2": gates}
    assert_gradients(node_values("ThnnFusedLstmCellBackward0", grads, saved, gradients), gradients)


def test_fused_gru_cell() -> None:
    of_input, of_state, hx = (leaf(3, width, dtype=torch.float64, seed=width) for width in (6, 6, 2))
    biases = leaf(6, dtype=torch.float64, seed=1), leaf(6, dtype=torch.float64, seed=2)
    from_input, from_state = (of_input + biases[0]).chunk(3, 1), (of_state + biases[1]).chunk(3, 1)
    reset, update = (from_input[0] + from_state[0]).sigmoid(), (from_input[1] + from_state[1]).sigmoid()
    new = (from_input[2] + reset * from_state[2]).tanh()
    hy = new + update * (hx - new)
    g = torch.randn_like(hy)
    gradients = dict(enumerate(torch.autograd.grad(hy, (of_input, of_state, hx, *biases), g)))
    saved = {"result1": torch.cat([reset, update, new, hx, from_state[2]], 1)}
    assert_gradients(node_values("ThnnFusedGruCellBackward0", {0: g}, saved, gradients), gradients)
