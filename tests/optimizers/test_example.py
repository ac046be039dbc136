"""The example of docs/adding-an-optimizer.md works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "adding-an-optimizer.md"


def test_the_example_of_an_optimizer_works() -> None:
    rule, test = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "lion"}
    exec(compile(rule, "adding-an-optimizer.md", "exec"), names)
    exec(compile(test, "adding-an-optimizer.md", "exec"), names)
    names["test_lion_takes_steps_of_one_size"]()
