"""What data leaves are to the operations that read them."""

from __future__ import annotations

from pathlib import Path

from engine.graph.build import build_graph
from engine.graph.leaves import DATA_SLOT, leaf_roles
from engine.recording.model import Edge, Node
from engine.recording.reader import open_recording
from tests.recordings import make_bow


def data(number: int, name: str, shape: tuple[int, ...] = (3,)) -> Node:
    return Node(number, 0, "data", "Data", name=name, shape=shape)


def test_what_a_loss_compares_with_is_a_target() -> None:
    nodes = (Node(0, 0, "operation", "NllLossBackward0"), data(1, "labels"), data(2, "weight"))
    edges = (Edge(0, 0, DATA_SLOT + 1, 1, 0), Edge(0, 0, DATA_SLOT + 2, 2, 0))
    assert leaf_roles(nodes, edges) == {1: "target", 2: "input"}


def test_buffers_bear_the_name_of_their_module() -> None:
    norm = Node(0, 0, "operation", "NativeBatchNormBackward0", module="net.bn", module_type="BatchNorm1d")
    nodes = (norm, data(1, "net.bn.running_mean"), data(2, "batch.features"), data(3, "self.offset"))
    edges = tuple(Edge(0, 0, DATA_SLOT + number, number, 0) for number in (1, 2, 3))
    assert leaf_roles(nodes, edges) == {1: "buffer", 2: "input", 3: "input"}


def test_single_numbers_without_a_name_are_constants() -> None:
    nodes = (Node(0, 0, "operation", "MulBackward0"), data(1, "", ()), data(2, "x", ()), data(3, "", (4,)))
    assert leaf_roles(nodes, ()) == {1: "constant", 2: "input", 3: "input"}


def test_what_a_mere_subtraction_reads_is_not_called_a_target(tmp_path: Path) -> None:
    """Nothing is guessed: only an operator that is a loss has targets."""
    with open_recording(make_bow(tmp_path / "bow.chain")) as bow:
        graph = build_graph(bow, 0, data_leaves=True)
        assert {graph.nodes[node]["name"]: graph.nodes[node].get("role") for node in graph} == {
            "loss": None, "": None, "prediction": None, "w": None, "b": None, "x": "input", "y": "input",
        }  # fmt: skip
