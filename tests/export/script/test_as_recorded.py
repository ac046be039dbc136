"""What a program takes as recorded, because it cannot be done by hand: it is said, and all the rest is compared."""

from __future__ import annotations

import pytest

from tests.export.script.conftest import Write

HOOKS = """\
import torch

torch.manual_seed(0)
w = torch.nn.Parameter(torch.randn(4, 3))
b = torch.nn.Parameter(torch.randn(3))
optimizer = torch.optim.SGD([w, b], lr=0.1)
w.register_hook(lambda grad: grad * 0.5)
h = torch.randn(5, 4) @ w
both = h * b + b
both.grad_fn.register_hook(lambda left, entered: tuple(grad + 1 for grad in left))
both.sin().sum().backward()
optimizer.step()
"""

COMPLEX = """\
import torch

torch.manual_seed(0)
k = torch.nn.Parameter(torch.randn(8))
w = torch.nn.Parameter(torch.randn(4, dtype=torch.complex64))
optimizer = torch.optim.Adam([k, w], lr=0.1)
part = torch.fft.rfft(k * 2)[:4] * w
(torch.view_as_real(part).square().sum() * 3).backward()
optimizer.step()
"""

ONE_COMPLEX = """\
import torch

w = torch.nn.Parameter(torch.tensor(1 + 2j))
optimizer = torch.optim.SGD([w], lr=0.1)
(w * w.conj()).real.backward()
optimizer.step()
"""

INTO_ZEROS = """\
import torch

torch.manual_seed(0)
w = torch.nn.Parameter(torch.randn(4, 3))
optimizer = torch.optim.SGD([w], lr=0.1)
x = torch.randn(5, 4) @ w
y = torch.zeros(5, 3)
y[::2] = x[::2]
(y.sin() * 2).sum().backward()
optimizer.step()
"""

SCALED_TOO_FAR = """\
import torch

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20)
with torch.autocast("cpu", torch.float16):
    out = model(torch.randn(4, 8))
scaler.scale(out.float().square().mean() * 20).backward()
scaler.step(optimizer)
assert not model[0].weight.grad.isfinite().all()
"""

DONE_AGAIN = """\
import torch
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)
layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(32, 32))
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
checkpoint(layer, torch.randn(4, 32), use_reentrant=False).square().sum().backward()
optimizer.step()
"""

FINE_COMPLEX = """\
import torch

torch.manual_seed(0)
k = torch.nn.Parameter(torch.randn(8, dtype=torch.float64))
(k.to(torch.complex128) * torch.randn(8, dtype=torch.complex128)).abs().sum().backward()
"""

OVERLAPPING = """\
import torch

torch.manual_seed(0)
w = torch.randn(4, 6, requires_grad=True)
loss = (w.as_strided((3, 3), (2, 1), 1) ** 2).sum() + (w.as_strided((3, 4), (1, 0)) ** 3).sum()
loss = loss + (w[1:].as_strided((2, 3), (6, 1), 7) ** 2).sum() + (w[1:].as_strided((3,), (1,)) ** 3).sum()
"""

OUT_OF_ORDER = (
    OVERLAPPING
    + """\
loss = loss + (w.t().as_strided((2, 3), (1, 4)) ** 2).sum() + (w[1:].as_strided((4,), (1,), 3) ** 2).sum()
loss.backward()
"""
)

HALF = """\
import torch

torch.manual_seed(6)
model = torch.nn.Sequential(
    torch.nn.Linear(8, 16), torch.nn.GELU("tanh"), torch.nn.RMSNorm(16), torch.nn.Linear(16, 4)
).to(torch.bfloat16)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
model(torch.randn(5, 8, dtype=torch.bfloat16)).square().mean().backward()
optimizer.step()
"""

CHANGED_BETWEEN = """\
import torch

torch.manual_seed(6)
w = torch.randn(9, requires_grad=True)
for _ in range(3):
    (w.sin() * torch.rand(9)).sum().backward()
    w.grad.mul_(0.5).round_(decimals=3)
torch.optim.Adam([w]).step()
"""

OVERFLOWN = """\
import torch

torch.manual_seed(6)
w = torch.nn.Parameter(torch.randn(9, dtype=torch.float16))
(w * torch.randn(9).half()).sum().backward()
w.grad[2] = 1e-5
torch.optim.Adam([w], eps=1e-8).step()
assert not w.isfinite().all()
"""

UNKNOWN_WRITE = """\
import torch

torch.manual_seed(6)
w = torch.randn(4, requires_grad=True)
y = w * 2
y[1:].copy_(w[1:].sin()).exp_()
y.sum().backward()
torch.optim.SGD([w], lr=0.1).step()
"""

USED_LATER = """\
import torch

torch.manual_seed(6)
w = torch.randn(6, requires_grad=True)
low, high = (w * 2).split(3)
high.exp().sum().backward(retain_graph=True)
(low * high).sum().backward()
torch.optim.SGD([w], lr=0.1).step()
"""

ODD_SHAPES = """\
import torch
import torch.nn.functional as F

w, none, one = torch.randn(3, 4), torch.zeros(2, 0), torch.tensor(1.5)
for leaf in (w, none, one):
    leaf.requires_grad_()
loss = none.logsumexp(0).sum() + none.sort(1).values.sum() + none.masked_select(none.detach() > 0).sum()
loss = loss + one.logsumexp(0) + one.cumsum(0) + one.gather(0, torch.tensor(0)) + one.softmax(0)
(loss + w.sum()).backward()
w.double().backward(torch.ones(3, 4).double())
w.backward(torch.ones(3, 4))
torch.optim.SGD([w, none, one], lr=0.1).step()
"""

SPECIAL_CASES = """\
import torch
import torch.nn.functional as F

torch.manual_seed(6)
w = torch.randn(3, 4, requires_grad=True)
w.data[1] = 0.25
base, power = torch.tensor([0.0, 2.0, 0.0]).requires_grad_(), torch.tensor([2.0, 0.0, 0.0]).requires_grad_()
loss = (base**power).sum() + F.elu(w * 60 - 50, inplace=True).sum()
loss = loss + F.softplus(w, 0.5, 1).sum() + F.softplus(w * 1, 3).sum()
loss = loss + w.std(1).sum() + ((w - 0.25) * 1).norm(dim=1).sum()
(loss + F.pad(w, (1, 2)).square().sum()).backward()
torch.optim.SGD([w, base, power], lr=0.1).step()
"""

NAN_PASSES = """\
import torch
import torch.nn.functional as F

w = torch.tensor([torch.nan, 0.5, -1.0], requires_grad=True)
for function in (F.relu, F.elu, F.celu, F.selu, lambda x: F.threshold(x, 0.1, 0.2), F.hardshrink,
                 F.softshrink, lambda x: torch.maximum(x, x.detach() * 2), F.leaky_relu, F.softplus):
    (function(w * 1) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
torch.optim.SGD([w], lr=0.1).step()
"""

WATCHED = """\
import torch

torch.manual_seed(6)
cell, out = torch.nn.GRUCell(3, 4), torch.nn.Linear(4, 2)
for module in (cell, out):
    module.register_full_backward_hook(lambda module, before, after: None)
x = torch.randn(5, 3, requires_grad=True)
out(cell(x)).square().sum().backward()
torch.optim.SGD([*cell.parameters(), *out.parameters()], lr=0.1).step()
"""

INFINITE = """\
import torch

torch.manual_seed(6)
w = torch.randn(6, requires_grad=True)
w.data[0] = -1.0
for function in (torch.relu, torch.nn.functional.hardtanh, torch.nn.functional.hardsigmoid):
    (function(w * 4) * torch.tensor([torch.inf, 1, 1, 1, 1, 1])).sum().backward()
    (function(w * 4) * 0).sqrt().sum().backward()
torch.optim.SGD([w], lr=0.1).step()
"""

GRADIENT_OF_A_GRADIENT = """\
import torch

torch.manual_seed(6)
w = torch.randn(3, 4, 5, requires_grad=True)
x = w * 1.0
y = torch.nn.functional.group_norm(x, 2)
(slope,) = torch.autograd.grad(y.square().mul(torch.rand(3, 4, 5)).sum(), x, create_graph=True)
slope.square().sum().backward()
torch.optim.SGD([w], lr=0.1).step()
"""

SCALED = """\
import torch

torch.manual_seed(6)
for dtype in (torch.float32, torch.float64):
    w = torch.randn(20, 9, requires_grad=True, dtype=dtype)
    ((w.sin() * torch.rand(20, 9)).sum() * 65536).backward()
    w.grad /= 65536
torch.optim.RMSprop([w]).step()
"""

NOT_NUMBERS = """\
import torch

torch.manual_seed(6)
w = torch.randn(9, requires_grad=True)
(w * torch.tensor([torch.nan, *range(8)])).sin().sum().backward()
torch.optim.SGD([w], lr=0.1).step()
"""


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (CHANGED_BETWEEN, "the script changed it before more was added"),
        (OVERFLOWN, "it left the range of half precision on its way"),
        (UNKNOWN_WRITE, "forward of CopySlices"),
        (SCALED, "1.52587890625e-05 by which the script scaled"),
        (GRADIENT_OF_A_GRADIENT, "no template with output 1"),
        (NOT_NUMBERS, ""),
        (USED_LATER, ""),
        (WATCHED, ""),
        (SPECIAL_CASES, ""),
        (NAN_PASSES, ""),
        (ODD_SHAPES, "a tensor without elements"),
        (INFINITE, ""),
    ],
    ids=[
        "changed",
        "overflown",
        "write",
        "scaled",
        "double",
        "nan",
        "later",
        "watched",
        "special",
        "nans",
        "odd",
        "infinite",
    ],
)
def test_what_a_script_may_do_besides(written: Write, script: str, said: str) -> None:
    code, output = written(script).run()
    assert code == 0, output
    assert said in output
    assert ("AS RECORDED" in output) is bool(said)


def test_gradients_that_hooks_replaced(written: Write) -> None:
    """Those before the hook are done by hand; a wrong formula there is noticed."""
    program = written(HOOKS)
    code, output = program.run()
    assert code == 0, output
    assert output.count("a hook may have c") == 3
    assert "grad_w_hooked" in output
    line = next(line for line in program.text.splitlines() if line.strip().startswith("grad_w = "))
    program.replace(line, line.replace(" = ", " = 1.01 * ", 1))
    code, output = program.run()
    assert code == 1
    assert [line.split()[0] for line in output.splitlines() if "OUT OF BOUNDS" in line] == ["grad_w"]


def test_lines_of_the_script_are_counted_as_python_counts_them(written: Write) -> None:
    """A form feed, which parts the pages of a source, ends no line."""
    program = written("import torch\n\x0c\nw = torch.ones(2, requires_grad=True)\n(w * w).sum().backward()\n")
    assert ":4  (w * w).sum().backward()" in program.text


def test_complex_numbers(written: Write) -> None:
    code, output = written(COMPLEX).run()
    assert code == 0, output
    assert "(complex numbers)" in output
    assert "grad_k " in output


def test_a_loss_scale_that_takes_gradients_out_of_half_precision(written: Write) -> None:
    program = written(SCALED_TOO_FAR)
    code, output = program.run()
    assert code == 0, output
    assert "some of it is too large for float16" in program.text
    assert "AS RECORDED" not in output


def test_what_checkpointing_computed_otherwise_the_second_time(written: Write) -> None:
    """A spectral norm comes nearer to the norm each time that it is computed."""
    code, output = written(DONE_AGAIN).run()
    assert code == 0, output
    assert "hooks, or checkpointing" in output


def test_complex_numbers_in_double_precision(written: Write) -> None:
    """The program counts in their precision, whichever of the step's dtypes comes first."""
    program = written(FINE_COMPLEX)
    assert "by_hand, other = step(np.float64, values), step(np.float32, values)" in program.text
    assert program.run()[0] == 0


def test_a_view_that_shows_numbers_several_times(written: Write) -> None:
    program = written(OVERLAPPING + "loss.backward()")
    assert program.run()[0] == 0
    assert "AS RECORDED" not in program.text
    assert "np.add.at" in program.text


def test_a_view_of_what_does_not_lie_in_order(written: Write) -> None:
    program = written(OUT_OF_ORDER)
    assert program.run()[0] == 0
    assert "forward of AsStridedBackward0 (as_strided of a tensor whose numbers do not lie in order)" in program.text
    assert "forward of AsStridedBackward0 (as_strided of what lies beyond the tensor)" in program.text


def test_a_complex_number_alone(written: Write) -> None:
    code, output = written(ONE_COMPLEX).run()
    assert code == 0, output
    assert "(complex numbers)" in output


def test_a_tensor_whose_numbers_are_not_known(written: Write) -> None:
    """It needed no gradient before a part of it was written over; what reads it is taken as recorded."""
    code, output = written(INTO_ZEROS).run()
    assert code == 0, output
    assert "what the tensor held before was not recorded" in output
    assert "grad_w " in output


def test_half_precision_under_an_optimizer_that_divides(written: Write) -> None:
    code, output = written(HALF).run()
    assert code == 0, output
    assert "gradients in half precision" in output
