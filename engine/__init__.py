"""chainrule's engine: what is recorded, and everything that is computed from a recording.

As a library: `from engine import record` and then `with record("run.chain"): …` around a training loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.capture.recorder import record

__all__ = ["__version__", "record"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`record` brings torch with it, so it is imported when it is first asked for."""
    if name != "record":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from engine.capture.recorder import record

    return record
