"""Writes ONNX's backend tests (nodes, and the light networks) as files, for import-figures.verify.ts.

    python backend_tests.py FOLDER

Needs onnx. Each test of a node is a folder: model.onnx, and input_0.pb, output_0.pb and so on; those with values that are not
tensors are left out.
"""

import shutil
import sys
import warnings
from pathlib import Path

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])


def write(file, value):
    proto = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(numpy.asarray(value))
    file.write_bytes(proto.SerializeToString())


for case in collect_testcases(None):
    values = [*case.data_sets[0][0], *case.data_sets[0][1]] if case.data_sets else [None]
    if any(isinstance(value, (list, dict, type(None))) for value in values):
        continue  # sequences, maps and optional values
    inner = folder / "node" / case.name
    inner.mkdir(parents=True, exist_ok=True)
    (inner / "model.onnx").write_bytes(case.model.SerializeToString())
    for kind, part in zip(("input", "output"), case.data_sets[0]):
        for i, value in enumerate(part):
            write(inner / f"{kind}_{i}.pb", value)

light = Path(onnx.__file__).parent / "backend/test/data/light"
for file in sorted(light.glob("*.onnx")):
    (folder / "light").mkdir(exist_ok=True)
    shutil.copy(file, folder / "light")
