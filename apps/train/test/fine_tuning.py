"""Trains networks as users of PyTorch or Keras do, for fine-tuning.verify.ts.

    python fine_tuning.py torch FOLDER SEED …
    KERAS_BACKEND=torch python fine_tuning.py keras FOLDER SEED …

Trains a network on the IDX files in FOLDER/nine, and writes it as FOLDER/torch.onnx or FOLDER/keras.onnx. Then trains the same
network from its first weights on FOLDER/threeSEED alone, for each seed, and prints a JSON array of the accuracies on the test
images there. Needs numpy, torch, onnxscript, and torchvision or keras.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

which, folder, seeds = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]


def load(name, part):
    images = np.fromfile(folder / name / f"{part}-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 1, 28, 28)
    labels = np.fromfile(folder / name / f"{part}-labels-idx1-ubyte", np.uint8)[8:]
    return images.astype("float32") / 255, labels.astype("int64")


class Torch:
    batch = 100

    def __init__(self, classes, seed):
        import torch
        import torchvision

        self.torch = torch
        torch.manual_seed(seed)
        self.net = torchvision.models.resnet18(num_classes=classes)
        self.net.conv1 = torch.nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)

    def train(self, images, labels, epochs, batch):
        torch = self.torch
        data = torch.utils.data.TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
        loader = torch.utils.data.DataLoader(data, batch, shuffle=True)
        optimizer = torch.optim.Adam(self.net.parameters(), 0.001)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader))
        self.net.train()
        for _ in range(epochs):
            for some, classes in loader:
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(self.net(some), classes).backward()
                optimizer.step()
                schedule.step()
        self.net.eval()

    def predict(self, images):
        with self.torch.no_grad():
            return self.net(self.torch.from_numpy(images)).numpy()

    def export(self, path):
        shapes = [{0: "batch"}]
        example = self.torch.zeros(2, 1, 28, 28)
        self.torch.onnx.export(self.net, (example,), path, dynamic_shapes=shapes, external_data=False, verbose=False)


class Keras:
    batch = 20  # A small network needs many steps.

    def __init__(self, classes, seed):
        import keras
        from keras import layers

        self.keras = keras
        keras.utils.set_random_seed(seed)
        self.net = keras.Sequential([keras.Input((28, 28, 1))])
        for filters in (16, 32, 64):
            self.net.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
            self.net.add(layers.BatchNormalization(momentum=0.9))
            self.net.add(layers.ReLU())
            self.net.add(layers.MaxPooling2D())
        self.net.add(layers.GlobalAveragePooling2D())
        self.net.add(layers.Dense(classes, activation="softmax"))

    def train(self, images, labels, epochs, batch):
        steps = epochs * math.ceil(len(images) / batch)
        schedule = self.keras.optimizers.schedules.CosineDecay(0.001, steps)
        self.net.compile(self.keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy")
        self.net.fit(images.transpose(0, 2, 3, 1), labels, batch_size=batch, epochs=epochs, verbose=0)

    def predict(self, images):
        return self.net.predict(images.transpose(0, 2, 3, 1), verbose=0)

    def export(self, path):
        self.net.export(path, format="onnx", verbose=False)


make = {"torch": Torch, "keras": Keras}[which]
before = make(9, 0)
before.train(*load("nine", "train"), epochs=2, batch=before.batch)
before.export(str(folder / f"{which}.onnx"))

accuracies = []
for seed in seeds:
    alone = make(3, int(seed))
    alone.train(*load(f"three{seed}", "train"), epochs=10, batch=20)
    images, labels = load(f"three{seed}", "t10k")
    accuracies.append(float((alone.predict(images).argmax(1) == labels).mean()))
print(json.dumps(accuracies))
