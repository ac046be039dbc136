"""Sees every backward pass: its graph, each node as autograd runs it, each gradient as it is accumulated.

A function mode sees `Tensor.backward`, `torch.autograd.backward` and `torch.autograd.grad` before they run. It then
walks the graph and puts hooks on every node; they are taken away when the pass is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from engine.capture.graph import GraphNode, GraphWriter
from engine.capture.guard import Quiet
from engine.capture.hooks import has_others, to_front
from engine.capture.measure import inner_tensor, is_readable
from engine.capture.modes import Token
from engine.capture.operands import note_returned
from engine.recording.model import GraphKind

if TYPE_CHECKING:
    from engine.capture.recorder import Recorder

# Formulas that round otherwise while a dispatch mode is active. What nodes they make in turn is not seen.
_ASKING = ("ProdBackward", "CumprodBackward", "MaskedFillBackward", "LinalgDetBackward", "LinalgSlogdetBackward")

Values = list[tuple[str, int, str, int]]


class BackwardMode(TorchFunctionMode):
    """The eyes of the recorder on calls of autograd."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder
        self._set_data = torch.Tensor.data.__set__  # type: ignore[attr-defined]
        self._exposing = {torch.Tensor.numpy, torch.Tensor.data_ptr, torch.Tensor.__array__, torch.Tensor.__dlpack__}
        self._handlers: dict[Any, Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]] = {
            **dict.fromkeys(_PASSES, self._run),
            torch.Tensor.register_hook: self._add_hook,
            torch.Tensor.register_post_accumulate_grad_hook: self._add_hook,
        }

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        recorder = self._recorder
        if recorder.active:
            handler = self._handlers.get(func)
            if handler is not None and not torch._C._are_functorch_transforms_active():
                return handler(func, args, kwargs)
            if func in self._exposing:
                self._expose(args[0])
            elif func == self._set_data:
                return self._assign_data(func, args, kwargs)
        return func(*args, **kwargs)

    def _expose(self, tensor: torch.Tensor) -> None:
        """Memory that others can write to: what is known of it now may not hold later."""
        with self._recorder.careful(), Quiet():
            self._recorder.store.expose(tensor)

    def _assign_data(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`parameter.data = …`: an update by hand if the parameter took part in a backward pass."""
        recorder = self._recorder
        watched: list[Any] = []
        if not recorder.in_optimizer:
            with recorder.careful(), Quiet():
                watched = recorder.updates.before_assigning(args[0], args[1])
        result = func(*args, **kwargs)
        with recorder.careful(), Quiet():
            if watched:
                recorder.updates.after_writing(watched, "Tensor.data = …")
        return result

    def _add_hook(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The user registers a hook on a tensor."""
        tensor, hook = args if len(args) == 2 else (args[0], kwargs.get("hook"))
        accumulated = func is not torch.Tensor.register_hook
        return func(tensor, self._recorder.hooks.wrapped(tensor, hook, accumulated=accumulated))

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call `func` with the pass watched."""
        recorder = self._recorder
        recorder.before_backward()
        call = _PASSES[func]
        given = dict(zip(call.arguments, args, strict=False)) | kwargs
        kind: GraphKind = "grad" if func is torch.autograd.grad else "backward"
        watched = BackwardPass(recorder, kind, create_graph=bool(given.get("create_graph")))
        with recorder.careful():
            starts = None if given.get("is_grads_batched") else given.get(call.starts)
            watched.begin(_sequence(given.get(call.arguments[0])), _sequence(starts))
        recorder.backward_depth += 1
        try:
            # Nodes that are made by this pass are to be seen; else torch's own formulas run as they would without us.
            with nullcontext() if given.get("create_graph") else recorder.modes.put_away():
                result = func(*args, **kwargs)
            if kind == "grad":
                with recorder.careful():
                    watched.returned(_sequence(given.get("inputs")), _sequence(result))
        finally:
            recorder.backward_depth -= 1
            watched.end()
        return result


class _Call(NamedTuple):
    """Positional arguments of a call of autograd, its roots first; and the one that the pass begins with."""

    arguments: tuple[str, ...]
    starts: str


_PASSES = {
    torch.Tensor.backward: _Call(("self", "gradient", "retain_graph", "create_graph", "inputs"), "gradient"),
    torch.autograd.backward: _Call(("tensors", "grad_tensors", "retain_graph", "create_graph"), "grad_tensors"),
    torch.autograd.grad: _Call(("outputs", "inputs", "grad_outputs", "retain_graph", "create_graph"), "grad_outputs"),
}


def _sequence(tensors: Any) -> Sequence[Any]:
    if isinstance(tensors, torch.Tensor):
        return [tensors]
    if isinstance(tensors, Mapping):
        return list(tensors.values())
    if isinstance(tensors, torch.autograd.graph.GradientEdge):  # a tuple itself
        return [tensors]
    return list(tensors) if tensors is not None else []


class BackwardPass:
    """One run of the autograd engine: hooks on each node from `begin` to `end`."""

    def __init__(self, recorder: Recorder, kind: GraphKind, *, create_graph: bool = False) -> None:
        self._recorder = recorder
        self._create_graph = create_graph
        self._kind = kind
        self._handles: list[Any] = []
        self._pending: dict[Any, Values] = {}
        self._starts: dict[Any, Values] = {}
        self._entered: dict[Any, Token] = {}
        self._away: dict[Any, AbstractContextManager[None]] = {}
        self._writer = GraphWriter(recorder, recorder.new_graph())

    def begin(self, roots: Sequence[Any], starts: Sequence[Any]) -> None:
        """Write the graph below `roots` and watch its nodes. Roots without gradient are left to autograd to refuse.

        `starts` are the gradients that it begins with, as the user gave them: fewer, or None, where there are none.
        """
        edges = [_edge_of(root) for root in roots]
        fns = [edge.node for edge in edges if edge is not None]
        if not fns:
            return
        with Quiet():
            note_returned(self._recorder, roots)
            for number, (root, edge) in enumerate(zip(roots, edges, strict=True)):
                start = _start(root, starts[number] if number < len(starts) else None)
                if edge is not None and start is not None:
                    taken = self._recorder.store.take(start)
                    self._starts.setdefault(edge.node, []).append(("grad_start", edge.output_nr, str(number), taken))
        self._writer.write(list(dict.fromkeys(fns)), self._kind, _loss(roots[0]))
        for node in self._writer.nodes.values():
            self._watch(node)

    def end(self) -> None:
        """Take the hooks away and let go of the graph."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if not self._recorder.backward_depth:
            self._recorder.hooks.forget()

    def returned(self, inputs: Sequence[Any], gradients: Any) -> None:
        """Gradients that `torch.autograd.grad` gave out for leaves, instead of accumulating them."""
        leaves = {id(node.variable): node for node in self._writer.nodes.values() if node.variable is not None}
        for tensor, gradient in zip(inputs, gradients, strict=False):
            node = leaves.get(id(tensor))
            if node is not None and isinstance(gradient, torch.Tensor):
                with Quiet():
                    values = [*self._take("grad_input", [gradient]), *self._value_of(node)]
                    values += self._starts.pop(node.fn, [])
                values = _settled(self._arrived(node, 1) + values, "grad_input")
                self._emit("accumulate", node, values, {"returned": True})

    def _take(self, role: str, tensors: Sequence[torch.Tensor | None]) -> Values:
        store = self._recorder.store
        return [(role, slot, "", store.take(tensor)) for slot, tensor in enumerate(tensors) if tensor is not None]

    def _value_of(self, leaf: GraphNode) -> Values:
        return self._take("param_before", [leaf.variable])

    def _watch(self, node: GraphNode) -> None:
        """Hooks on one node; the user's own stand between ours.

        torch's own nodes do not write to the gradients that they get, so one look afterwards sees both ends. A node
        written in Python may, so what enters it is read before.
        """
        last = node.fn.register_hook(self._after_accumulate(node) if node.variable is not None else self._after(node))
        self._handles.append(last)
        if has_others(last):
            first = node.fn.register_hook(self._computed(node))
            to_front(first)
            self._handles.append(first)
        before = node.fn.register_prehook(self._before(node))
        if has_others(before):
            first = node.fn.register_prehook(self._before_others(node))
            to_front(first)
            self._handles.append(first)
        elif node.variable is None and not _runs_python(node) and not self._asks(node):
            before.remove()
            return
        self._handles.append(before)

    def _before_others(self, node: GraphNode) -> Callable[[Any], None]:
        """In front of the hooks that the user registered to run before the node."""

        def before(grad_outputs: Any) -> None:
            if self._recorder.active:
                with self._recorder.careful(), Quiet():
                    self._pending[node.fn] = self._take("grad_arrived", grad_outputs)
            self._enter(node)

        return before

    def _before(self, node: GraphNode) -> Callable[[Any], None]:
        """Right before the node itself."""

        def before(grad_outputs: Any) -> None:
            if self._recorder.active:
                with self._recorder.careful(), Quiet():
                    values = self._pending.setdefault(node.fn, [])
                    if node.variable is None:
                        values += self._take("grad_output", grad_outputs)
                    else:
                        values += self._take("grad_input", grad_outputs) + self._value_of(node)
                        values += self._take("grad_before", [node.variable.grad])
            if _runs_python(node):
                self._enter(node)
            else:
                self._leave(node)
            if self._asks(node):
                self._away[node.fn] = self._recorder.modes.put_away()
                self._away[node.fn].__enter__()

        return before

    def _asks(self, node: GraphNode) -> bool:
        """Whether the dispatch mode, which is on while a graph is created, must be off for this node."""
        return self._create_graph and node.type.startswith(_ASKING)

    def _computed(self, node: GraphNode) -> Callable[[Any, Any], None]:
        """Right after the node itself, in front of the hooks that the user registered to run then."""

        def computed(grad_inputs: Any, grad_outputs: Any) -> None:
            if self._recorder.active and node.variable is None:
                with self._recorder.careful(), Quiet():
                    values = self._pending.setdefault(node.fn, [])
                    if not any(role == "grad_output" for role, *_ in values):
                        values += self._take("grad_output", grad_outputs)
                    values += self._take("grad_computed", grad_inputs)
            self._enter(node)

        return computed

    def _after(self, node: GraphNode) -> Callable[[Any, Any], None]:
        """When all is done at an operation."""

        def after(grad_inputs: Any, grad_outputs: Any) -> None:
            self._leave(node)
            if self._recorder.active:
                with self._recorder.careful():
                    earlier = self._pending.pop(node.fn, [])
                    arrived = self._arrived(node, len(grad_outputs))
                    with Quiet():
                        values = arrived + earlier
                        if not any(role == "grad_output" for role, *_ in earlier):
                            values += self._take("grad_output", grad_outputs)
                        values += [("saved", slot, name, tensor) for name, slot, tensor in node.saved]
                        values += self._take("grad_input", grad_inputs)
                        values += self._starts.pop(node.fn, [])
                    if earlier or arrived:
                        values = _settled(values, "grad_output")
                    self._emit("backward", node, values)

        return after

    def _after_accumulate(self, node: GraphNode) -> Callable[[Any, Any], None]:
        """When all is done at a leaf."""

        def after(grad_inputs: Any, grad_outputs: Any) -> None:
            self._leave(node)
            if self._recorder.active and node.variable is not None:
                with self._recorder.careful():
                    values = self._pending.pop(node.fn, []) + self._starts.pop(node.fn, [])
                    held = self._recorder.hooks.accumulated(node.variable)
                    with Quiet():
                        now = self._take("grad_after", [node.variable.grad])
                        values += now if held is None else [("grad_after", 0, "", held)]
                    self._emit("accumulate", node, _settled(self._arrived(node, 1) + values, "grad_input"))

        return after

    def _arrived(self, node: GraphNode, outputs: int) -> Values:
        """What the user's hooks on tensors were given."""
        hooks = self._recorder.hooks
        if not hooks.were_given():
            return []
        if node.variable is not None:
            found = {0: hooks.arrived_at(node.variable)}
        else:
            number = node.fn._sequence_nr()
            found = {slot: hooks.arrived(number, slot) for slot in range(outputs)}
        return [("grad_arrived", slot, "", tensor) for slot, tensor in found.items() if tensor is not None]

    def _enter(self, node: GraphNode) -> None:
        self._back(node)
        if node.fn not in self._entered:
            self._entered[node.fn] = self._recorder.modes.enter()

    def _leave(self, node: GraphNode) -> None:
        self._back(node)
        token = self._entered.pop(node.fn, None)
        if token is not None:
            self._recorder.modes.leave(token)

    def _back(self, node: GraphNode) -> None:
        away = self._away.pop(node.fn, None)
        if away is not None:
            away.__exit__(None, None, None)

    def _emit(self, kind: str, node: GraphNode, values: Values, info: dict[str, Any] | None = None) -> None:
        if node.variable is not None and self._recorder.hooks.unseen(node.variable):
            info = {**(info or {}), "hooks": True}
        self._recorder.event(kind, values, graph=self._writer.graph, node=node.id, parameter=node.parameter, info=info)
        if node.parameter is not None:
            self._recorder.stands_at(node.parameter, self._writer.graph, node.id)


def _settled(values: Values, entered: str) -> Values:
    """Without what hooks were given and left as it was; of what came twice, what came first.

    `entered` is the role of what entered the node.
    """
    content = {(role, slot): tensor for role, slot, _, tensor in values}
    beside = {"grad_arrived": entered, "grad_computed": "grad_input"}
    kept: dict[tuple[str, int, str], tuple[str, int, str, int]] = {}
    for value in values:
        role, slot, name, tensor = value
        if role not in beside or content.get((beside[role], slot)) != tensor:
            kept.setdefault((role, slot, name), value)
    return list(kept.values())


def _runs_python(node: GraphNode) -> bool:
    """Whether the node is written in Python and may call `backward` itself, as checkpointing does; or a hook may that
    runs right after accumulation.
    """
    if node.variable is not None:
        return bool(getattr(node.variable, "_post_accumulate_grad_hooks", None))
    return isinstance(node.fn, torch.autograd.function.BackwardCFunction)


def _edge_of(root: Any) -> Any:
    """The edge at which a backward pass from `root` starts (for a leaf its AccumulateGrad), None if there is none."""
    if isinstance(root, torch.autograd.graph.GradientEdge):
        return root
    if not isinstance(root, torch.Tensor) or not root.requires_grad:
        return None
    with torch._C.DisableTorchFunction():
        return torch.autograd.graph.get_gradient_edge(root)


def _start(root: Any, given: Any) -> torch.Tensor | None:
    """The gradient that the pass begins with at `root`: of a single number 1, if nothing else was given."""
    if isinstance(given, torch.Tensor):
        return given
    if isinstance(root, torch.Tensor) and root.numel() == 1 and root.layout is torch.strided:
        return torch.ones_like(root)
    return None


def _loss(root: Any) -> float | None:
    """The value of a root that is one real number."""
    if not isinstance(root, torch.Tensor):
        return None
    with Quiet():
        if root.numel() != 1 or root.is_complex():
            return None
        held = root if is_readable(root) else inner_tensor(root)
        return None if held is None else float(held.item())
