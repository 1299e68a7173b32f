"""Writes torch-grad-cam.json: Grad-CAM of a small network, by PyTorch's autograd. python torch_grad_cam.py"""

import json
from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
layers = nn.ModuleDict({
    "conv1": nn.Conv2d(3, 4, 3, padding=1),
    "bn1": nn.BatchNorm2d(4),
    "relu1": nn.ReLU(),
    "pool1": nn.MaxPool2d(2),
    "conv2": nn.Conv2d(4, 5, 3),
    "relu2": nn.ReLU(),
    "flatten": nn.Flatten(),
    "dense": nn.Linear(5 * 2 * 2, 3),
})
for parameter in layers.parameters():
    nn.init.normal_(parameter, 0.1, 0.4)
nn.init.uniform_(layers["bn1"].running_mean, -0.5, 0.5)
nn.init.uniform_(layers["bn1"].running_var, 0.5, 2)
layers.eval()

features = torch.rand(3, 3, 8, 8)
classes = torch.tensor([0, 2, 1])


def grad_cam(target):
    x = features
    for name, layer in layers.items():
        x = layer(x)
        if name == target:
            activation = x
            activation.retain_grad()
    layers.zero_grad()
    x[torch.arange(len(classes)), classes].sum().backward()
    weights = activation.grad.mean(dim=(2, 3), keepdim=True)
    return torch.relu((weights * activation).sum(dim=1)).detach()


def numbers(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{v:.8g}") for v in tensor.flatten().tolist()]}


names = {"weight": "gamma", "bias": "beta", "running_mean": "runningMean", "running_var": "runningVariance"}
values = {}
for path, tensor in layers.state_dict().items():
    layer, name = path.split(".")
    if name != "num_batches_tracked":
        values[f"{layer}.{names[name] if layer == 'bn1' else name}"] = numbers(tensor)

result = {
    "torch": torch.__version__,
    "features": numbers(features),
    "classes": classes.tolist(),
    "values": values,
    "maps": {target: numbers(grad_cam(target)) for target in ("relu1", "conv2", "relu2")},
}
Path(__file__).with_name("torch-grad-cam.json").write_text(json.dumps(result) + "\n")
