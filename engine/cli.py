"""The command line: `main.py [SCRIPT [ARGS…] | FILE.chain]` opens the window; its commands do without one.

What the window's side must do is handed in by the caller, and what is heavy is imported by the command that needs it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from engine.display import has_display
from engine.errors import ChainruleError, UsageError

if TYPE_CHECKING:
    import networkx as nx

    from engine.layout import Direction, Layout
    from engine.recording.reader import Recording

COMMANDS = ("record", "info", "verify", "compare", "export")
IMAGES = ("svg", "png", "pdf")
FILMS = ("gif", "mp4", "webm")
TEXTS = ("graphml", "dot", "json")
PROGRAM = "py"
THEMES = ("dark", "light")
GROUNDS = ("theme", "white", "transparent")
INTERRUPTED = 130
_STEP = "training step, counted from 0 (default: the first with a graph)"
_MOST_EVENTS = 10_000  # of a step whose memory `info` works out
_MEBI = 1 << 20


class RenderImage(Protocol):
    """Draws `graph` as it is after `event` (None: at its end) to an svg or png file; `layout` names an algorithm."""

    def __call__(
        self, recording: Recording, graph: nx.MultiDiGraph, layout: str, event: int | None, path: Path,
        *, theme: str, scale: float, direction: Direction, collapse: int | None, ground: str,
    ) -> None: ...  # fmt: skip


class RenderFilm(Protocol):
    """Films the training step of `graph`, up to `event` (None: to its end), to a gif, mp4 or webm file.

    `seconds` None: as long as suits it. `scale` 1 is the size that suits the format.
    """

    def __call__(
        self, recording: Recording, graph: nx.MultiDiGraph, layout: str, event: int | None, path: Path,
        *, theme: str, scale: float, direction: Direction, collapse: int | None, ground: str, fps: int,
        seconds: float | None,
    ) -> None: ...  # fmt: skip


OpenWindow = Callable[[Sequence[str]], int]
"""Shows the window, with the script or recording that the arguments name; returns the exit code."""


class _Parser(argparse.ArgumentParser):
    def print_help(self, file: Any = None) -> None:
        _tell(self.format_help().rstrip("\n"))

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see: {self.prog} --help)")


def main(argv: Sequence[str], *, open_window: OpenWindow, render_image: RenderImage, render_film: RenderFilm) -> int:
    """Do what the arguments say. Returns the exit code: 1 for a recording that cannot be read, 2 for wrong usage."""
    try:
        return _run(list(argv), open_window, render_image, render_film)
    except ChainruleError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output, `head` for one, has had enough
        _drop_output()
        return 0


def _run(argv: list[str], open_window: OpenWindow, render_image: RenderImage, render_film: RenderFilm) -> int:
    if argv and argv[0] in (*COMMANDS, "--help", "-h", "--version"):
        arguments, script_arguments = _split(argv)
        options, unknown = _parser().parse_known_args(arguments)
        if unknown:
            hint = "; the script's own stand after --" if options.command == "record" else ""
            given = f"unrecognized arguments: {' '.join(unknown)}{hint}"
            raise UsageError(f"{given} (see: chainrule {options.command} --help)")
        if options.command == "record":
            return _record(options, script_arguments)
        if options.command == "info":
            return _info(options)
        if options.command == "verify":
            return _verify(options)
        if options.command == "compare":
            return _compare(options)
        return _export(options, render_image, render_film)
    if argv and argv[0].startswith("-"):
        raise UsageError(f"unknown option {argv[0]} (see: main.py --help)")
    if argv and not Path(argv[0]).is_file():
        raise UsageError(f"{argv[0]} is neither a command ({', '.join(COMMANDS)}) nor a file.")
    if not has_display(sys.platform, os.environ):
        raise UsageError(
            "no display, so no window can open (neither DISPLAY nor WAYLAND_DISPLAY is set). "
            "`main.py record SCRIPT -o FILE.chain` records without one."
        )
    return open_window(argv)


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """What is ours, and what comes after `--` and is the script's."""
    if "--" not in argv:
        return argv, []
    cut = argv.index("--")
    return argv[:cut], argv[cut + 1 :]


def _parser() -> argparse.ArgumentParser:
    from engine import __version__

    parser = _Parser(
        prog="chainrule",
        usage=f"%(prog)s [SCRIPT [ARGS…] | FILE.chain]\n       %(prog)s {{{','.join(COMMANDS)}}} …",
        description="See what loss.backward() and optimizer.step() really do. Without a command, the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"chainrule {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, prog="chainrule", parser_class=_Parser, metavar="COMMAND"
    )
    record = commands.add_parser("record", help="run a script and record it", usage="%(prog)s SCRIPT -o FILE.chain "
                                 "[--steps N] [--tensors LEVEL] [--budget MIB] [-- ARGS…]")  # fmt: skip
    record.add_argument("script", type=Path, metavar="SCRIPT", help="the Python file to run")
    record.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.chain")
    record.add_argument("--steps", type=_positive, metavar="N", help="end the script after N training steps")
    record.add_argument("--tensors", choices=("full", "preview", "stats"), default="full", help="of each tensor")
    record.add_argument("--budget", type=_positive, default=256, metavar="MIB", help="full tensors per step (256 MiB)")
    info = commands.add_parser("info", help="say what is in a recording")
    info.add_argument("file", type=Path, metavar="FILE.chain")
    info.add_argument("--json", action="store_true", help="as one JSON object")
    verify = commands.add_parser("verify", help="do every gradient and every update again by hand, and compare")
    verify.add_argument("file", type=Path, metavar="FILE.chain")
    verify.add_argument("--step", type=_number, metavar="N", help="training step, counted from 0 (default: all)")
    verify.add_argument(
        "--finite-differences",
        action="store_true",
        help="check what has no rule by running its forward again (the whole script, for a custom function)",
    )
    form = verify.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as one JSON object")
    form.add_argument("--progress", action="store_true", help="one JSON object a line: each proof as it is made")
    _add_compare(commands.add_parser("compare", help="say what is different about two backward passes"))
    _add_export(commands.add_parser("export", help="write a backward pass as a picture, a graph or a program"))
    return parser


def _add_compare(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("file", type=Path, metavar="FILE.chain")
    compare.add_argument("other", type=Path, metavar="OTHER.chain", help="another recording, or the same again")
    compare.add_argument("--step", type=_number, metavar="N", help=_STEP)
    compare.add_argument("--other-step", type=_number, metavar="N", help="that of OTHER.chain (default: as --step)")
    compare.add_argument("--json", action="store_true", help="as one JSON object")


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument("file", type=Path, metavar="FILE.chain")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help=f"ends in {_formats()}")
    export.add_argument("--step", type=_number, metavar="N", help=_STEP)
    export.add_argument(
        "--event",
        type=_number,
        metavar="K",
        help="as things are after event K (default: at the end); a film ends there",
    )
    export.add_argument("--data-leaves", action="store_true", help="with the inputs that need no gradient")
    export.add_argument(
        "--layout", default="layered", metavar="NAME", help="layered, or another that the window offers"
    )
    export.add_argument(
        "--direction", choices=("down", "up", "right"), default="down", help="where it leads from the loss"
    )
    export.add_argument(
        "--collapse",
        type=_number,
        metavar="LEVEL",
        help="modules in boxes, open down to a level (0: each outermost one is one node); of a picture or film",
    )
    export.add_argument("--theme", choices=THEMES, default="light", help="of a picture or film")
    export.add_argument("--background", choices=GROUNDS, default="theme", help="of a picture")
    export.add_argument(
        "--scale", type=_scale, default=1.0, metavar="F", help="pixels of a png per unit; a film's size"
    )
    export.add_argument("--fps", type=_positive, default=25, metavar="N", help="frames a second of a film (25)")
    export.add_argument("--seconds", type=_seconds, metavar="S", help="how long a film is (default: as suits it)")


def _record(options: argparse.Namespace, arguments: list[str]) -> int:
    script: Path = options.script
    if not script.is_file():
        raise UsageError(f"{script} is not a file. Give a Python script." if script.exists() else _missing(script))
    if options.output.is_dir() or not options.output.absolute().parent.is_dir():
        raise UsageError(f"cannot write {options.output}: give a file in a folder that exists.")
    from engine.host.headless import record

    return record(script, arguments, options.output, steps=options.steps, tensors=options.tensors,
                  budget=options.budget * _MEBI, progress=_say)  # fmt: skip


def _info(options: argparse.Namespace) -> int:
    from engine.recording.reader import open_recording
    from engine.recording.summary import summarize, table

    with open_recording(_existing(options.file)) as recording:
        summary = summarize(recording)
        memory = "" if options.json else _memory(recording)
    if options.json:
        import json

        _tell(json.dumps(summary, indent=2, allow_nan=False))
    else:
        _tell(table(summary) + ("\n" if memory else "") + memory)
    return 0


def _memory(recording: Recording) -> str:
    """Most that is kept for backward in the first step that has a graph; "" if it is nothing, or would take a while."""
    with_graph = {graph.step for graph in recording.graphs}
    step = next((each for each in recording.steps if each.index in with_graph), None)
    if step is None or step.last_event - step.first_event > _MOST_EVENTS:
        return ""
    from engine.graph.memory import memory_curve

    curve = memory_curve(recording, step.index)
    if not curve.peak_bytes:
        return ""
    return f"kept for backward in step {step.index}: at most {curve.peak_bytes:,} bytes, after event {curve.peak}"


def _verify(options: argparse.Namespace) -> int:
    """Exit code 1 if anything is wrong."""
    import json

    from engine import verification
    from engine.recording.reader import open_recording

    with open_recording(_existing(options.file)) as recording:
        known = [step.index for step in recording.steps]
        if options.step is not None and options.step not in known:
            raise UsageError(f"there is no training step {options.step}: {recording.path} has {len(known)}, from 0 on.")
        results = []
        if options.progress:
            _tell(json.dumps({"total": verification.count_of(recording, options.step)}))
        for result in verification.verify_recording(recording, options.step):
            results.append(result)
            if options.progress:
                _tell(json.dumps(verification.describe(result)))
        if options.finite_differences:
            before, results = results, list(verification.by_finite_differences(recording, results))
            if options.progress:
                for result in (now for now, then in zip(results, before, strict=True) if now is not then):
                    _tell(json.dumps(verification.describe(result)))
    if options.json:
        _tell(json.dumps(verification.as_json(results), indent=2, allow_nan=False))
    elif not options.progress:
        _tell(verification.table(results))
    return 1 if any(result.state == "wrong" for result in results) else 0


def _compare(options: argparse.Namespace) -> int:
    import json

    from engine.graph import differences
    from engine.graph.compare import compare
    from engine.recording.reader import open_recording

    other_step = options.step if options.other_step is None else options.other_step
    with open_recording(_existing(options.file)) as left, open_recording(_existing(options.other)) as right:
        found = compare(left, _graph(left, options.step, None), right, _graph(right, other_step, None))
        if options.json:
            _tell(json.dumps(differences.as_json(found, left, right), indent=2, allow_nan=False))
        else:
            _tell(differences.table(found, left, right))
    return 0


def _export(options: argparse.Namespace, render_image: RenderImage, render_film: RenderFilm) -> int:
    form = options.output.suffix.lower().removeprefix(".")
    if form not in (*IMAGES, *FILMS, *TEXTS, PROGRAM):
        raise UsageError(f"cannot write {options.output}: its name must end in {_formats()}.")
    if options.collapse is not None and form not in (*IMAGES, *FILMS):
        raise UsageError(f"--collapse is for pictures and films; a .{form} file has every node.")
    if form == PROGRAM:
        return _export_program(options)
    from engine.graph.annotate import annotate_norms
    from engine.graph.build import build_graph
    from engine.layout import ALGORITHMS
    from engine.recording.reader import open_recording

    if options.layout not in ALGORITHMS:
        raise UsageError(f"there is no layout {options.layout!r}; choose one of: {', '.join(ALGORITHMS)}.")
    with open_recording(_existing(options.file)) as recording:
        graph_id = _graph(recording, options.step, options.event)
        graph = build_graph(recording, graph_id, data_leaves=options.data_leaves)
        try:
            if form in IMAGES:
                render_image(recording, graph, options.layout, options.event, options.output, **_look(options))
            elif form in FILMS:
                render_film(recording, graph, options.layout, options.event, options.output, **_look(options),
                            fps=options.fps, seconds=options.seconds)  # fmt: skip
            else:
                annotate_norms(graph, recording, options.event)
                _write_text(graph, form, options)
        except OSError as error:
            raise UsageError(f"cannot write {options.output}: {error.strerror or error}.") from error
    return 0


def _look(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "theme": options.theme,
        "scale": options.scale,
        "direction": options.direction,
        "collapse": options.collapse,
        "ground": options.background,
    }


def _export_program(options: argparse.Namespace) -> int:
    from engine.export.script import write
    from engine.recording.reader import open_recording

    with open_recording(_existing(options.file)) as recording:
        graph_id = _graph(recording, options.step, options.event)
        write(recording, recording.graph(graph_id).step, options.output)
    return 0


def _graph(recording: Recording, step: int | None, event: int | None) -> int:
    """The graph that the options mean: that of the event; the step's first; the recording's first."""
    count = len(recording.timeline)
    if not recording.graphs:
        raise UsageError(f"{recording.path} has no backward pass: the script never called backward().")
    if event is not None:
        if event >= count:
            raise UsageError(f"there is no event {event}: {recording.path} has events 0 to {count - 1}.")
        found = int(recording.timeline.step[event])
        if step is not None and step != found:
            raise UsageError(f"event {event} is in training step {found}, not {step}.")
        step = found
        if recording.timeline.graph[event] >= 0:
            return int(recording.timeline.graph[event])
    graphs = [graph for graph in recording.graphs if step in (None, graph.step)]
    if not graphs:
        last = max(graph.step for graph in recording.graphs)
        raise UsageError(f"training step {step} has no backward pass; the last one that has is {last}.")
    return graphs[0].id


def _write_text(graph: nx.MultiDiGraph, form: str, options: argparse.Namespace) -> None:
    from importlib import import_module

    from engine.layout import layout

    arranged: Layout = layout(graph, algorithm=options.layout, direction=options.direction)
    import_module(f"engine.export.{'json_' if form == 'json' else form}").write(graph, arranged, options.output)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise UsageError(_missing(path))
    return path


def _missing(path: Path) -> str:
    return f"{path} does not exist. Check the path; it is looked for from the folder {Path.cwd()}."


def _formats() -> str:
    return f"{', '.join(f'.{form}' for form in IMAGES + FILMS + TEXTS)} or .{PROGRAM}"


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return int(text)


def _positive(text: str) -> int:
    if (number := _number(text)) == 0:
        raise argparse.ArgumentTypeError("0 is too small: at least 1")
    return number


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0.05 <= scale <= 20:
        raise argparse.ArgumentTypeError(f"{text!r} is not a scale between 0.05 and 20")
    return scale


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time between 0.1 and 3600 seconds")
    return seconds


def _say(text: str) -> None:
    print(f"chainrule: {text}", file=sys.stderr, flush=True)


def _tell(text: str) -> None:
    """On standard output, at once, with a "?" for what its encoding has not. UsageError where it cannot be written, as
    on a full disk."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        print(text.encode(encoding, "replace").decode(encoding), flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_output()
        raise UsageError(f"cannot write to the standard output: {error.strerror or error}.") from error


def _drop_output() -> None:
    """Or Python tries again at its end, and fails again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
