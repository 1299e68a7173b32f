"""Writes parts of Fashion-MNIST as IDX folders, for the figures of fine-tuning in apps/train/README.md.

    python nine_classes.py FOLDER

nine: 500 training images of each class but ankle boots. three0, three1, three2: 100 training images, by three seeds, and 300
test images of sandals, sneakers and ankle boots. Needs numpy.
"""

import gzip
import sys
from pathlib import Path

import numpy as np

data = Path(__file__).parents[3] / "packages/fashion-mnist/data"
out = Path(sys.argv[1])


def load(part):
    images = gzip.open(data / f"{part}-images-idx3-ubyte.gz").read()
    labels = gzip.open(data / f"{part}-labels-idx1-ubyte.gz").read()
    return np.frombuffer(images, np.uint8)[16:].reshape(-1, 28, 28), np.frombuffer(labels, np.uint8)[8:]


def save(folder, part, images, labels):
    (out / folder).mkdir(parents=True, exist_ok=True)
    for name, values in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
        sizes = b"".join(n.to_bytes(4, "big") for n in values.shape)
        (out / folder / name).write_bytes(bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes())


def pick(labels, counts, seed):
    random = np.random.default_rng(seed)
    found = [random.permutation(np.flatnonzero(labels == c))[:n] for c, n in counts.items()]
    return random.permutation(np.concatenate(found))


(images, labels), (tests, test_labels) = load("train"), load("t10k")
chosen = pick(labels, {c: 500 for c in range(9)}, 0)
save("nine", "train", images[chosen], labels[chosen])
held = np.flatnonzero((test_labels < 9) & (np.arange(len(test_labels)) % 5 == 0))
save("nine", "t10k", tests[held], test_labels[held])
three = {5: 33, 7: 33, 9: 34}
number = np.zeros(10, int)
number[list(three)] = range(3)
held = np.concatenate([np.flatnonzero(test_labels == c)[:100] for c in three])
for seed in range(3):
    chosen = pick(labels, three, 100 + seed)
    save(f"three{seed}", "train", images[chosen], number[labels[chosen]])
    save(f"three{seed}", "t10k", tests[held], number[test_labels[held]])
