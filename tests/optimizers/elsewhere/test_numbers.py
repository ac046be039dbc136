"""Beside what the libraries themselves computed: `numbers.json` holds three steps of each, in float64."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.arithmetic import exact
from engine.optimizers.elsewhere import ALL
from engine.optimizers.model import UnknownError, Update, value_of
from engine.optimizers.registry import ELSEWHERE, OPTIMIZERS, optimizer_of, update

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "numbers.json").read_text(encoding="utf-8"))


def arrays(state: dict[str, Any]) -> dict[str, Any]:
    return {key: np.array(value) if isinstance(value, list) else value for key, value in state.items()}


def check(found: Update, recorded: dict[str, Any]) -> None:
    np.testing.assert_allclose(value_of(found.param), recorded["after"], rtol=1e-11, atol=1e-13)
    assert found.state.keys() == recorded["kept"].keys()
    for key, value in recorded["kept"].items():
        np.testing.assert_allclose(value_of(found.state[key]), value, rtol=1e-11, atol=1e-13, err_msg=key)


@pytest.mark.parametrize("bounded", [False, True], ids=["plain", "bounded"])
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{CASES[n]['optimizer']}-{n}")
def test_every_option_does_what_the_library_does(number: int, bounded: bool) -> None:
    case = CASES[number]
    optimizer = ELSEWHERE[case["module"], case["optimizer"]]
    states: list[dict[str, Any]] = [{}, {}]
    for step in case["steps"]:
        norm = np.sqrt(sum(np.square(one["grad"]).sum() for one in step["updates"]))
        switched_on = {name for name, value in step["hyperparameters"].items() if value}
        assert switched_on - {"_init_lr", "decoupled_wd"} <= optimizer.options
        for state, recorded in zip(states, step["updates"], strict=True):
            param, grad = np.array(recorded["param"]), np.array(recorded["grad"])
            given = {**state, "norm": norm} if optimizer.norm else state
            if bounded:
                found = update(optimizer, step["hyperparameters"], exact(param, 2.0**-24), exact(grad, 2.0**-24), given)
                still = np.array_equal(param, recorded["after"])  # ADOPT only looks at the first gradient
                assert (0 if not still else -1) < found.param.errors.max() < 2e-5
            else:
                found = update(optimizer, step["hyperparameters"], param, grad, given)
                assert any(quantity.value is found.param for quantity in found.quantities)
                assert all(q.name and q.formula.startswith(q.symbol) for q in found.quantities)
            check(found, recorded)
            state.update(arrays(recorded["kept"]))


def test_every_one_is_described_and_has_numbers_of_the_library() -> None:
    there = {(case["module"], case["optimizer"]) for case in CASES}
    for optimizer in ALL:
        assert optimizer.formulas
        assert optimizer.paper
        assert optimizer.options
        assert any((module, optimizer.name) in there for module in optimizer.modules)
        kept = {key for case in CASES if case["module"] in optimizer.modules and case["optimizer"] == optimizer.name
                for step in case["steps"] for one in step["updates"] for key in one["kept"]}  # fmt: skip
        assert kept == optimizer.remembers.keys(), optimizer.name


def test_a_class_is_known_by_its_module_and_name() -> None:
    assert optimizer_of({"optimizer": "Lion", "module": "timm.optim.lion"}) is ELSEWHERE["timm.optim.lion", "Lion"]
    assert optimizer_of({"optimizer": "Lion", "module": "mine"}) is None
    assert optimizer_of({"optimizer": "Adam", "module": "mine"}) is None
    assert optimizer_of({"optimizer": "Mine", "module": "mine", "base": "Adam"}) is OPTIMIZERS["Adam"]
    assert optimizer_of({"optimizer": "Adafactor", "module": "torch.optim._adafactor"}) is OPTIMIZERS["Adafactor"]
    assert (
        optimizer_of({"optimizer": "Adafactor", "module": "transformers.optimization"}) is not OPTIMIZERS["Adafactor"]
    )


def test_whether_a_step_is_projected_may_be_too_close_to_call() -> None:
    """AdamP, where the cosine is what it is compared with, but for rounding."""
    h = next(case for case in CASES if case["optimizer"] == "AdamP")["steps"][0]["hyperparameters"]
    param, grad = (exact(np.array([[one, other]]), 2.0**-24) for one, other in ((3.0, 4.0), (1.0, 0.0)))
    rule = ELSEWHERE["timm.optim.adamp", "AdamP"]
    for delta in (0.59, 0.61):
        update(rule, {**h, "delta": delta * 2**0.5}, param, grad, {})
    with pytest.raises(UnknownError, match="too close to call"):
        update(rule, {**h, "delta": (0.6 + 1e-8) * 2**0.5}, param, grad, {})


def test_a_direction_of_nothing_has_no_trust_ratio() -> None:
    """LAMB, where the parameter is zero: its step is Adam's."""
    h = next(case for case in CASES if case["optimizer"] == "Lamb")["steps"][0]["hyperparameters"] | {"step": 0.0}
    found = update(ELSEWHERE["timm.optim.lamb", "Lamb"], h, np.zeros(2), np.array([3.0, -4.0]), {"norm": 5.0})
    np.testing.assert_allclose(found.param, [-0.1, 0.1], rtol=1e-4)
