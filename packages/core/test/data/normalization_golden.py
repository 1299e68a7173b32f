"""Writes normalization.json: what normalizations make of numbers, and their gradients, in float64.

    python normalization_golden.py     # needs torch

Group, layer and instance normalization are PyTorch's. The others are their papers' definitions, written with tensors and
differentiated by PyTorch; nothing of them is taken from the layers that are tested.
"""

import json
import pathlib

import torch
from torch import nn
from torch.nn import functional as F


def numbers(*shape, phase=0):
    """As `numbers` in evaluate.ts."""
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (torch.sin(12.9898 * (i + 1) + 78.233 * phase) * torch.cos(0.7 * i + phase)).reshape(shape)


def renorm(x, gamma, beta, mean, variance, r_max, d_max, epsilon=1e-5):
    """Ioffe (2017), algorithm 1: no gradient flows through r and d."""
    axes = [0, *range(2, x.ndim)]
    along = lambda v: v.reshape(1, -1, *[1] * (x.ndim - 2))
    batch_mean = x.mean(axes)
    sigma = torch.sqrt(epsilon + ((x - along(batch_mean)) ** 2).mean(axes))
    moving = torch.sqrt(variance + epsilon)
    r = torch.clip(sigma / moving, 1 / r_max, r_max).detach()
    d = torch.clip((batch_mean - mean) / moving, -d_max, d_max).detach()
    normalized = (x - along(batch_mean)) / along(sigma) * along(r) + along(d)
    return along(gamma) * normalized + along(beta)


def ghost(x, gamma, beta, size):
    """Hoffer et al. (2017), algorithm 1: each part of the batch by its own mean and deviation."""
    return torch.cat([F.batch_norm(part, None, None, gamma, beta, training=True) for part in x.split(size)])


def frn(x, gamma, beta, tau=None, learned=None, epsilon=1e-6):
    """Singh and Krishnan (2019), equations 1 to 3 and section 3.2."""
    along = lambda v: v.reshape(1, -1, *[1] * (x.ndim - 2))
    power = (x**2).mean([2, 3], keepdim=True) if x.ndim == 4 else x**2
    if learned is not None:
        power = power + along(learned).abs()
    y = along(gamma) * x / torch.sqrt(power + epsilon) + along(beta)
    return y if tau is None else torch.maximum(y, along(tau))


def case(x, compute, **extra):
    """The output and the gradients of its product with fixed numbers."""
    channels = x.shape[1]
    inputs = {"features": x, "gamma": 1 + 0.3 * numbers(channels, phase=1), "beta": 0.3 * numbers(channels, phase=2), **extra}
    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    y = compute(*leaves.values())
    (y * numbers(*y.shape, phase=3)).sum().backward()
    flat = lambda t: [float(f"{v:.10g}") for v in t.flatten().tolist()]
    return {
        "inputs": {name: {"shape": list(v.shape), "data": flat(v)} for name, v in inputs.items()},
        "y": flat(y.detach()),
        "gradients": {name: flat(v.grad) for name, v in leaves.items() if v.grad is not None},
    }


image = 2 * numbers(4, 4, 2, 3) + 1
rows = 2 * numbers(6, 4) + 1
states = {"runningMean": numbers(4, phase=4), "runningVariance": 1 + 0.5 * numbers(4, phase=5)}
cases = {
    "group": case(image, lambda x, g, b: F.group_norm(x, 2, g, b)),
    "group of features": case(rows, lambda x, g, b: F.group_norm(x, 2, g, b)),
    "layer": case(image, lambda x, g, b: F.layer_norm(x, x.shape[1:]) * g.reshape(1, -1, 1, 1) + b.reshape(1, -1, 1, 1)),
    "layer of features": case(rows, lambda x, g, b: F.layer_norm(x, x.shape[1:], g, b)),
    "instance": case(image, lambda x, g, b: F.instance_norm(x, weight=g, bias=b)),
    "renorm": case(image, lambda x, g, b, m, v: renorm(x, g, b, m, v, 3, 5), **states),
    "renorm, halfway": case(image, lambda x, g, b, m, v: renorm(x, g, b, m, v, 1 + 2 * 2 / 7, 5 * 2 / 4), **states),
    "ghost": case(image, lambda x, g, b: ghost(x, g, b, 2)),
    "ghost of features": case(rows, lambda x, g, b: ghost(x, g, b, 3)),
    "frn": case(image, frn),
    "frn, thresholded": case(image, lambda x, g, b, t: frn(x, g, b, t), tau=0.5 * numbers(4, phase=6)),
    "frn of features": case(rows, lambda x, g, b, e: frn(x, g, b, None, e), epsilonLearned=0.1 * numbers(4, phase=7)),
}
lines = [f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in cases.items()]
pathlib.Path(__file__).with_name("normalization.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
