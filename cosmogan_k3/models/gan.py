"""The generative adversarial network: one training step for every backend."""

import keras
import numpy as np
from keras import ops

from cosmogan_k3 import backend, losses
from cosmogan_k3.data.batches import Batches
from cosmogan_k3.data.scaling import Scaling
from cosmogan_k3.errors import InputError
from cosmogan_k3.layers import SeededNormal
from cosmogan_k3.optimizers import PairedOptimizer

_REFERENCE_STREAM = 1_000_000
"""Seeds of the reference batch start here, clear of those of the weights."""

_CALIBRATION_SIZE = 256
"""Maps from which the frozen statistics of the averaged generator are measured."""

_PIXELS_AT_A_TIME = 2**20
"""Maps of so many pixels together are generated at a time: large enough for a GPU, and 100 MB or so."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class GAN(backend.TrainStep, keras.Model):
    """A generator and a discriminator of convergence maps, trained against each other.

    One step draws latents z, passes them once through the generator, and uses that pass twice:

        D ← D − η_D ∇_D L_D(D(x), D(G(z)))  [+ γ/2 ⟨|∇_x D(x)|²⟩],      G ← G − η_G (∂G/∂θ)ᵀ ∇_g L_G(D(g)) at g = G(z)

    with the updated discriminator in the second. Samples come from the averaged generator, whose weights are the
    exponential moving average w̄ ← d w̄ + (1 − d) w, with d no larger than (1 + t)/(10 + t) at step t.

    Args:
        generator: ``keras.Model`` from latents to maps ``(n, pixels, pixels, 1)`` in network units.
        discriminator: ``keras.Model`` from such maps to logits ``(n, 1)``.
        latent_shapes: list of shapes, one for each input of the generator, without the batch axis.
        scaling: ``Scaling`` between κ and network units.
        pixels: int, side of a map.
        pixel_arcmin: float, side of a pixel in arcmin.
        margin: int, pixels that the generator draws around a map and crops, so that opposite edges are strangers.
        reference_size: int, size of the fixed reference batch of the generator's ``VirtualBatchNorm`` layers; 0 if it
            has none.
        average_decay: float in [0, 1), d.
        seed: int, of the reference batch and of the latents drawn in training.

    Example:
        >>> from cosmogan_k3.models.build import build_gan
        >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
        >>> gan.sample(5, seed=1).shape
        (5, 16, 16)

    Source: Goodfellow et al. 2014 (arXiv 1406.2661); R1: Mescheder et al. 2018 (arXiv 1801.04406), eq. 9; averaged
    weights: Yazıcı et al. 2018 (arXiv 1806.04498).
    """

    def __init__(
        self,
        generator,
        discriminator,
        *,
        latent_shapes,
        scaling,
        pixels,
        pixel_arcmin,
        margin=0,
        reference_size=0,
        average_decay=0.0,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0 <= average_decay < 1:
            raise ValueError(f"average_decay must lie in [0, 1). Received: average_decay={average_decay}")
        self.generator = generator
        self.discriminator = discriminator
        self.averaged_generator = keras.models.clone_model(generator)
        self.averaged_generator.set_weights(generator.get_weights())
        self.averaged_generator.trainable = False
        self.latent_shapes = [tuple(shape) for shape in latent_shapes]
        self.scaling = scaling
        self.pixels = pixels
        self.pixel_arcmin = pixel_arcmin
        self.margin = margin
        self.reference_size = reference_size
        self.average_decay = average_decay
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.reference = [
            self.add_weight(
                shape=(reference_size, *shape),
                initializer=SeededNormal([seed, _REFERENCE_STREAM + i], stddev=1.0),
                trainable=False,
                dtype="float32",
                name=f"reference_{i}",
            )
            for i, shape in enumerate(self.latent_shapes)
            if reference_size
        ]
        self.step_metrics = [
            keras.metrics.Mean(name=name)
            for name in ("discriminator_loss", "generator_loss", "real_logit", "fake_logit")
        ]
        self.built = True

    @property
    def metrics(self):
        return self.step_metrics

    def compile(
        self,
        generator_optimizer,
        discriminator_optimizer,
        loss="hinge",
        *,
        r1_weight=0.0,
        r1_fraction=1.0,
        jit_compile="auto",
        **kwargs,
    ):
        """Choose the optimizers and the loss.

        Args:
            generator_optimizer, discriminator_optimizer: two ``keras.optimizers.Optimizer``.
            loss: a name of ``losses.LOSSES``, an ``AdversarialLoss``, or a mapping from the epoch at which one takes
                over (the first at 0) to the loss.
            r1_weight: float, γ; 0 for no penalty.
            r1_fraction: float in (0, 1], share of each batch on which the penalty is computed.
            jit_compile: bool or "auto", what pays on the device at hand.
            kwargs: ``run_eagerly`` and ``steps_per_execution``, as in Keras.

        Raises:
            ValueError: unknown loss, a schedule without epoch 0, or the policy mixed_float16.
        """
        if self.dtype_policy.name == "mixed_float16":
            raise ValueError(
                "A GAN cannot be trained in mixed_float16: loss scaling would wrap the two optimizers as one. "
                "Use keras.config.set_dtype_policy('mixed_bfloat16')."
            )
        schedule = loss if isinstance(loss, dict) else {0: loss}
        self.loss_schedule = {int(epoch): losses.get(schedule[epoch]) for epoch in sorted(schedule, key=int)}
        if 0 not in self.loss_schedule:
            raise ValueError(f"A loss schedule must start at epoch 0. Received: epochs {list(self.loss_schedule)}")
        self.adversarial_loss = self.loss_schedule[0]
        self.r1_weight = r1_weight
        self.r1_fraction = r1_fraction
        pair = PairedOptimizer(generator_optimizer, discriminator_optimizer)
        pair.build_pair(self.generator.trainable_variables, self.discriminator.trainable_variables)
        jit_compile = backend.default_jit() if jit_compile == "auto" else jit_compile
        super().compile(optimizer=pair, loss=None, jit_compile=jit_compile, **kwargs)

    def fit(self, x, *args, callbacks=None, **kwargs):
        """Train on maps in network units; the arguments are those of ``keras.Model.fit``.

        Args:
            x: ``data.Batches``, an array ``(n, pixels, pixels, 1)``, or any data set that Keras takes.
        """
        batches = x if isinstance(x, Batches) else None
        if batches is not None:
            x = backend.feed(batches)
            kwargs["shuffle"] = False  # the order is the batches' own; Keras would draw its own from no seed of ours
        return super().fit(x, *args, callbacks=[_EpochHooks(batches), *(callbacks or [])], **kwargs)

    def train_on_maps(self, data):
        """What each backend's ``train_step`` calls, as if every variable were stateful."""
        maps, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        latents = self.draw_latents(ops.shape(maps)[0])
        for metric, value in zip(self.step_metrics, self.adversarial_step(maps, latents), strict=True):
            metric.update_state(value)
        return {metric.name: metric.result() for metric in self.step_metrics}

    def draw_latents(self, n):
        return [keras.random.normal((n, *shape), seed=self.seed_generator) for shape in self.latent_shapes]

    def adversarial_step(self, maps, latents):
        """Update both networks and the averaged one; return the losses and the mean logits."""
        generator, discriminator, pair = self.generator, self.discriminator, self.optimizer
        fake, pull = backend.pullback(
            lambda: self._generate(generator, latents), generator.trainable_variables, self.variables
        )
        (d_loss, logits), gradients = backend.value_and_grad(
            lambda: self._discriminator_objective(maps, fake), discriminator.trainable_variables, self.variables
        )
        pair.discriminator.apply(gradients, discriminator.trainable_variables)
        g_loss, cotangent = backend.value_and_input_gradient(
            lambda fake: self._generator_objective(maps, fake), fake, discriminator.variables
        )
        pair.generator.apply(pull(cotangent), generator.trainable_variables)
        self._update_average()
        return d_loss, g_loss, *logits

    def _generate(self, generator, latents):
        """Maps in network units, the reference batch leading the way through the same layers."""
        if not self.reference_size:
            return generator(latents, training=True)
        joined = [
            ops.concatenate([ops.cast(r, z.dtype), z], axis=0) for r, z in zip(self.reference, latents, strict=True)
        ]
        return generator(joined, training=True)[self.reference_size :]

    def _discriminator_objective(self, maps, fake):
        real_logits = self.discriminator(maps, training=True)
        fake_logits = self.discriminator(fake, training=True)
        loss = self.adversarial_loss.discriminator(real_logits, fake_logits, self.seed_generator)
        if self.r1_weight:
            loss = loss + self._r1_penalty(maps)
        return loss, (ops.mean(real_logits), ops.mean(fake_logits))

    def _r1_penalty(self, maps):
        """γ/2 ⟨|∇_x D(x)|²⟩ on every k-th map of the batch, k = 1/``r1_fraction``."""
        stride = max(1, round(1 / self.r1_fraction))
        _, slope = backend.value_and_input_gradient(
            lambda x: ops.sum(self.discriminator(x, training=True)), maps[::stride], self.discriminator.variables
        )
        return 0.5 * self.r1_weight * ops.mean(ops.sum(ops.square(slope), axis=(1, 2, 3)))

    def _generator_objective(self, maps, fake):
        real_logits = self.discriminator(maps, training=True) if self.adversarial_loss.relative else None
        return self.adversarial_loss.generator(real_logits, self.discriminator(fake, training=True))

    def _update_average(self):
        # Early on the average is short, or the initial weights would weigh on it for 1/(1 − d) steps.
        step = ops.cast(self.optimizer.iterations, "float32")
        decay = ops.minimum(self.average_decay, (1 + step) / (10 + step)) if self.average_decay else 0.0
        for mean, new in zip(self.averaged_generator.weights, self.generator.weights, strict=True):
            mean.assign(decay * mean + (1 - decay) * new if new.trainable else new)

    def calibrate(self):
        """Give the averaged generator's normalisation the frozen statistics that belong to its own weights.

        Averages of the statistics do not fit averaged weights; one pass of the reference batch and of a fixed set of
        latents through them does.
        """
        if self.reference_size:
            latents = self.numpy_latents(_CALIBRATION_SIZE, np.random.default_rng([self.seed, _REFERENCE_STREAM]))
            self._generate(self.averaged_generator, [ops.convert_to_tensor(z) for z in latents])

    def use_loss_of(self, epoch):
        """Switch to the loss that the schedule names for an epoch, and trace the step anew if it changed."""
        due = self.loss_schedule[max(start for start in self.loss_schedule if start <= epoch)]
        if due is not self.adversarial_loss:
            self.adversarial_loss = due
            self.make_train_function(force=True)

    def call(self, latents, training=False):
        return self.averaged_generator(latents, training=training)

    def sample(self, n, *, pixels=None, seed=0, batch_size=None):
        """Draw maps from the averaged generator.

        The latents come from NumPy: the same seed gives the same maps on every backend, whatever ``batch_size``.

        Args:
            n: int, number of maps.
            pixels: int, side of a map; by default that of the training maps. Others need a generator whose latents
                lie on a grid, and a multiple of its coarsest cell.
            seed: int.
            batch_size: int, maps generated at a time; by default as many as make a million pixels.

        Returns:
            κ, float32 ``(n, pixels, pixels)``.

        Raises:
            InputError: where ``n`` is not positive, or the generator cannot draw maps of this side.
        """
        if n < 1:
            raise InputError(f"The number of maps must be positive. Received: {n}")
        return np.concatenate(list(self.sample_batches(n, pixels=pixels, seed=seed, batch_size=batch_size)))

    def sample_batches(self, n, *, pixels=None, seed=0, batch_size=None):
        """Yield what ``sample`` returns, in batches."""
        pixels = pixels or self.pixels
        batch_size = batch_size or max(1, min(n, _PIXELS_AT_A_TIME // pixels**2))
        rng = np.random.default_rng(seed)
        for start in range(0, n, batch_size):
            maps = self.predict_on_batch(self.numpy_latents(batch_size, rng, pixels=pixels))
            yield self.scaling.to_kappa(maps[: n - start, ..., 0])

    def numpy_latents(self, n, rng, *, pixels=None):
        """Latents of ``n`` maps, drawn map by map so that batches of any size follow the same stream."""
        shapes = self.latent_shapes_of(pixels or self.pixels)
        sizes = [int(np.prod(shape)) for shape in shapes]
        flat = rng.standard_normal((n, sum(sizes)), dtype=np.float32)
        parts = np.split(flat, np.cumsum(sizes)[:-1], axis=1)
        return [part.reshape(n, *shape) for part, shape in zip(parts, shapes, strict=True)]

    def latent_shapes_of(self, pixels):
        """Shapes of one map's latents, for maps of ``pixels`` a side.

        Raises:
            InputError: the generator cannot draw such maps.
        """
        if pixels == self.pixels:
            return self.latent_shapes
        if any(len(shape) != 3 for shape in self.latent_shapes):
            raise InputError(
                f"This generator draws maps of {self.pixels} pixels only; those whose latents lie on a grid (presets "
                f"best and quick) draw any size. Received: pixels={pixels}"
            )
        native = self.pixels + 2 * self.margin
        cell = native // self.latent_shapes[0][0]
        if pixels < cell or pixels % cell:
            raise InputError(f"This generator draws maps of a multiple of {cell} pixels. Received: pixels={pixels}")
        sides = (side * (pixels + 2 * self.margin) // native for side, _, _ in self.latent_shapes)
        return [(side, side, channels) for side, (_, _, channels) in zip(sides, self.latent_shapes, strict=True)]

    def save_own_variables(self, store):
        """Keras leaves the state of seed generators out; a resumed training needs it."""
        super().save_own_variables(store)
        store["seed_state"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        keys = set(store.keys()) - {"seed_state"}
        super().load_own_variables({key: store[key] for key in keys})
        self.seed_generator.state.assign(store["seed_state"])

    def get_config(self):
        return {
            "name": self.name,
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "latent_shapes": self.latent_shapes,
            "scaling": self.scaling.get_config(),
            "pixels": self.pixels,
            "pixel_arcmin": self.pixel_arcmin,
            "margin": self.margin,
            "reference_size": self.reference_size,
            "average_decay": self.average_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        networks = {key: keras.saving.deserialize_keras_object(config[key]) for key in ("generator", "discriminator")}
        return cls(**(config | networks | {"scaling": Scaling(**config["scaling"])}))

    def get_compile_config(self):
        if not self.compiled:
            return {}
        return {
            "generator_optimizer": _portable(self.optimizer.generator),
            "discriminator_optimizer": _portable(self.optimizer.discriminator),
            "loss": [[epoch, keras.saving.serialize_keras_object(loss)] for epoch, loss in self.loss_schedule.items()],
            "r1_weight": self.r1_weight,
            "r1_fraction": self.r1_fraction,
        }

    def compile_from_config(self, config):
        optimizers = {
            key: keras.optimizers.deserialize(config[key]) for key in ("generator_optimizer", "discriminator_optimizer")
        }
        schedule = {epoch: keras.saving.deserialize_keras_object(loss) for epoch, loss in config["loss"]}
        self.compile(**(config | optimizers | {"loss": schedule}))


def _portable(optimizer):
    """An optimizer's configuration under its public name: Keras writes down the class of the backend in use."""
    config = keras.optimizers.serialize(optimizer)
    return config | {"module": "keras.optimizers"} if config["module"].startswith("keras.") else config


class _EpochHooks(keras.callbacks.Callback):
    """What the GAN itself does between epochs, before any of the user's callbacks."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.model.use_loss_of(epoch)
        if self.batches is not None:
            self.batches.start_epoch(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.model.calibrate()
