"""Writes torch-cnn.onnx, a small network as PyTorch exports it, with values that are not those of a fresh one.

    pip install torch onnx
    python export_torch_cnn.py
"""

import pathlib

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=2)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        return F.relu(x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=2, dilation=2), nn.BatchNorm2d(4), nn.LeakyReLU(0.1))
        self.pool = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)
        self.block = Block(4)
        self.down = nn.Conv2d(4, 6, 1)
        self.dropout = nn.Dropout(0.5)
        self.hidden = nn.Linear(30, 8)
        self.bn = nn.BatchNorm1d(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.block(self.pool(self.stem(x)))
        x = torch.clamp(self.down(x), -2.0, 2.5)
        x = torch.cat([F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False).flatten(2), x.mean((2, 3), keepdim=True).flatten(2)], 2)
        x = x.view(x.size(0), -1)
        x = torch.tanh(self.bn(self.hidden(self.dropout(x))))
        return self.head(x)


torch.manual_seed(0)
net = Net()
net.train()
for _ in range(20):  # so that running statistics are those of something
    net(torch.rand(8, 1, 14, 14))
for name, p in net.named_parameters():
    if "bn" in name or "stem.1" in name:
        p.data += torch.rand_like(p) * 0.2
net.eval()
path = pathlib.Path(__file__).with_name("torch-cnn.onnx")
example = torch.rand(2, 1, 14, 14)
axes = {"image": {0: "batch"}, "scores": {0: "batch"}}
# Not folded, as for training: otherwise batch normalization would be in the convolutions.
torch.onnx.export(
    net, (example,), path, input_names=["image"], output_names=["scores"], dynamic_axes=axes, opset_version=17,
    do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE, dynamo=False,
)
