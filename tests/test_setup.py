"""The set-up: what it keeps, what it makes again, what it says; and the package that is built from this folder.

pip and apt-get are replaced: that the real ones work on a new machine is what continuous integration shows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import setup, system

ROOT = Path(__file__).parents[1]


class FakePip:
    """Makes environments of one link, and notes what it was asked to install."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.fails = False

    def __call__(self, command: Sequence[str], failure: str) -> None:
        self.commands.append(list(command))
        if self.fails:
            raise setup.SetupError(failure)
        if command[1:3] == ["-m", "venv"]:
            python = setup.interpreter(Path(command[3]))
            python.parent.mkdir(parents=True)
            python.symlink_to(sys.executable)

    @property
    def made(self) -> int:
        return sum(command[1:3] == ["-m", "venv"] for command in self.commands)

    @property
    def installed(self) -> int:
        return sum("pip" in command for command in self.commands)


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> FakePip:
    fake = FakePip()
    monkeypatch.setattr(setup, "_call", fake)
    monkeypatch.setattr(setup, "_installed", lambda venv: {})
    monkeypatch.setattr(system, "missing", lambda venv, for_tests: [])
    monkeypatch.delenv("PYTHON", raising=False)
    return fake


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return tmp_path / "env"


def run(venv: Path, *groups: str) -> int:
    return setup.main(["--venv", str(venv), *groups])


def test_the_second_run_does_nothing(pip: FakePip, venv: Path) -> None:
    assert run(venv, "run") == 0
    assert (pip.made, pip.installed) == (1, 2)  # torch by its exact version, then the rest
    pip.commands.clear()
    assert run(venv, "run") == 0
    assert pip.commands == []


def test_what_more_is_needed_is_added_and_stays(pip: FakePip, venv: Path) -> None:
    run(venv, "run")
    pip.commands.clear()
    run(venv, "run", "test")
    assert (pip.made, pip.installed) == (0, 2)
    assert "pytest" in pip.commands[1]
    assert setup.is_current(venv, ["run"])
    assert setup.is_current(venv, ["test"])
    assert not setup.is_current(venv, ["bench"])


def test_other_requirements_are_installed_into_the_same_environment(
    pip: FakePip, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(venv)
    pip.commands.clear()
    monkeypatch.setattr(setup, "fingerprint", lambda: "another")
    run(venv)
    assert (pip.made, pip.installed) == (0, 2)


@pytest.mark.parametrize("moment", ["before the environment", "while installing"])
def test_an_interrupted_set_up_starts_anew(
    pip: FakePip, venv: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def killed(command: Sequence[str], failure: str) -> None:
        if moment == "while installing" and "pip" not in command:
            return pip(command, failure)
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "_call", killed)
    assert run(venv) == 130
    rubbish = venv / "half-written"
    rubbish.touch()
    monkeypatch.setattr(setup, "_call", pip)
    assert run(venv) == 0
    assert not rubbish.exists()
    assert setup.is_current(venv, ["run"])


def test_a_failed_installation_is_told_and_gone_on_from(
    pip: FakePip, venv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(venv)
    pip.fails = True
    assert run(venv, "test") == 1
    assert "torch could not be installed" in capsys.readouterr().err
    pip.fails = False
    pip.commands.clear()
    assert run(venv, "test") == 0
    assert (pip.made, pip.installed) == (0, 2)


def test_an_environment_of_the_user_s_own_is_never_thrown_away(
    pip: FakePip, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip([sys.executable, "-m", "venv", str(venv)], "")
    treasure = venv / "treasure"
    treasure.touch()

    def killed(command: Sequence[str], failure: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "_call", killed)
    assert run(venv) == 130
    monkeypatch.setattr(setup, "_call", pip)
    assert run(venv) == 0
    assert treasure.exists()


def test_a_folder_that_is_no_environment_is_refused(
    pip: FakePip, venv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    venv.mkdir()
    (venv / "thesis.tex").touch()
    assert run(venv) == 1
    assert "neither empty nor a Python environment" in capsys.readouterr().err
    assert (venv / "thesis.tex").exists()
    assert pip.commands == []


def test_another_python_makes_another_environment(pip: FakePip, venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(venv)
    pip.commands.clear()
    monkeypatch.setenv("PYTHON", "python3")
    monkeypatch.setattr(sys, "executable", shutil.which("sh"))
    run(venv)
    assert pip.made == 1


def test_a_python_that_is_gone_makes_another_environment(pip: FakePip, venv: Path) -> None:
    run(venv)
    setup.interpreter(venv).unlink()
    setup.interpreter(venv).symlink_to(venv / "gone")
    pip.commands.clear()
    assert run(venv) == 0
    assert pip.made == 1


def test_an_unknown_group_is_a_usage_error(pip: FakePip, venv: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(venv, "everything")


def test_pins_leave_what_is_installed_alone() -> None:
    everything = setup._pins({})
    assert everything["torch"] == "2.13.0"
    kept = setup._pins({"torch": "2.13.0+cpu", "pyside6-essentials": "6.9.1"})
    assert everything.keys() - kept.keys() == {"torch", "PySide6_Essentials"}
    assert "torchvision" not in setup._pins({"torch": "2.14.0"})


def test_every_requirement_is_pinned() -> None:
    pins = {setup._normal(name) for name in setup._pins({})}
    for requirement in setup.requirements(["run", "test", "bench"]):
        name = requirement.split(">")[0].split("=")[0]
        assert setup._normal(name) in pins, f"{name} has no line in constraints.txt"


# The system's part.


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing but an apt-get that writes down how it was called."""
    log = tmp_path / "log"
    program = tmp_path / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$DEBIAN_FRONTEND $@" >>{log}\n')
    program.chmod(0o755)
    log.touch()
    monkeypatch.setenv("PATH", str(program.parent))
    return log


def test_as_root_on_debian_it_is_installed(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    system.install(["libegl1", "xvfb"])
    assert apt.read_text().splitlines() == [
        "noninteractive -q update",
        "noninteractive -q install -y --no-install-recommends libegl1 xvfb",
    ]


def test_otherwise_the_command_is_told(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(system.MissingError, match="sudo apt-get install libegl1 xvfb\n"):
        system.install(["libegl1", "xvfb"])
    assert apt.read_text() == ""


def test_missing_system_libraries_end_the_set_up_with_a_message(
    pip: FakePip, venv: Path, apt: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system, "missing", lambda venv, for_tests: ["libxcb-cursor0"])
    assert run(venv) == 1
    assert "sudo apt-get install libxcb-cursor0" in capsys.readouterr().err


def test_without_apt_the_names_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(system.MissingError, match="libxcb-cursor0"):
        system.install(["libxcb-cursor0"])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux's loader")
def test_the_loader_is_asked_what_is_missing(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler to make a library whose dependency is missing")
    for name, rest in {"gone": [], "user": ["-L.", "-lgone"]}.items():
        (tmp_path / f"{name}.c").write_text("")
        command = [compiler, "-shared", "-Wl,--no-as-needed", "-o", f"lib{name}.so", f"{name}.c", *rest]
        subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "libgone.so").unlink()
    assert system.missing_libraries([tmp_path / "libuser.so"]) == ["libgone.so"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package that is built from what git knows of this folder."""
    tracked = _tracked()
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked:
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "source" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    command = [*pip, "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(folder / "source")]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (made,) = folder.glob("*.whl")
    return made


def _tracked() -> list[str]:
    answer = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        pytest.skip("needs the git checkout, to know what belongs to the project")
    return [name for name in answer.stdout.splitlines() if (ROOT / name).is_file()]


def test_the_wheel_holds_all_that_the_program_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    rooms = ("engine/", "gui/", "resources/")
    assert packed == {name for name in _tracked() if name.startswith(rooms) or name == "main.py"}


def test_what_is_installed_records_and_reads(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")

    def chainrule(*arguments: str) -> str:
        program = "import sys, main; sys.exit(main.main())"
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
        answer = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    assert chainrule("--version").split() == ["chainrule", _version()]
    chainrule("record", "site/resources/examples/bow.py", "-o", "bow.chain", "--steps", "1")
    assert '"parameters": 2' in chainrule("info", "bow.chain", "--json")


def _version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
