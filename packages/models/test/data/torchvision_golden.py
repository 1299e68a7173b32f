"""Writes torchvision.json: what torchvision's networks compute from weights that a formula gives for their names.

    python torchvision_golden.py [network ...]     # needs torch and torchvision

All in float64: in float32, an activation next to zero may fall on either side, and gradients with it.
"""

import json
import pathlib
import sys
import zlib

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torchvision import models, ops


def noise(name, size):
    """Numbers in -1..1 by name and index: a hash, the same in torchvision.ts."""
    x = np.arange(size, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(zlib.crc32(name.encode()))
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x45D9F3B)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x45D9F3B)
    x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2**31 - 1


def value(name, shape):
    """Weights as of He's initialization; other values around 1 or 0."""
    u = noise(name, int(np.prod(shape))).reshape(shape)
    if len(shape) > 1:
        u = u * np.sqrt(6 / np.prod(shape[1:]))
    elif name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif name.endswith("weight"):
        u = 1 + 0.2 * u
    else:
        u = 0.2 * u
    return torch.from_numpy(u.astype(np.float32).astype(np.float64))


def compute(net, own, x, classes):
    """Logits in inference; loss and changes of a step of gradient descent, each as its size and its product with noise."""
    net.load_state_dict(own, strict=False)
    net.eval()
    with torch.no_grad():
        logits = net(x)
    net.train()
    loss = cross_entropy(net(x), torch.arange(len(x)) % classes)
    net.zero_grad()
    loss.backward()
    torch.optim.SGD(net.parameters(), lr=1).step()
    changes = []
    for name, after in sorted(net.state_dict().items()):
        if name in own:
            change = (after - own[name]).numpy().ravel()
            changes.append([np.linalg.norm(change), change @ noise(f"change of {name}", change.size)])
    return {"logits": logits.flatten().numpy(), "loss": loss.item(), "changes": np.array(changes)}


def golden(build, shape, classes=10):
    net = build(num_classes=classes).double()
    for part in net.modules():
        if isinstance(part, (torch.nn.Dropout, ops.StochasticDepth)):
            part.p = 0
    own = {name: value(name, t.shape) for name, t in net.state_dict().items() if t.dtype.is_floating_point}
    contrast = np.arange(1, shape[0] + 1).reshape(-1, 1, 1, 1)
    x = (noise("features", int(np.prod(shape))).reshape(shape) * contrast).astype(np.float32)
    result = compute(net, own, torch.from_numpy(x.astype(np.float64)), classes)
    print(build.__name__, result["loss"])
    rounded = lambda v: [rounded(e) for e in v] if np.ndim(v) else float(f"{v:.7g}")
    return {"shape": shape, "classes": classes} | {name: rounded(v) for name, v in result.items()}


def flat(build, features, **options):
    """VGG and AlexNet on images so small that the mean over 7×7 places is of one alone, as if it were not there."""

    def build_flat(num_classes):
        net = build(num_classes=num_classes, **options)
        net.avgpool = torch.nn.Identity()
        at = next(i for i, part in enumerate(net.classifier) if isinstance(part, torch.nn.Linear))
        net.classifier[at] = torch.nn.Linear(features, 4096)
        return net

    build_flat.__name__ = build.__name__
    return build_flat


def googlenet(num_classes):
    return models.googlenet(num_classes=num_classes, aux_logits=False, init_weights=False)


small = [2, 3, 64, 64]
# Deeper ones of the same blocks: a step of them shows nothing more.
alike = ["resnet34", "vgg11", "vgg16", "mobilenet_v3_large"]
networks = {
    "resnet18": (models.resnet18, small),
    "resnet34": (models.resnet34, small),
    "resnet50": (models.resnet50, small),
    "alexnet": (flat(models.alexnet, 256), small),
    "vgg11": (flat(models.vgg11, 4 * 512), small),
    "vgg11_bn": (flat(models.vgg11_bn, 4 * 512), small),
    "vgg16": (flat(models.vgg16, 4 * 512), small),
    "googlenet": (googlenet, small),
    "densenet121": (models.densenet121, small),
    "mobilenet_v2": (models.mobilenet_v2, small),
    "mobilenet_v3_small": (models.mobilenet_v3_small, small),
    "mobilenet_v3_large": (models.mobilenet_v3_large, small),
    "efficientnet_b0": (models.efficientnet_b0, small),
    "shufflenet_v2_x1_0": (models.shufflenet_v2_x1_0, small),
}

if __name__ == "__main__":
    file = pathlib.Path(__file__).with_name("torchvision.json")
    results = json.loads(file.read_text()) if file.exists() else {}
    results |= {name: golden(*networks[name]) for name in sys.argv[1:] or networks}
    for name in alike:
        results[name]["changes"] = []
    lines = [f"{json.dumps(name)}: {json.dumps(results[name], separators=(',', ':'))}" for name in networks if name in results]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")
