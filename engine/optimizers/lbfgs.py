"""L-BFGS: Newton's direction from the last gradients and steps (torch.optim.LBFGS).

It works on all parameters at once, laid end to end, and evaluates the objective several times in one update. What the
closure returned each time is given as a sequence of `Evaluation`; the objective itself is never needed.

Where it is known what PyTorch computed (the steps and gradient differences that it remembers), each iteration is
compared with it and goes on from it, so that rounding does not pile up over the iterations: see `Replay`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.arithmetic import Bounded
from engine.optimizers import recursion
from engine.optimizers.line_search import Judge, Objective, strong_wolfe
from engine.optimizers.model import Array, Hyperparameters, Notes, Optimizer, State, Update, scalar, scaled, value_of

_CURVATURE = 1e-10  # a smaller yᵀs is not remembered


@dataclass(frozen=True)
class Evaluation:
    """One call of the closure: the loss, and the gradient of all parameters, flat."""

    loss: float
    grad: Array


class EvaluationsEnd(Exception):
    """The algorithm wants another evaluation of the objective, but no more were made."""


@dataclass
class Memory:
    """What is kept from iteration to iteration, under torch's names."""

    d: Array = None
    t: Array = None
    old_dirs: list[Array] = field(default_factory=list)
    old_stps: list[Array] = field(default_factory=list)
    ro: list[Array] = field(default_factory=list)
    H_diag: Array = 1.0
    prev_flat_grad: Array = None
    prev_loss: Any = None
    al: list[Array] = field(default_factory=list)
    func_evals: int = 0
    n_iter: int = 0

    @classmethod
    def of(cls, state: State) -> Memory:
        names = cls.__dataclass_fields__.keys() & state.keys()
        found: dict[str, Any] = {
            name: list(state[name]) if isinstance(state[name], list | tuple) else state[name] for name in names
        }
        return cls(**found)


class Replay:
    """How the arithmetic follows what PyTorch computed; this one knows nothing and goes on with its own results."""

    def __init__(self) -> None:
        self.judge = Judge()

    def known(self, name: str, computed: Array) -> Array:
        """What to go on with in place of `computed`, the next member of the history `name`."""
        return computed


def lbfgs(note: Notes, h: Hyperparameters, param: Array, grad: Sequence[Evaluation], state: State) -> Update:
    """One `step(closure)`: up to `max_iter` iterations. `param` is flat; `grad` are the evaluations, in order.

    `state["replay"]`, if given, is a `Replay`. Raises `EvaluationsEnd` if the evaluations do not suffice.
    """
    replay = state.get("replay") or Replay()
    memory = Memory.of(state)
    steps = _Iterations(note, h, iter(grad), memory, replay)
    first = steps.evaluate()
    note("g_0", "gradient", first.grad, r"\nabla f(\theta)", "Of all parameters, laid end to end.")
    if not replay.judge.above(_largest(first.grad), h["tolerance_grad"]):
        return note.update(param, func_evals=memory.func_evals, n_iter=memory.n_iter)
    steps.run(first)
    after = param
    for move in steps.moves:
        after = after + move
    note(r"\theta", "parameter", after, r"\theta + \sum_k t_k d_k")
    return note.update(after, **{name: getattr(memory, name) for name in Memory.__dataclass_fields__})


class _Iterations:
    """The loop of one update; `moves` are the steps that it takes."""

    def __init__(
        self, note: Notes, h: Hyperparameters, evaluations: Iterator[Evaluation], memory: Memory, replay: Replay
    ) -> None:
        self._note = note
        self._h = h
        self._evaluations = evaluations
        self._memory = memory
        self._replay = replay
        self.moves: list[Array] = []

    def evaluate(self) -> Evaluation:
        found = next(self._evaluations, None)
        if found is None:
            raise EvaluationsEnd
        self._memory.func_evals += 1
        return found

    def run(self, at: Evaluation) -> None:
        """Iterate from the evaluation at the present point."""
        h, memory, note = self._h, self._memory, self._note
        most = h["max_eval"] if h.get("max_eval") is not None else h["max_iter"] * 5 // 4
        before = memory.func_evals - 1
        for iteration in range(1, h["max_iter"] + 1):
            memory.n_iter += 1
            k = memory.n_iter
            self._remember(at.grad)
            memory.d = note(f"d_{{{k}}}", f"direction {k}", _direction(at.grad, memory), r"-H_k g_k",
                            "Where Newton's method would go, as far as the past shows it.")  # fmt: skip
            memory.prev_flat_grad, memory.prev_loss = at.grad, at.loss
            memory.t = h["lr"] if k > 1 else np.minimum(1.0, 1.0 / np.abs(at.grad).sum()) * h["lr"]
            slope = note(f"g_{{{k}}}^T d_{{{k}}}", f"slope {k}", at.grad @ memory.d, r"g_k^{\top} d_k")
            if self._replay.judge.above(slope, -h["tolerance_change"]):
                break
            at = self._move(at, slope, most - (memory.func_evals - before), last=iteration == h["max_iter"])
            if iteration == h["max_iter"] or memory.func_evals - before >= most or self._done(at):
                break

    def _move(self, at: Evaluation, slope: Array, most: int, *, last: bool) -> Evaluation:
        """Take the step along the direction, as long as the line search or the learning rate has it."""
        memory = self._memory
        if self._h.get("line_search_fn") == "strong_wolfe":
            objective = Objective(self.evaluate, memory.d, most, self._replay.judge)
            at, memory.t = strong_wolfe(objective, memory.t, at, slope)
        elif not last:
            at = self.evaluate()
        k = memory.n_iter
        self._note(f"t_{{{k}}}", f"step length {k}", memory.t, "t_k", "From the line search, or the learning rate.")
        self.moves.append(scaled(memory.t, memory.d))
        return at

    def _done(self, at: Evaluation) -> bool:
        """Whether the gradient has vanished, or nothing moves any more."""
        memory, above, least = self._memory, self._replay.judge.above, self._h["tolerance_change"]
        return (
            not above(_largest(at.grad), self._h["tolerance_grad"])
            or not above(_largest(scaled(memory.t, memory.d)), least)
            or abs(at.loss - memory.prev_loss) < least
        )

    def _remember(self, grad: Array) -> None:
        """Take the last step s and the change y of the gradient into the history."""
        memory, note, k = self._memory, self._note, self._memory.n_iter
        if k == 1:
            memory.old_dirs, memory.old_stps, memory.ro, memory.H_diag = [], [], [], 1.0
            return
        y, s = grad - memory.prev_flat_grad, scaled(memory.t, memory.d)
        if not self._replay.judge.above(y @ s, _CURVATURE):
            return
        if len(memory.old_dirs) == self._h["history_size"]:
            for history in (memory.old_dirs, memory.old_stps, memory.ro):
                history.pop(0)
        y = note(f"y_{{{k}}}", f"change of the gradient {k}", self._replay.known("old_dirs", y), "g_k - g_{k-1}")
        s = note(f"s_{{{k}}}", f"last step {k}", self._replay.known("old_stps", s), r"t_{k-1} d_{k-1}")
        if self.moves and isinstance(s, Bounded):
            self.moves[-1] = Bounded(s.value, s.unit * np.abs(s.value), s.unit)
        curvature = note(f"y_{{{k}}}^T s_{{{k}}}", f"curvature {k}", y @ s, r"y_k^{\top} s_k",
                         "Positive where the objective curves upwards; else the step is not remembered.")  # fmt: skip
        memory.old_dirs.append(y)
        memory.old_stps.append(s)
        memory.ro.append(self._replay.known("ro", 1.0 / curvature))
        memory.H_diag = note(f"\\gamma_{{{k}}}", f"scale {k}", curvature / (y @ y), r"y_k^{\top} s_k / y_k^{\top} y_k")


def _direction(grad: Array, memory: Memory) -> Array:
    """−H·g by the two-loop recursion (Nocedal and Wright, algorithm 7.4)."""
    q = -grad
    if memory.n_iter == 1:
        return q
    if isinstance(grad, Bounded) and recursion.applies_to((*memory.old_dirs, *memory.old_stps, *memory.ro)):
        gamma = scalar(memory.H_diag, grad)
        found, numbers = recursion.direction(grad, memory.old_dirs, memory.old_stps, memory.ro, gamma)
        memory.al[: len(numbers)] = numbers
        return found
    alphas = []
    for y, s, ro in zip(reversed(memory.old_dirs), reversed(memory.old_stps), reversed(memory.ro), strict=True):
        alphas.append((s @ q) * ro)
        q = q - alphas[-1] * y
    alphas.reverse()
    memory.al[: len(alphas)] = alphas
    r = scaled(memory.H_diag, q)
    for y, s, ro, alpha in zip(memory.old_dirs, memory.old_stps, memory.ro, alphas, strict=True):
        r = r + s * (alpha - (y @ r) * ro)
    return r


def _largest(array: Array) -> float:
    return float(np.max(np.abs(value_of(array)), initial=0.0))


_REMEMBERS: Mapping[str, str] = {
    "d": "the last direction",
    "t": "the last step length",
    "old_dirs": "y: how the gradient changed, in each of the last iterations",
    "old_stps": "s: how the parameters moved, in each of them",
    "ro": "1 / yᵀs of each",
    "H_diag": "the scale of the curvature",
    "prev_flat_grad": "the gradient of the last iteration",
    "prev_loss": "the loss of the last iteration",
    "al": "α: how far the direction goes back over each of the steps",
    "func_evals": "how often the objective was evaluated",
    "n_iter": "how many iterations there were",
}
LBFGS = Optimizer(
    name="LBFGS",
    rule=lbfgs,
    formulas=(
        r"y_k \leftarrow g_k - g_{k-1}, \quad s_k \leftarrow t_{k-1} d_{k-1}, "
        r"\quad \rho_k \leftarrow 1 / y_k^{\top} s_k",
        r"q \leftarrow -g_k; \quad \alpha_i \leftarrow \rho_i s_i^{\top} q,\; q \leftarrow q - \alpha_i y_i "
        r"\;\text{(newest first)}",
        r"r \leftarrow \frac{y_k^{\top} s_k}{y_k^{\top} y_k}\, q; \quad r \leftarrow r + s_i "
        r"(\alpha_i - \rho_i y_i^{\top} r) \;\text{(oldest first)}",
        r"d_k \leftarrow r, \quad \theta_k \leftarrow \theta_{k-1} + t_k d_k",
    ),
    remembers=_REMEMBERS,
    paper="Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5, 2006",
)
