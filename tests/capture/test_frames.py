"""Which code is the user's, and what its statements assign to."""

from __future__ import annotations

import json
import linecache
from pathlib import Path

import pytest
import torch

from engine.capture.frames import Frames, Place, read_source


@pytest.mark.parametrize(
    ("filename", "is_users"),
    [
        (__file__, True),
        ("/somewhere/project/train.py", True),
        (torch.__file__, False),
        (str(Path(torch.__file__).parents[1] / "torchvision" / "models" / "resnet.py"), False),
        (json.__file__, False),
        (str(Path(__file__).parents[2] / "engine" / "cli.py"), False),
        (str(Path(__file__).parents[2] / "engine_study.py"), True),
        (str(Path(__file__).parents[2] / "gui-experiments" / "train.py"), True),
        ("<frozen runpy>", False),
        ("<string>", False),
    ],
)
def test_whose_code_it_is(filename: str, is_users: bool) -> None:
    code = compile("x = 1", filename, "exec")
    assert (Frames().verdict(code) == 3) == is_users


def test_the_place_is_the_innermost_frame_of_the_user() -> None:
    place = Frames().place()
    assert place is not None
    assert place.path == __file__
    assert place.function == "test_the_place_is_the_innermost_frame_of_the_user"


def _place(path: Path, line: int) -> Place:
    return Place(str(path), line, "f", 0, 0, None)


def test_assignments_to_one_name(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text("a = f(\n    1)\nself.b += 2\nc: int = 3\nd, e = 4, 5\nprint(6)\n")
    frames = Frames()
    found = [frames.assigned_name(_place(path, line)) for line in range(1, 7)]
    assert found == [((1, 0), "a"), ((1, 0), "a"), ((3, 0), "self.b"), ((4, 0), "c"), None, None]


def test_of_several_statements_on_a_line_the_one_that_runs_has_its_name(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        "ä = at(); at(); b = at() + (\n    at()); at()\n"
        "if at(): c = at()\n"
        "def f(): d = at(); return at()\n"
        "f()\n"
        "match at():\n    case 1:\n        e = at()\n",
        encoding="utf-8",
    )
    frames = Frames(str(path))
    found: list[str] = []

    def at() -> int:
        place = frames.place(2)
        assert place is not None
        named = frames.assigned_name(place)
        found.append(named[1] if named else "")
        return 1

    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"at": at})
    assert found == ["ä", "", "b", "b", "", "", "c", "d", "", "", "e"]


def test_a_file_that_cannot_be_parsed_has_no_names(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text("a = (")
    assert Frames().assigned_name(_place(path, 1)) is None
    assert Frames().assigned_name(_place(tmp_path / "missing.py", 1)) is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"# coding: latin-1\na = 'caf\xe9'\n", "# coding: latin-1\na = 'café'\n"),
        (b"\xef\xbb\xbfa = 1\r\n", "a = 1\r\n"),
        (b"a = 'caf\xe9'\n", "a = 'caf\ufffd'\n"),
        (b"# coding: klingon\n", "# coding: klingon\n"),
    ],
)
def test_a_source_is_read_as_python_reads_it(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "script.py"
    path.write_bytes(data)
    assert read_source(str(path)) == text


def test_a_cell_of_a_notebook_is_read_where_python_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    name, text = "/tmp/ipykernel_1/2.py", "loss = (w * x) ** 2\n"
    monkeypatch.setitem(linecache.cache, name, (len(text), None, [text], name))
    assert read_source(name) == text
    assert read_source("/tmp/ipykernel_1/3.py") == ""
