"""Each optimizer by hand beside torch's own, step by step in float64."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.optimizers import OPTIMIZERS, Sparse, update

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_optimizers import optim_db

_INFOS: list[Any] = list(optim_db)
_JOINT = ("LBFGS", "SparseAdam", "Muon")
_SAMPLES = [
    (info.optim_cls, sample)
    for info in _INFOS
    if info.optim_cls.__name__ not in _JOINT
    for sample in info.optim_inputs_func(device="cpu")
]
pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks")
STEPS = 7  # RAdam's variance is known from the sixth on


@pytest.fixture(autouse=True)
def _wide() -> Iterator[None]:
    """torch keeps counters and the like in its default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def plain(value: Any) -> Any:
    """What torch keeps, as NumPy has it."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().numpy() if value.ndim else value.item()
    return value


def hyperparameters(optimizer: torch.optim.Optimizer) -> Mapping[str, Any]:
    return {name: plain(value) for name, value in optimizer.param_groups[0].items() if name != "params"}


def check_against_torch(kind: Any, options: Mapping[str, Any], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    param = torch.randn(4, 3, dtype=dtype, requires_grad=True)
    optimizer = kind([param], **options)
    for _ in range(STEPS):
        param.grad = torch.randn(4, 3, dtype=dtype)
        before, grad = plain(param), plain(param.grad)
        state = {key: plain(value) for key, value in optimizer.state.get(param, {}).items() if value is not None}
        optimizer.step()
        found = update(kind.__name__, hyperparameters(optimizer), before, grad, state)
        np.testing.assert_allclose(found.param, plain(param), rtol=1e-12, atol=1e-14)
        kept = {key: plain(value) for key, value in optimizer.state[param].items() if value is not None}
        assert found.state.keys() == kept.keys()
        for key, value in kept.items():
            np.testing.assert_allclose(found.state[key], value, rtol=1e-12, atol=1e-14, err_msg=key)


@pytest.mark.parametrize(("kind", "sample"), _SAMPLES, ids=lambda item: getattr(item, "desc", None))
def test_every_option_does_what_torch_does(kind: Any, sample: Any) -> None:
    check_against_torch(kind, sample.kwargs, torch.float64)


@pytest.mark.parametrize("info", _INFOS, ids=lambda info: info.optim_cls.__name__)
def test_complex_parameters_are_pairs(info: Any) -> None:
    if info.supports_complex and info.optim_cls.__name__ != "LBFGS":
        sample = info.optim_inputs_func(device="cpu")[-1]
        check_against_torch(info.optim_cls, sample.kwargs, torch.complex128)


def test_there_is_one_for_every_optimizer_of_torch() -> None:
    assert {info.optim_cls.__name__ for info in _INFOS} <= OPTIMIZERS.keys()
    for name, optimizer in OPTIMIZERS.items():
        assert optimizer.name == name
        assert optimizer.formulas
        assert optimizer.paper


def test_every_quantity_is_named_and_the_state_is_explained() -> None:
    for kind, sample in _SAMPLES:
        name = kind.__name__
        optimizer = kind([torch.zeros(2, 2)], **sample.kwargs)
        found = update(name, hyperparameters(optimizer), np.ones((2, 2)), np.full((2, 2), 0.5), {})
        assert found.quantities
        assert all(q.name and q.symbol and q.formula.startswith(q.symbol) for q in found.quantities)
        assert any(q.value is found.param or np.array_equal(q.value, found.param) for q in found.quantities), name
        assert found.state.keys() <= OPTIMIZERS[name].remembers.keys()


def test_the_bow_by_hand() -> None:
    """w = 0.5, gradient −16, learning rate 0.05: the step is −0.8, and w becomes 1.3."""
    found = update("SGD", {"lr": 0.05}, np.array(0.5), np.array(-16.0), {})
    by_name = {quantity.name: quantity.value for quantity in found.quantities}
    assert by_name == {"gradient": -16.0, "step": -0.8, "parameter": 1.3}
    assert found.state == {}


def test_sparse_adam_leaves_alone_what_has_no_gradient() -> None:
    table = torch.nn.Embedding(5, 2, sparse=True, dtype=torch.float64)
    state: Mapping[str, Any] = {}
    optimizer = torch.optim.SparseAdam(table.parameters(), lr=0.1)
    for rows in ([1, 1, 3], [0, 3], []):
        optimizer.zero_grad()
        table(torch.tensor(rows, dtype=torch.int64)).pow(2).sum().backward()
        grad = table.weight.grad
        assert grad is not None
        param = plain(table.weight)
        touched = np.zeros(param.shape, dtype=bool)
        touched[rows] = True
        optimizer.step()
        found = update("SparseAdam", hyperparameters(optimizer), param, Sparse(plain(grad.to_dense()), touched), state)
        np.testing.assert_allclose(found.param, plain(table.weight), rtol=1e-12)
        assert np.array_equal(found.param[~touched], param[~touched])
        state = found.state
    assert state["step"] == 3


@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (4, 4)])
@pytest.mark.parametrize(
    "options", [{}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}], ids=["default", "rms"]
)
def test_muon_is_orthogonal_up_to_its_own_measure(shape: tuple[int, int], options: dict[str, Any]) -> None:
    """Its iteration ends with singular values around 1, and torch's own runs in bfloat16: they agree to its digits."""
    torch.manual_seed(1)
    param = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    param.grad = torch.randn(shape, dtype=torch.float64)
    optimizer = torch.optim.Muon([param], **options)
    before = plain(param)
    optimizer.step()
    found = update("Muon", hyperparameters(optimizer), before, plain(param.grad), {})
    direction = next(q.value for q in found.quantities if q.name == "orthogonalized direction")
    singular = np.linalg.svd(direction, compute_uv=False)
    assert singular.min() > 0.3
    assert singular.max() < 1.5
    np.testing.assert_allclose(found.param, plain(param), atol=0.1 * optimizer.param_groups[0]["lr"])


@settings(deadline=None, max_examples=30)
@given(
    kind=st.sampled_from(sorted(OPTIMIZERS.keys() - set(_JOINT))),
    shape=st.sampled_from([(), (3,), (2, 3), (2, 1, 3)]),
    seed=st.integers(0, 2**16),
    maximize=st.booleans(),
)
def test_no_gradient_no_news(kind: str, shape: tuple[int, ...], seed: int, maximize: bool) -> None:
    """Against a zero gradient nothing moves but what decays; against any, each element goes its own way downhill."""
    rng = np.random.default_rng(seed)
    h = dict(hyperparameters(getattr(torch.optim, kind)([torch.zeros(1)]))) | {"maximize": maximize, "weight_decay": 0}
    h["lambd"] = 0
    param, grad = rng.normal(size=shape), rng.normal(size=shape)
    np.testing.assert_allclose(update(kind, h, param, np.zeros(shape), {}).param, param, rtol=1e-12)
    moved = update(kind, h, param, grad, {}).param - param
    assert np.all(moved * grad <= 0) != maximize or not np.any(moved)
