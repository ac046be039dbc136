"""The package itself: threads may import it and its modules side by side."""

from __future__ import annotations

import subprocess
import sys

import pytest

import engine.layout


def test_it_imports_none_of_its_modules_by_itself() -> None:
    """Else a thread that imports one of them, and one that imports the package, wait for each other."""
    program = "import sys, engine.layout; print(*[name for name in sys.modules if name.startswith('engine.layout.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", engine.layout.__all__)
def test_all_that_it_offers_is_there(name: str) -> None:
    assert getattr(engine.layout, name) is not None


def test_what_it_does_not_offer_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match="nothing_such"):
        engine.layout.nothing_such  # noqa: B018 - the access itself is what is tested
