"""Writes torchvision's classifiers as ONNX files, by both of PyTorch's exporters, for import-figures.verify.ts.

    python torchvision_models.py FOLDER [MODEL …]

Needs torch, torchvision and onnxscript. Weights are random, by a seed: nothing is fetched. Batch normalization gets
statistics that are not 0 and 1, ConvNeXt's scales, which are 1e-6, become 1, and ViT's last layer, which is 0, becomes
random: else errors would not show. Files that are
there are kept. The largest two models (regnet_y_128gf, vit_h_14) have more than 2 GB, the most that one ONNX file can
hold, and are left out.
"""

import sys
import traceback
import warnings
from pathlib import Path

import torch
import torchvision

warnings.filterwarnings("ignore")
too_large = {"regnet_y_128gf", "vit_h_14"}
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


def main(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or torchvision.models.list_models(module=torchvision.models):
        if name in too_large:
            continue
        for exporter, opset in opsets.items():
            file = folder / f"{name}.{exporter}.onnx"
            if file.exists():
                continue
            size = 299 if name == "inception_v3" else 224
            try:
                x = torch.zeros(1, 3, size, size)
                torch.onnx.export(build(name), x, str(file), opset_version=opset, dynamo=exporter == "dynamo")
                print(name, exporter, flush=True)
            except Exception:  # the exporter's failure, which is reported
                traceback.print_exc()
                print(name, exporter, "FAILED", flush=True)


main(Path(sys.argv[1]), sys.argv[2:])
