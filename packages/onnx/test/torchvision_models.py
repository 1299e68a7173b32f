"""Writes torchvision's classifiers as ONNX files, by both of PyTorch's exporters, for import-figures.verify.ts.

    python torchvision_models.py                  # the names of all
    python torchvision_models.py FOLDER NAME …    # NAME.script.onnx and NAME.dynamo.onnx of each, in FOLDER

Needs torch, torchvision and onnxscript. Weights are random, by a seed: nothing is fetched. Batch normalization gets
statistics that are not 0 and 1, ConvNeXt's scales, which are 1e-6, become 1, and ViT's last layer, which is 0, becomes
random: else errors would not show. Images are small where the network takes them of any size. Where an exporter fails,
its message is in NAME.EXPORTER.failed.
"""

import sys
import warnings
from pathlib import Path

import torch
import torchvision

warnings.filterwarnings("ignore")
opsets = {"script": 17, "dynamo": 20}


def build(name):
    torch.manual_seed(0)
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = torchvision.models.get_model(name, weights=None, **more).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
        for path, parameter in model.named_parameters():
            if path.endswith("layer_scale"):
                parameter.fill_(1)
            elif parameter.ndim > 1 and not parameter.any():
                parameter.normal_(0, 0.02)
    return model


def image_size(name):
    """ViT and MaxViT have a size; AlexNet and VGG are exported with the one that their pooling divides only."""
    if name == "inception_v3":
        return 299
    return 224 if name.startswith(("alexnet", "vgg", "vit", "maxvit", "swin")) else 64


def main(folder, names):
    for name in names:
        size = image_size(name)
        for exporter, opset in opsets.items():
            file = folder / f"{name}.{exporter}.onnx"
            try:
                x = torch.zeros(1, 3, size, size)
                torch.onnx.export(build(name), x, str(file), opset_version=opset, dynamo=exporter == "dynamo")
            except Exception as error:  # the exporter's, which is one of the figures
                file.unlink(missing_ok=True)
                file.with_suffix(".failed").write_text(f"{type(error).__name__}: {error}")


if len(sys.argv) > 1:
    main(Path(sys.argv[1]), sys.argv[2:])
else:
    print("\n".join(torchvision.models.list_models(module=torchvision.models)))
