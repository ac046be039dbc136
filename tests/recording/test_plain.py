from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.recording import plain

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda key: key != "$float"), inner),
    max_leaves=15,
)


@given(PLAIN)
def test_round_trip(value: object) -> None:
    text = plain.dumps(value)
    assert plain.loads(text) == value

    def refuse(name: str) -> None:
        pytest.fail(f"{name} is not strict JSON")

    json.loads(text, parse_constant=refuse)


def test_nan() -> None:
    assert plain.dumps({"a": [math.nan]}) == '{"a":[{"$float":"NaN"}]}'
    assert math.isnan(plain.loads(plain.dumps({"a": [math.nan]}))["a"][0])


def test_what_json_cannot_say_is_written_as_text() -> None:
    assert plain.loads(plain.dumps({"a": 1j, (1, 2): None, "c": (1, {2: math.inf})})) == {
        "a": "1j",
        "(1, 2)": None,
        "c": [1, {"2": math.inf}],
    }


@pytest.mark.parametrize(
    "text", ["", "NaN", "[Infinity]", "{", '{"$float": "x"}', '{"$float": []}', "[" * 100_000, "9" * 5000, "\x00"]
)
def test_what_is_not_our_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        plain.loads(text)
