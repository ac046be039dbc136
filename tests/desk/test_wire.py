"""Results come back as they were sent."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.desk.element import Element
from engine.desk.explain import Breakdown, TermRow
from engine.desk.typeset import Formula
from engine.desk.wire import DATACLASSES, dump, load
from engine.manual import Line, Place

numbers = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    numbers | st.complex_numbers(allow_nan=False),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


@given(values)
def test_plain_values_come_back(value: Any) -> None:
    line = dump(value)
    assert "\n" not in line
    assert load(line) == value


def test_dataclasses_come_back() -> None:
    element = Element("in", 0, (1, 2))
    for value in (
        Breakdown(3, element, 1.5, (TermRow(1 + 2j, None, -0.0, "a", 3, element),), 1, math.inf, 0.0),
        Line(Place("forward", 1, None), "w", "", "", "", "", "no_data"),
        Formula("<svg/>", 1.0, 2.0, 3.0),
    ):
        found = load(dump(value))
        assert found == value
        assert type(found) is type(value)


def test_each_class_that_may_be_sent_is_there() -> None:
    for name in DATACLASSES:
        line = json.dumps({"!": name, "of": []})
        with pytest.raises(ValueError, match="argument"):
            load(line)


def test_scalars_of_numpy_are_numbers() -> None:
    assert load(dump((np.float32(0.1), np.bool_(True), np.int64(3)))) == (float(np.float32(0.1)), True, 3)
    assert math.isnan(load(dump(math.nan)))


def test_what_is_not_named_is_refused() -> None:
    with pytest.raises(TypeError, match="ndarray"):
        dump(np.zeros(2))
    for line in ('{"!": "Path", "of": ["/"]}', '{"of": 1}', "3 4", '{"!": "Element", "of": {}}'):
        with pytest.raises(ValueError, match=r"desk|Extra|shorter"):
            load(line)
