"""What every peer shares: the data, and the conversation with the program that measures.

A peer is started with its settings as JSON. When the first training step is done it prints who it is as a line of JSON, then a
line for each that it is sent: `train` runs an epoch, `step` repeats one training step for a time, `predict` predicts for a time,
`limits` measures the peak, `end` ends it.
"""

import gzip
import json
import platform
import sys
import time

import numpy as np

settings = json.loads(sys.argv[1])


def images(part):
    """uint8 images [n, channels, height, width] and labels of Fashion-MNIST, in the network's shape."""
    with gzip.open(f"{settings['data']}/{part}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(f"{settings['data']}/{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    channels, height, _ = settings["shape"]
    margin = (height - 28) // 2
    pixels = np.pad(pixels, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    pixels = np.repeat(pixels, channels, axis=1)[: settings["examples"]]
    return pixels.astype(np.float32) / 255, labels[: settings["examples"]].astype(np.int64)


def cpu_seconds():
    return time.process_time()


def peak_bytes():
    if platform.system() == "Windows":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def cannot(reason, **peer):
    """Says who the peer is and why it can neither train nor predict this network, and ends."""
    say(**peer, cannot={"train": reason, "predict": reason})
    sys.exit()


def require_layers(**peer):
    """For peers that know networks as lists of layers only."""
    if settings.get("named"):
        cannot(f"this peer has no {settings['named']}", **peer)


def converse(peer, step, train, predict, peak=lambda: None):
    """
    step() trains on one batch and waits for the loss; train() on all and returns the mean loss; predict(size) predicts one batch
    of test images and waits for the classes; peak() gives the multiplications and additions a second of a large matrix product.
    """
    step()
    say(**peer)
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "end":
            return
        if request["do"] == "limits":
            say(peakBytes=peak_bytes(), peak=peak(), operations=None)
            continue
        start, busy = time.perf_counter(), cpu_seconds()
        if request["do"] == "train":
            loss = train()
            say(seconds=time.perf_counter() - start, examples=settings["examples"], loss=loss, cpuSeconds=cpu_seconds() - busy)
        else:
            action = step if request["do"] == "step" else lambda: predict(request["batch"])
            # A third of the time before is not counted.
            repeat(action, request["seconds"] / 3)
            say(seconds=repeat(action, request["seconds"]), cpuSeconds=cpu_seconds() - busy)


def repeat(action, duration):
    """Seconds of each time that the action is done."""
    end = time.perf_counter() + duration
    seconds = []
    while not seconds or time.perf_counter() < end:
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return seconds


def say(**message):
    print(json.dumps(message), flush=True)
