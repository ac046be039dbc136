"""From the choices of “Load model…” to a plain, readable PyTorch script: a pure function."""

from __future__ import annotations

from gui.load_model.options import Loss, ModelOptions, Optimizer, size_rule

CLASSES = 1000

# How a model that returns more than one tensor while training weighs its auxiliary outputs (as in the papers).
AUXILIARY: dict[str, tuple[tuple[str, ...], str]] = {
    "inception_v3": (("aux_logits",), "0.4"),
    "googlenet": (("aux_logits1", "aux_logits2"), "0.3"),
}
LABELS: dict[Loss, str] = {
    "difference": "torch.rand({batch}, {classes})",
    "cross_entropy": "torch.randint({classes}, ({batch},))",
    "mse": "torch.rand({batch}, {classes})",
}
LOSSES: dict[Loss, str] = {
    "difference": "({prediction} - labels).sum()",
    "cross_entropy": "torch.nn.functional.cross_entropy({prediction}, labels)",
    "mse": "torch.nn.functional.mse_loss({prediction}, labels)",
}
OPTIMIZERS: dict[Optimizer, str] = {
    "sgd": "torch.optim.SGD(model.parameters(), lr={lr}, momentum=0.9)",
    "adam": "torch.optim.Adam(model.parameters(), lr={lr})",
    "adamw": "torch.optim.AdamW(model.parameters(), lr={lr})",
    "rmsprop": "torch.optim.RMSprop(model.parameters(), lr={lr})",
}


def generate(options: ModelOptions) -> str:
    """The script's text. Run without chainrule it does the same."""
    return "\n".join([*_head(options), *_model(options), *_data(options), *_loop(options)])


def _head(options: ModelOptions) -> list[str]:
    steps = "1 training step" if options.steps == 1 else f"{options.steps} training steps"
    imports = ["import torch", "import torchvision"]
    if options.weights != "random":
        imports = ["import sys", "", *imports]
    return [f'"""{options.model} of torchvision: {steps} on one random batch."""', "", *imports, "", _seed(options), ""]


def _seed(options: ModelOptions) -> str:
    return f"torch.manual_seed({options.seed})"


def _model(options: ModelOptions) -> list[str]:
    if options.weights == "pretrained":
        return _pretrained(options)
    lines = [f"model = {_constructor(options, 'None')}"]
    if options.weights == "random":
        return [*lines, f'print("{options.model} with random weights (seed {options.seed})")']
    return [*lines, *_from_file(options)]


def _constructor(options: ModelOptions, weights: str) -> str:
    rule = size_rule(options.model)
    arguments = [f"weights={weights}"]
    if rule.argument and weights == "None":
        arguments.append(rule.argument.format(options.size))
    if options.model in AUXILIARY and weights == "None":
        arguments.append("init_weights=True")
    return f"torchvision.models.{options.model}({', '.join(arguments)})"


def _pretrained(options: ModelOptions) -> list[str]:
    quoted = '"DEFAULT"'
    return [
        f'print("fetching the pretrained weights of {options.model}, unless they are here already …", flush=True)',
        "try:",
        f"    model = {_constructor(options, quoted)}",
        "except (OSError, RuntimeError) as error:",
        "    sys.exit(",
        f'        f"The pretrained weights of {options.model} could not be fetched: {{error}}\\n"',
        '        "Check the connection, or choose random weights or a local state_dict file."',
        "    )",
        f'print("{options.model} with pretrained weights")',
    ]


def _from_file(options: ModelOptions) -> list[str]:
    path = str(options.file)
    return [
        f"path = {path!r}",
        "try:",
        '    state_dict = torch.load(path, map_location="cpu", weights_only=True)',
        "except Exception:",
        '    sys.exit(f"{path} is not a file of tensors, as torch.save(model.state_dict(), path) writes it.")',
        "try:",
        "    model.load_state_dict(state_dict)",
        "except Exception as error:",
        f'    sys.exit(f"{{path}} does not fit {options.model}: {{error}}")',
        f'print(f"{options.model} with the weights of {{path}}")',
    ]


def _data(options: ModelOptions) -> list[str]:
    labels = LABELS[options.loss].format(batch=options.batch, classes=CLASSES)
    optimizer = OPTIMIZERS[options.optimizer].format(lr=f"{options.learning_rate:g}")
    return [
        "",
        f"images = torch.rand({options.batch}, 3, {options.size}, {options.size})",
        f"labels = {labels}",
        f"optim = {optimizer}",
        "",
        "model.train()",
    ]


def _loop(options: ModelOptions) -> list[str]:
    return [
        f"for step in range({options.steps}):",
        *(f"    {line}" for line in _forward(options)),
        "    optim.zero_grad()",
        "    loss.backward()",
        "    optim.step()",
        '    print(f"step {step}: loss {loss.item():.6g}")',
        "",
    ]


def _forward(options: ModelOptions) -> list[str]:
    loss = LOSSES[options.loss]
    # Pretrained googlenet comes without its auxiliary heads.
    if options.model not in AUXILIARY or (options.model == "googlenet" and options.weights == "pretrained"):
        return ["prediction = model(images)", f"loss = {loss.format(prediction='prediction')}"]
    heads, weight = AUXILIARY[options.model]
    lines = ["outputs = model(images)  # while training: the prediction and auxiliary ones from further down"]
    lines.append("prediction = outputs.logits")
    lines.append(f"loss = {loss.format(prediction='prediction')}")
    lines += [f"loss = loss + {weight} * {loss.format(prediction=f'outputs.{head}')}" for head in heads]
    return lines
