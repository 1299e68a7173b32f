"""Writes torch-training.json: what PyTorch 2.15 makes of the same gradients, averages and schedules, in float64.

python torch_training.py > torch-training.json
"""

import json

import torch
from torch.optim import SGD, Adam, AdamW, RMSprop
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.set_default_dtype(torch.float64)

RATE = 0.1
INITIAL = {"layer.weight": [[0.5, -1.0, 2.0], [0.1, 0.3, -0.7]], "layer.bias": [0.2, -0.4, 1.5]}
# Of four steps; 0.1 times the parameter is added, so that a gradient depends on what was learned.
GRADIENTS = [
    {
        "layer.weight": [[0.3 * t, -0.2 * (-1) ** t, 0.1 * t], [0.5, -0.1 * t, 0.05]],
        "layer.bias": [0.7 / t, -0.3, 0.02 * t],
    }
    for t in range(1, 5)
]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)
        self.layer.weight = torch.nn.Parameter(torch.tensor(INITIAL["layer.weight"]))
        self.layer.bias = torch.nn.Parameter(torch.tensor(INITIAL["layer.bias"]))


def values(model):
    return {name: p.detach().flatten().tolist() for name, p in model.named_parameters()}


def train(optimizer_of, clip=None, spared=None, after=lambda model: None):
    """Four steps. With `spared`, a weight decay of the weights alone."""
    model = Net()
    groups = list(model.parameters())
    if spared is not None:
        groups = [{"params": [model.layer.weight], "weight_decay": spared}, {"params": [model.layer.bias], "weight_decay": 0}]
    optimizer = optimizer_of(groups)
    for gradients in GRADIENTS:
        for name, p in model.named_parameters():
            p.grad = torch.tensor(gradients[name]) + 0.1 * p.detach()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        after(model)
    return model


def averaged(decay_of):
    model = None

    def average(average_p, p, count):
        return torch.lerp(p, average_p, decay_of(int(count)))

    def update(net):
        nonlocal model
        model = model or AveragedModel(net, avg_fn=average)
        model.update_parameters(net)

    train(lambda g: SGD(g, RATE), after=update)
    return values(model.module)


def ema(decay):
    model = None

    def update(net):
        nonlocal model
        model = model or AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(decay))
        model.update_parameters(net)

    train(lambda g: SGD(g, RATE), after=update)
    return values(model.module)


def swa():
    model = None

    def update(net):
        nonlocal model
        model = model or AveragedModel(net)
        model.update_parameters(net)

    train(lambda g: SGD(g, RATE), after=update)
    return values(model.module)


def one_cycle(steps, **options):
    optimizer = SGD(Net().parameters(), 1)
    schedule = OneCycleLR(optimizer, max_lr=1, total_steps=steps, cycle_momentum=False, **options)
    rates = []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step() if len(rates) < steps else None
    return rates


def plateau(scores, **options):
    optimizer = SGD(Net().parameters(), 1)
    schedule = ReduceLROnPlateau(optimizer, **options)
    rates = []
    for score in scores:
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step(score)
    return rates


FALLING = [2, 1.5, 1.5, 1.49999, 1.4, 1.45, 1.41, 1.4, 1.39999, 1.2, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3]
RISING = [0.2, 0.5, 0.5, 0.50001, 0.6, 0.59, 0.58, 0.6, 0.60001, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]

print(
    json.dumps(
        {
            "torch": torch.__version__,
            "rate": RATE,
            "initial": INITIAL,
            "gradients": GRADIENTS,
            "optimizers": {
                "sgd": values(train(lambda g: SGD(g, RATE))),
                "sgd with momentum and decay": values(train(lambda g: SGD(g, RATE, momentum=0.9), spared=0.01)),
                "sgd with decay of all": values(train(lambda g: SGD(g, RATE, momentum=0.9, weight_decay=0.01))),
                "sgd with Nesterov momentum": values(train(lambda g: SGD(g, RATE, momentum=0.9, nesterov=True))),
                "adam": values(train(lambda g: Adam(g, RATE))),
                "adam with decay": values(train(lambda g: Adam(g, RATE), spared=0.05)),
                "adamW": values(train(lambda g: AdamW(g, RATE), spared=0.01)),
                "adamW with decay of all": values(train(lambda g: AdamW(g, RATE, weight_decay=0.1))),
                "rmsprop": values(train(lambda g: RMSprop(g, RATE))),
                "rmsprop with momentum and decay": values(
                    train(lambda g: RMSprop(g, RATE, alpha=0.9, momentum=0.5), spared=0.01)
                ),
                "clipped adamW": values(train(lambda g: AdamW(g, RATE), clip=1, spared=0.01)),
                "sgd clipped where it is large": values(train(lambda g: SGD(g, RATE), clip=1.2)),
            },
            "averages": {
                "ema": ema(0.1),
                "ema with warm-up": averaged(lambda n: min(0.3, (1 + n) / (10 + n))),
                "swa": swa(),
            },
            "oneCycle": {
                "default": one_cycle(50),
                "of 7 steps": one_cycle(7),
                "long rise": one_cycle(20, pct_start=0.55, div_factor=10, final_div_factor=100),
            },
            "plateau": {
                "falling": FALLING,
                "rising": RISING,
                "rates": {
                    "falling": plateau(FALLING, factor=0.5, patience=1),
                    "rising": plateau(RISING, mode="max", factor=0.1, patience=2),
                    "patience 0": plateau(FALLING, factor=0.5, patience=0, threshold=0.1),
                },
            },
        },
        indent=1,
    )
)
