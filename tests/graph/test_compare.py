"""Which nodes of two backward passes are the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.capture.recorder import record
from engine.desk import comparison, wire
from engine.graph.compare import INPUTS, NAME, SHAPE, TYPE, Comparison, compare
from engine.graph.differences import as_json, table
from engine.graph.measures import SPOILED
from engine.recording.reader import Recording, open_recording
from tests.recordings import make_bow, make_chain


class Bench:
    """Records programs and compares their first passes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.opened: list[Recording] = []

    def record(self, model: nn.Module, x: torch.Tensor) -> Recording:
        path = self._folder / f"{len(self.opened)}.chain"
        with record(path, script=__file__):
            model(x).sum().backward()
        self.opened.append(open_recording(path))
        return self.opened[-1]

    def compare(self, *models: nn.Module) -> Comparison:
        """Two models on the same input; called alike, as each would be in a script of its own."""
        x = torch.randn(3, 4)
        left, right = [self.record(model, x) for model in models]
        return compare(left, 0, right, 0)

    def types(self, found: Comparison, bits: int) -> list[tuple[str, str]]:
        """Types on the left and on the right of the pairs that have one of `bits`."""
        return [
            (
                self.opened[-2].node(int(found.left_ids[left])).type,
                self.opened[-1].node(int(found.right_ids[right])).type,
            )
            for left, right in found.pairs.tolist()
            if found.changed[left] & bits
        ]

    def only(self, ids: np.ndarray, side: int) -> list[str]:
        return sorted(self.opened[side].node(int(node)).type for node in ids)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    for recording in made.opened:
        recording.close()


def mlp(*middle: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), *middle, nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 2))


class Named(nn.Module):
    def __init__(self, width: int = 6, *, other: bool = False) -> None:
        super().__init__()
        names = ("first", "second") if other else ("a", "b")
        for name, layer in zip(names, (nn.Linear(4, width), nn.Linear(width, 2)), strict=True):
            self.add_module(name, layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = self.children()
        result: torch.Tensor = second(first(x).relu())
        return result


def test_two_steps_of_one_program_are_the_same_by_place(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain")) as bow:
        first, second = bow.graphs[0].id, bow.graphs[1].id
        found = compare(bow, first, bow, second)
        assert found.same_structure
        assert found.right_of.tolist() == list(range(6))
        assert (found.left_ids != found.right_ids).all()
        ratio = dict(zip(found.left_ids.tolist(), found.ratio().tolist(), strict=True))
        for node in bow.nodes(first):
            if node.kind == "parameter":
                assert ratio[node.id] == pytest.approx(np.log10(0.5), rel=1e-5)  # the miss is halved in each step
        itself = compare(bow, first, bow, first)
        assert np.nan_to_num(itself.ratio()).tolist() == [0.0] * 6


def test_an_activation_that_was_replaced_is_changed_in_type(bench: Bench) -> None:
    found = bench.compare(mlp(nn.ReLU()), mlp(nn.GELU()))
    assert len(found.pairs) == len(found.left_ids) == len(found.right_ids)
    assert bench.types(found, TYPE) == [("ReluBackward0", "GeluBackward0")]
    assert not bench.types(found, SHAPE | NAME | INPUTS)
    assert not found.same_structure


def test_a_layer_more_moves_the_names_of_those_after_it(bench: Bench) -> None:
    found = bench.compare(mlp(nn.ReLU()), mlp(nn.ReLU(), nn.Sigmoid()))
    assert len(found.only_left) == 0
    assert bench.only(found.right_ids[found.only_right], -1) == ["SigmoidBackward0"]
    assert not bench.types(found, TYPE | SHAPE)
    assert bench.types(found, INPUTS) == [("AddmmBackward0", "AddmmBackward0")]
    back = compare(bench.opened[1], 0, bench.opened[0], 0)
    assert back.left_of.tolist() == found.right_of.tolist()
    assert found.left_of.tolist() == back.right_of.tolist()


def test_modules_of_other_names_are_found_by_what_they_do(bench: Bench) -> None:
    found = bench.compare(Named(), Named(other=True))
    assert len(found.pairs) == len(found.left_ids) == len(found.right_ids)
    assert len(bench.types(found, NAME)) > 4
    assert not bench.types(found, TYPE | SHAPE | INPUTS)


def test_a_wider_layer_is_changed_in_shape(bench: Bench) -> None:
    found = bench.compare(Named(), Named(9))
    assert len(found.pairs) == len(found.left_ids) == len(found.right_ids)
    changed = bench.types(found, SHAPE)
    assert ("ReluBackward0", "ReluBackward0") in changed
    assert not bench.types(found, TYPE | NAME | INPUTS)


def test_two_nets_that_have_little_in_common(bench: Bench) -> None:
    found = bench.compare(nn.Sequential(nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 2, 3)), mlp(nn.ReLU()))
    assert bench.only(found.left_ids[found.only_left], -2) == [
        "AccumulateGrad",
        "AccumulateGrad",
        "ConvolutionBackward0",
    ]
    assert len(found.pairs) == 1  # the sum
    assert len(found.only_right) == len(found.right_ids) - 1


def test_norms_that_are_zero_or_missing() -> None:
    ids, match = np.arange(4), np.array([0, 1, 2, -1])
    none = np.full(4, np.nan)
    left, right = np.array([0.0, 0.0, 10.0, 1.0]), np.array([0.0, 1.0, 1000.0, 1.0])
    found = Comparison(ids, ids, match, np.zeros(4, np.uint8), left, right, none, none)
    assert found.ratio().tolist()[:3] == [0.0, np.inf, 2.0]
    assert np.isnan(found.ratio()[3])
    assert np.isnan(found.ratio("value")).all()
    assert found.only_left.tolist() == found.only_right.tolist() == [3]


def test_the_same_question_has_the_same_answer_and_can_be_sent(tmp_path: Path) -> None:
    with (
        open_recording(make_chain(tmp_path / "a.chain", 60)) as a,
        open_recording(make_chain(tmp_path / "b.chain", 75)) as b,
    ):
        found, again = compare(a, 0, b, 0), compare(a, 0, b, 0)
        arrived = comparison.unpack(wire.load(wire.dump(comparison.pack(found))))
    for name in (field.name for field in fields(again)):
        column = getattr(again, name)
        assert np.array_equal(column, getattr(found, name), equal_nan=True), name
        assert np.array_equal(column, getattr(arrived, name), equal_nan=True), name
    assert len(found.only_right) == len(found.right_ids) - len(found.pairs)
    with pytest.raises(ValueError, match="not a comparison"):
        comparison.unpack((1, 2))


def test_what_is_not_finite_on_one_side_has_no_ratio(bench: Bench) -> None:
    """The norm of the finite rest would say that the gradients are much alike."""
    x = torch.ones(3, 4)
    spoiled = x.clone()
    spoiled[0, 0] = torch.nan
    left, right = bench.record(mlp(nn.Tanh()), x), bench.record(mlp(nn.Tanh()), spoiled)
    found = compare(left, 0, right, 0)
    names = [left.node(int(node)).name for node in found.left_ids]
    weight = names.index("0.weight")
    assert np.isfinite(found.left_gradient[weight])
    assert found.right_gradient[weight] == SPOILED
    assert np.isnan(found.ratio()[weight])
    assert found.spoiled()[weight]
    assert not found.spoiled("value")[weight]
    loss = [left.node(int(node)).type for node in found.left_ids].index("SumBackward0")
    assert not found.spoiled()[loss]
    assert found.spoiled("value")[loss]
    assert not compare(right, 0, right, 0).spoiled().any()
    told = [line for line in table(found, left, right).splitlines() if line.startswith("gradient    0.weight: ")]
    assert told == [f"gradient    0.weight: {found.left_gradient[weight]:.4g} → NaN or infinite"]
    pairs = as_json(compare(right, 0, left, 0), right, left)["pairs"]
    assert pairs[weight]["gradient_norms"] == [None, float(found.left_gradient[weight])]
    assert pairs[weight]["gradient_ratio"] is None
