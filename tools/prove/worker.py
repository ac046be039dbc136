"""One subject, in a process of its own."""

from __future__ import annotations

import sys
import time
import traceback

from tools.prove.outcome import Outcome


def prove_one(kind: str, name: str, limit: int | None) -> Outcome:
    """Prove one subject; what goes wrong in it is a fault of its outcome."""
    started = time.perf_counter()
    try:
        if kind == "samples":
            from tools.prove.samples import prove_operator

            operator, dtype = name.rsplit(" ", 1)
            return prove_operator(operator, dtype, limit=limit)
        if kind == "models":
            from tools.prove.models import prove_model

            return prove_model(name)
        from tools.prove.optimizers import prove_configuration

        return prove_configuration(name)
    except Exception:
        return Outcome(name, faults=[f"failed: {traceback.format_exc()}"])
    finally:
        print(f"    {name}: {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
