"""Ordinary training scripts, which tests record and have written as programs."""

from __future__ import annotations

MLP = """\
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Dropout(0.25), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-3)
data = torch.randn(8, 12)
labels = torch.randint(0, 4, (8,))
for _ in range(2):
    logits = model(data)
    loss = nn.functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

CONVOLUTIONS = """\
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 12, 3, groups=2, bias=False), nn.BatchNorm2d(12), nn.ReLU(inplace=True), nn.AvgPool2d(2),
    nn.Flatten(), nn.Linear(12, 5),
)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9, nesterov=True, weight_decay=1e-4)
images = torch.rand(4, 3, 16, 16)
labels = torch.randint(0, 5, (4,))
for _ in range(2):
    loss = nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

TRANSFORMER = """\
import torch
from torch import nn

torch.manual_seed(0)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 16)
        self.position = nn.Parameter(torch.randn(7, 16) * 0.1)
        layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.1, activation=ACTIVATION, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(16, 5)

    def forward(self, tokens):
        x = self.embedding(tokens) + self.position
        x = self.encoder(x)
        return self.head(x.mean(dim=1))


model = Tagger().train(TRAINING)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
tokens = torch.randint(0, 30, (3, 7))
labels = torch.randint(0, 5, (3,))
for _ in range(2):
    logits = model(tokens)
    loss = nn.functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

RESNET = """\
import torch
from torchvision.models.resnet import BasicBlock, ResNet

torch.manual_seed(0)
model = ResNet(BasicBlock, [1, 1, 1, 1])
images = torch.rand(1, 3, 64, 64)
labels = torch.rand(1, 1000)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
loss = (model(images) - labels).sum()
loss.backward()
optimizer.step()
"""

# Every type of node that has a template, in one step.
EVERYTHING = """\
import torch
from torch.nn import functional as F

torch.manual_seed(1)
w = torch.randn(3, 4, requires_grad=True)
p = (torch.rand(3, 4) * 0.8 + 0.1).requires_grad_()
v = torch.randn(4, requires_grad=True)
kernel = torch.randn(4, 3, 3, 3, requires_grad=True)
thin = torch.randn(6, 2, 3, requires_grad=True)
offset = torch.randn(6, requires_grad=True)
gain = torch.randn(4, requires_grad=True)
table = torch.randn(10, 4, requires_grad=True)
image, mask = torch.randn(2, 4, 9, 9), torch.tensor([[True, False, True]] * 3)
labels, share = torch.tensor([1, 0, 3]), torch.rand(3, 4)
optimizer = torch.optim.RMSprop([w, p, v, kernel, thin, offset, gain, table], lr=0.01, momentum=0.5, centered=True)
functions = (
    torch.neg, torch.exp, torch.exp2, torch.expm1, torch.log, torch.log2, torch.log10, torch.log1p, torch.sqrt,
    torch.rsqrt, torch.reciprocal, torch.sin, torch.cos, torch.tan, torch.sinh, torch.cosh, torch.tanh, torch.asin,
    torch.acos, torch.atan, torch.sigmoid, torch.abs, torch.erf, F.elu, F.gelu, F.silu, F.softplus, F.hardswish,
    F.hardsigmoid, F.leaky_relu, F.relu, F.relu6, lambda x: F.gelu(x, approximate="tanh"), F.selu, F.celu,
    torch.asinh, torch.atanh, lambda x: torch.acosh(x + 1), torch.floor, torch.ceil, torch.trunc, torch.round,
    torch.sign, torch.sgn, F.softshrink, F.hardshrink, lambda x: F.threshold(x, 0.4, -1.0), lambda x: x.clamp_min(0.3),
    lambda x: x.clamp_max(0.6), lambda x: F.elu(x * 2, inplace=True), lambda x: F.leaky_relu(x * 2, inplace=True),
    lambda x: F.celu(x * 2, inplace=True),
    lambda x: F.hardsigmoid(x.double()), lambda x: F.selu(x - 0.5), lambda x: F.celu(x - 0.5, alpha=0.7),
)
for _ in range(2):
    loss = sum(function(p - 0.0).mean() for function in functions)
    loss = loss + w.clamp(-0.5, 0.7).sum() + w.clamp(min=0.1).sum(1).mean() + (2 - w).sum() + (w - 3 * p).pow(3).sum()
    loss = loss + (1 / p).sum() + (w / p).sum() + (p**p).sum() + (v + w).sum(0).mean() + torch.add(w, v, alpha=2).mean()
    loss = loss + torch.sub(w, p, alpha=0.5).mean() + torch.where(w > 0, w, p).sum() + w.masked_fill(w > 1, 0.5).sum()
    loss = loss + torch.rsub(w, p, alpha=2).mean() + torch.native_dropout(w, 0.5, True)[0].sum()
    moved = w.reshape(4, 3).t().transpose(0, 1).unsqueeze(0).expand(2, 4, 3).permute(2, 0, 1).contiguous()
    loss = loss + moved.repeat(2, 1, 2).flip(0)[:, 1:, ::2].sum() + w[1].sum() + torch.cat([w, p], 1)[0, 3:6].sum()
    loss = loss + torch.stack([w, p], 2).select(2, 1).sum() + w[None].squeeze(0).mean() + w[None].squeeze().mean()
    left, right = w.split(2, dim=1)
    few, many = p.split([1, 3], dim=1)
    first, second, third = p.unbind(0)
    loss = loss + (right * 2).sum() + many.sum() + (first * third).sum() + w[[0, 2, 0]].sum() + w[:, [0, 1, 1]].mean()
    loss = loss + w.gather(1, labels[:, None]).sum() + w.index_select(1, labels).mean()
    loss = loss + F.embedding(labels, table, padding_idx=0).mean() + w.max(dim=1).values.sum()
    loss = loss + w.min(dim=0, keepdim=True).values.sum() + w.mean((0, 1), keepdim=True).sum() + w.double().mean()
    loss = loss + (w @ p.t()).sum() + torch.bmm(w[None], p[None].mT).sum() + w.mv(v).sum() + v.dot(v)
    loss = loss + torch.addmm(w, w, p.T @ w, beta=0.5, alpha=2).mean()
    loss = loss + torch.baddbmm(w[None], w[None], (p.T @ w)[None]).mean()
    loss = loss + F.conv_transpose2d(image, kernel, stride=2, padding=1, output_padding=1).mean()
    narrow = kernel.transpose(0, 1)[:, :, :, :2].contiguous()
    loss = loss + F.conv2d(image, narrow, stride=(2, 1), dilation=2, padding=(1, 2)).mean()
    loss = loss + F.conv1d(image[:, :, 0], thin, offset, groups=2, padding="same").mean()
    z = image * gain[:, None, None]
    loss = loss + F.conv_transpose2d(z, kernel, dilation=2, output_padding=1).square().mean()
    loss = loss + (F.max_pool2d(z, 3, 2, 1) * 1.5).mean() + F.max_pool3d(z[None], 2).mean()
    loss = loss + F.avg_pool2d(z, 2, 1, 1).pow(2).mean() + F.avg_pool3d(z[None], 2).pow(2).mean()
    loss = loss + F.adaptive_avg_pool2d(z, (4, 2)).pow(2).mean() + F.group_norm(z, 2, gain, v).pow(2).mean()
    loss = loss + F.layer_norm(z, [9, 9]).mul(image).mean() + F.max_pool1d(z[:, :, 0], 2).mean()
    loss = loss + F.batch_norm(z, torch.zeros(4), torch.ones(4), gain, v).pow(2).mean()
    loss = loss + F.instance_norm(z, weight=gain, bias=v).mul(image).mean()
    loss = loss + F.mse_loss(w, p) + F.l1_loss(w, p, reduction="sum") + F.smooth_l1_loss(w, p)
    loss = loss + F.huber_loss(w, p, delta=0.7) + F.binary_cross_entropy(p, share)
    loss = loss + F.binary_cross_entropy_with_logits(w, share) + F.cross_entropy(w, labels, label_smoothing=0.1)
    loss = loss + F.softmax(w, 0)[0].sum() + F.nll_loss(w.log_softmax(1), labels, reduction="sum")
    loss = loss + w.var(1).sum() + w.std() + w.norm() + w.norm(dim=0, keepdim=True).sum() + w.logsumexp(1).sum()
    loss = loss + (w.cumsum(0) * share).sum() + w.amax(1).sum() + w.amin((0, 1)) + w.max() + w.min() + F.mish(w).mean()
    loss = loss + F.logsigmoid(w).mean() + F.prelu(w, gain).mean()
    loss = loss + torch.maximum(w, p).sum() + torch.minimum(w, p).sum() + F.pad(w, (1, 2, 0, 1), value=2.0).sum()
    loss = loss + w.roll(1).mul(share).sum() + w.roll((1, 2), (0, 1)).mul(share).sum()
    loss = loss + w.tril().sum() + w.triu(1).sum() + F.max_pool2d(z, 4, 3, ceil_mode=True).mul(1.5).mean()
    loss = loss + F.batch_norm(z, None, None, training=True).mul(image).mean()
    changed = w * 1.0
    changed[:, 1] = p[:, 0]
    changed[0].mul_(v)
    changed[1:, 2:].add_(p[1:, :2])
    changed[:, :2].sub_(2.0)
    loss = loss + (changed * share).sum() + F.dropout((p * 1.0).view(-1), 0.5, inplace=True).sum()
    loss = loss + (w * 1.0).as_strided((2, 3), (6, 2), 1).sum()
    loss = loss + torch.atan2(w, p).sum() + torch.hypot(w, p).mean() + torch.lerp(w, p, 0.3).sum()
    loss = loss + torch.lerp(w, p, p * p).mean() + torch.addcmul(w, p, w, value=2).sum() + torch.addcdiv(w, w, p).mean()
    loss = loss + (w.topk(2, 0).values * share[:2]).sum() + (w.sort(1).values * share).sum()
    loss = loss + (w.sort(dim=0, stable=True, descending=True).values * share).sum() + w.masked_select(mask[:, :1]
        .expand(3, 4)).sum() + w.gather(0, labels[None, :2] % 3).sum()
    loss = loss + (w * 1).index_put((labels % 3, labels), p[:, 0] * 2).mul(share).sum()
    loss = loss + (w * 1).index_put_((labels % 3,), p[0] * 2, accumulate=True).mul(share).sum()
    loss = loss + (w * 1).index_add(1, labels, p[:, :3] * 2, alpha=0.5).mul(share).sum()
    loss = loss + (w * 1).scatter_add(0, labels[None, :2] % 3, p[:1, :2] * 2).mul(share).sum()
    moved = (w * 1).unsqueeze_(0).transpose_(0, 1).squeeze_(1)
    loss = loss + (moved * share).sum() + moved[None, None].squeeze((0, 1)).mean()
    loss = loss + F.interpolate(z, scale_factor=2).pow(2).mean() + F.interpolate(z[:, :, 0], 27).pow(2).mean()
    loss = loss + F.interpolate(z, (5, 13), mode="bilinear").pow(2).mean() + F.interpolate(z[None, :, 0], 18).mean()
    loss = loss + F.interpolate(z, scale_factor=1.5, mode="bilinear", align_corners=True).pow(2).mean()
    loss = loss + F.interpolate(z[:, :, None], scale_factor=2).pow(2).mean()
    for how in ("reflect", "replicate"):
        loss = loss + F.pad(z, (1, 2, 0, 3), mode=how).pow(2).mean() + F.pad(z[0], (2, 1), mode=how).pow(2).mean()
        loss = loss + F.pad(z[None], (1, 0, 2, 1, 1, 1), mode=how).pow(2).mean()
    heads = w[None, None], p[None, None], w[None, None]
    loss = loss + F.scaled_dot_product_attention(*heads, is_causal=True).sum()
    loss = loss + F.scaled_dot_product_attention(*heads, attn_mask=mask).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

# What the script does in the middle of an ordinary step is said by VARIANT.
VARIANTS = """\
import torch
from torch import nn

torch.manual_seed(0)
dtype = {"float64": torch.float64, "bfloat16": torch.bfloat16}.get(VARIANT, torch.float32)
model = nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 9), nn.Tanh(), nn.Linear(9, 1)).to(dtype)
step = number = None
values = torch.randn(5, 6, dtype=dtype)
np = torch.randn(5, 1, dtype=dtype)
kind = getattr(torch.optim, VARIANT, torch.optim.SGD)
options = {"amsgrad": True, "maximize": True} if kind is torch.optim.AdamW else {}
optimizer = kind(model.parameters(), lr=0.1, **options)


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


def miss(factor=1):
    main = model(values * factor)
    if VARIANT == "custom":
        main = Twice.apply(main)
    if VARIANT == "hook":
        main.register_hook(lambda grad: grad * 3)
    return ((main - np) ** 2).mean()


def closure():
    optimizer.zero_grad()
    loss = miss()
    loss.backward()
    return loss


for _ in range(2):
    if VARIANT == "LBFGS":
        optimizer.step(closure)
        continue
    optimizer.zero_grad(set_to_none=VARIANT != "zeros")
    loss = miss()
    if VARIANT == "grad":
        with torch.no_grad():
            for parameter, grad in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters()))):
                parameter -= 0.1 * grad
        continue
    loss.backward(retain_graph=VARIANT == "retained")
    if VARIANT == "retained":
        (loss * 2).backward()
    if VARIANT == "accumulated":
        miss(2).backward()
    if VARIANT == "clipped":
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    if VARIANT == "noisy":
        for parameter in model.parameters():
            parameter.grad.add_(torch.randn_like(parameter))
    optimizer.step()
"""
