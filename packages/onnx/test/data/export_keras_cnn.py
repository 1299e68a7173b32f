"""Writes keras-cnn.onnx, a small network as Keras exports it, trained for a moment on stripes.

    pip install tensorflow tf2onnx
    python export_keras_cnn.py
"""

import pathlib

import keras
import numpy
from keras import layers

keras.utils.set_random_seed(0)
net = keras.Sequential([
    keras.Input((28, 28, 1), name="image"),
    layers.Conv2D(6, 5, strides=2, padding="same", use_bias=False),
    layers.BatchNormalization(),
    layers.ReLU(),
    layers.DepthwiseConv2D(3, padding="same"),
    layers.BatchNormalization(scale=False),
    layers.LeakyReLU(negative_slope=0.1),
    layers.MaxPooling2D(3, strides=2, padding="same"),
    layers.SeparableConv2D(8, 3, activation="tanh"),
    layers.AveragePooling2D(2, padding="same"),
    layers.Flatten(),
    layers.Dropout(0.2),
    layers.Dense(16),
    layers.BatchNormalization(),
    layers.Activation("sigmoid"),
    layers.Dense(10, activation="softmax"),
])

# Stripes of ten widths, so that running statistics and weights are those of something.
labels = numpy.arange(500) % 10
phase = numpy.random.default_rng(0).uniform(0, 6, (500, 1))
columns = numpy.sin(numpy.arange(28) / (labels[:, None] + 1) + phase)
images = numpy.broadcast_to(columns[:, None, :, None] / 2 + 0.5, (500, 28, 28, 1)).astype("float32")
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(images, labels, epochs=3, verbose=0)

path = pathlib.Path(__file__).with_name("keras-cnn.onnx")
net.export(str(path), format="onnx", opset_version=17, verbose=False)
