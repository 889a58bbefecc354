"""JAX by hand: pure functions of a tree of weights, one jitted step with donated state."""

import itertools

import jax
from jax import lax
from jax import numpy as jnp

from benchmarks.by_hand import GEOGAN, QUICK


def convolve(x, p, strides=1, padding="SAME"):
    y = lax.conv_general_dilated(
        x, p["w"], (strides,) * 2, padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return y + p["b"] if "b" in p else y


def periodic(x, p):
    return convolve(jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="wrap"), p, padding="VALID")


def leaky(x):
    return jnp.where(x > 0, x, 0.2 * x)


def normalize(x, p, axes=(0, 1, 2)):
    mean, variance = x.mean(axes), x.var(axes)
    return (x - mean) * (lax.rsqrt(variance + 1e-5) * p["g"]) + p["s"]


def reference_norm(x, p, reference):
    return jnp.concatenate([normalize(x[:reference], p), normalize(x, p)[reference:]])


class Weights:
    """Draws weights one after the other."""

    def __init__(self, seed):
        self.key = jax.random.key(seed)

    def convolution(self, size, inputs, outputs, bias=True):
        self.key, key = jax.random.split(self.key)
        w = jax.random.normal(key, (size, size, inputs, outputs)) / (size * inputs**0.5)
        return {"w": w, "b": jnp.zeros(outputs)} if bias else {"w": w}

    def dense(self, inputs, outputs):
        self.key, key = jax.random.split(self.key)
        return jax.random.normal(key, (inputs, outputs)) / inputs**0.5

    @staticmethod
    def norm(channels):
        return {"g": jnp.ones(channels), "s": jnp.zeros(channels)}


def quick_weights(pixels):
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
        "bend": jnp.array(0.3),
    }
    channels = (1, *QUICK["discriminator"])
    discriminator = {
        "convolutions": [draw.convolution(5, i, o) for i, o in itertools.pairwise(channels)],
        "logit": draw.dense(channels[-1] * (pixels // 16) ** 2, 1),
    }
    return generator, discriminator


def quick_generator(p, latents):
    latent, *noises = latents
    x = periodic(latent, p["base"])
    for up, norm, weight, noise in zip(p["ups"], p["norms"], p["noise"], noises, strict=False):
        x = periodic(x.repeat(2, 1).repeat(2, 2), up)
        x = jax.nn.relu(reference_norm(x + weight * noise, norm, QUICK["reference"]))
    x = jax.nn.relu(periodic(x, p["detail"]) + p["noise"][-1] * noises[-1])
    return jnp.expm1(jnp.minimum(p["bend"] * periodic(x, p["map"]), 4.0)) / p["bend"]


def quick_discriminator(p, x):
    *strided, last = p["convolutions"]
    for convolution in strided:
        x = leaky(convolve(x, convolution, 2))
    x = leaky(convolve(x, last))
    return x.reshape(len(x), -1) @ p["logit"]


def geogan_weights(pixels):
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


def geogan_generator(p, latents):
    x = latents[0] @ p["dense"]
    side = int((x.shape[1] // GEOGAN["channels"][0]) ** 0.5)
    x = x.reshape(-1, side, side, GEOGAN["channels"][0])
    for up, norm in zip(p["ups"], p["norms"], strict=True):
        x = jax.nn.relu(reference_norm(x, norm, GEOGAN["reference"]))
        x = (
            lax.conv_transpose(
                x, up["w"], (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            + up["b"]
        )
    return jnp.tanh(x)


def geogan_discriminator(p, x):
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


def adam(weights, gradients, state, rate, betas):
    step, first, second = state
    step = step + 1
    first = jax.tree.map(lambda m, g: betas[0] * m + (1 - betas[0]) * g, first, gradients)
    second = jax.tree.map(lambda v, g: betas[1] * v + (1 - betas[1]) * g * g, second, gradients)
    scale = rate * jnp.sqrt(1 - betas[1] ** step) / (1 - betas[0] ** step)
    weights = jax.tree.map(
        lambda w, m, v: w - scale * m / (jnp.sqrt(v) + 1e-7), weights, first, second
    )
    return weights, (step, first, second)


def step_of(system, shapes, reference, batch, precision):
    numbers, _, generate, judge = SYSTEMS[system]
    quick = system == "quick"
    type_ = jnp.dtype(precision)

    def lowered(network):
        def call(p, x):
            return network(*jax.tree.map(lambda a: a.astype(type_), (p, x))).astype(jnp.float32)

        return call if type_ != jnp.float32 else network

    draw, score = lowered(generate), lowered(judge)

    def d_objective(p, real, fake):
        real_logit, fake_logit = score(p, real), score(p, fake)
        if not quick:
            return jax.nn.relu(1 - real_logit).mean() + jax.nn.relu(1 + fake_logit).mean()
        slope = jax.grad(lambda x: score(p, x).sum())(real[:: numbers["penalised"]])
        penalty = numbers["gamma"] / 2 * (slope**2).sum((1, 2, 3)).mean()
        return jax.nn.softplus(-real_logit).mean() + jax.nn.softplus(fake_logit).mean() + penalty

    def g_objective(fake, d):
        logit = score(d, fake)
        return jax.nn.softplus(-logit).mean() if quick else -logit.mean()

    def step(state, real):
        (g, d), (g_state, d_state), average, key = state
        key, *keys = jax.random.split(key, len(shapes) + 1)
        fresh = [
            jax.random.normal(k, (batch, *shape)) for k, shape in zip(keys, shapes, strict=True)
        ]
        latents = [jnp.concatenate(pair) for pair in zip(reference, fresh, strict=True)]
        fake, pull = jax.vjp(lambda p: draw(p, latents)[numbers["reference"] :], g)
        d_loss, gradient = jax.value_and_grad(d_objective)(d, real, fake)
        d, d_state = adam(d, gradient, d_state, numbers["rates"][1], numbers["betas"])
        g_loss, cotangent = jax.value_and_grad(g_objective)(fake, d)
        g, g_state = adam(g, pull(cotangent)[0], g_state, numbers["rates"][0], numbers["betas"])
        average = jax.tree.map(
            lambda a, w: numbers["decay"] * a + (1 - numbers["decay"]) * w, average, g
        )
        return ((g, d), (g_state, d_state), average, key), (d_loss, g_loss)

    return jax.jit(step, donate_argnums=0)


def loop(system, pixels, batch, variant, precision="float32"):
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
    memory = {"state": (tuple(networks), tuple(moments), average, jax.random.key(2))}
    step = step_of(system, shapes, reference, batch, precision)

    def take(maps):
        memory["state"], memory["losses"] = step(memory["state"], jnp.asarray(maps))

    return take, lambda: [float(loss) for loss in memory["losses"]]
