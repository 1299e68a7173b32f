"""Keras on JAX: model.fit with data in memory."""

import os
import platform

from exchange import converse, images, require_layers, settings

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen=true intra_op_parallelism_threads={settings['threads']}"

import keras
import numpy as np
from keras import layers as kl

identity = {"name": "Keras on JAX", "version": keras.__version__, "runtime": f"Python {platform.python_version()}"}
require_layers(**identity)
keras.utils.set_random_seed(settings["seed"])
channels_last = lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1))
features, labels = images("train")
features = channels_last(features)
test_features = channels_last(images("t10k")[0])



def convolution(channels, kernel, padding, stride=1):
    return kl.Conv2D(channels, kernel, stride, padding="same" if padding else "valid")


def normalization():
    return kl.BatchNormalization(momentum=0.9, epsilon=1e-5)


def residual(channels, stride):
    """A block as a function of a tensor, which is what a layer is too."""

    def block(x):
        y = convolution(channels, 3, 1, stride)(x)
        y = kl.Activation("relu")(normalization()(y))
        y = normalization()(convolution(channels, 3, 1)(y))
        same = x.shape[-1] == channels and stride == 1
        skip = x if same else normalization()(convolution(channels, 1, 0, stride)(x))
        return kl.Activation("relu")(kl.add([y, skip]))

    return block


kinds = {
    "conv": convolution,
    "bn": normalization,
    "sigmoid": lambda: kl.Activation("sigmoid"),
    "relu": lambda: kl.Activation("relu"),
    "avgPool": lambda size: kl.AveragePooling2D(size),
    "maxPool": lambda size: kl.MaxPooling2D(size),
    "residual": residual,
    "globalPool": kl.GlobalAveragePooling2D,
    "flatten": kl.Flatten,
    "dense": lambda units: kl.Dense(units),
}
inputs = keras.Input(features.shape[1:])
outputs = inputs
for kind, *arguments in settings["layers"]:
    outputs = kinds[kind](*arguments)(outputs)
network = keras.Model(inputs, outputs)
network.compile(
    optimizer=keras.optimizers.SGD(float(settings["learningRate"])),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)


def train(limit=None):
    history = network.fit(features[:limit], labels[:limit], batch_size=settings["batchSize"], shuffle=True, verbose=0)
    return history.history["loss"][0]


converse(
    identity,
    lambda: train(settings["batchSize"]),
    train,
    lambda size: np.argmax(network.predict_on_batch(test_features[:size]), 1),
)
