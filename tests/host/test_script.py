"""Scripts run as Python would run them, and say what went wrong as Python would say it."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import ScriptError
from engine.host.headless import record
from engine.host.script import Outcome, run_script
from engine.recording.reader import open_recording

Run = Callable[..., tuple[Outcome, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run(text, *arguments)` runs a script of that text; returns its outcome and what it printed."""

    def run_text(text: str, *arguments: str) -> tuple[Outcome, str]:
        script = tmp_path / "script.py"
        script.write_text(text)
        outcome = run_script(script, arguments)
        return outcome, capsys.readouterr().out

    return run_text


def test_a_script_is_main_with_its_own_arguments_and_path(run: Run, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("VALUE = 7")
    before = sys.argv, list(sys.path), sys.modules["__main__"]
    outcome, printed = run(
        "import sys, beside, __main__\nprint(__name__, sys.argv[1:], beside.VALUE, __main__.__file__ == __file__)",
        "--lr",
        "1",
    )
    assert outcome == Outcome(0, "completed")
    assert printed == "__main__ ['--lr', '1'] 7 True\n"
    assert (sys.argv, sys.path, sys.modules["__main__"]) == before
    sys.modules.pop("beside", None)


def test_collections_of_the_script_do_not_look_through_what_was_there_before(run: Run) -> None:
    _, printed = run("import gc\nprint(any(one is gc for one in gc.get_objects()), gc.get_freeze_count() > 1000)")
    assert printed == "False True\n"
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize(
    ("text", "code"), [("raise SystemExit", 0), ("import sys; sys.exit(3)", 3), ("import sys; sys.exit('no data')", 1)]
)
def test_exit_codes_are_pythons(run: Run, text: str, code: int) -> None:
    outcome, _ = run(text)
    assert (outcome.exit_code, outcome.reason) == (code, "exit")


def test_the_words_of_an_exit_are_kept(run: Run) -> None:
    outcome, _ = run("import sys\n\nsys.exit('no data\\nin this folder')\n")
    assert outcome.failure is not None
    assert (outcome.failure.error, outcome.failure.line) == ("no data\nin this folder", 3)
    assert outcome.failure.traceback == "no data\nin this folder\n"
    outcome, _ = run("import sys; sys.exit('it does not fit:\\n' + 'key ' * 1000)")
    assert outcome.failure is not None
    assert outcome.failure.error == "it does not fit:"


def test_an_exception_shows_the_users_frames_only(run: Run, tmp_path: Path) -> None:
    outcome, _ = run("def inner():\n    raise ValueError('boom')\n\ninner()\n")
    assert outcome.failure is not None
    assert (outcome.exit_code, outcome.reason) == (1, "error")
    assert outcome.failure.error == "ValueError: boom"
    assert outcome.failure.line == 2
    script = tmp_path / "script.py"
    plain = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False).stderr
    assert outcome.failure.traceback == plain


@pytest.mark.parametrize(
    ("raised", "headline"),
    [
        ("ValueError('two things:\\n\\tone\\n\\tand another')", "ValueError: two things:\n\tone\n\tand another"),
        ("RuntimeError('keys are missing:\\n' + 'key ' * 1000)", "RuntimeError: keys are missing:"),
        ("RuntimeError('word ' * 100)", "RuntimeError:" + " word" * 56 + " …"),
        ("KeyboardInterrupt()", "KeyboardInterrupt"),
    ],
)
def test_an_error_of_several_lines_is_told_by_its_kind_and_first_line(run: Run, raised: str, headline: str) -> None:
    outcome, _ = run(f"error = {raised}\nerror.add_note('a note')\nraise error\n")
    assert outcome.failure is not None
    assert outcome.failure.error == headline
    assert "a note" in outcome.failure.traceback


def test_an_error_in_torch_shows_what_python_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\nw = torch.ones(2, 3, requires_grad=True)\n\ndef go():\n    return w @ w\n\n"
        "try:\n    go()\nexcept RuntimeError as error:\n    raise ValueError('wrong shapes') from error\n"
    )
    code = record(
        script, [], tmp_path / "run.chain", steps=None, tensors="full", budget=1 << 20, progress=lambda line: None
    )
    told = capsys.readouterr().err
    plain = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert code == plain.returncode == 1
    assert told == plain.stderr


def test_a_syntax_error_names_its_line(run: Run) -> None:
    outcome, _ = run("x = 1\ny = (\n")
    assert outcome.failure is not None
    assert outcome.failure.error.startswith("SyntaxError")
    assert outcome.failure.line == 2


def test_a_missing_module_is_named(run: Run) -> None:
    outcome, _ = run("import no_such_module_anywhere")
    assert outcome.failure is not None
    assert "no_such_module_anywhere" in outcome.failure.error


@pytest.mark.parametrize("what", ["missing.py", "."])
def test_what_is_no_script_is_refused(what: str, tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"does not exist|is a folder"):
        run_script(tmp_path / what, [])


LOOP = """
import torch
w = torch.ones(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for step in range(5):
    w.sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    print(step)
"""


def test_as_many_steps_as_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    told: list[str] = []
    code = record(script, [], tmp_path / "run.chain", steps=2, tensors="full", budget=1 << 20, progress=told.append)
    assert code == 0
    assert capsys.readouterr().out == "0\n1\n"
    recording = open_recording(tmp_path / "run.chain")
    assert len(recording.steps) == 2
    recording.close()
    assert any(line.startswith("step 2") for line in told)


def test_a_script_that_leaves_its_folder_is_known_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    script = tmp_path / "leaves.py"
    script.write_text(
        f"import os, sys, torch\nos.chdir({str(elsewhere)!r})\nprint(__file__, sys.argv[0])\n"
        "weight = torch.ones(2, requires_grad=True)\nloss = weight.sum()\nloss.backward()\n"
    )
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run.chain"
    assert record(Path("leaves.py"), [], run, steps=None, tensors="full", budget=1 << 20, progress=lambda _: None) == 0
    assert capsys.readouterr().out.split() == [str(script), "leaves.py"]
    with open_recording(run) as recording:
        assert recording.source(0).path == str(script)
        assert "loss" in {node.name for node in recording.nodes(0)}


def test_a_script_without_backward_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text("print('hello')")
    told: list[str] = []
    code = record(script, [], tmp_path / "run.chain", steps=None, tensors="full", budget=1 << 20, progress=told.append)
    assert code == 0
    assert "never called backward()" in told[-1]


def test_a_script_whose_other_processes_train_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "spread.py"
    script.write_text(
        "import multiprocessing\nimport torch\n"
        "def train(): torch.ones(2, requires_grad=True).sum().backward()\n"
        "if __name__ == '__main__':\n"
        "    other = multiprocessing.get_context('spawn').Process(target=train)\n"
        "    other.start()\n    other.join()\n    print(other.exitcode)\n"
    )
    command = [sys.executable, "main.py", "record", str(script), "-o", str(tmp_path / "run.chain")]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    assert done.stdout == "0\n"
    assert "the others that it started are not recorded" in done.stderr
