"""Long statements over several lines."""

from __future__ import annotations

import ast

import pytest

from engine.export.script.lines import WIDTH, block, split, statement

LONG = "a_name_that_is_as_long_as_those_of_modules_in_modules"


def test_a_short_statement_stays_as_it_is() -> None:
    assert statement("x = f(1)  # why", 1) == ["    x = f(1)  # why"]


def test_a_comment_that_does_not_fit_goes_above() -> None:
    code = f"x = f({LONG}, {LONG[:20]})"
    assert statement(f"{code}  # {LONG}", 1) == [f"    # {LONG}", f"    {code}"]


@pytest.mark.parametrize(
    "code",
    [
        f"x = f({LONG}, {LONG}, 1)",
        f"x = f({LONG}, {LONG}, {LONG}, {LONG})",
        f"{LONG} = {LONG} @ {LONG} + {LONG}",
        f"{LONG} = {LONG} * settled({LONG} > 0, {LONG})",
        f"x = (np.where({LONG} > 0, {LONG}, {LONG}) - 0.5).mean()",
        f"{LONG} = ({LONG} - {LONG} * {LONG}).sum(axis=0)",
        f"view_of({LONG})[...] = view_of({LONG}) * {LONG}",
        f"view_of({LONG})[...] *= view_of({LONG}, {LONG})",
        f"np.add.at({LONG}, {LONG}, {LONG})",
    ],
)
def test_a_long_statement_means_the_same_on_several_lines(code: str) -> None:
    lines = block([code], 1)
    assert len(lines) > 1
    assert max(len(line) for line in lines) <= WIDTH
    text = "if True:\n" + "\n".join(lines)
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(f"if True:\n    {code}"))


def test_parts_end_at_commas_outside_of_brackets() -> None:
    assert split("a, f(b, c), [d, e]") == ["a", "f(b, c)", "[d, e]"]
