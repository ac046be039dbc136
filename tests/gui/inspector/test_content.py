"""What the inspector says of a node, at each moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.recording.reader import Recording, open_recording
from gui.inspector.content import Content, Section, TensorItem
from gui.inspector.panel import content_of
from gui.tensor_views.facts import Fact
from tests.gui import layers
from tests.gui.layers import EVENTS, NODES, make_layers


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_layers(tmp_path / "layers.chain")) as opened:
        yield opened


def content(recording: Recording, playhead: int, node: int | None, step: int = 0) -> Content:
    made = content_of(recording, step * EVENTS + playhead, None if node is None else step * NODES + node)
    assert made is not None
    return made


def section(made: Content, key: str) -> Section:
    return next(section for section in made.sections if section.key == key)


def items(made: Content, key: str) -> dict[str, TensorItem]:
    return {item.key: item for item in section(made, key).tensors}


def facts(all_facts: tuple[Fact, ...]) -> dict[str, str]:
    return {fact.key: fact.value for fact in all_facts}


def test_without_a_selection_it_is_the_node_of_the_event(recording: Recording) -> None:
    made = content(recording, layers.BACKWARD_MUL, None)
    assert (made.node, made.chosen) == (layers.MUL, False)
    assert content(recording, layers.BACKWARD_MUL, layers.FC).chosen


def test_a_layer_is_called_and_explained_as_in_the_users_program(recording: Recording) -> None:
    made = content(recording, 0, layers.FC)
    assert made.title == "fc · Linear"
    assert made.type == "AddmmBackward0"
    assert made.explanation == "Your linear layer fc: input times transposed weight, plus bias."
    assert facts(made.facts) == {
        "operation": "aten.addmm",
        "module": "fc",
        "module_type": "Linear",
        "shape": "1 × 2 float32",
    }
    assert made.source == ("/home/archer/layers.py", 7)


def test_gradients_are_there_from_the_moment_that_they_were_computed(recording: Recording) -> None:
    for playhead in range(EVENTS):
        made = content(recording, playhead, layers.ADD)
        run = playhead >= layers.BACKWARD_ADD
        for key in ("grad_output.0", "grad_input.0", "grad_input.1"):
            item = items(made, key.split(".")[0])[key]
            assert (item.state, item.tensor is not None) == (("there", True) if run else ("pending", False)), playhead


def test_the_forward_is_there_from_the_moment_that_it_ran(recording: Recording) -> None:
    states = [items(content(recording, playhead, layers.MUL), "forward")["output.0"].state for playhead in range(4)]
    assert states == ["pending", "pending", "there", "there"]


def test_what_was_saved_is_kept_since_the_forward(recording: Recording) -> None:
    key = "saved.self.0"
    assert items(content(recording, layers.FORWARD_ADD, layers.MUL), "saved")[key].state == "pending"
    assert items(content(recording, layers.FORWARD_MUL, layers.MUL), "saved")[key].state == "there"


def test_inputs_are_named_by_where_they_come_from(recording: Recording) -> None:
    inputs = items(content(recording, EVENTS - 1, layers.FC), "forward")
    assert inputs["input.2"].label == "fc.weight"
    assert inputs["data.1"].hint == "needs no gradient"
    add = items(content(recording, EVENTS - 1, layers.ADD), "forward")
    assert add["input.0"].hint == "from fc · Linear"


def test_a_parameter_goes_in_with_the_value_that_it_had_then(recording: Recording) -> None:
    for step in range(2):
        item = items(content(recording, EVENTS - 1, layers.FC, step), "forward")["input.2"]
        assert item.tensor is not None
        data = recording.data(item.tensor)
        assert data is not None
        np.testing.assert_array_equal(data, layers.weight_at(step))


def test_where_branches_meet_each_part_is_shown_before_the_sum(recording: Recording) -> None:
    made = content(recording, EVENTS - 1, layers.ADD)
    keys = [item.key for item in section(made, "grad_output").tensors]
    assert keys == ["part.0.0", "part.0.1", "grad_output.0"]
    assert items(made, "grad_output")["grad_output.0"].hint == "sum of 2"
    assert all(items(made, "grad_output")[key].hint == "from mul" for key in keys[:2])


def test_backward_starts_at_the_root(recording: Recording) -> None:
    assert (
        items(content(recording, EVENTS - 1, layers.SUM), "grad_output")["grad_output.0"].hint == "backward starts here"
    )


def test_arguments_are_not_repeated_among_what_was_saved(recording: Recording) -> None:
    made = content(recording, EVENTS - 1, layers.ADD)
    assert facts(section(made, "arguments").facts) == {"args.alpha": "1"}
    assert all(section.key != "saved" for section in made.sections)
    saved = facts(section(content(recording, 0, layers.FC), "saved").facts)
    assert saved == {"saved_bytes": "36 B", "saved.beta": "1"}


def test_data_has_its_value(recording: Recording) -> None:
    made = content(recording, EVENTS - 1, layers.X)
    item = items(made, "value")["data"]
    assert item.tensor is not None
    data = recording.data(item.tensor)
    assert data is not None
    assert data.tolist() == [[1.0, 0.0, -1.0]]
    assert made.title == "x"


def test_a_parameter_before_and_after_its_update(recording: Recording) -> None:
    before = items(content(recording, layers.WEIGHT_UPDATED - 1, layers.WEIGHT), "value")
    after = items(content(recording, layers.WEIGHT_UPDATED, layers.WEIGHT), "value")
    assert [before[key].state for key in ("param_before", "param_after", "change")] == ["there", "pending", "pending"]
    assert [after[key].state for key in ("param_before", "param_after", "change")] == ["there"] * 3
    assert (after["change"].tensor, after["change"].minus) == (
        after["param_after"].tensor,
        after["param_before"].tensor,
    )


def test_a_parameters_gradient_with_parts_sum_and_what_was_held_before(recording: Recording) -> None:
    first = section(content(recording, EVENTS - 1, layers.BIAS), "gradient")
    assert [item.key for item in first.tensors] == ["part.0.0", "part.0.1", "arrived.0", "holds.0"]
    second = section(content(recording, EVENTS - 1, layers.BIAS, 1), "gradient")
    assert [item.key for item in second.tensors] == ["part.0.0", "part.0.1", "arrived.0", "held.0", "holds.0"]
    early = section(content(recording, layers.BACKWARD_ADD, layers.BIAS), "gradient")
    assert [item.state for item in early.tensors] == ["there", "pending", "pending", "pending"]


def test_the_optimizer_and_its_memory(recording: Recording) -> None:
    done = section(content(recording, layers.WEIGHT_UPDATED, layers.WEIGHT, 1), "update0")
    assert done.title == "Update by SGD"
    told = facts(done.facts)
    assert (told["update0.lr"], told["update0.momentum"], told["update0.nesterov"]) == ("0.1", "0.9", "False")
    assert told["update0.state.step"] == "1 → 2"
    assert [item.label for item in done.tensors] == ["gradient read", "momentum_buffer before", "momentum_buffer after"]
    early = section(content(recording, layers.WEIGHT_UPDATED - 1, layers.WEIGHT, 1), "update0")
    assert facts(early.facts)["update0.state.step"] == "1 → not yet"
    assert [item.state for item in early.tensors] == ["pending", "there", "pending"]


def test_before_the_first_update_the_optimizer_remembers_nothing(recording: Recording) -> None:
    shown = items(content(recording, EVENTS - 1, layers.WEIGHT), "update0")
    assert shown["update0.momentum_buffer.before"].state == "none"
    assert shown["update0.momentum_buffer.before"].hint == "did not exist"


def test_a_parameter_that_nothing_updates(tmp_path: Path) -> None:
    with open_recording(make_layers(tmp_path / "frozen.chain", updates=False)) as recording:
        made = content_of(recording, len(recording.timeline) - 1, layers.WEIGHT)
        assert made is not None
        assert section(made, "value").remark == "Nothing updated it in this step."
        assert section(made, "value").tensors == ()


def test_gradients_that_were_not_recorded_are_not_promised(recording: Recording) -> None:
    item = items(content(recording, EVENTS - 1, layers.FC), "grad_input")
    assert set(item) == {"grad_input.0", "grad_input.2"}
