"""Continues a training that Node began, with nothing but ONNX Runtime.

`train export <run> --training-step` writes train.onnx, the whole training step, and train.safetensors, the values it
goes on from. This program feeds batches to the one and keeps what it gives in the other's place.

    pip install numpy onnxruntime safetensors
    python continue_training.py train.onnx train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz --steps 20
"""

import argparse
import gzip
import pathlib

import numpy
import onnxruntime
from safetensors.numpy import load_file, save_file


def read_idx(path):
    """The array in an IDX file of bytes, packed or not."""
    content = pathlib.Path(path).read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    rank = content[3]
    shape = numpy.frombuffer(content, ">i4", rank, 4)
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * rank).reshape(shape)


def batches(images, labels, size):
    """Whole batches in the order of the file, again and again."""
    while True:
        for start in range(0, len(images) - size + 1, size):
            yield images[start : start + size], labels[start : start + size].astype(numpy.int32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("images")
    parser.add_argument("labels")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, help="default: the run's")
    parser.add_argument("--out", help="safetensors file for the new values")
    options = parser.parse_args()

    session = onnxruntime.InferenceSession(options.model, providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    inputs = {x.name: x for x in session.get_inputs()}
    outputs = [x.name for x in session.get_outputs()]
    values = load_file(options.model.with_suffix(".safetensors"))
    rate = options.learning_rate or float(facts["learningRate"])
    done = int(facts["steps"])

    shape = inputs["features"].shape
    images = read_idx(options.images).reshape(-1, *shape[1:])
    if inputs["features"].type == "tensor(float)":
        images = images.astype(numpy.float32) / 255
    random = numpy.random.default_rng(0)

    feed = batches(images, read_idx(options.labels), shape[0])
    for step in range(done + 1, done + options.steps + 1):
        features, labels = next(feed)
        data = {
            "features": features,
            "labels": labels,
            "learningRate": numpy.asarray(rate, numpy.float32),
            "step": numpy.asarray(step, numpy.float32),
            **values,
        }
        for name, x in inputs.items():
            if name.startswith("random."):  # dropout
                data[name] = random.random(x.shape, numpy.float32)
        results = dict(zip(outputs, session.run(None, {name: data[name] for name in inputs})))
        for name in values:
            values[name] = results.get(f"{name}.next", values[name])
        print(f"step {step}  loss {results['loss']:.6f}  acc {results['sum:accuracy'] / len(labels):.3f}", flush=True)

    if options.out:
        save_file(values, options.out)


if __name__ == "__main__":
    main()
