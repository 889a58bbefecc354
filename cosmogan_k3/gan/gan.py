"""The generative adversarial network: one training step for every backend."""

import keras
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.calibration import REFERENCE_STREAM, Calibration
from cosmogan_k3.gan.epoch_callback import EpochHooks
from cosmogan_k3.gan.sampling import Sampling
from cosmogan_k3.gan.saving import Saving
from cosmogan_k3.maps.batches import Batches
from cosmogan_k3.nn import losses
from cosmogan_k3.nn.layers import SeededNormal, SpectralMatching
from cosmogan_k3.nn.optimizers import PairedOptimizer

_EXAMPLES = 256
"""Parameters of training maps that a conditional model keeps, for its reference batch and its calibration."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class GAN(Sampling, Calibration, Saving, backend.TrainStep, keras.Model):
    """A generator and a discriminator of convergence maps, trained against each other.

    One step draws latents z, passes them once through the generator, and uses that pass twice:

        D ← D − η_D ∇_D [L_D(D(x), D(G(z))) + penalties],      G ← G − η_G (∂G/∂θ)ᵀ ∇_g L_G(D(g)) at g = G(z)

    with the updated discriminator in the second. Samples come from the averaged generator, whose weights are the
    exponential moving average w̄ ← d w̄ + (1 − d) w, with d no larger than (1 + t)/(10 + t) at step t.

    Args:
        generator: ``keras.Model`` from latents, and after them the parameters of a conditional model, to maps ``(n,
            pixels, pixels, 1)`` in network units.
        discriminator: ``keras.Model`` from such maps, and their parameters, to logits ``(n, 1)``.
        latent_shapes: list of shapes, one for each latent input of the generator, without the batch axis.
        scaling: ``Scaling`` between κ and network units.
        pixels: int, side of a map.
        pixel_arcmin: float, side of a pixel in arcmin.
        margin: int, pixels that the generator draws around a map and crops, so that opposite edges are strangers.
        reference_size: int, size of the fixed reference batch of the generator's ``VirtualBatchNorm`` layers; 0 if it
            has none.
        average_decay: float in [0, 1), d.
        spectral_weight: float, of ``SpectralMatching`` in the generator's loss; 0 leaves it out.
        seed: int, of the reference batch and of the latents drawn in training.
        conditioning: ``Conditioning`` of a model that is told parameters: these are one more input of both networks,
            which comes with the maps; maps are generated for the parameters of the real ones beside them.

    Example:
        >>> from cosmogan_k3.gan.build import build_gan
        >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
        >>> gan.sample(5, seed=1).shape
        (5, 16, 16)

    Source: Goodfellow et al. 2014 (arXiv 1406.2661); several steps of the discriminator: Arjovsky et al. 2017 (arXiv
    1701.07875), Algorithm 1; averaged weights: Yazıcı et al. 2018 (arXiv 1806.04498).
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
        spectral_weight=0.0,
        seed=0,
        conditioning=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0 <= average_decay < 1:
            raise ValueError(
                f"average_decay must lie in [0, 1). Received: average_decay={average_decay}"
            )
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
        self.spectral_weight = spectral_weight
        self.conditioning = conditioning
        told = len(conditioning.names) if conditioning else 0
        self.spectral_matching = None
        if spectral_weight:
            self.spectral_matching = SpectralMatching(
                spectral_weight, parameters=told, name="spectral_matching"
            )
            self.spectral_matching.build((None, pixels, pixels, 1))
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.reference = [
            self.add_weight(
                shape=(reference_size, *shape),
                initializer=SeededNormal([seed, REFERENCE_STREAM + i], stddev=1.0),
                trainable=False,
                dtype="float32",
                name=f"reference_{i}",
            )
            for i, shape in enumerate(self.latent_shapes)
            if reference_size
        ]
        fixed = {"initializer": "zeros", "trainable": False, "dtype": "float32"}
        self.examples = (
            [self.add_weight(shape=(_EXAMPLES, told), name="examples", **fixed)] if told else []
        )
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
        penalties=(),
        discriminator_steps=1,
        jit_compile="auto",
        **kwargs,
    ):
        """Choose the optimizers and the loss.

        Args:
            generator_optimizer, discriminator_optimizer: two ``keras.optimizers.Optimizer``.
            loss: a name of ``losses.LOSSES``, an ``AdversarialLoss``, or a mapping from the epoch at which one takes
                over (the first at 0) to the loss.
            penalties: sequence of ``penalties.GradientPenalty``, added to the discriminator's loss.
            discriminator_steps: int, k. The batch, real and generated, is dealt out into k parts; the discriminator
                takes a step on each, the generator one on the last.
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
        self.loss_schedule = {
            int(epoch): losses.get(schedule[epoch]) for epoch in sorted(schedule, key=int)
        }
        if 0 not in self.loss_schedule:
            raise ValueError(
                f"A loss schedule must start at epoch 0. Received: epochs {list(self.loss_schedule)}"
            )
        self.adversarial_loss = self.loss_schedule[0]
        self.penalties = tuple(penalties)
        self.discriminator_steps = discriminator_steps
        pair = PairedOptimizer(generator_optimizer, discriminator_optimizer)
        pair.build_pair(self.generator.trainable_variables, self.discriminator.trainable_variables)
        jit_compile = backend.default_jit() if jit_compile == "auto" else jit_compile
        super().compile(optimizer=pair, loss=None, jit_compile=jit_compile, **kwargs)

    def fit(self, x, *args, callbacks=None, **kwargs):
        """Train on maps in network units; the arguments are those of ``keras.Model.fit``.

        Args:
            x: ``data.Batches``, an array ``(n, pixels, pixels, 1)``, or any data set that Keras takes. A conditional
                model's has the standardised parameters ``(n, parameters)`` where Keras expects targets.
        """
        batches = x if isinstance(x, Batches) else None
        if batches is not None:
            batches.set_replica(
                backend.process_index(), backend.process_count(), backend.device_count()
            )
            x = backend.feed(batches)
            kwargs["shuffle"] = (
                False  # the order is the batches' own; Keras would draw its own from no seed of ours
            )
        return super().fit(x, *args, callbacks=[EpochHooks(batches), *(callbacks or [])], **kwargs)

    def train_on_maps(self, data):
        """What each backend's ``train_step`` calls, as if every variable were stateful."""
        maps, theta, _ = keras.utils.unpack_x_y_sample_weight(data)
        maps = ops.convert_to_tensor(maps)  # train_on_batch hands over what it was given
        latents = self.draw_latents(ops.shape(maps)[0])
        if self.conditioning:
            latents.append(ops.convert_to_tensor(theta))
        for metric, value in zip(
            self.step_metrics, self.adversarial_step(maps, latents), strict=True
        ):
            metric.update_state(value)
        return {metric.name: metric.result() for metric in self.step_metrics}

    def draw_latents(self, n):
        """Latents of ``n`` maps; of several devices, each draws those of the whole batch and takes its own."""
        n = n * backend.replica_count()
        return [
            backend.local_slice(keras.random.normal((n, *shape), seed=self.seed_generator))
            for shape in self.latent_shapes
        ]

    def adversarial_step(self, maps, latents):
        """Update both networks and the averaged one; return the last losses and mean logits.

        Args:
            maps: real ones, ``(n, pixels, pixels, 1)``.
            latents: list of tensors, and after them the maps' parameters if the model is told such.
        """
        generator, pair = self.generator, self.optimizer
        for real, z in self._parts(maps, latents):
            given = z[len(self.latent_shapes) :]
            fake, pull = self._generator_pass(z)
            d_loss, logits = self._discriminator_step(real, fake, *given)
        judges = [
            *self.discriminator.variables,
            *(self.spectral_matching.variables if self.spectral_matching else ()),
        ]
        g_loss, cotangent = backend.value_and_input_gradient(
            lambda fake: self._generator_objective(real, fake, *given), fake, judges
        )
        pair.generator.apply(pull(cotangent), generator.trainable_variables)
        self._update_average()
        if self.spectral_matching:
            self.spectral_matching.update(fake, self._averaged_pass(z), *given)
        return d_loss, g_loss, *logits

    def _parts(self, maps, latents):
        """The batch in as many equal parts as the discriminator takes steps: every count-th row, from the first on.

        Like every choice of rows here, it is the same choice of the whole batch however many devices share it.
        """
        count, size = self.discriminator_steps, maps.shape[0]
        if size is not None and size % count:
            raise InputError(
                f"A device's maps are split evenly among {count} discriminator steps: their number must be a multiple "
                f"of {count}. Received: {size} maps"
            )
        return [(maps[i::count], [z[i::count] for z in latents]) for i in range(count)]

    def _generator_pass(self, latents):
        return backend.vjp(
            lambda: self._generate(self.generator, latents),
            self.generator.trainable_variables,
            self.variables,
        )

    def _averaged_pass(self, latents):
        """Maps of the averaged generator from some of a batch's latents, to see how far it lags behind."""
        few = [z[:: SpectralMatching.EVERY] for z in latents]
        return ops.stop_gradient(self._generate(self.averaged_generator, few))

    def _discriminator_step(self, maps, fake, *given):
        discriminator = self.discriminator
        (loss, logits), gradients = backend.value_and_grad(
            lambda: self._discriminator_objective(maps, fake, *given),
            discriminator.trainable_variables,
            self.variables,
        )
        self.optimizer.discriminator.apply(gradients, discriminator.trainable_variables)
        return loss, logits

    def _generate(self, generator, latents):
        """Maps in network units, the reference batch leading the way through the same layers."""
        if not self.reference_size:
            return generator(latents, training=True)
        reference = [*self.reference, *(rows[: self.reference_size] for rows in self.examples)]
        joined = [
            ops.concatenate([ops.cast(r, z.dtype), z], axis=0)
            for r, z in zip(reference, latents, strict=True)
        ]
        both = generator(joined, training=True)
        return backend.split(
            both, [self.reference_size, ops.shape(both)[0] - self.reference_size], 0
        )[1]

    def _logits(self, maps, *given):
        """Logits of the whole batch: a loss is then the same number, and draws the same flips, on every device."""
        return backend.gather(self.discriminator([maps, *given] if given else maps, training=True))

    def _discriminator_objective(self, maps, fake, *given):
        real_logits = self._logits(maps, *given)
        fake_logits = self._logits(fake, *given)
        loss = self.adversarial_loss.discriminator(real_logits, fake_logits, self.seed_generator)
        for penalty in self.penalties:
            loss = loss + penalty(self.discriminator, maps, fake, self.seed_generator, *given)
        return loss, (ops.mean(real_logits), ops.mean(fake_logits))

    def _generator_objective(self, maps, fake, *given):
        real_logits = self._logits(maps, *given) if self.adversarial_loss.relative else None
        loss = self.adversarial_loss.generator(real_logits, self._logits(fake, *given))
        return loss + self.spectral_matching(fake, *given) if self.spectral_matching else loss

    def _update_average(self):
        # Early on the average is short, or the initial weights would weigh on it for 1/(1 − d) steps.
        step = ops.cast(self.optimizer.iterations, "float32")
        decay = (
            ops.minimum(self.average_decay, (1 + step) / (10 + step)) if self.average_decay else 0.0
        )
        for mean, new in zip(self.averaged_generator.weights, self.generator.weights, strict=True):
            mean.assign(decay * mean + (1 - decay) * new if new.trainable else new)

    def use_loss_of(self, epoch):
        """Switch to the loss that the schedule names for an epoch, and trace the step anew if it changed."""
        due = self.loss_schedule[max(start for start in self.loss_schedule if start <= epoch)]
        if due is not self.adversarial_loss:
            self.adversarial_loss = due
            self.make_train_function(force=True)

    def call(self, latents, training=False):
        return self.averaged_generator(latents, training=training)
