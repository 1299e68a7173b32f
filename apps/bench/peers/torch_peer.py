"""PyTorch: eager, or with the model and the optimizer's step compiled."""

import platform

import torch
from exchange import cannot, converse, images, repeat, settings
from torch import nn

torch.set_num_threads(settings["threads"])
torch.manual_seed(settings["seed"])


def residual_block(inputs, outputs, stride):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, stride, 1),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
                nn.Conv2d(outputs, outputs, 3, 1, 1),
                nn.BatchNorm2d(outputs),
            )
            same = inputs == outputs and stride == 1
            self.skip = nn.Identity() if same else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

        def forward(self, x):
            return torch.relu(self.body(x) + self.skip(x))

    return Block()


def build(layers):
    """The network that a list of layers, each `[kind, …]`, describes; sizes of inputs follow from a first example."""
    modules, x = [], torch.zeros(2, *settings["shape"])
    for kind, *arguments in layers:
        size = x.shape[1]
        module = {
            "conv": lambda channels, kernel, padding: nn.Conv2d(size, channels, kernel, padding=padding),
            "bn": lambda: nn.BatchNorm2d(size) if x.dim() == 4 else nn.BatchNorm1d(size),
            "sigmoid": nn.Sigmoid,
            "relu": nn.ReLU,
            "avgPool": nn.AvgPool2d,
            "maxPool": nn.MaxPool2d,
            "residual": lambda channels, stride: residual_block(size, channels, stride),
            "globalPool": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            "flatten": nn.Flatten,
            "dense": lambda units: nn.Linear(size, units),
        }[kind](*arguments)
        modules.append(module)
        x = module(x)
    return nn.Sequential(*modules)


def initialize(module):
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


def named(name):
    try:
        from torchvision.models import get_model
    except ImportError:
        cannot(f"{name} is torchvision's, which this Python lacks", **identity)
    return get_model(name, weights=None, num_classes=10)


identity = {"name": "PyTorch", "version": torch.__version__, "runtime": f"Python {platform.python_version()}"}
if settings.get("named"):
    network = named(settings["named"])
else:
    network = build(settings["layers"])
    network.apply(initialize)
optimizer = torch.optim.SGD(network.parameters(), lr=settings["learningRate"])
criterion = nn.CrossEntropyLoss()
features, labels = (torch.from_numpy(array) for array in images("train"))
test_features, _ = (torch.from_numpy(array) for array in images("t10k"))


def step(x, y):
    optimizer.zero_grad()
    output = network(x)
    loss = criterion(output, y)
    loss.backward()
    optimizer.step()
    return loss.detach() * len(x), (output.argmax(1) == y).sum()


def predict(x):
    return network(x).argmax(1)


if settings["variant"] == "compiled":
    # Forward, backward and update as one graph, for each batch size that occurs.
    torch._dynamo.config.compiled_autograd = True
    step = torch.compile(step, dynamic=False)
    predict = torch.compile(predict, dynamic=False)


def train(limit=None):
    network.train()
    order = torch.randperm(len(features))[:limit]
    total = torch.zeros(())
    for chosen in order.split(settings["batchSize"]):
        loss, _ = step(features[chosen], labels[chosen])
        total += loss
    return float(total) / len(order)


def one_step():
    network.train()
    return float(step(features[: settings["batchSize"]], labels[: settings["batchSize"]])[0])


@torch.no_grad()
def predict_batch(size):
    network.eval()
    return predict(test_features[:size]).numpy()


def peak():
    a = torch.rand(1024, 1024)
    return 2 * 1024**3 / min(repeat(lambda: a @ a, 0.5))


converse(
    identity,
    one_step,
    train,
    predict_batch,
    peak,
)
