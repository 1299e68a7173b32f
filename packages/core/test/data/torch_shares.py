"""Writes torch-shares.json: two steps of a network whose batches are divided without synchronized batch normalization, in float64.

    python torch_shares.py > torch-shares.json     # needs torch

Two equal shares are trained by DistributedDataParallel, one in each of two processes. Unequal ones, which it weighs alike, are
trained one after the other, each loss weighted by its examples. The running statistics are the mean of the shares' own, also
weighted: DistributedDataParallel would keep those of the first process.
"""

import json
import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

torch.set_default_dtype(torch.float64)
RATE, MOMENTUM, CLIP, STEPS = 0.5, 0.9, 0.3, 2


def numbers(*shape, phase=0):
    """As `numbers` in evaluate.ts, in single precision."""
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (torch.sin(12.9898 * (i + 1) + 78.233 * phase) * torch.cos(0.7 * i + phase)).reshape(shape).float().double()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 3)
        self.bn1 = nn.BatchNorm2d(3)
        self.hidden = nn.Linear(48, 5)
        self.bn2 = nn.BatchNorm1d(5)
        self.out = nn.Linear(5, 3)
        for phase, (name, p) in enumerate(self.named_parameters()):
            # Gamma begins at 1.
            p.data = torch.ones(p.shape) if name in ("bn1.weight", "bn2.weight") else numbers(*p.shape, phase=phase)

    def forward(self, x):
        x = torch.sigmoid(self.bn1(self.conv1(x)))
        return self.out(torch.sigmoid(self.bn2(self.hidden(x.flatten(1)))))


def batch(examples, step):
    # Later examples are larger, so that shares have statistics of their own.
    scale = 2.0 ** (torch.arange(examples) // 3).reshape(-1, 1, 1, 1)
    return scale * numbers(examples, 1, 6, 6, phase=40 + step), torch.arange(examples) % 3


def flat(tensors):
    return {name: [float(f"{v:.12g}") for v in t.flatten().tolist()] for name, t in tensors}


def statistics(net):
    return {name: b.clone() for name, b in net.named_buffers() if b.is_floating_point()}


def record(net, loss, correct, update):
    gradients = flat((name, p.grad.clone()) for name, p in net.named_parameters())
    update()
    return {
        "loss": loss,
        "correct": correct,
        "gradients": gradients,
        "values": flat([*net.named_parameters(), *statistics(net).items()]),
    }


def updater(net):
    optimizer = torch.optim.SGD(net.parameters(), RATE, momentum=MOMENTUM)

    def update():
        nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        optimizer.step()

    return optimizer, update


def shares(sizes):
    net = Net()
    optimizer, update = updater(net)
    examples = sum(sizes)
    steps = []
    for step in range(STEPS):
        features, labels = batch(examples, step)
        before = statistics(net)
        means = {name: torch.zeros_like(b) for name, b in before.items()}
        optimizer.zero_grad()
        loss, correct = 0.0, 0
        for x, y in zip(features.split(sizes), labels.split(sizes)):
            net.load_state_dict(before, strict=False)
            output = net(x)
            own = nn.functional.cross_entropy(output, y) * (len(x) / examples)
            own.backward()
            loss += own.item()
            correct += int((output.argmax(1) == y).sum())
            for name, b in statistics(net).items():
                means[name] += b * (len(x) / examples)
        net.load_state_dict(means, strict=False)
        steps.append(record(net, loss, correct, update))
    return {"sizes": sizes, "steps": steps}


def rank_of(rank, ranks, examples, results):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29531")
    torch.set_default_dtype(torch.float64)
    dist.init_process_group("gloo", rank=rank, world_size=ranks)
    net = Net()
    together = DistributedDataParallel(net, broadcast_buffers=False)
    optimizer, update = updater(net)

    def mean(value):
        value = torch.as_tensor(value, dtype=torch.float64)
        dist.all_reduce(value)
        return value / ranks

    steps = []
    for step in range(STEPS):
        features, labels = batch(examples, step)
        x, y = features.chunk(ranks)[rank], labels.chunk(ranks)[rank]
        optimizer.zero_grad()
        output = together(x)
        loss = nn.functional.cross_entropy(output, y)
        loss.backward()
        correct = ranks * mean((output.argmax(1) == y).sum())
        net.load_state_dict({name: mean(b) for name, b in statistics(net).items()}, strict=False)
        steps.append(record(net, mean(loss.detach()).item(), round(correct.item()), update))
    if rank == 0:
        results.put({"sizes": [examples // ranks] * ranks, "steps": steps})
    dist.destroy_process_group()


def distributed(ranks, examples):
    context = torch.multiprocessing.get_context("spawn")
    results = context.Queue()
    torch.multiprocessing.spawn(rank_of, (ranks, examples, results), nprocs=ranks, join=False)
    return results.get(timeout=120)


if __name__ == "__main__":
    golden = {
        "torch": torch.__version__,
        "rate": RATE,
        "momentum": MOMENTUM,
        "clip": CLIP,
        "cases": {"two equal shares, by DistributedDataParallel": distributed(2, 12), "unequal shares": shares([3, 4, 4])},
    }
    print(json.dumps(golden, indent=1))
