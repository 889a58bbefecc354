"""TensorFlow by hand: ``tf.Module`` and ``tf.nn`` in one ``tf.function``, optionally with XLA."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from benchmarks.by_hand import GEOGAN, QUICK


class Convolution(tf.Module):
    """Convolution, or transposed convolution with a stride of 2.

    Parameters
    ----------
    size : int
        Side of the kernel.
    inputs, outputs : int
        Channels.
    strides : int
        Stride.
    bias : bool
        Whether to add a bias.
    transposed : bool
        Whether the convolution is transposed.
    """

    def __init__(
        self,
        size: int,
        inputs: int,
        outputs: int,
        *,
        strides: int = 1,
        bias: bool = True,
        transposed: bool = False,
    ) -> None:
        super().__init__()
        shape = (size, size, outputs, inputs) if transposed else (size, size, inputs, outputs)
        self.w = tf.Variable(tf.random.stateless_normal(shape, (0, inputs)) / (size * inputs**0.5))
        self.b = tf.Variable(tf.zeros(outputs)) if bias else None
        self.strides, self.transposed = strides, transposed

    def __call__(self, x: tf.Tensor, padding: str = "SAME") -> tf.Tensor:
        w = tf.cast(self.w, x.dtype)
        if self.transposed:
            n, rows, columns, _ = x.shape
            shape = (n, 2 * rows, 2 * columns, w.shape[2])
            y = tf.nn.conv2d_transpose(x, w, shape, 2, padding)
        else:
            y = tf.nn.conv2d(x, w, self.strides, padding)
        return y if self.b is None else tf.nn.bias_add(y, tf.cast(self.b, x.dtype))

    def periodic(self, x: tf.Tensor) -> tf.Tensor:
        """Periodic convolution of 3x3."""
        x = tf.concat([x[:, -1:], x, x[:, :1]], 1)
        return self(tf.concat([x[:, :, -1:], x, x[:, :, :1]], 2), "VALID")


class Norm(tf.Module):
    """Batch normalization, with or without a reference batch."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale, self.shift = tf.Variable(tf.ones(channels)), tf.Variable(tf.zeros(channels))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        normalize = tf.compat.v1.nn.fused_batch_norm
        return tf.cast(normalize(x, self.scale, self.shift, epsilon=1e-3 / 50)[0], x.dtype)

    def with_reference(self, x: tf.Tensor, reference: int) -> tf.Tensor:
        """Virtual batch normalization: the first ``reference`` maps are the reference batch."""
        return tf.concat([self(x[:reference]), self(x)[reference:]], 0)


class Dense(tf.Module):
    """Matrix product without a bias."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.w = tf.Variable(tf.random.stateless_normal((inputs, outputs), (1, 1)) / inputs**0.5)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return x @ tf.cast(self.w, x.dtype)


class QuickGenerator(tf.Module):
    """Generator of ``quick``."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        first, *middle, last = QUICK["generator"]
        self.base = Convolution(3, QUICK["latent"], first)
        pairs = list(zip([first, *middle[:-1]], middle, strict=True))
        self.ups = [Convolution(3, i, o, bias=False) for i, o in pairs]
        self.norms = [Norm(o) for o in middle]
        self.noise = [tf.Variable(tf.zeros(c)) for c in (*middle, last)]
        self.detail, self.map = Convolution(3, middle[-1], last), Convolution(3, last, 1)
        self.skew = tf.Variable(0.3)

    def __call__(self, latents: list[tf.Tensor]) -> tf.Tensor:
        latent, *noises = latents
        x = self.base.periodic(latent)
        for up, norm, weight, noise in zip(self.ups, self.norms, self.noise, noises, strict=False):
            x = up.periodic(tf.repeat(tf.repeat(x, 2, 1), 2, 2))
            x = tf.nn.relu(
                norm.with_reference(x + tf.cast(weight, x.dtype) * noise, QUICK["reference"])
            )
        x = tf.nn.relu(self.detail.periodic(x) + tf.cast(self.noise[-1], x.dtype) * noises[-1])
        x = tf.cast(self.map.periodic(x), tf.float32)
        return tf.math.expm1(tf.minimum(self.skew * x, 4.0)) / self.skew


class QuickDiscriminator(tf.Module):
    """Discriminator of ``quick``."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        channels = (1, *QUICK["discriminator"])
        strides = [2] * (len(channels) - 2) + [1]
        pairs = zip(channels[:-1], channels[1:], strides, strict=True)
        self.convolutions = [Convolution(5, i, o, strides=s) for i, o, s in pairs]
        self.logit = Dense(channels[-1] * (pixels // 16) ** 2, 1)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        for convolution in self.convolutions:
            x = tf.nn.leaky_relu(convolution(x), 0.2)
        return tf.cast(self.logit(tf.reshape(x, (x.shape[0], -1))), tf.float32)


class GeoGenerator(tf.Module):
    """Generator of ``geogan``."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        first, *rest = GEOGAN["channels"]
        self.shape = (pixels // 16, pixels // 16, first)
        self.dense = Dense(GEOGAN["latent"], first * (pixels // 16) ** 2)
        pairs = zip([first, *rest], [*rest, 1], strict=True)
        self.ups = [Convolution(5, i, o, transposed=True) for i, o in pairs]
        self.norms = [Norm(c) for c in (first, *rest)]

    def __call__(self, latents: list[tf.Tensor]) -> tf.Tensor:
        x = tf.reshape(self.dense(latents[0]), (-1, *self.shape))
        x = tf.ensure_shape(x, (latents[0].shape[0], *self.shape))
        for up, norm in zip(self.ups, self.norms, strict=True):
            x = up(tf.nn.relu(norm.with_reference(x, GEOGAN["reference"])))
        return tf.cast(tf.tanh(x), tf.float32)


class GeoDiscriminator(tf.Module):
    """Discriminator of ``geogan``."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        channels = (1, *reversed(GEOGAN["channels"]))
        self.convolutions = [
            Convolution(5, i, o, strides=2) for i, o in itertools.pairwise(channels)
        ]
        self.norms = [Norm(c) for c in channels[2:]]
        side, last = pixels // 16, channels[-1]
        joined = last + GEOGAN["kernels"] // side**2
        self.project = Dense(last * side**2, GEOGAN["projection"])
        self.rows = Dense(GEOGAN["projection"], GEOGAN["kernels"] * GEOGAN["dims"])
        self.last, self.last_norm = Convolution(5, joined, joined), Norm(joined)
        self.logit = Dense(joined * side**2, 1)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        x = tf.nn.leaky_relu(self.convolutions[0](x), 0.2)
        for convolution, norm in zip(self.convolutions[1:], self.norms, strict=True):
            x = tf.nn.leaky_relu(norm(convolution(x)), 0.2)
        n, rows, columns, _ = x.shape
        flat = tf.reshape(x, (n, -1))
        m = tf.reshape(self.rows(self.project(flat)), (n, GEOGAN["kernels"], GEOGAN["dims"]))
        close = tf.reduce_sum(tf.exp(-tf.reduce_sum(tf.abs(m[:, None] - m[None]), 3)), 1)
        x = tf.reshape(tf.concat([flat, close], 1), (n, rows, columns, -1))
        x = tf.nn.leaky_relu(self.last_norm(self.last(x)), 0.2)
        return tf.cast(self.logit(tf.reshape(x, (n, -1))), tf.float32)


def adam(
    weights: Sequence[tf.Variable],
    gradients: Sequence[tf.Tensor],
    moments: Sequence[Sequence[tf.Variable]],
    step: tf.Variable,
    rate: float,
    betas: tuple[float, float],
) -> None:
    """Take one step of Adam."""
    scale = rate * tf.sqrt(1 - betas[1] ** step) / (1 - betas[0] ** step)
    for w, g, (m, v) in zip(weights, gradients, moments, strict=True):
        tf.raw_ops.ResourceApplyAdam(
            var=w.handle, m=m.handle, v=v.handle, beta1_power=0.0, beta2_power=0.0, lr=scale,
            beta1=betas[0], beta2=betas[1], epsilon=1e-7, grad=g,
        )  # fmt: skip


class Loop(tf.Module):
    """Both networks, their Adam moments, the averaged weights and the step.

    Parameters
    ----------
    system, pixels, batch, variant, precision : str, int, int, str, str
        As for ``loop``.
    """

    def __init__(
        self, system: str, pixels: int, batch: int, variant: str, precision: str = "float32"
    ) -> None:
        super().__init__()
        self.numbers = {"quick": QUICK, "geogan": GEOGAN}[system]
        quick = system == "quick"
        self.dtype = tf.bfloat16 if precision == "bfloat16" else tf.float32
        self.G = (QuickGenerator if quick else GeoGenerator)(pixels)
        self.D = (QuickDiscriminator if quick else GeoDiscriminator)(pixels)
        networks = [net.trainable_variables for net in (self.G, self.D)]
        self.moments = [
            [[tf.Variable(tf.zeros_like(w)) for _ in "mv"] for w in net] for net in networks
        ]
        self.average = [tf.Variable(w) for w in networks[0]]
        self.count = tf.Variable(0.0)
        sides = [pixels // 8, pixels // 4, pixels // 2, pixels, pixels]
        grids = [(s, s, self.numbers["latent"] if i == 0 else 1) for i, s in enumerate(sides)]
        self.shapes = grids if quick else [(self.numbers["latent"],)]
        self.reference = [tf.random.normal((self.numbers["reference"], *s)) for s in self.shapes]
        self.batch = batch
        signature = tf.TensorSpec((batch, pixels, pixels, 1), tf.float32)
        xla = variant == "xla"
        self.run = tf.function(self._step, input_signature=[signature], jit_compile=xla)

    def _generate(self) -> tf.Tensor:
        fresh = (tf.random.normal((self.batch, *shape)) for shape in self.shapes)
        latents = [
            tf.cast(tf.concat(pair, 0), self.dtype)
            for pair in zip(self.reference, fresh, strict=True)
        ]
        return self.G(latents)[self.numbers["reference"] :]

    def _d_objective(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        real_logit, fake_logit = (self.D(tf.cast(x, self.dtype)) for x in (real, fake))
        if "gamma" not in self.numbers:
            of_real = tf.reduce_mean(tf.nn.relu(1 - real_logit))
            return of_real + tf.reduce_mean(tf.nn.relu(1 + fake_logit))
        of_real = tf.reduce_mean(tf.nn.softplus(-real_logit))
        loss = of_real + tf.reduce_mean(tf.nn.softplus(fake_logit))
        penalised = real[:: self.numbers["penalised"]]
        with tf.GradientTape() as tape:
            tape.watch(penalised)
            total = tf.reduce_sum(self.D(tf.cast(penalised, self.dtype)))
        slope = tape.gradient(total, penalised)
        return loss + self.numbers["gamma"] / 2 * tf.reduce_mean(tf.reduce_sum(slope**2, (1, 2, 3)))

    def _g_objective(self, fake: tf.Tensor) -> tf.Tensor:
        logit = self.D(tf.cast(fake, self.dtype))
        if "gamma" not in self.numbers:
            return -tf.reduce_mean(logit)
        return tf.reduce_mean(tf.nn.softplus(-logit))

    def _step(self, real: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        self.count.assign_add(1.0)
        numbers, count = self.numbers, self.count
        (g_rate, d_rate), betas = numbers["rates"], numbers["betas"]
        g, d = self.G.trainable_variables, self.D.trainable_variables
        with tf.GradientTape() as generator_tape:
            fake = self._generate()
        with tf.GradientTape() as tape:
            d_loss = self._d_objective(real, fake)
        adam(d, tape.gradient(d_loss, d), self.moments[1], count, d_rate, betas)
        with tf.GradientTape() as tape:
            tape.watch(fake)
            g_loss = self._g_objective(fake)
        gradients = generator_tape.gradient(fake, g, output_gradients=tape.gradient(g_loss, fake))
        adam(g, gradients, self.moments[0], count, g_rate, betas)
        for mean, new in zip(self.average, g, strict=True):
            mean.assign(numbers["decay"] * mean + (1 - numbers["decay"]) * new)
        return d_loss, g_loss


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
        ``graph``, or ``xla`` to compile the step with XLA.
    precision : str
        ``float32`` or ``bfloat16``.

    Returns
    -------
    step : callable
        Takes one step on a NumPy batch ``(batch, pixels, pixels, 1)``.
    wait : callable
        Waits for the device and returns the last losses.
    """
    training = Loop(system, pixels, batch, variant, precision)
    last: list[tf.Tensor] = []

    def take_step(maps: np.ndarray) -> None:
        last[:] = training.run(maps)

    return take_step, lambda: [float(loss) for loss in last]
