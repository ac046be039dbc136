"""Sees every backward pass: its graph, each node as autograd runs it, each gradient as it is accumulated.

A function mode sees `Tensor.backward`, `torch.autograd.backward` and `torch.autograd.grad` before they run. It then
walks the graph and puts two hooks on every node; they are taken away when the pass is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from engine.capture.graph import GraphNode, GraphWriter
from engine.capture.guard import Quiet
from engine.recording.model import GraphKind

if TYPE_CHECKING:
    from engine.capture.recorder import Recorder

Values = list[tuple[str, int, str, int]]


class BackwardMode(TorchFunctionMode):
    """The eyes of the recorder on calls of autograd."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder
        self._set_data = torch.Tensor.data.__set__  # type: ignore[attr-defined]
        self._exposing = {torch.Tensor.numpy, torch.Tensor.data_ptr, torch.Tensor.__array__, torch.Tensor.__dlpack__}
        self._passes: dict[Any, Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]] = {
            torch.Tensor.backward: self._tensor_backward,
            torch.autograd.backward: self._autograd_backward,
            torch.autograd.grad: self._autograd_grad,
        }

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        recorder = self._recorder
        if recorder.active:
            handler = self._passes.get(func)
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
            if tensor.layout is torch.strided:
                self._recorder.store.expose_storage(tensor.untyped_storage())

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

    def _tensor_backward(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._run(func, args, kwargs, [args[0]], "backward")

    def _autograd_backward(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        roots = _sequence(args[0] if args else kwargs.get("tensors"))
        return self._run(func, args, kwargs, roots, "backward")

    def _autograd_grad(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        roots = _sequence(args[0] if args else kwargs.get("outputs"))
        return self._run(func, args, kwargs, roots, "grad")

    def _run(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], roots: Sequence[Any], kind: GraphKind
    ) -> Any:
        """Call `func` with the pass watched."""
        recorder = self._recorder
        recorder.before_operation()
        watched = BackwardPass(recorder, kind, self)
        with recorder.careful():
            watched.begin(roots)
        recorder.backward_depth += 1
        try:
            result = func(*args, **kwargs)
        finally:
            recorder.backward_depth -= 1
            watched.end()
        if kind == "grad":
            with recorder.careful():
                watched.returned(_sequence(args[1] if len(args) > 1 else kwargs.get("inputs")), result)
        return result


def _sequence(tensors: Any) -> Sequence[Any]:
    if isinstance(tensors, torch.Tensor):
        return [tensors]
    return list(tensors) if tensors is not None else []


class BackwardPass:
    """One run of the autograd engine: hooks on each node from `begin` to `end`."""

    def __init__(self, recorder: Recorder, kind: GraphKind, mode: TorchFunctionMode) -> None:
        self._recorder = recorder
        self._kind = kind
        self._mode = mode
        self._handles: list[Any] = []
        self._pending: dict[Any, Values] = {}
        self._writer = GraphWriter(recorder, recorder.new_graph())

    def begin(self, roots: Sequence[Any]) -> None:
        """Write the graph below `roots` and watch its nodes. Roots without gradient are left to autograd to refuse."""
        fns = [fn for fn in (_node_of(root) for root in roots) if fn is not None]
        if not fns:
            return
        self._writer.write(list(dict.fromkeys(fns)), self._kind, _loss(roots[0]))
        for fn, node in self._writer.nodes.items():
            if node.variable is None:
                self._watch_operation(node)
            else:
                self._handles.append(fn.register_prehook(self._before_accumulate(node)))
                self._handles.append(fn.register_hook(self._after_accumulate(node)))

    def end(self) -> None:
        """Take the hooks away and let go of the graph."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def returned(self, inputs: Sequence[Any], gradients: Any) -> None:
        """Gradients that `torch.autograd.grad` gave out for leaves, instead of accumulating them."""
        leaves = {id(node.variable): node for node in self._writer.nodes.values() if node.variable is not None}
        for tensor, gradient in zip(inputs, gradients, strict=False):
            node = leaves.get(id(tensor))
            if node is not None and isinstance(gradient, torch.Tensor):
                with Quiet():
                    values = [*self._take("grad_input", [gradient]), *self._value_of(node)]
                self._emit("accumulate", node, values, {"returned": True})

    def _take(self, role: str, tensors: Sequence[torch.Tensor | None]) -> Values:
        store = self._recorder.store
        return [(role, slot, "", store.take(tensor)) for slot, tensor in enumerate(tensors) if tensor is not None]

    def _value_of(self, leaf: GraphNode) -> Values:
        return self._take("param_before", [leaf.variable])

    def _watch_operation(self, node: GraphNode) -> None:
        """torch's own nodes do not write to the gradients that they get, so one look afterwards sees both ends.

        A node written in Python may, so what enters it is read before; and it may run a backward pass of its own.
        """
        if not _may_nest(node):
            self._handles.append(node.fn.register_hook(self._after_node(node)))
            return

        def before(grad_outputs: Any) -> None:
            if self._recorder.active:
                with self._recorder.careful(), Quiet():
                    self._pending[node.fn] = self._take("grad_output", grad_outputs)
            self._mode.__enter__()

        after = self._after_node(node)

        def leave(grad_inputs: Any, grad_outputs: Any) -> None:
            self._mode.__exit__(None, None, None)
            after(grad_inputs, grad_outputs)

        self._handles.append(node.fn.register_prehook(before))
        self._handles.append(node.fn.register_hook(leave))

    def _after_node(self, node: GraphNode) -> Callable[[Any, Any], None]:
        def after(grad_inputs: Any, grad_outputs: Any) -> None:
            if self._recorder.active:
                with self._recorder.careful():
                    with Quiet():
                        values = self._pending.pop(node.fn, None) or self._take("grad_output", grad_outputs)
                        values += [("saved", slot, name, tensor) for name, slot, tensor in node.saved]
                        values += self._take("grad_input", grad_inputs)
                    self._emit("backward", node, values)

        return after

    def _before_accumulate(self, node: GraphNode) -> Callable[[Any], None]:
        def before(grads: Any) -> None:
            if self._recorder.active:
                with self._recorder.careful(), Quiet():
                    values = self._take("grad_input", grads) + self._value_of(node)
                    held = node.variable.grad if node.variable is not None else None
                    if held is not None:
                        values.append(("grad_before", 0, "", self._recorder.store.take(held)))
                    self._pending[node.fn] = values

        return before

    def _after_accumulate(self, node: GraphNode) -> Callable[[Any, Any], None]:
        def after(grad_inputs: Any, grad_outputs: Any) -> None:
            if self._recorder.active:
                with self._recorder.careful():
                    values = self._pending.pop(node.fn, [])
                    with Quiet():
                        held = node.variable.grad if node.variable is not None else None
                        if held is not None:
                            values.append(("grad_after", 0, "", self._recorder.store.take(held)))
                    self._emit("accumulate", node, values)

        return after

    def _emit(self, kind: str, node: GraphNode, values: Values, info: dict[str, Any] | None = None) -> None:
        self._recorder.event(kind, values, graph=self._writer.graph, node=node.id, parameter=node.parameter, info=info)
        if node.parameter is not None:
            self._recorder.stands_at(node.parameter, self._writer.graph, node.id)


def _may_nest(node: GraphNode) -> bool:
    """Whether the node is written in Python and may call `backward` itself, as checkpointing does.

    torch takes a function mode away while its handler runs, so it is put back for the run of such a node; if the node
    raises, the engine restores the state of the thread.
    """
    return isinstance(node.fn, torch.autograd.function.BackwardCFunction)


def _node_of(root: Any) -> Any:
    """The node that a backward pass from `root` starts at (for a leaf its AccumulateGrad), None if there is none."""
    if isinstance(root, torch.autograd.graph.GradientEdge):
        return root.node
    if not isinstance(root, torch.Tensor) or not root.requires_grad:
        return None
    with torch._C.DisableTorchFunction():
        return torch.autograd.graph.get_gradient_edge(root).node


def _loss(root: Any) -> float | None:
    """The value of a root that is one real number."""
    if not isinstance(root, torch.Tensor):
        return None
    with Quiet():
        if root.numel() != 1 or root.is_complex() or root.device.type == "meta":
            return None
        return float(root.item())
