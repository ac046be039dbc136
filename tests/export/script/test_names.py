"""Identifiers and comments made of whatever a recording says."""

from __future__ import annotations

import ast
import keyword

from hypothesis import given
from hypothesis import strategies as st

from engine.export.script.names import Names, comment, identifier


def test_names_are_the_users() -> None:
    assert identifier("layer1.0.conv1.weight") == "layer1_0_conv1_weight"
    assert identifier("0.weight") == "layer_0_weight"
    assert identifier("w (2)") == "w_2"
    assert identifier("сила") == "сила"


def test_no_name_is_given_twice_or_hides_another() -> None:
    names = Names(frozenset({"softmax"}))
    assert [names.new("w"), names.new("w"), names.new("w_2")] == ["w", "w_2", "w_2_2"]
    assert names.new("softmax") == "softmax_"
    assert names.new("np") == "np_"
    assert names.new("lambda") == "lambda_"


@given(st.lists(st.text()))
def test_any_text_becomes_an_identifier_of_its_own(texts: list[str]) -> None:
    names = Names()
    given_out = [names.new(text) for text in texts]
    assert len(set(given_out)) == len(given_out)
    for name in given_out:
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert ast.parse(f"{name} = 1").body  # as Python itself reads it


@given(st.text())
def test_any_text_is_harmless_in_a_comment_and_in_a_docstring(text: str) -> None:
    assert len(ast.parse(f"# {comment(text)}\npass").body) == 1
    tree = ast.parse(f'"""Of {comment(text)}."""\npass')
    assert len(tree.body) == 2
