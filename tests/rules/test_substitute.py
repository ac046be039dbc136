"""Formulas with numbers: what is written must come out at the number that it is written beside."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine import record
from engine.recording.reader import open_recording
from engine.rules.reading import GraphValues
from engine.rules.registry import Rule, find_rule
from engine.rules.substitute import (
    Substitution,
    broadcast_index,
    formula_of,
    latex_number,
    substitute,
    symbol,
    symbols,
)
from tests.recordings import make_bow

Script = Callable[[], torch.Tensor]


def of_node(path: Path, type_: str, slot: int = 0, index: tuple[int, ...] = ()) -> Substitution:
    """Numbers of one element of one gradient of the only node of a type."""
    with open_recording(path) as recording:
        graph = GraphValues(recording, recording.graphs[0].id)
        node = next(node for node in graph.nodes if node.type == type_)
        values, found = graph.values(node, plain=True), find_rule(type_)
        assert values is not None
        assert found is not None
        return substitute(found, values, slot, index)


def recorded(path: Path, script: Script) -> Path:
    with record(path):
        script().backward()
    return path


def worth(latex: str) -> float:
    """What a formula of numbers comes to."""
    text = re.sub(r"\^\{([^{}]*)\}", r"**(\1)", latex)
    for sign, meaning in ((r"\cdot", "*"), (r"\left(", "("), (r"\right)", ")")):
        text = text.replace(sign, meaning)
    assert re.fullmatch(r"[-+*/.()\d\s]+", text), text
    return float(eval(text))


def test_the_bow_in_numbers(tmp_path: Path) -> None:
    bow = make_bow(tmp_path / "bow.chain", 1)
    power = of_node(bow, "PowBackward0")
    assert power.numbers == r"1 \cdot 2 \cdot \left(-3.75\right)^{2 - 1}"
    assert power.value == -7.5
    assert power.exact
    assert of_node(bow, "MulBackward0").numbers == r"-7.5 \cdot 2"
    assert of_node(bow, "AddBackward0", 1).numbers == r"1 \cdot \left(-7.5\right)"
    assert of_node(bow, "SubBackward0").numbers == "-7.5"


def test_a_tensor_shows_the_chosen_element(tmp_path: Path) -> None:
    x = torch.tensor([[1.5, -2.0], [0.25, 4.0]], requires_grad=True)
    y = torch.tensor([[2.0, 3.0], [-1.0, 0.5]])
    path = recorded(tmp_path / "x.chain", lambda: ((x * y) ** 3).sum())
    for index in ((0, 0), (0, 1), (1, 0), (1, 1)):
        for type_ in ("PowBackward0", "MulBackward0"):
            found = of_node(path, type_, 0, index)
            assert worth(found.numbers) == pytest.approx(found.value, rel=1e-4)
    assert x.grad is not None
    assert of_node(path, "MulBackward0", 0, (1, 0)).value == x.grad[1, 0].item()


def test_a_broadcast_number_is_a_sum_of_terms(tmp_path: Path) -> None:
    x = torch.tensor([[1.0, -2.0, 3.0]]).requires_grad_()
    weight = torch.tensor([[1.0], [2.0], [-4.0], [0.5]])
    path = recorded(tmp_path / "x.chain", lambda: ((x * weight) ** 2).sum())
    found = of_node(path, "MulBackward0", 0, (0, 1))
    assert found.terms.count == 4
    assert found.numbers.endswith(r"+ \cdots")
    assert not found.exact
    assert x.grad is not None
    assert found.value == pytest.approx(x.grad[0, 1].item())
    two = of_node(recorded(tmp_path / "y.chain", lambda: ((x * weight[1:3]) ** 2).sum()), "MulBackward0", 0, (0, 1))
    assert two.exact
    assert worth(two.numbers) == two.value


def test_an_element_with_no_terms_is_zero(tmp_path: Path) -> None:
    nothing = Rule("X", "general", {"self": "0"}, "", lambda n: (n.grad(),), lambda *_: [])
    with open_recording(make_bow(tmp_path / "bow.chain", 1)) as recording:
        graph = GraphValues(recording, 0)
        values = graph.values(graph.nodes[0], plain=True)
        assert values is not None
        found = substitute(nothing, values, 0, ())
    assert (found.numbers, found.value) == ("0", 0.0)


def test_rounded_numbers_are_said_to_be(tmp_path: Path) -> None:
    x = torch.tensor(1 / 3, requires_grad=True)
    found = of_node(recorded(tmp_path / "x.chain", lambda: x**3), "PowBackward0")
    assert not found.exact
    assert worth(found.numbers) == pytest.approx(found.value, rel=1e-4)


@pytest.mark.parametrize(
    ("value", "text", "exact"),
    [
        (0.0, "0", True), (-2.5, "-2.5", True), (3, "3", True), (True, "1", True), (1e-7, "10^{-7}", True),
        (-1.5e-12, r"-1.5 \cdot 10^{-12}", True), (1 / 3, "0.33333", False), (float("nan"), r"\mathrm{NaN}", True),
        (float("-inf"), r"-\infty", True), (1 - 2j, "1 - 2 i", True), (2 + 0j, "2", True),
    ],
)  # fmt: skip
def test_numbers_in_latex(value: complex, text: str, exact: bool) -> None:
    assert latex_number(value) == (text, exact)


def test_symbols_stand_upright_but_for_single_letters() -> None:
    assert symbols(r"<G> \cdot <grad_scale>") == r"G \cdot \mathrm{grad\_scale}"
    assert symbol("x") == "x"


def test_members_of_a_list_share_the_last_formula() -> None:
    cat = Rule("CatBackward0", "moving", {"tensors": "G"}, "", lambda n: ())
    assert formula_of(cat, 3) == ("tensors", "G")
    assert formula_of(Rule("X", "general", {}, "", lambda n: ()), 0) == ("", "")


@pytest.mark.parametrize(
    ("index", "shape", "place"),
    [((2, 3), (4,), (3,)), ((2, 3), (1, 4), (0, 3)), ((2, 3), (), ()), ((2,), (5, 5), None), ((7,), (3,), None)],
)
def test_where_a_broadcast_element_comes_from(
    index: tuple[int, ...], shape: tuple[int, ...], place: tuple[int, ...] | None
) -> None:
    assert broadcast_index(index, shape) == place
