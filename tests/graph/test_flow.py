"""What travels along each edge, and when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.graph.flow import NEVER, contributions, log_shares
from engine.recording.reader import Recording, open_recording
from tests.gui.canvas.scenes import make_branches
from tests.recordings import make_bow, make_chain


@pytest.fixture
def branches(tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_branches(tmp_path / "branches.chain")) as opened:
        yield opened


@pytest.fixture
def bow(tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_bow(tmp_path / "bow.chain")) as opened:
        yield opened


def test_branches_come_in_the_order_in_which_autograd_ran_them(branches: Recording) -> None:
    flow = contributions(branches, 0)
    into_a = flow.into(3)
    assert flow.source[into_a].tolist() == [2, 1]  # the third of the loss's branches ran first
    assert flow.rank[into_a].tolist() == [0, 1]
    assert flow.branches[into_a].tolist() == [2, 2]
    assert flow.value[into_a].tolist() == [3.0, 2.0]
    assert flow.sent[into_a].tolist() == [5, 6]
    assert flow.taken[into_a].tolist() == [7, 7]


def test_two_edges_of_one_node_come_by_slot(branches: Recording) -> None:
    flow = contributions(branches, 0)
    into_w = flow.into(4)
    assert flow.slot[into_w].tolist() == [0, 1]
    assert flow.norm[into_w].tolist() == [5.0, 5.0]
    assert flow.taken[into_w].tolist() == [8, 8]


def test_contributions_add_up_to_what_the_node_took_in(branches: Recording) -> None:
    flow = contributions(branches, 0)
    for node, event, role in ((3, 7, "grad_output"), (4, 8, "grad_input")):
        value = next(each for each in branches.values(event) if each.role == role)
        assert flow.value[flow.into(node)].sum() == branches.tensor(value.tensor).statistics.mean


def test_values_run_forward_from_operations_parameters_and_data(bow: Recording) -> None:
    flow = contributions(bow, 1)
    times, w, x = 11, 13, 14
    edges = flow.out_of(times)
    assert flow.target[edges].tolist() == [w, x]
    assert flow.forward[edges].tolist() == [12, 12]
    assert flow.forward_value[edges][0] == pytest.approx(1.25)  # w after the first step
    plus = flow.out_of(10)
    assert flow.forward_value[plus].tolist() == pytest.approx([2.5, 0.625])  # the product, and b


def test_no_gradient_runs_to_data(bow: Recording) -> None:
    flow = contributions(bow, 0)
    to_data = flow.slot >= 1000
    assert to_data.sum() == 2
    assert (flow.taken[to_data] == NEVER).all()
    assert (flow.branches[to_data] == 0).all()
    assert np.isnan(flow.norm[to_data]).all()
    assert len(flow.into(6)) == 0


def test_norms_are_those_that_were_recorded(tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=60, steps=2)) as chain:
        flow = contributions(chain, 1)
        for edge in range(len(flow.source)):
            values = chain.values(int(flow.sent[edge]))
            slots = {each.slot: each.tensor for each in values if each.role == "grad_input"}
            expected = chain.tensor(slots[0]).statistics.norm if flow.slot[edge] == 0 else np.nan
            np.testing.assert_equal(flow.norm[edge], expected)
        assert np.isnan(flow.value).all()  # matrices


def test_it_is_worked_out_once(bow: Recording) -> None:
    assert contributions(bow, 0) is contributions(bow, 0)
    assert contributions(bow, 0) is not contributions(bow, 1)


@given(st.lists(st.floats(0, 1e300), max_size=12))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_shares_lie_between_nothing_and_all_and_keep_the_order(numbers: list[float]) -> None:
    norms = np.array(numbers)
    shares = log_shares(norms, norms)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (np.diff(shares[np.argsort(norms)]) >= 0).all()
    if (norms > 0).any():
        assert shares.max() == 1.0


def test_what_is_unknown_stays_unknown() -> None:
    assert np.isnan(log_shares(np.array([np.nan, 1.0]), np.array([1.0]))).tolist() == [True, False]
    assert log_shares(np.array([0.0]), np.array([0.0])).tolist() == [0.0]
