"""The compiler is not imported before something has a use for it, and no trace of that is left."""

from __future__ import annotations

import importlib
import subprocess
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._compile import _disable_dynamo

from engine.capture.dynamo import dynamo_put_off
from engine.capture.recorder import record

PRELUDE = """
import sys, torch
from engine.capture.recorder import record
def imported(): return "torch._dynamo" in sys.modules
"""


def _run(code: str, tmp_path: Path) -> list[str]:
    """What a fresh Python prints, in words."""
    file = tmp_path / "fresh.py"
    file.write_text(PRELUDE + code, encoding="utf-8")
    command = [sys.executable, "-c", f"import runpy; runpy.run_path({str(file)!r})"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_pass_and_an_optimizer_are_recorded_without_it(tmp_path: Path) -> None:
    words = _run(
        f"""
with record({str(tmp_path / "run.chain")!r}) as recorder:
    weight = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.5)
    optimizer.zero_grad()
    (weight * 3.0).backward()
    print(recorder.next_event, imported())
    optimizer.step()  # this imports it, with or without recording
    print(recorder.next_event, weight.item())
print(len(vars(torch.optim.Optimizer.load_state_dict.__wrapped__)))
""",
        tmp_path,
    )
    assert words == ["3", "False", "4", "-0.5", "0"]


def test_what_is_compiled_later_is_recorded_as_ever(tmp_path: Path) -> None:
    words = _run(
        f"""
with record({str(tmp_path / "run.chain")!r}) as recorder:
    weight = torch.ones(3, requires_grad=True)
    (weight * 2).sum().backward()
    before = imported()
    def loss(x): return (x * weight).sum()
    compiled = torch.compile(loss, backend="eager")
    compiled(torch.arange(3.0)).backward()
    print(before, imported(), weight.grad.tolist() == [2.0, 3.0, 4.0], recorder.active)
""",
        tmp_path,
    )
    assert words == ["False", "True", "True", "True"]


@pytest.mark.parametrize("first", ["", "import torch._dynamo"], ids=["imported later", "imported before"])
def test_what_must_be_compiled_whole_runs_as_python(first: str, tmp_path: Path) -> None:
    """Nothing is compiled while a dispatch mode is active, and `fullgraph=True` would raise for that."""
    words = _run(
        f"""
import warnings
warnings.simplefilter("error")
{first}
finders = list(sys.meta_path)
model = torch.nn.Linear(3, 1)
with record({str(tmp_path / "run.chain")!r}) as recorder:
    whole = torch.compile(model, backend="eager", fullgraph=True)
    loss = torch.compile(lambda x: x.tanh().sum(), backend="eager", fullgraph=True)
    loss(whole(torch.ones(2, 3))).backward()
    print(recorder.active, model.weight.grad is not None)
    print(torch._dynamo.eval_frame._stance.stance)
hushed = any("hooks" in str(entry[1]) for entry in warnings.filters)
print(torch._dynamo.eval_frame._stance.stance, finders == sys.meta_path, not hushed)
print(vars(torch._dynamo.__spec__.loader).keys() == {{"name", "path"}})
from engine.recording.reader import open_recording
with open_recording({str(tmp_path / "run.chain")!r}) as recording:
    print(*sorted(node.type for node in recording.nodes(0)))
""",
        tmp_path,
    )
    assert words[:6] == ["True", "True", "force_eager", "default", "True", "True"]
    assert words[6] == "True"
    assert {"TanhBackward0", "AddmmBackward0"} <= set(words[7:])


@pytest.fixture
def shelter() -> Any:
    """A class that torch hides methods of; one of its own for each test, as torch remembers what it has hidden."""

    class Shelter:
        @_disable_dynamo
        def where(self) -> str:
            return sys._getframe(1).f_code.co_filename

        @_disable_dynamo
        def fail(self) -> None:
            raise ValueError("as it would")

    return Shelter


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nobody had imported the compiler."""
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)


def test_nothing_is_between_while_it_is_not_there(shelter: Any, without: None) -> None:
    with dynamo_put_off(shelter):
        assert shelter().where().endswith("dynamo.py")
        with pytest.raises(ValueError, match="as it would"):
            shelter().fail()
    assert "torch._dynamo" not in sys.modules
    assert not vars(shelter.where.__wrapped__)


def test_torch_hides_it_once_the_compiler_is_there(shelter: Any) -> None:
    importlib.import_module("torch._dynamo")
    with dynamo_put_off(shelter):
        assert "eval_frame" in shelter().where()
    assert "eval_frame" in shelter().where()


def test_half_an_import_is_none(shelter: Any, without: None, monkeypatch: pytest.MonkeyPatch) -> None:
    half = types.ModuleType("torch._dynamo")
    half.__spec__ = ModuleSpec("torch._dynamo", None)
    half.__spec__._initializing = True  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch._dynamo", half)
    with dynamo_put_off(shelter):
        assert shelter().where().endswith("dynamo.py")


def test_two_recordings_one_in_the_other(shelter: Any, without: None) -> None:
    with dynamo_put_off(shelter):
        with dynamo_put_off(shelter):
            shelter().where()
        assert shelter().where().endswith("dynamo.py")
    assert not vars(shelter.where.__wrapped__)


def test_recording_leaves_the_optimizer_as_it_was(tmp_path: Path) -> None:
    function = torch.optim.Optimizer.zero_grad.__wrapped__  # type: ignore[attr-defined]
    before = dict(vars(function))
    with record(tmp_path / "run.chain"):
        pass
    assert vars(function) == before


def test_a_model_is_exported_as_without_recording_and_then_trained(tmp_path: Path) -> None:
    """Exporting strictly reads the code of all hooks, too, and has no way to begin where there are some."""
    words = _run(
        f"""
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)
    def forward(self, x):
        return torch.relu(self.layer(x))

sys.modules["__main__"].torch = torch
model, x = Model(), torch.ones(4, 3)
def nodes(): return "|".join(node.name for node in torch.export.export(model, (x,), strict=True).graph.nodes)
export, alone = torch.export.export, nodes()
with record({str(tmp_path / "run.chain")!r}) as recorder:
    print(nodes() == alone)
    model(x).sum().backward()
    kept = torch.export.export
    print(recorder.active, sorted(parameter.name for parameter in recorder.parameters))
print(torch.export.export is export, len(kept(model, (x,)).graph.nodes) == alone.count("|") + 1)
""",
        tmp_path,
    )
    assert words == ["True", "True", "['layer.bias',", "'layer.weight']", "True", "True"]
