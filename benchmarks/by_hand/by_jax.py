"""JAX by hand: pure functions of a tree of weights, and one jitted step with donated state."""

import itertools
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from benchmarks.by_hand import GEOGAN, QUICK

Tree: TypeAlias = Any  # nested dicts and lists of arrays
AdamState: TypeAlias = tuple[jax.Array, Tree, Tree]  # step, first and second moments
State: TypeAlias = tuple[Any, ...]  # weights, Adam states, averaged weights, random key


def convolve(x: jax.Array, p: Tree, strides: int = 1, padding: str = "SAME") -> jax.Array:
    """Convolution with an optional bias."""
    y = lax.conv_general_dilated(
        x, p["w"], (strides,) * 2, padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return y + p["b"] if "b" in p else y


def periodic(x: jax.Array, p: Tree) -> jax.Array:
    """Periodic convolution of 3x3."""
    return convolve(jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="wrap"), p, padding="VALID")


def leaky(x: jax.Array) -> jax.Array:
    """Leaky ReLU with a slope of 0.2."""
    return jnp.where(x > 0, x, 0.2 * x)


def normalize(x: jax.Array, p: Tree) -> jax.Array:
    """Batch normalization."""
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) * (lax.rsqrt(variance + 1e-5) * p["g"]) + p["s"]


def reference_norm(x: jax.Array, p: Tree, reference: int) -> jax.Array:
    """Virtual batch normalization: the first ``reference`` maps are the reference batch."""
    return jnp.concatenate([normalize(x[:reference], p), normalize(x, p)[reference:]])


class Weights:
    """Random initial weights, from one key.

    Parameters
    ----------
    seed : int
        Seed of the key.
    """

    def __init__(self, seed: int) -> None:
        self.key = jax.random.key(seed)

    def convolution(self, size: int, inputs: int, outputs: int, bias: bool = True) -> Tree:
        """Weights of a convolution."""
        self.key, key = jax.random.split(self.key)
        w = jax.random.normal(key, (size, size, inputs, outputs)) / (size * inputs**0.5)
        return {"w": w, "b": jnp.zeros(outputs)} if bias else {"w": w}

    def dense(self, inputs: int, outputs: int) -> jax.Array:
        """Weights of a matrix product."""
        self.key, key = jax.random.split(self.key)
        return jax.random.normal(key, (inputs, outputs)) / inputs**0.5

    @staticmethod
    def norm(channels: int) -> Tree:
        """Scale and shift of a normalization."""
        return {"g": jnp.ones(channels), "s": jnp.zeros(channels)}


def quick_weights(pixels: int) -> tuple[Tree, Tree]:
    """Initial weights of both networks of ``quick``."""
    draw = Weights(0)
    first, *middle, last = QUICK["generator"]
    ins = [first, *middle[:-1]]
    generator = {
        "base": draw.convolution(3, QUICK["latent"], first),
        "ups": [draw.convolution(3, i, o, bias=False) for i, o in zip(ins, middle, strict=True)],
        "norms": [draw.norm(o) for o in middle],
        "noise": [jnp.zeros(c) for c in (*middle, last)],
        "detail": draw.convolution(3, middle[-1], last),
        "map": draw.convolution(3, last, 1),
        "skew": jnp.array(0.3),
    }
    channels = (1, *QUICK["discriminator"])
    discriminator = {
        "convolutions": [draw.convolution(5, i, o) for i, o in itertools.pairwise(channels)],
        "logit": draw.dense(channels[-1] * (pixels // 16) ** 2, 1),
    }
    return generator, discriminator


def quick_generator(p: Tree, latents: list[jax.Array]) -> jax.Array:
    """Generator of ``quick``."""
    latent, *noises = latents
    x = periodic(latent, p["base"])
    for up, norm, weight, noise in zip(p["ups"], p["norms"], p["noise"], noises, strict=False):
        x = periodic(x.repeat(2, 1).repeat(2, 2), up)
        x = jax.nn.relu(reference_norm(x + weight * noise, norm, QUICK["reference"]))
    x = jax.nn.relu(periodic(x, p["detail"]) + p["noise"][-1] * noises[-1])
    return jnp.expm1(jnp.minimum(p["skew"] * periodic(x, p["map"]), 4.0)) / p["skew"]


def quick_discriminator(p: Tree, x: jax.Array) -> jax.Array:
    """Discriminator of ``quick``."""
    *strided, last = p["convolutions"]
    for convolution in strided:
        x = leaky(convolve(x, convolution, 2))
    x = leaky(convolve(x, last))
    return x.reshape(len(x), -1) @ p["logit"]


def geogan_weights(pixels: int) -> tuple[Tree, Tree]:
    """Initial weights of both networks of ``geogan``."""
    draw = Weights(0)
    side, channels = pixels // 16, GEOGAN["channels"]
    generator = {
        "dense": draw.dense(GEOGAN["latent"], channels[0] * side**2),
        "ups": [
            draw.convolution(5, i, o) for i, o in zip(channels, (*channels[1:], 1), strict=True)
        ],
        "norms": [draw.norm(c) for c in channels],
    }
    down = (1, *reversed(channels))
    joined = down[-1] + GEOGAN["kernels"] // side**2
    discriminator = {
        "convolutions": [draw.convolution(5, i, o) for i, o in itertools.pairwise(down)],
        "norms": [draw.norm(c) for c in down[2:]],
        "project": draw.dense(down[-1] * side**2, GEOGAN["projection"]),
        "rows": draw.dense(GEOGAN["projection"], GEOGAN["kernels"] * GEOGAN["dims"]),
        "last": draw.convolution(5, joined, joined),
        "last_norm": draw.norm(joined),
        "logit": draw.dense(joined * side**2, 1),
    }
    return generator, discriminator


def geogan_generator(p: Tree, latents: list[jax.Array]) -> jax.Array:
    """Generator of ``geogan``."""
    x = latents[0] @ p["dense"]
    side = int((x.shape[1] // GEOGAN["channels"][0]) ** 0.5)
    x = x.reshape(-1, side, side, GEOGAN["channels"][0])
    for up, norm in zip(p["ups"], p["norms"], strict=True):
        x = jax.nn.relu(reference_norm(x, norm, GEOGAN["reference"]))
        layout = ("NHWC", "HWIO", "NHWC")
        x = lax.conv_transpose(x, up["w"], (2, 2), "SAME", dimension_numbers=layout) + up["b"]
    return jnp.tanh(x)


def geogan_discriminator(p: Tree, x: jax.Array) -> jax.Array:
    """Discriminator of ``geogan``."""
    first, *rest = p["convolutions"]
    x = leaky(convolve(x, first, 2))
    for convolution, norm in zip(rest, p["norms"], strict=True):
        x = leaky(normalize(convolve(x, convolution, 2), norm))
    flat = x.reshape(len(x), -1)
    rows = (flat @ p["project"] @ p["rows"]).reshape(-1, GEOGAN["kernels"], GEOGAN["dims"])
    close = jnp.exp(-jnp.abs(rows[:, None] - rows[None]).sum(3)).sum(1)
    x = jnp.concatenate([flat, close], 1).reshape(*x.shape[:3], -1)
    x = leaky(normalize(convolve(x, p["last"]), p["last_norm"]))
    return x.reshape(len(x), -1) @ p["logit"]


SYSTEMS = {
    "quick": (QUICK, quick_weights, quick_generator, quick_discriminator),
    "geogan": (GEOGAN, geogan_weights, geogan_generator, geogan_discriminator),
}


def adam(
    weights: Tree, gradients: Tree, state: AdamState, rate: float, betas: tuple[float, float]
) -> tuple[Tree, AdamState]:
    """One step of Adam."""
    step, first, second = state
    step = step + 1
    first = jax.tree.map(lambda m, g: betas[0] * m + (1 - betas[0]) * g, first, gradients)
    second = jax.tree.map(lambda v, g: betas[1] * v + (1 - betas[1]) * g * g, second, gradients)
    scale = rate * jnp.sqrt(1 - betas[1] ** step) / (1 - betas[0] ** step)
    weights = jax.tree.map(
        lambda w, m, v: w - scale * m / (jnp.sqrt(v) + 1e-7), weights, first, second
    )
    return weights, (step, first, second)


def lowered(network: Callable, precision: str) -> Callable:
    """A network that computes in this precision and returns float32."""
    dtype = jnp.dtype(precision)

    def call(p: Tree, x: Any) -> jax.Array:
        return network(*jax.tree.map(lambda a: a.astype(dtype), (p, x))).astype(jnp.float32)

    return network if dtype == jnp.float32 else call


def objectives(system: str, discriminate: Callable) -> tuple[Callable, Callable]:
    """Losses of both networks: logistic with R1 for ``quick``, hinge for ``geogan``."""
    numbers = SYSTEMS[system][0]

    def logistic(d: Tree, real: jax.Array, fake: jax.Array) -> jax.Array:
        real_logit, fake_logit = discriminate(d, real), discriminate(d, fake)
        few = real[:: numbers["penalised"]]
        slope = jax.grad(lambda x: discriminate(d, x).sum())(few)
        penalty = numbers["gamma"] / 2 * (slope**2).sum((1, 2, 3)).mean()
        return jax.nn.softplus(-real_logit).mean() + jax.nn.softplus(fake_logit).mean() + penalty

    def hinge(d: Tree, real: jax.Array, fake: jax.Array) -> jax.Array:
        real_logit, fake_logit = discriminate(d, real), discriminate(d, fake)
        return jax.nn.relu(1 - real_logit).mean() + jax.nn.relu(1 + fake_logit).mean()

    if system == "quick":
        return logistic, lambda fake, d: jax.nn.softplus(-discriminate(d, fake)).mean()
    return hinge, lambda fake, d: -discriminate(d, fake).mean()


def step_of(
    system: str,
    shapes: list[tuple[int, ...]],
    reference: list[jax.Array],
    batch: int,
    precision: str,
) -> Callable[[State, jax.Array], tuple[State, tuple[jax.Array, jax.Array]]]:
    """Compile the training step.

    Parameters
    ----------
    system : str
        ``quick`` or ``geogan``.
    shapes : list of tuple
        Shapes of the latents of one map.
    reference : list of array
        Latents of the reference batch.
    batch : int
        Maps per step.
    precision : str
        ``float32`` or ``bfloat16``.

    Returns
    -------
    callable
        From the state and real maps to the new state and both losses.
    """
    numbers, _, generator, discriminator = SYSTEMS[system]
    generate, discriminate = lowered(generator, precision), lowered(discriminator, precision)
    d_objective, g_objective = objectives(system, discriminate)

    def step(state: State, real: jax.Array) -> tuple[State, tuple[jax.Array, jax.Array]]:
        (g, d), (g_state, d_state), average, key = state
        key, *keys = jax.random.split(key, len(shapes) + 1)
        fresh = [
            jax.random.normal(k, (batch, *shape)) for k, shape in zip(keys, shapes, strict=True)
        ]
        latents = [jnp.concatenate(pair) for pair in zip(reference, fresh, strict=True)]
        fake, vjp = jax.vjp(lambda p: generate(p, latents)[numbers["reference"] :], g)
        d_loss, gradient = jax.value_and_grad(d_objective)(d, real, fake)
        d, d_state = adam(d, gradient, d_state, numbers["rates"][1], numbers["betas"])
        g_loss, cotangent = jax.value_and_grad(g_objective)(fake, d)
        g, g_state = adam(g, vjp(cotangent)[0], g_state, numbers["rates"][0], numbers["betas"])
        decay = numbers["decay"]
        average = jax.tree.map(lambda a, w: decay * a + (1 - decay) * w, average, g)
        return ((g, d), (g_state, d_state), average, key), (d_loss, g_loss)

    return jax.jit(step, donate_argnums=0)


def loop(
    system: str, pixels: int, batch: int, variant: str, precision: str = "float32"
) -> tuple[Callable[[np.ndarray], None], Callable[[], list[float]]]:
    """Build the networks and the step.

    Parameters
    ----------
    system : str
        ``quick`` or ``geogan``.
    pixels : int
        Side of the maps.
    batch : int
        Maps per step.
    variant : str
        Only ``jit``.
    precision : str
        ``float32`` or ``bfloat16``.

    Returns
    -------
    step : callable
        Takes one step on a NumPy batch ``(batch, pixels, pixels, 1)``.
    wait : callable
        Waits for the device and returns the last losses.
    """
    numbers, weights, *_ = SYSTEMS[system]
    sides = [pixels // 8, pixels // 4, pixels // 2, pixels, pixels]
    grids = [(s, s, numbers["latent"] if i == 0 else 1) for i, s in enumerate(sides)]
    shapes = grids if system == "quick" else [(numbers["latent"],)]
    keys = jax.random.split(jax.random.key(1), len(shapes))
    reference = [
        jax.random.normal(k, (numbers["reference"], *s)) for k, s in zip(keys, shapes, strict=True)
    ]
    networks = weights(pixels)
    moments = [
        (jnp.array(0.0), jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p))
        for p in networks
    ]
    average = jax.tree.map(jnp.copy, networks[0])
    current = {"state": (tuple(networks), tuple(moments), average, jax.random.key(2))}
    step = step_of(system, shapes, reference, batch, precision)

    def take_step(maps: np.ndarray) -> None:
        current["state"], current["losses"] = step(current["state"], jnp.asarray(maps))

    return take_step, lambda: [float(loss) for loss in current["losses"]]
