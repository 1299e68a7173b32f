"""What an exported model says of images in Parquet, by Ray Data: actors hold the model, on GPUs if you like.

    pip install "ray[data]" onnxruntime pillow          # onnxruntime-gpu for --gpus
    python predict.py model.onnx images.parquet predictions

The images are a column `content` of bytes with their `path` beside it, as examples/python/pack_images.py writes them. The model is
one of `train export`. The output is a folder of Parquet files with the columns of `infer bulk`: image, class, probability, error.
"""

import argparse
import io
import json
import time

import numpy
import ray


class Predictor:
    """An actor's model. It is told by the file itself how it wants its images, and what its classes are called."""

    def __init__(self, model, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        available = onnxruntime.get_available_providers()
        providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
        self.session = onnxruntime.InferenceSession(model, options, providers=providers)
        signature = json.loads(self.session.get_modelmeta().custom_metadata_map["signature"])
        self.input, self.output = signature["input"], signature["output"]

    def decode(self, content):
        from PIL import Image

        image = self.input["image"]
        opened = Image.open(io.BytesIO(content)).convert("L" if image["channels"] == 1 else "RGB")
        pixels = numpy.asarray(opened.resize((image["width"], image["height"])))
        return pixels.reshape(image["height"], image["width"], image["channels"]).transpose(2, 0, 1)

    def __call__(self, batch):
        pixels, errors = [], []
        for content in batch["content"]:
            try:
                pixels.append(self.decode(content))
                errors.append(None)
            except Exception as error:  # Whatever is wrong with an image, the others are predicted.
                errors.append(str(error))
        answered = numpy.array([error is None for error in errors])
        classes = numpy.full(len(errors), None, dtype=object)
        probabilities = numpy.full(len(errors), numpy.nan, dtype=numpy.float32)
        if pixels:
            features = numpy.stack(pixels)
            if self.input["dtype"] == "float32":
                features = features.astype(numpy.float32) / 255
            (rows,) = self.session.run([self.output["name"]], {self.input["name"]: features})
            best = rows.argmax(axis=1)
            classes[answered] = numpy.array(self.output["names"], dtype=object)[best]
            probabilities[answered] = rows[numpy.arange(len(rows)), best]
        # numpy would make texts of None.
        return {
            "image": batch["path"],
            "class": list(classes),
            "probability": probabilities,
            "error": errors,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("images", help="a Parquet file, or a folder of them")
    parser.add_argument("out", help="folder for the predictions")
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--gpus", type=float, default=0, help="of each actor; a part of one, too")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--address", help="of a cluster; without it Ray starts here")
    options = parser.parse_args()
    if options.address:
        ray.init(address=options.address)
    else:
        ray.init(include_dashboard=False, object_store_memory=256 * 2**20, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    start = time.monotonic()
    predictions = ray.data.read_parquet(options.images, columns=["path", "content"]).map_batches(
        Predictor,
        fn_constructor_args=(options.model, 1),
        batch_size=options.batch_size,
        compute=ray.data.ActorPoolStrategy(size=options.actors),
        num_gpus=options.gpus,
        # Reading needs processors, too: actors that had taken all of them would wait for ever.
        num_cpus=0.5,
    )
    predictions.write_parquet(options.out, mode="overwrite")
    seconds = time.monotonic() - start
    count = ray.data.read_parquet(options.out).count()
    print(json.dumps({"images": count, "seconds": seconds, "imagesPerSecond": count / seconds}))


if __name__ == "__main__":
    main()
