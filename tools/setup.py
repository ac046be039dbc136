"""Sets up what chainrule needs to run: an environment with the pinned packages, and Qt's system libraries.

    python -m tools.setup [--venv .venv] [run] [test] [bench]

Uses the standard library only. A second call finds the stamp that the first one left in the environment and returns at
once, without asking the network. What was made here and then interrupted is thrown away and made again; an environment
that somebody else made is kept as it is, and only what it lacks is added.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tools import system

ROOT = Path(__file__).resolve().parents[1]
STAMP = "chainrule-setup.json"
EXTRAS = {"run": ("vision",), "test": ("vision", "test"), "bench": ("vision", "bench")}


class SetupError(Exception):
    """Why there is no set-up, and what to do; for the user."""


@dataclass(frozen=True)
class Stamp:
    """What is known of an environment; kept inside it, and written only when what it says is true."""

    made_here: bool
    complete: bool
    python: str = ""  # the interpreter that the environment is built on
    requirements: str = ""  # fingerprint of what was asked for
    groups: tuple[str, ...] = ()


def read_stamp(venv: Path) -> Stamp | None:
    """The stamp of an environment, or None if there is none that can be read."""
    try:
        fields = json.loads((venv / STAMP).read_text(encoding="utf-8"))
        return Stamp(**{**fields, "groups": tuple(fields["groups"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_stamp(venv: Path, stamp: Stamp) -> None:
    """Replace the stamp in one move, so that no half-written one is ever read."""
    new = venv / f"{STAMP}.new"
    new.write_text(json.dumps(asdict(stamp)), encoding="utf-8")
    new.replace(venv / STAMP)


def interpreter(venv: Path) -> Path:
    """Where the environment's Python is, or would be."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def base_python(venv: Path) -> str:
    """The interpreter behind the environment, links followed; "" if it is gone."""
    try:
        return str(interpreter(venv).resolve(strict=True))
    except OSError:
        return ""


def requirements(groups: Sequence[str]) -> list[str]:
    """What pyproject.toml asks for, for these groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = sorted({extra for group in groups for extra in EXTRAS[group]})
    return [
        *project["dependencies"],
        *(wanted for extra in extras for wanted in project["optional-dependencies"][extra]),
    ]


def fingerprint() -> str:
    """Changes whenever something else would be installed."""
    wanted = requirements(tuple(EXTRAS))
    return hashlib.sha256(
        "\n".join([*wanted, (ROOT / "constraints.txt").read_text(encoding="utf-8")]).encode()
    ).hexdigest()


def is_current(venv: Path, groups: Sequence[str]) -> bool:
    """Whether nothing needs to be done."""
    stamp = read_stamp(venv)
    if stamp is None or not stamp.complete or not set(groups) <= set(stamp.groups):
        return False
    if not base_python(venv) or (stamp.made_here and not _built_on(venv, stamp.python)):
        return False
    return stamp.requirements == fingerprint()


def prepare(venv: Path, groups: Sequence[str]) -> None:
    """Bring the environment up to what the groups need. Raises SetupError."""
    before = read_stamp(venv)
    made_here = before.made_here if before else not interpreter(venv).exists()
    if made_here and not (before and before.complete and _built_on(venv, before.python)):
        _create(venv)
    elif not base_python(venv):
        raise SetupError(f"{interpreter(venv)} does not run: make the environment again, or remove {venv}")
    groups = sorted({*groups, *(before.groups if before else ())})
    write_stamp(venv, Stamp(made_here=made_here, complete=False))
    try:
        _install(venv, requirements(groups), keep=not made_here)
        _try_imports(venv)
    except SetupError:
        # pip gave up in order, so what is there is whole: go on from it next time.
        write_stamp(venv, Stamp(made_here=made_here, complete=True, python=base_python(venv)))
        raise
    write_stamp(venv, Stamp(made_here, True, base_python(venv), fingerprint(), tuple(groups)))


def _built_on(venv: Path, recorded: str) -> bool:
    """Whether the environment still stands on the Python that it was made with, which is also what is asked for."""
    asked_for = os.path.realpath(sys.executable) if os.environ.get("PYTHON") else recorded
    return recorded == base_python(venv) == asked_for != ""


def _create(venv: Path) -> None:
    """Make a new environment; one that we made ourselves and that is of no use any more goes first."""
    if venv.exists() and read_stamp(venv) is None and any(venv.iterdir()):
        raise SetupError(f"{venv} is neither empty nor a Python environment: remove it, or name another with VENV=…")
    for package in system.missing_venv():
        system.install([package])
    _say(f"making {venv} with Python {sys.version.split()[0]}")
    if venv.exists():
        shutil.rmtree(venv)
    venv.mkdir(parents=True)
    write_stamp(venv, Stamp(made_here=True, complete=False))
    _call([sys.executable, "-m", "venv", str(venv)], "the environment could not be made")


def _install(venv: Path, wanted: Sequence[str], *, keep: bool) -> None:
    """Install the pinned versions; with `keep`, leave alone what is already there and fits."""
    pins = _pins(_installed(venv) if keep else {})
    pip = [str(interpreter(venv)), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    if not sys.stderr.isatty():
        pip.append("--quiet")  # a person is shown the progress, a log is not
    index = os.environ.get("TORCH_INDEX")
    if index:
        pip += ["--extra-index-url", index]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()), encoding="utf-8")
        pip += ["--constraint", str(constraints)]
        _say("installing packages (the first time this takes some minutes)")
        # torch first and by its exact version, so that nothing else decides which build of it is taken.
        if "torch" in pins:
            _call([*pip, f"torch=={pins['torch']}"], "torch could not be installed")
        _call([*pip, *wanted], "the packages could not be installed")


def _pins(installed: dict[str, str]) -> dict[str, str]:
    """The versions in constraints.txt of what is not yet installed."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    present = {_normal(name) for name in installed}
    if "torch" in present and installed["torch"].split("+")[0] != pins["torch"]:
        del pins["torchvision"]  # each torchvision fits one torch; let pip find the one for yours
    return {name: version for name, version in pins.items() if _normal(name) not in present}


def _installed(venv: Path) -> dict[str, str]:
    """Name → version of every package that the environment can import."""
    program = "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    answer = subprocess.run([str(interpreter(venv)), "-c", program], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise SetupError(f"{interpreter(venv)} does not run:\n{answer.stderr}Remove {venv} and try again.")
    return {_normal(name): version for name, version in json.loads(answer.stdout).items()}


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _try_imports(venv: Path) -> None:
    """Find out now, not in the window, that something was installed broken."""
    program = "import networkx, numpy, torch, PySide6.QtCore"
    _call([str(interpreter(venv)), "-W", "ignore", "-c", program], "what was installed cannot be imported")


def _call(command: Sequence[str], failure: str) -> None:
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code != 0:
        raise SetupError(f"{failure}: `{' '.join(command)}` ended with code {code}")


def _say(text: str) -> None:
    print(f"chainrule: {text}", file=sys.stderr, flush=True)


@contextmanager
def only_one() -> Iterator[None]:
    """Wait until no other set-up is under way (where the system has file locks)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    with open(folder / "setup.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up, and say what is wrong if that fails. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.setup", description="Set up what chainrule needs.")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="the environment (default: .venv)")
    parser.add_argument("groups", nargs="*", metavar="|".join(EXTRAS), help="what for (default: run)")
    options = parser.parse_args(arguments)
    groups = options.groups or ["run"]
    if not set(groups) <= set(EXTRAS):
        parser.error(f"a group is one of: {', '.join(EXTRAS)}")
    venv = Path(os.path.abspath(options.venv))
    try:
        if not is_current(venv, groups):
            with only_one():
                if not is_current(venv, groups):
                    prepare(venv, groups)
        system.install(system.missing(venv, for_tests="test" in groups))
    except (SetupError, system.MissingError) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("set-up interrupted; run it again to go on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
