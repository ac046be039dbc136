from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import engine
from engine import cli
from engine.errors import ScriptError
from engine.recording.model import Event
from engine.recording.writer import Writer
from tests.recordings import make_begun, make_bow, make_info

ROOT = Path(__file__).parents[1]


@pytest.fixture
def bow(tmp_path: Path) -> Path:
    return make_bow(tmp_path / "bow.chain")


@pytest.fixture
def drawn() -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What `render_image` was asked for."""
    return []


@pytest.fixture
def opened() -> list[list[str]]:
    """What `open_window` was asked for."""
    return []


Run = Callable[..., int]


@pytest.fixture
def run(drawn: list[tuple[tuple[Any, ...], dict[str, Any]]], opened: list[list[str]]) -> Run:
    def open_window(argv: Sequence[str]) -> int:
        opened.append(list(argv))
        return 7

    def render_image(*arguments: Any, **options: Any) -> None:
        drawn.append((arguments, options))

    def run_command(*argv: object) -> int:
        return cli.main(
            [str(argument) for argument in argv],
            open_window=open_window, render_image=render_image, render_film=render_image,
        )  # fmt: skip

    return run_command


class Headless(ModuleType):
    """In place of engine.host.headless, which brings torch with it."""

    def __init__(self, do: Callable[[], int]) -> None:
        super().__init__("engine.host.headless")
        self.do = do
        self.calls: list[tuple[Any, ...]] = []

    def record(self, script: Path, args: Sequence[str], output: Path, **options: Any) -> int:
        options.pop("progress")("step 1")
        self.calls.append((script, list(args), output, options))
        return self.do()


@pytest.fixture
def headless(monkeypatch: pytest.MonkeyPatch) -> Headless:
    module = Headless(lambda: 0)
    monkeypatch.setitem(sys.modules, "engine.host.headless", module)
    return module


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text("print('hello')\n")
    return path


def test_record_hands_everything_on(
    run: Run, headless: Headless, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = script.with_name("out.chain")
    headless.do = lambda: 3
    assert (
        run("record", script, "-o", output, "--steps", 5, "--tensors", "stats", "--budget", 2, "--", "-o", "--lr=1")
        == 3
    )
    assert headless.calls == [
        (script, ["-o", "--lr=1"], output, {"steps": 5, "tensors": "stats", "budget": 2 << 20}),
    ]
    assert capsys.readouterr() == ("", "chainrule: step 1\n")


def test_record_by_default(run: Run, headless: Headless, script: Path) -> None:
    assert run("record", "-o", script.with_suffix(".chain"), script) == 0
    assert headless.calls[0][1:] == (
        [],
        script.with_suffix(".chain"),
        {"steps": None, "tensors": "full", "budget": 256 << 20},
    )


def test_a_script_that_cannot_be_run(
    run: Run, headless: Headless, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise ScriptError("train.py, line 3: invalid syntax")

    headless.do = fail
    assert run("record", script, "-o", script.with_suffix(".chain")) == 1
    assert capsys.readouterr().err.endswith("chainrule: train.py, line 3: invalid syntax\n")


def test_ctrl_c(run: Run, headless: Headless, script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    headless.do = interrupt
    assert run("record", script, "-o", script.with_suffix(".chain")) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("record", "required: SCRIPT, -o/--output"),
        ("record SCRIPT", "required: -o/--output"),
        ("record missing.py -o x.chain", "missing.py does not exist. Check the path"),
        ("record FOLDER -o x.chain", "is not a file. Give a Python script"),
        ("record SCRIPT -o FOLDER", "cannot write"),
        ("record SCRIPT -o FOLDER/none/x.chain", "cannot write"),
        ("record SCRIPT -o x.chain --steps 0", "0 is too small"),
        ("record SCRIPT -o x.chain --steps many", "'many' is not a number"),
        ("record SCRIPT -o x.chain --steps -3", "--steps"),
        ("record SCRIPT -o x.chain --tensors some", "invalid choice: 'some'"),
        ("info", "required: FILE.chain"),
        ("info missing.chain", "missing.chain does not exist. Check the path"),
        ("record SCRIPT -o x.chain --epochs 2", "unrecognized arguments: --epochs 2; the script's own stand after --"),
        ("info BOW --xml", "unrecognized arguments: --xml"),
        ("export BOW", "required: -o/--output"),
        ("export missing.chain -o x.svg", "missing.chain does not exist. Check the path"),
        ("export BOW -o x.bmp", "must end in .svg, .png, .pdf, .gif, .mp4, .webm, .graphml, .dot, .json or .py"),
        ("export BOW -o x", "must end in"),
        ("export BOW -o x.svg --step 3", "training step 3 has no backward pass; the last one that has is 2"),
        ("export BOW -o x.svg --event 36", "there is no event 36: BOW has events 0 to 35"),
        ("export BOW -o x.svg --event -1", "--event"),
        ("export BOW -o x.svg --event 12 --step 0", "event 12 is in training step 1, not 0"),
        ("export BOW -o x.svg --layout spaghetti", "there is no layout 'spaghetti'; choose one of: layered"),
        ("export BOW -o x.svg --theme pink", "invalid choice: 'pink'"),
        ("export BOW -o x.svg --scale 0", "'0' is not a scale"),
        ("export BOW -o x.gif --seconds 0", "'0' is not a time between 0.1 and 3600 seconds"),
        ("export BOW -o x.gif --fps 0", "0 is too small"),
        ("export BOW -o x.dot --collapse 0", "--collapse is for pictures and films; a .dot file has every node"),
        ("export BOW -o x.py --collapse 0", "--collapse is for pictures and films"),
        ("export BOW -o x.svg --collapse -1", "--collapse"),
        ("export BOW -o x.svg --background pink", "invalid choice: 'pink'"),
        ("export BOW -o x.svg --scale nan", "'nan' is not a scale"),
        ("missing.py", "missing.py is neither a command (record, info, verify, compare, export) nor a file"),
        ("--frobnicate", "unknown option --frobnicate"),
    ],
)
def test_wrong_usage(
    arguments: str,
    message: str,
    run: Run,
    bow: Path,
    script: Path,
    headless: Headless,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"BOW": str(bow), "SCRIPT": str(script), "FOLDER": str(bow.parent)}
    for name, place in places.items():
        arguments = arguments.replace(name, place)
    assert run(*arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("chainrule: ")
    assert message.replace("BOW", str(bow)) in err
    assert headless.calls == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="has no device that is always full")
@pytest.mark.parametrize("command", ["info BOW", "info BOW --json", "verify BOW", "compare BOW BOW"])
def test_an_output_that_cannot_be_written(command: str, bow: Path) -> None:
    program = [sys.executable, "main.py", *(str(bow) if word == "BOW" else word for word in command.split())]
    with open("/dev/full", "w") as full:
        done = subprocess.run(program, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2  # 1 would say that something is wrong with the recording
    assert done.stderr == "chainrule: cannot write to the standard output: No space left on device.\n"


@pytest.mark.parametrize("command", ["--help", "record --help", "compare BOW BOW --other-step 1"])
def test_an_output_that_has_few_characters(command: str, bow: Path) -> None:
    """A file or a pipe of Windows has no arrows."""
    program = [sys.executable, "main.py", *(str(bow) if word == "BOW" else word for word in command.split())]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "?" in done.stdout


def test_a_recording_that_cannot_be_read(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.chain"
    path.write_text("no recording")
    advice = "Choose a .chain file that chainrule has written."
    assert run("info", path) == 1
    assert run("export", path, "-o", tmp_path / "x.svg") == 1
    assert capsys.readouterr() == ("", f"chainrule: {path} is not a chainrule recording. {advice}\n" * 2)


def test_info_for_people(run: Run, bow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", bow) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "script   bow.py" in out
    *_, last, memory = out.splitlines()
    assert last.split()[:6] == ["2", "0.878906", "SGD", "6", "5", "2"]
    assert memory == "kept for backward in step 0: at most 4 bytes, after event 3"


def test_info_of_what_has_a_graph_and_no_event_yet(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("info", make_begun(tmp_path / "begun.chain")) == 0
    assert "no training step" in capsys.readouterr().out


def test_it_is_said_from_where_steps_are_counted(
    run: Run, bow: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window counts them from 1."""
    monkeypatch.setenv("COLUMNS", "200")
    for command in ("verify", "compare", "export"):
        with contextlib.suppress(SystemExit):
            run(command, "--help")
        assert "counted from 0" in capsys.readouterr().out
    run("info", bow)
    assert "step (from 0)" in capsys.readouterr().out


def test_two_steps_compared_for_people(run: Run, bow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", bow, bow, "--other-step", 1) == 0
    out, err = capsys.readouterr()
    assert err == ""
    first, *rest = out.splitlines()
    assert first == "6 nodes on both sides, 0 of them changed; 0 only left, 0 only right"
    assert any(line.split() == ["gradient", "w:", "15", "→", "7.5", "(×", "0.5)"] for line in rest)
    assert len(rest) == 5  # what enters the loss is 1 in both


def test_two_steps_compared_as_json(run: Run, bow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", bow, bow, "--step", 1, "--other-step", 2, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["same_structure"] is True
    assert found["nodes"] == {"left": 6, "right": 6, "both": 6}
    assert [pair["gradient_ratio"] for pair in found["pairs"]] == [1.0, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert found["only_left"] == found["only_right"] == []
    assert sorted(found["titles"]["left"]) == sorted(found["titles"]["right"])


def test_info_as_json(run: Run, bow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", bow, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert {"format_version", "torch", "script", "steps", "complete", "tensors", "notes"} <= summary.keys()
    assert [step["loss"] for step in summary["steps"]] == [14.0625, 3.515625, 0.87890625]


@pytest.mark.parametrize(
    ("arguments", "graph", "event"),
    [([], 0, None), (["--step", 2], 2, None), (["--event", 30], 2, 30), (["--step", 1, "--event", 12], 1, 12)],
)
def test_export_of_a_picture(
    arguments: list[object], graph: int, event: int | None, run: Run, bow: Path,
    drawn: list[tuple[tuple[Any, ...], dict[str, Any]]],
) -> None:  # fmt: skip
    output = bow.with_suffix(".PNG")
    assert run("export", bow, "-o", output, *arguments) == 0
    ((recording, shown, layout, at, path), options) = drawn[0]
    assert (recording.path, shown.graph["id"], layout, at, path) == (bow, graph, "layered", event, output)
    assert len(shown) == 6
    assert options == {"theme": "light", "scale": 1.0, "direction": "down", "collapse": None, "ground": "theme"}


def test_export_s_options(run: Run, bow: Path, drawn: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> None:
    output = bow.with_suffix(".svg")
    assert run("export", bow, "-o", output, "--data-leaves", "--theme", "dark", "--scale", "2.5",
               "--direction", "up", "--background", "transparent", "--collapse", 0) == 0  # fmt: skip
    assert len(drawn[0][0][1]) == 8
    assert drawn[0][1] == {"theme": "dark", "scale": 2.5, "direction": "up", "collapse": 0, "ground": "transparent"}


@pytest.mark.parametrize("suffix", ["gif", "mp4", "webm"])
def test_export_of_a_film(
    suffix: str, run: Run, bow: Path, drawn: list[tuple[tuple[Any, ...], dict[str, Any]]]
) -> None:
    assert run("export", bow, "-o", bow.with_suffix(f".{suffix}"), "--step", 1) == 0
    assert run("export", bow, "-o", bow.with_suffix(f".{suffix}"), "--fps", 10, "--seconds", 2.5, "--event", 20) == 0
    (first, options), (second, others) = drawn
    assert (first[1].graph["id"], first[3], options["fps"], options["seconds"]) == (1, None, 25, None)
    assert (second[1].graph["id"], second[3], others["fps"], others["seconds"]) == (1, 20, 10, 2.5)
    assert first[4] == bow.with_suffix(f".{suffix}")


@pytest.mark.parametrize(("suffix", "module"), [("graphml", "graphml"), ("dot", "dot"), ("json", "json_")])
def test_export_of_text(suffix: str, module: str, run: Run, bow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The format's module is given the graph, with its gradients' norms, its layout, and where to write."""
    written: list[tuple[Any, ...]] = []
    stand_in = ModuleType(f"engine.export.{module}")
    stand_in.write = lambda *arguments: written.append(arguments)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    output = bow.with_suffix(f".{suffix}")
    assert run("export", bow, "-o", output, "--event", 5, "--direction", "right") == 0
    ((graph, layout, path),) = written
    assert path == output
    assert set(layout.nodes) == set(graph)
    assert layout.direction == "right"
    assert [graph.nodes[node].get("grad_norm") for node in (0, 1, 2)] == [1.0, 7.5, None]


def test_export_where_nothing_can_be_written(run: Run, bow: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    stand_in = ModuleType("engine.export.dot")
    stand_in.write = lambda graph, layout, path: path.write_text("")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    assert run("export", bow, "-o", tmp_path / "none" / "x.dot") == 2
    assert "cannot write" in capsys.readouterr().err


def test_export_of_a_recording_without_a_backward_pass(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.chain"
    with Writer(path, make_info()) as out:
        out.put(Event(0, 0, None, "forward", None, None, 0.0))
    assert run("export", path, "-o", tmp_path / "x.svg") == 2
    assert "never called backward()" in capsys.readouterr().err


def test_the_window(
    run: Run, bow: Path, script: Path, opened: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert run() == 7
    assert run(bow) == 7
    assert run(script, "--lr", "--help") == 7
    assert opened == [[], [str(bow)], [str(script), "--lr", "--help"]]


def test_no_display(run: Run, opened: list[list[str]], monkeypatch: pytest.MonkeyPatch,
                    capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert run() == 2
    assert opened == []
    assert "no display" in capsys.readouterr().err


def test_help_and_version(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--help", "-h"):
        with pytest.raises(SystemExit, match=r"^0$"):
            run(option)
    with pytest.raises(SystemExit, match=r"^0$"):
        run("--version")
    out = capsys.readouterr().out
    assert "record" in out
    assert out.endswith(f"chainrule {engine.__version__}\n")


def test_the_version_is_the_package_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == engine.__version__


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "main.py"), *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_a_reader_that_has_had_enough(bow: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, str(ROOT / "main.py"), "info", str(bow), "--json"]
    try:
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_real_script_is_recorded(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\n"
        "import torch\n"
        "w = torch.tensor(2.0, requires_grad=True)\n"
        "(w * w).backward()\n"
        "print(sys.argv[1:], w.grad.item())\n"
        "sys.exit(3)\n"
    )
    output = tmp_path / "run.chain"
    with start("record", script, "-o", output, "--", "--lr", "1") as process:
        out, _ = process.communicate()
    assert process.returncode == 3
    assert out == "['--lr', '1'] 4.0\n"
    with start("info", output, "--json") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    (step,) = json.loads(out)["steps"]
    assert (step["loss"], step["graphs"][0]["nodes"]) == (4.0, 2)


LOADED = """
import sys
import engine
from engine import cli
assert "torch" not in sys.modules
try:
    cli.main(["--version"], open_window=None, render_image=None, render_film=None)
except SystemExit:
    pass
heavy = {"numpy", "networkx", "torch", "PySide6", "sqlite3"} & set(sys.modules)
assert not heavy, heavy
"""


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_record_is_there_when_it_is_asked_for() -> None:
    from engine.capture import recorder

    assert engine.record is recorder.record
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        engine.nothing  # noqa: B018
