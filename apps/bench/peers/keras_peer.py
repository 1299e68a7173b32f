"""Keras on JAX: model.fit with data in memory."""

import os
import platform

from exchange import converse, images, settings

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen=true intra_op_parallelism_threads={settings['threads']}"

import keras
import numpy as np
from keras import layers as kl

keras.utils.set_random_seed(settings["seed"])
channels_last = lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1))
features, labels = images("train")
features = channels_last(features)
test_features = channels_last(images("t10k")[0])

kinds = {
    "conv": lambda channels, kernel, padding: kl.Conv2D(channels, kernel, padding="same" if padding else "valid"),
    "bn": lambda: kl.BatchNormalization(momentum=0.9, epsilon=1e-5),
    "sigmoid": lambda: kl.Activation("sigmoid"),
    "relu": lambda: kl.Activation("relu"),
    "avgPool": lambda size: kl.AveragePooling2D(size),
    "maxPool": lambda size: kl.MaxPooling2D(size),
    "flatten": kl.Flatten,
    "dense": lambda units: kl.Dense(units),
}
network = keras.Sequential([keras.Input(features.shape[1:])])
for kind, *arguments in settings["layers"]:
    if kind not in kinds:
        raise SystemExit(f"the Keras peer has no layer {kind}")
    network.add(kinds[kind](*arguments))
network.compile(
    optimizer=keras.optimizers.SGD(float(settings["learningRate"])),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)


def train(limit=None):
    history = network.fit(features[:limit], labels[:limit], batch_size=settings["batchSize"], shuffle=True, verbose=0)
    return history.history["loss"][0]


converse(
    {"name": "Keras on JAX", "version": keras.__version__, "runtime": f"Python {platform.python_version()}"},
    lambda: train(settings["batchSize"]),
    train,
    lambda size: np.argmax(network.predict_on_batch(test_features[:size]), 1),
)
