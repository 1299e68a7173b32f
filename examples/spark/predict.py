"""What an exported model says of images in Parquet, by Spark: each Python worker holds the model.

    pip install pyspark pandas pyarrow onnxruntime pillow          # Java 17 or newer
    python predict.py model.onnx images.parquet predictions

The images are a column `content` of bytes with their `path` beside it, as examples/python/pack_images.py and Spark's binaryFile give
them. The model is one of `train export`. The output is a folder of Parquet files with the columns of `infer bulk`: image, class,
probability, error.
"""

import argparse
import io
import json
import os
import sys
import time

from pyspark import SparkFiles
from pyspark.sql import SparkSession

COLUMNS = "image string, class string, probability float, error string"


def open_model(path):
    """A session with one thread, since Spark has a task for each core; and the signature that is in the file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session, json.loads(session.get_modelmeta().custom_metadata_map["signature"])


def decoded(content, image):
    """The pixels as [channels, height, width], or what is wrong with them."""
    import numpy
    from PIL import Image

    try:
        opened = Image.open(io.BytesIO(content)).convert("L" if image["channels"] == 1 else "RGB")
        pixels = numpy.asarray(opened.resize((image["width"], image["height"])))
        return pixels.reshape(image["height"], image["width"], image["channels"]).transpose(2, 0, 1)
    except Exception as error:  # Whatever is wrong with an image, the others are predicted.
        return str(error)


def predictor(name):
    """For mapInPandas: the model is opened once for a task, not once for a batch."""

    def predict(batches):
        import numpy
        import pandas

        session, signature = open_model(SparkFiles.get(name))
        taken, given = signature["input"], signature["output"]
        for batch in batches:
            images = [decoded(content, taken["image"]) for content in batch["content"]]
            pixels = [image for image in images if not isinstance(image, str)]
            rows = iter(())
            if pixels:
                features = numpy.stack(pixels)
                if taken["dtype"] == "float32":
                    features = features.astype(numpy.float32) / 255
                rows = iter(session.run([given["name"]], {taken["name"]: features})[0])
            table = []
            for path, image in zip(batch["path"], images):
                if isinstance(image, str):
                    table.append((path, None, None, image))
                else:
                    row = next(rows)
                    table.append((path, given["names"][row.argmax()], float(row.max()), None))
            yield pandas.DataFrame(table, columns=["image", "class", "probability", "error"])

    return predict


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("images", help="a Parquet file, or a folder of them")
    parser.add_argument("out", help="folder for the predictions")
    parser.add_argument("--master", default="local[*]", help="of the cluster; by default this machine")
    parser.add_argument("--batch-size", type=int, default=256)
    options = parser.parse_args()
    # Workers are to have this Python's packages.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.appName("predict")
        .master(options.master)
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", options.batch_size)
        .config("spark.sql.files.maxPartitionBytes", "4m")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    spark.sparkContext.addFile(options.model)
    start = time.monotonic()
    name = options.model.replace("\\", "/").rsplit("/", 1)[-1]
    images = spark.read.parquet(options.images).select("path", "content")
    images.mapInPandas(predictor(name), COLUMNS).write.mode("overwrite").parquet(options.out)
    seconds = time.monotonic() - start
    count = spark.read.parquet(options.out).count()
    print(json.dumps({"images": count, "seconds": seconds, "imagesPerSecond": count / seconds}))
    spark.stop()


if __name__ == "__main__":
    main()
