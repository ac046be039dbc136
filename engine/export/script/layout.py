"""The parts of a program in their places: docstring, functions, the step, what was recorded, main."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath
from typing import Any

import numpy as np

from engine.arithmetic.bounded import unit_roundoff
from engine.export.script import names, report, source
from engine.export.script.lines import block
from engine.export.script.reading import Array
from engine.export.script.updates import UpdateText
from engine.export.script.writing import Program

_SMALL = 4  # elements that are written down in the program itself, if all arrays are that small


def assemble(program: Program, step: list[str], update: UpdateText, values_file: str) -> tuple[str, dict[str, Array]]:
    """Text, and what `values_file` must hold: inputs by variable, recorded results by "recorded " and variable."""
    program.recorded = dict(_in_order(program))
    everything = [*program.values.values(), *program.recorded.values()]
    inline = all(array.size <= _SMALL and array.dtype.kind != "c" for array in everything)
    kept = {} if inline else {name: array for name, array in program.values.items() if array.ndim}
    if not inline:
        kept |= {f"recorded {name}": array for name, array in program.recorded.items()}
    kernels = [
        line for name in source.needed(program.kernels) for line in ("", "", source.text_of(source.functions()[name]))
    ]
    checks = [line for check in _checks(program) for line in ("", "", source.text_of(check))]
    arguments = "number" if inline else "number, values"
    body = [
        '"""All numbers of the step by name, computed in `number`: np.float32 or np.float64."""',
        "# ---- What the step began with",
        *_inputs(program, kept),
        "",
        *step,
        "",
        "# ---- Update",
        *(update.lines or ["# There was none: no optimizer ran after this backward pass."]),
        "",
        "return locals()",
    ]
    head = [*_docstring(program, values_file if kept else ""), *_imports("\n".join([*kernels, *body]), inline)]
    lines = [*head, *kernels, *update.functions, "", "", f"def step({arguments}):", *block(body), ""]
    if inline:
        lines += ["", *_recorded(program)]
    lines += [*checks, *_main(program, inline, values_file), ""]
    return re.sub("\n{4,}", "\n\n\n", "\n".join(lines)), kept


def _checks(program: Program) -> tuple[Callable[..., Any], ...]:
    """The functions that compare: numbers by themselves are shown in full."""
    if all(array.ndim == 0 and array.dtype.kind != "c" for array in program.recorded.values()):
        return (report.compare_numbers,)
    return report.distance, report.compare


def _in_order(program: Program) -> Iterator[tuple[str, Array]]:
    """What is compared: what each pass began at, if it is one number; gradients; parameters, as the step uses them."""
    for one in program.step.passes:
        root = program.step.recording.graph(one.graph).root
        for operation in one.operations:
            if operation.node.id == root and 0 in operation.outputs:
                array = program.step.array(operation.outputs[0])
                if array.size == 1:
                    yield program.variables[operation.key, 0], array
    for ends in (program.grads, program.after):
        first = [ends[parameter] for parameter in program.parameters if parameter in ends]
        for name in first:
            yield name, program.recorded[name]
        if ends is program.grads:
            yield from ((name, array) for name, array in program.recorded.items()
                        if name not in first and name not in program.after.values())  # fmt: skip


def _docstring(program: Program, values_file: str) -> list[str]:
    info, step = program.step.recording.info, program.step
    script = names.comment(PurePath(info.script).name, 50)
    beside = f" It reads {names.comment(values_file, 60)}, which lies beside it." if values_file else ""
    text = (
        f"chainrule wrote this program from {names.comment(step.recording.path.name, 50)} (PyTorch "
        f"{names.comment(info.torch, 20)}, {step.coarsest()}). It does what loss.backward() and the optimizer did, "
        "compares each gradient and each parameter with theirs, and exits with 1 if one is out of bounds. "
        f"It needs Python 3.11 and NumPy 2, and no PyTorch.{beside}"
    )
    lines = [
        f'"""Training step {step.index} of {script}: forward, backward and update, done by hand.',
        "",
        *textwrap.wrap(text, 110),
    ]
    if program.as_recorded:
        count = len(program.as_recorded)
        lines += [
            "",
            f"NOT ALL IS BY HAND: {count} {'is' if count == 1 else 'are'} taken AS RECORDED, see main() and below.",
        ]
    return [*lines, '"""', ""]


def _imports(text: str, inline: bool) -> list[str]:
    found = ["import math"] if "math." in text else []
    found.append("import sys")
    if not inline:
        found.append("from pathlib import Path")
    return [*found, "", "import numpy as np"]


def _inputs(program: Program, kept: dict[str, Array]) -> Iterable[str]:
    order = dict.fromkeys(program.parameters.values(), 1)
    named = set(program.reserved_names)
    for name in sorted(program.values, key=lambda name: 0 if name in named else order.get(name, 2)):
        array = program.values[name]
        if name not in kept:
            yield f"{name} = {_literal(array)}"
        elif array.dtype.kind == "f":
            yield f'{name} = number(values["{name}"])'
        else:
            yield f'{name} = values["{name}"]'


def _literal(array: Array) -> str:
    """A small array as it is written down; floating-point numbers in the precision of the run."""
    if array.dtype.kind != "f":
        kind = f', "{array.dtype.name}"' if not array.size else ""
        return repr(array.item()) if array.ndim == 0 else f"np.array({array.tolist()}{kind})"
    if array.ndim == 0:
        return f"number({_digits(array[()])})"
    return f"np.array({_nested(array)}, number)"


def _nested(array: Array) -> str:
    return _digits(array[()]) if array.ndim == 0 else f"[{', '.join(_nested(part) for part in array)}]"


def _digits(value: Any) -> str:
    """As few digits as tell float32 or float64 numbers apart; all of those of a half."""
    if not np.isfinite(value):
        return "np.nan" if np.isnan(value) else "np.inf" if value > 0 else "-np.inf"
    return str(value) if value.dtype.itemsize > 2 else repr(float(value))


def _recorded(program: Program) -> list[str]:
    plain = [
        f'    "{name}": {_literal(array).replace("number", "np.float32")},' for name, array in program.recorded.items()
    ]
    if program.step.coarsest() == "float64":
        plain = [line.replace("np.float32", "np.float64") for line in plain]
    return ["RECORDED = {  # what PyTorch computed", *plain, "}"]


def _main(program: Program, inline: bool, values_file: str) -> list[str]:
    dtype = program.step.coarsest()
    fine = dtype == "float64"
    own, other = ("np.float64", "np.float32") if fine else ("np.float32", "np.float64")
    given = "" if inline else ", values"
    body = [
        '"""Do the step twice, in two precisions, and compare it with what was recorded."""',
    ]
    if not inline:
        body += [
            f"with np.load(Path(__file__).with_name({json.dumps(values_file, ensure_ascii=False)})) as file:",
            "    values = dict(file)",
            'recorded = {name[9:]: array for name, array in values.items() if name.startswith("recorded ")}',
        ]
    body += ['with np.errstate(all="ignore"):', f"    by_hand, other = step({own}{given}), step({other}{given})"]
    for text in program.as_recorded:
        body.append(f'print("AS RECORDED, not by hand: {names.comment(text, 80).replace(chr(34), chr(39))}")')
    unit = "" if dtype == "float32" else f", {unit_roundoff(dtype)!r}"
    check = _checks(program)[-1].__name__
    body += [
        f"lines, wrong = {check}(by_hand, other, {'RECORDED' if inline else 'recorded'}{unit})",
        'print(*lines, sep="\\n")',
        "return 1 if wrong else 0",
    ]
    return ["", "", "def main():", *block(body), "", "", 'if __name__ == "__main__":', "    sys.exit(main())"]
