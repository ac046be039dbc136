"""`make prove`: the long proofs, with a table at the end. What was proved with the same engine is not done again.

    python -m tools.prove [samples] [models] [optimizers] [--only NAME…] [--limit N] [--fresh]

Results go to build/prove/, a line of JSON each, under a digest of the engine's sources: after a change of the engine
everything is proved anew. The exit code is 1 if anything is wrong, differs from an unrecorded run, or failed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from tools.prove.outcome import Outcome
from tools.prove.worker import prove_one

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "prove"
KINDS = ("samples", "models", "optimizers")
_SOURCES = ("arithmetic", "capture", "optimizers", "recording", "rules")
_FAULTS_SHOWN = 3
_TOGETHER = 300  # subjects that one set of processes does, before new ones start with clean memory
_STATES = ("proved", "not_differentiable", "unknown", "wrong", "no_data", "not_run")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.prove", description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)} (default: all)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="subjects whose name holds NAME")
    parser.add_argument("--limit", type=int, metavar="N", help="samples of each operator (default: all)")
    parser.add_argument("--fresh", action="store_true", help="forget what was proved before")
    options = parser.parse_args(argv)
    if wrong := set(options.kinds) - set(KINDS):
        parser.error(f"there is no {', '.join(sorted(wrong))}: choose among {', '.join(KINDS)}")
    failed = False
    for kind in options.kinds or KINDS:
        outcomes = _prove(kind, options)
        print(_table(kind, outcomes), flush=True)
        failed |= any(_failed(outcome) for outcome in outcomes)
    return int(failed)


def _prove(kind: str, options: argparse.Namespace) -> list[Outcome]:
    """Every outcome of one kind: those on file, and the rest as they come."""
    file = RESULTS / f"{kind}-{_digest()}{f'-limit{options.limit}' if options.limit else ''}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    if options.fresh:
        file.unlink(missing_ok=True)
    known = {outcome.name: outcome for outcome in _read(file)}
    subjects = [name for name in _subjects(kind) if not options.only or any(part in name for part in options.only)]
    waiting = [name for name in subjects if name not in known]
    print(f"{kind}: {len(subjects)}, of which {len(subjects) - len(waiting)} are on file", flush=True)
    with file.open("a", encoding="utf-8") as results:
        for count, outcome in enumerate(_run(kind, waiting, options.limit), 1):
            known[outcome.name] = outcome
            results.write(json.dumps(outcome.as_json()) + "\n")
            results.flush()
            print(f"[{count}/{len(waiting)}] {_line(outcome)}", flush=True)
    return [known[name] for name in subjects if name in known]


def _digest() -> str:
    found = hashlib.sha256()
    for room in _SOURCES:
        for path in sorted((ROOT / "engine" / room).rglob("*")):
            if path.suffix in (".py", ".sql"):
                found.update(path.read_bytes())
    return found.hexdigest()[:12]


def _read(file: Path) -> Iterator[Outcome]:
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            yield Outcome.from_json(json.loads(line))


def _subjects(kind: str) -> list[str]:
    if kind == "samples":
        from tools.prove.samples import DTYPES, operators

        return [f"{name} {dtype}" for name in operators() for dtype in DTYPES]
    if kind == "models":
        from tools.prove.models import names

        return names()
    from tools.prove.optimizers import configurations

    return configurations()


def _run(kind: str, names: list[str], limit: int | None) -> Iterator[Outcome]:
    """In processes of their own, as many as there are processors; models one after the other, for their memory.

    A process that dies takes its pool along: who was in it is tried again in a pool of its own.
    """
    workers, together = (1, 1) if kind == "models" else (os.cpu_count() or 1, _TOGETHER)
    again: list[str] = []
    for start in range(0, len(names), together):
        for name, outcome in _in_pool(kind, names[start : start + together], limit, workers):
            if outcome is not None:
                yield outcome
            else:
                again.append(name)
    for name in again:
        for _, outcome in _in_pool(kind, [name], limit, 1):
            yield outcome or Outcome(name, faults=["failed: its process died"])


def _in_pool(kind: str, names: list[str], limit: int | None, workers: int) -> Iterator[tuple[str, Outcome | None]]:
    """Each outcome as it comes; None for those whose process died."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(prove_one, kind, name, limit): name for name in names}
        for future in as_completed(waiting):
            try:
                yield waiting[future], future.result()
            except BrokenProcessPool:
                yield waiting[future], None


def _failed(outcome: Outcome) -> bool:
    return (
        not outcome.identical
        or outcome.count("wrong") > 0
        or any(fault.startswith("failed") for fault in outcome.faults)
    )


def _line(outcome: Outcome) -> str:
    counts = [f"{outcome.count(state)} {state}" for state in _STATES if outcome.count(state)]
    shown = [fault[:300] for fault in outcome.faults[:_FAULTS_SHOWN]]
    if not outcome.identical:
        shown.insert(0, "NOT IDENTICAL")
    return f"{outcome.name}: {', '.join(counts)}" + "".join(f"\n      {text}" for text in shown)


def _table(kind: str, outcomes: list[Outcome]) -> str:
    """One line a type that is not proved throughout, and the sums."""
    types: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        for type_, counts in outcome.states.items():
            types.setdefault(type_, Counter()).update(counts)
    covered = [t for t, c in types.items() if not (c["unknown"] or c["wrong"] or c["no_data"])]
    lines = ["", f"== {kind}: {len(outcomes)} subjects, {sum(outcome.samples for outcome in outcomes)} samples"]
    lines += [
        f"   {type_}: " + ", ".join(f"{types[type_][state]} {state}" for state in _STATES if types[type_][state])
        for type_ in sorted(set(types) - set(covered))
    ]
    total: Counter[str] = sum(types.values(), Counter())
    lines.append(f"   {len(covered)} of {len(types)} types proved or not differentiable throughout")
    lines.append("   " + ", ".join(f"{total[state]} {state}" for state in _STATES if total[state]))
    unlike = [outcome.name for outcome in outcomes if not outcome.identical]
    failed = [outcome.name for outcome in outcomes if any(fault.startswith("failed") for fault in outcome.faults)]
    lines.append(f"   not identical to the unrecorded run: {', '.join(unlike) or 'none'}")
    lines.append(f"   failed: {', '.join(failed) or 'none'}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
