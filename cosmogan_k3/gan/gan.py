"""The generative adversarial network: one training step for every backend."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from cosmogan_k3 import backend
from cosmogan_k3._typing import Conditions, PathLike, Tensor
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import serialization
from cosmogan_k3.gan.archive import add_checksums
from cosmogan_k3.gan.calibrator import REFERENCE_STREAM, Calibrator
from cosmogan_k3.gan.epoch_callback import EpochCallback
from cosmogan_k3.gan.latents import LatentSpace
from cosmogan_k3.gan.provenance import Provenance
from cosmogan_k3.gan.step import StepResult, adversarial_step, averaged_copy, network_inputs
from cosmogan_k3.maps import Batches, Conditioning, Scaling
from cosmogan_k3.maps.stream import check_pixel_size
from cosmogan_k3.nn import losses
from cosmogan_k3.nn.initializers import SeededNormal
from cosmogan_k3.nn.layers import FeatureMatching, MomentMatching, SpectralMatching
from cosmogan_k3.nn.losses import Loss
from cosmogan_k3.nn.optimizers import PairedOptimizer, refuse_loss_scaling
from cosmogan_k3.nn.penalties import GradientPenalty

# Training maps whose conditions a conditional model keeps, for reference batch and calibration.
_N_EXAMPLES = 256


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class GAN(backend.TrainStep, keras.Model):
    """A generator and a discriminator of convergence maps, trained against each other.

    One step draws latents z, passes them once through the generator, and uses this pass twice::

        D ← D − η_D ∇_D [L_D(D(x), D(G(z))) + penalties]
        G ← G − η_G (∂G/∂w)ᵀ ∇_g L_G(D(g)),    g = G(z)

    The second update uses the updated discriminator. Samples come from the averaged generator,
    whose weights are the moving average w̄ ← d w̄ + (1 − d) w, with d ≤ (1 + t)/(10 + t) at step t.

    Parameters
    ----------
    generator : keras.Model
        From latents, and the conditions of a conditional model, to maps
        ``(n, pixels, pixels, 1)``, or larger by the margin of the latent space, in network units.
    discriminator : keras.Model or None
        From maps ``(n, pixels, pixels, 1)``, and their conditions, to logits ``(n, 1)``. A GAN
        without it draws maps and cannot be trained; its generator is the averaged one.
    latent_space : LatentSpace
        Shapes of the latents, side of the maps and margin.
    scaling : Scaling
        Between κ and network units.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    reference_size : int
        Size of the reference batch of the generator's ``VirtualBatchNorm`` layers; 0 without.
    average_decay : float
        d, in [0, 1).
    spectral_weight, feature_weight : float
        Weights of ``SpectralMatching`` and ``FeatureMatching``; 0 leaves one out.
    calibrator : Calibrator, optional
        Corrects the maps of the averaged generator.
    seed : int
        Seed of the reference batch and of the latents drawn in training.
    conditioning : Conditioning, optional
        Parameters on which the maps depend. Generated maps take those of real maps beside them.
    provenance : Provenance, optional
        What the file records of the training.

    Raises
    ------
    InputError
        If a pixel has no size, or the generator does not fit the latent space.
    ValueError
        If ``average_decay`` lies outside [0, 1).

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
    >>> gan.network_maps(gan.latent_space.draw(5, seed=1)).shape
    (5, 16, 16, 1)

    References
    ----------
    Goodfellow et al. 2014 (arXiv 1406.2661). Several discriminator steps: Arjovsky et al. 2017
    (arXiv 1701.07875). Averaged weights: Yazıcı et al. 2018 (arXiv 1806.04498).
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model | None,
        *,
        latent_space: LatentSpace,
        scaling: Scaling,
        pixel_arcmin: float,
        reference_size: int = 0,
        average_decay: float = 0.0,
        spectral_weight: float = 0.0,
        feature_weight: float = 0.0,
        calibrator: Calibrator | None = None,
        seed: int = 0,
        conditioning: Conditioning | None = None,
        provenance: Provenance | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= average_decay < 1:
            raise ValueError(f"average_decay must lie in [0, 1). Received: {average_decay}")
        latent_space.check(generator, conditioning)
        self.generator = generator
        self.discriminator: keras.Model = discriminator
        self.averaged_generator = averaged_copy(generator) if discriminator else generator
        self.latent_space = latent_space
        self.scaling = scaling
        self.pixel_arcmin = check_pixel_size(pixel_arcmin)
        self.reference_size = reference_size
        self.average_decay = average_decay
        self.spectral_weight, self.feature_weight = spectral_weight, feature_weight
        self.seed = seed
        self.conditioning = conditioning
        self.provenance = provenance or Provenance()
        size = (self.pixels, self.n_conditions)
        self.spectral_matching = SpectralMatching.of_weight(spectral_weight, *size)
        self.feature_matching = FeatureMatching.of_weight(feature_weight, *size)
        self.calibrator = calibrator
        if calibrator is not None and not calibrator.built:
            calibrator.build((None, None, None, 1))
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._add_fixed_inputs()
        self.step_metrics = [keras.metrics.Mean(name=name) for name in StepResult._fields]
        self.jit_compile = backend.default_jit()  # of maps that are drawn without ``compile``
        self.built = True

    @property
    def matchings(self) -> list[MomentMatching]:
        """The loss terms that match moments of the training maps."""
        return [m for m in (self.spectral_matching, self.feature_matching) if m is not None]

    def _add_fixed_inputs(self) -> None:
        """Create the reference batch, and the conditions of some training maps."""
        self.reference = [
            self.add_weight(
                shape=(self.reference_size, *shape),
                initializer=SeededNormal([self.seed, REFERENCE_STREAM + i], stddev=1.0),
                trainable=False,
                dtype="float32",
                name=f"reference_{i}",
            )
            for i, shape in enumerate(self.latent_space.shapes)
            if self.reference_size
        ]
        self.example_conditions = None
        if self.n_conditions:
            self.example_conditions = self.add_weight(
                shape=(_N_EXAMPLES, self.n_conditions),
                initializer="zeros",
                trainable=False,
                dtype="float32",
                name="example_conditions",
            )

    @property
    def pixels(self) -> int:
        """Side of the maps."""
        return self.latent_space.pixels

    @property
    def n_conditions(self) -> int:
        """Number of conditions; 0 for a model that is not conditional."""
        return len(self.conditioning.names) if self.conditioning else 0

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Means of the losses and logits over an epoch."""
        return self.step_metrics

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        loss: Loss | Mapping[int, Loss] = "hinge",
        *,
        penalties: Sequence[GradientPenalty] = (),
        discriminator_steps: int = 1,
        jit_compile: bool | Literal["auto"] = "auto",
        **kwargs: Any,
    ) -> None:
        """Choose the optimizers and the loss.

        Parameters
        ----------
        generator_optimizer, discriminator_optimizer : keras.optimizers.Optimizer
            Two different objects.
        loss : str, AdversarialLoss, or mapping of int to these
            A mapping gives the epoch at which each loss takes over, the first at 0.
        penalties : sequence of GradientPenalty
            Terms added to the discriminator's loss.
        discriminator_steps : int
            k. The batch, real and generated, is split into k parts. The discriminator takes a step
            on each, the generator one on the last.
        jit_compile : bool or "auto"
            "auto" compiles where it is faster on the device in use.
        **kwargs
            ``run_eagerly`` and ``steps_per_execution``, as in Keras.

        Raises
        ------
        ValueError
            If the loss is unknown, its schedule has no epoch 0, the policy is mixed_float16, or
            there is no discriminator.
        """
        if self.discriminator is None:
            raise InputError("This model only draws maps: it has no discriminator to train with")
        refuse_loss_scaling(self.dtype_policy.name)
        self.loss_schedule = losses.schedule(loss)
        self.adversarial_loss = self.loss_schedule[0]
        self.penalties = tuple(penalties)
        self.discriminator_steps = discriminator_steps
        pair = PairedOptimizer(generator_optimizer, discriminator_optimizer)
        pair.build_pair(self.generator.trainable_variables, self.discriminator.trainable_variables)
        jit_compile = backend.default_jit() if jit_compile == "auto" else jit_compile
        super().compile(optimizer=pair, loss=None, jit_compile=jit_compile, **kwargs)

    def fit(
        self,
        x: Any,
        *args: Any,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train on maps in network units; the arguments are those of ``keras.Model.fit``.

        Parameters
        ----------
        x : Batches, ndarray of shape (n, pixels, pixels, 1), or any data set that Keras takes
            A conditional model takes the conditions ``(n, n_conditions)`` as targets.
        """
        batches = x if isinstance(x, Batches) else None
        if batches is not None:
            batches.set_replica(
                backend.process_index(), backend.process_count(), backend.device_count()
            )
            x, kwargs["shuffle"] = backend.feed(batches), False  # they have an order of their own
        kwargs["callbacks"] = [EpochCallback(batches), *(callbacks or [])]
        return super().fit(x, *args, **kwargs)

    def train_on_maps(self, data: Any) -> dict[str, Tensor]:
        """Take a step on maps and their conditions, as if every variable were stateful.

        Each backend's ``train_step`` calls it.
        """
        maps, conditions, _ = keras.utils.unpack_x_y_sample_weight(data)
        maps = ops.convert_to_tensor(maps)  # train_on_batch passes on what it was given
        latents = self.draw_latents(ops.shape(maps)[0])
        conditions = ops.convert_to_tensor(conditions) if self.conditioning else None
        result = self.adversarial_step(maps, latents, conditions)
        for metric, value in zip(self.step_metrics, result, strict=True):
            metric.update_state(value)
        return {metric.name: metric.result() for metric in self.step_metrics}

    def draw_latents(self, n: int | Tensor) -> list[Tensor]:
        """Draw the latents of ``n`` maps from the GAN's own random state.

        Each of several devices draws those of the whole batch and takes its own.
        """
        n = n * backend.replica_count()
        return [
            backend.local_slice(keras.random.normal((n, *shape), seed=self.seed_generator))
            for shape in self.latent_space.shapes
        ]

    def adversarial_step(
        self, maps: Tensor, latents: list[Tensor], conditions: Tensor | None = None
    ) -> StepResult:
        """Update both networks and the averaged generator; see ``step.adversarial_step``."""
        return adversarial_step(self, maps, latents, conditions)

    def use_loss_of(self, epoch: int) -> None:
        """Switch to the loss of an epoch; the step is traced anew if the loss changed."""
        due = self.loss_schedule[max(start for start in self.loss_schedule if start <= epoch)]
        if due is not self.adversarial_loss:
            self.adversarial_loss = due
            self.make_train_function(force=True)

    def call(self, inputs: list[Tensor], training: bool = False) -> Tensor:
        """Return calibrated maps of the averaged generator, in network units."""
        maps = self.averaged_generator(inputs, training=training)
        maps = self.calibrator(maps) if self.calibrator else maps
        return self.latent_space.crop(maps)

    def network_maps(
        self, latents: list[NDArray[np.float32]], conditions: Conditions | None = None
    ) -> NDArray[np.float32]:
        """Return calibrated maps in network units.

        Parameters
        ----------
        latents : list of ndarray
            As ``latent_space.draw`` returns them.
        conditions : ndarray, optional
            float32 ``(n, n_conditions)``, of a conditional model.

        Returns
        -------
        ndarray
            float32 ``(n, N, N, 1)``.
        """
        maps = self.predict_on_batch(network_inputs(latents, conditions))
        return maps[: len(latents[0])]  # with several devices TensorFlow repeats the batch

    def save(self, filepath: PathLike, overwrite: bool = True) -> None:
        """Save the GAN, as ``keras.Model.save`` does, with the SHA-256 of what the file holds."""
        if not str(filepath).endswith(".keras"):
            raise InputError(f"{filepath}: expected a path that ends in .keras", parameter="out")
        backend.cache_keras_skipsets()
        super().save(filepath, overwrite=overwrite)
        add_checksums(filepath)

    def save_own_variables(self, store: Any) -> None:
        """Save the random state too, which Keras leaves out and a resumed training needs."""
        super().save_own_variables(store)
        serialization.save_random_state(self.seed_generator, store)

    def load_own_variables(self, store: Any) -> None:
        """Load what ``save_own_variables`` saved."""
        super().load_own_variables(serialization.load_random_state(self.seed_generator, store))

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return serialization.gan_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GAN":
        """Build a GAN from its configuration."""
        return cls(**serialization.gan_arguments(config))

    def get_compile_config(self) -> dict[str, Any]:
        """Return what ``compile_from_config`` needs."""
        return serialization.compile_config(self) if self.compiled else {}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as the saved GAN was."""
        self.compile(**serialization.compile_arguments(config))
