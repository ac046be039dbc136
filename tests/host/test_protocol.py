"""Every message and command survives the way through the pipe; anything else is refused by name."""

from __future__ import annotations

import pytest

from engine.host import protocol

ITEMS: list[protocol.Message | protocol.Command] = [
    protocol.Started("a.chain", "2.13.0", 17),
    protocol.Committed(5, 1),
    protocol.Paused(2),
    protocol.Resumed(),
    protocol.Notice("что-то"),
    protocol.Failed("ValueError: x", "Traceback…", "s.py", 3),
    protocol.Finished(3, "exit", 5, 1),
    protocol.Differences(4, "TwiceBackward", "wrong", "", 1.0, 0.5, 1, (0, 2), 1.0, 2.0, 1e-6),
    protocol.Prepare(("torchvision",)),
    protocol.Run("s.py", ("-x", "1"), "a.chain", "full", 5, 7, None, "/tmp"),
    protocol.Pause(),
    protocol.Resume(),
    protocol.StepOnce(),
    protocol.Stop(),
]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.kind)
def test_what_is_encoded_is_decoded(item: protocol.Message | protocol.Command) -> None:
    line = protocol.encode(item)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert protocol.decode(line) == item


def test_every_message_and_command_is_tested() -> None:
    assert {item.kind for item in ITEMS} == {*protocol.MESSAGES, *protocol.COMMANDS}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nonsense", "not a line of JSON"),
        ("[1]", "not a JSON object"),
        ('{"message": "sung"}', "unknown message or command 'sung'"),
        ('{"command": "started"}', "unknown"),
        ('{"message": "paused"}', "'paused' lacks step"),
    ],
)
def test_other_lines_are_refused(line: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        protocol.decode(line)


def test_fields_of_a_newer_host_are_left_out() -> None:
    assert protocol.decode('{"message": "paused", "step": 1, "mood": "calm"}') == protocol.Paused(1)
