"""JAX: one jitted function for the whole step, images [batch, height, width, channels] as XLA's CPU kernels want them."""

import os
import platform

from exchange import converse, images, require_layers, settings

os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen=true intra_op_parallelism_threads={settings['threads']}"

import jax
import jax.numpy as jnp
import numpy as np

identity = {"name": "JAX", "version": jax.__version__, "runtime": f"Python {platform.python_version()}"}
require_layers(**identity)
momentum, epsilon = 0.9, 1e-5
channels_last = lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1))
features, labels = images("train")
features, labels = channels_last(features), labels.astype(np.int32)
test_features = channels_last(images("t10k")[0])


def xavier(key, shape, inputs, outputs):
    limit = (6 / (inputs + outputs)) ** 0.5
    return jax.random.uniform(key, shape, minval=-limit, maxval=limit)


def branches(channels, stride, inputs):
    """The two lists of layers whose results a residual block adds; an empty one is the identity."""
    body = [["conv", channels, 3, 1, stride], ["bn"], ["relu"], ["conv", channels, 3, 1], ["bn"]]
    return body, [] if channels == inputs and stride == 1 else [["conv", channels, 1, 0, stride], ["bn"]]


def initial(layers, shape, key):
    """Parameters and running statistics, a dictionary per layer, of a residual block a list per branch; the shape that comes out."""
    parameters, statistics = [], []
    for kind, *arguments in layers:
        key, used = jax.random.split(key)
        own, state = {}, {}
        if kind == "conv":
            channels, kernel, padding, stride = (*arguments, 1)[:4]
            area = kernel * kernel
            own["weight"] = xavier(used, (kernel, kernel, shape[-1], channels), area * shape[-1], area * channels)
            own["bias"] = jnp.zeros(channels)
            shape = (*((n + 2 * padding - kernel) // stride + 1 for n in shape[:2]), channels)
        elif kind == "residual":
            keys = jax.random.split(used)
            made = [initial(branch, shape, key) for branch, key in zip(branches(*arguments, shape[-1]), keys)]
            own, state, (shape, _) = zip(*made)
        elif kind == "dense":
            own["weight"] = xavier(used, (shape[0], arguments[0]), shape[0], arguments[0])
            own["bias"] = jnp.zeros(arguments[0])
            shape = (arguments[0],)
        elif kind == "bn":
            own = {"gamma": jnp.ones(shape[-1]), "beta": jnp.zeros(shape[-1])}
            state = {"mean": jnp.zeros(shape[-1]), "variance": jnp.ones(shape[-1])}
        elif kind in ("avgPool", "maxPool"):
            shape = (*(n // arguments[0] for n in shape[:2]), shape[2])
        elif kind == "globalPool":
            shape = shape[2:]
        elif kind == "flatten":
            shape = (int(np.prod(shape)),)
        elif kind not in ("sigmoid", "relu"):
            raise SystemExit(f"the JAX peer has no layer {kind}")
        parameters.append(own)
        statistics.append(state)
    return parameters, statistics, shape


def pool(x, size, initial, combine):
    return jax.lax.reduce_window(x, initial, combine, (1, size, size, 1), (1, size, size, 1), "VALID")


def forward(layers, parameters, statistics, x, training):
    updated = []
    for (kind, *arguments), own, state in zip(layers, parameters, statistics):
        if kind == "conv":
            _, _, padding, stride = (*arguments, 1)[:4]
            margins, strides = [(padding, padding)] * 2, (stride, stride)
            x = jax.lax.conv_general_dilated(x, own["weight"], strides, margins, dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = x + own["bias"]
        elif kind == "residual":
            parts = zip(branches(*arguments, x.shape[-1]), own, state)
            (body, skip), state = zip(*[forward(*part, x, training) for part in parts])
            x = jax.nn.relu(body + skip)
        elif kind == "dense":
            x = x @ own["weight"] + own["bias"]
        elif kind == "bn":
            mean, variance = state["mean"], state["variance"]
            if training:
                axes = tuple(range(x.ndim - 1))
                mean, variance = x.mean(axes), x.var(axes)
                state = {
                    "mean": momentum * state["mean"] + (1 - momentum) * mean,
                    "variance": momentum * state["variance"] + (1 - momentum) * variance,
                }
            x = (x - mean) * jax.lax.rsqrt(variance + epsilon) * own["gamma"] + own["beta"]
        elif kind == "avgPool":
            x = pool(x, arguments[0], 0.0, jax.lax.add) / arguments[0] ** 2
        elif kind == "maxPool":
            x = pool(x, arguments[0], -jnp.inf, jax.lax.max)
        elif kind == "globalPool":
            x = x.mean((1, 2))
        elif kind == "flatten":
            x = x.reshape(len(x), -1)
        else:
            x = jax.nn.sigmoid(x) if kind == "sigmoid" else jax.nn.relu(x)
        updated.append(state)
    return x, updated


def loss_of(parameters, statistics, x, y):
    logits, updated = forward(settings["layers"], parameters, statistics, x, True)
    loss = -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()
    return loss, (updated, (logits.argmax(1) == y).sum())


def step(parameters, statistics, x, y):
    (loss, (statistics, correct)), slopes = jax.value_and_grad(loss_of, has_aux=True)(parameters, statistics, x, y)
    update = lambda value, slope: value - settings["learningRate"] * slope
    return jax.tree.map(update, parameters, slopes), statistics, loss * len(x), correct


step = jax.jit(step, donate_argnums=(0, 1))
predict = jax.jit(lambda parameters, statistics, x: forward(settings["layers"], parameters, statistics, x, False)[0].argmax(1))
parameters, statistics, _ = initial(settings["layers"], features.shape[1:], jax.random.key(settings["seed"]))
random = np.random.default_rng(settings["seed"])


def train(limit=None):
    global parameters, statistics
    order = random.permutation(len(features))[:limit]
    total = 0.0
    for start in range(0, len(order), settings["batchSize"]):
        chosen = order[start : start + settings["batchSize"]]
        parameters, statistics, loss, _ = step(parameters, statistics, features[chosen], labels[chosen])
        total += loss
    return float(total) / len(order)


converse(
    identity,
    lambda: train(settings["batchSize"]),
    train,
    lambda size: np.asarray(predict(parameters, statistics, test_features[:size])),
)
