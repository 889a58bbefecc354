"""From a preset to a compiled GAN."""

from dataclasses import replace

import keras
import numpy as np

from cosmogan_k3._typing import MapArray
from cosmogan_k3._version import __version__
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.architectures.blocks import seeded_initializers
from cosmogan_k3.gan.calibrator import CONDITIONAL_FACTOR, Calibrator, adapt
from cosmogan_k3.gan.gan import GAN
from cosmogan_k3.gan.precision import building_in
from cosmogan_k3.gan.presets import PRESETS, Preset, get_preset
from cosmogan_k3.gan.provenance import Provenance
from cosmogan_k3.maps import Batches, Conditioning, MapSet, Scaling, is_periodic

# Layers are adapted to this many training maps, or to as many as have so many pixels if these are
# more.
_ADAPTED_MAPS, _ADAPTED_PIXELS = 2000, 2**25


def build_generator(preset: Preset, pixels: int, seed: int, n_conditions: int = 0) -> keras.Model:
    """Build the generator of a preset.

    Parameters
    ----------
    preset : Preset
    pixels : int
        Side of the maps.
    seed : int
        Seed of the initial weights, which are the same on every backend.
    n_conditions : int
        Number of conditions; if positive, the last input is ``(n, n_conditions)``.

    Returns
    -------
    keras.Model
        From the latents of ``architecture.latent_space(pixels)`` to maps ``(n, pixels, pixels, 1)``
        in network units.

    Raises
    ------
    InputError
        If the architecture cannot make maps of this side.

    Examples
    --------
    >>> build_generator(get_preset("tiny"), 16, seed=0).output_shape
    (None, None, None, 1)
    """
    preset.architecture.latent_space(pixels)
    initializers = seeded_initializers(seed, preset.initial_stddev)
    with building_in(preset.precision):
        return preset.architecture.generator(pixels, initializers, n_conditions)


def build_discriminator(
    preset: Preset, pixels: int, seed: int, n_conditions: int = 0
) -> keras.Model:
    """Build the discriminator of a preset; the parameters are those of ``build_generator``.

    Returns
    -------
    keras.Model
        From maps ``(n, pixels, pixels, 1)``, or a list of maps and conditions, to logits
        ``(n, 1)``.

    Examples
    --------
    >>> build_discriminator(get_preset("tiny"), 16, seed=0).output_shape
    (None, 1)
    """
    initializers = seeded_initializers(seed, preset.initial_stddev)
    with building_in(preset.precision):
        return preset.architecture.discriminator(pixels, initializers, n_conditions)


def build_gan(
    preset: str | Preset,
    *,
    pixels: int,
    pixel_arcmin: float,
    scaling: Scaling | None = None,
    steps: int = 10_000,
    seed: int = 0,
    conditioning: Conditioning | None = None,
) -> GAN:
    """Build and compile the GAN of a preset; ``adapt`` then measures the training maps.

    Parameters
    ----------
    preset : str or Preset
    pixels : int
        Side of the maps.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    scaling : Scaling, optional
        Of the training maps; the identity by default.
    steps : int
        Training steps over which the learning rates fall.
    seed : int
        Seed of the initial weights and the reference batch, which are the same on every backend.
    conditioning : Conditioning, optional
        Parameters on which the maps depend.

    Raises
    ------
    InputError
        If the preset is unknown, cannot make maps of this side or cannot be conditioned, or if a
        pixel has no size.

    Examples
    --------
    >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0, seed=1)
    >>> gan.generator.count_params() > 0
    True
    """
    preset = preset if isinstance(preset, Preset) else get_preset(preset)
    architecture = preset.architecture
    if conditioning is not None:
        check_conditional(preset)
    n_conditions = len(conditioning.names) if conditioning else 0
    calibrator = None
    if preset.spectral_weight and architecture.calibrated:
        calibrator = Calibrator(pixels, quantile_mapping=not n_conditions, name="calibrator")
    gan = GAN(
        build_generator(preset, pixels, 2 * seed, n_conditions),
        build_discriminator(preset, pixels, 2 * seed + 1, n_conditions),
        latent_space=architecture.latent_space(pixels),
        scaling=scaling or Scaling(),
        pixel_arcmin=pixel_arcmin,
        reference_size=architecture.reference_batch_size,
        average_decay=preset.average_decay,
        spectral_weight=preset.spectral_weight,
        feature_weight=preset.feature_weight,
        calibrator=calibrator,
        seed=seed,
        conditioning=conditioning,
        provenance=Provenance(version=__version__),
    )
    gan.compile(
        _adam(preset, preset.generator_learning_rate, steps, preset.generator_clipnorm),
        _adam(
            preset,
            preset.discriminator_learning_rate,
            steps * preset.discriminator_steps,
            preset.discriminator_clipnorm,
        ),
        preset.loss_schedule,
        penalties=preset.penalties,
        discriminator_steps=preset.discriminator_steps,
    )
    return gan


def check_conditional(preset: Preset) -> None:
    """Refuse a preset whose networks cannot depend on parameters.

    Raises
    ------
    InputError
    """
    if not preset.architecture.conditional:
        able = ", ".join(name for name, p in PRESETS.items() if p.architecture.conditional)
        raise InputError(
            f"only fully convolutional presets can be conditioned on parameters: {able}",
            parameter="condition",
        )


def build_adapted_gan(
    preset: Preset,
    batches: Batches,
    maps: MapSet,
    *,
    seed: int,
    conditioning: Conditioning | None = None,
) -> GAN:
    """Build a GAN that is adapted to training maps; its learning rates fall over all epochs.

    Parameters
    ----------
    preset : Preset
    batches : Batches
        The training maps.
    maps : MapSet
        Whose side and pixel size the GAN has.
    seed : int
    conditioning : Conditioning, optional
    """
    gan = build_gan(
        preset,
        pixels=maps.pixels,
        pixel_arcmin=maps.pixel_arcmin,
        scaling=batches.scaling,
        steps=preset.epochs * len(batches),
        seed=seed,
        conditioning=conditioning,
    )
    seen = max(_ADAPTED_MAPS, _ADAPTED_PIXELS // maps.pixels**2)
    kappa, conditions = batches.kappa[:seen], None
    if batches.conditions is not None:
        # At random, because neighbouring maps may share a cosmology.
        order = np.random.default_rng(seed).permutation(len(batches.kappa))
        chosen = np.sort(order[: CONDITIONAL_FACTOR * seen])
        kappa, conditions = batches.kappa[chosen], batches.conditions[chosen]
    gan.provenance = replace(gan.provenance, kappa_std=float(np.std(kappa, dtype=np.float64)))
    adapt(gan, batches.scaling.to_network(kappa)[..., None], conditions)
    return gan


def for_edges(preset: Preset, periodic: str, kappa: MapArray) -> Preset:
    """Return the preset for maps with or without periodic edges.

    Parameters
    ----------
    preset : Preset
        Its generator draws open edges if the maps are not periodic.
    periodic : {"yes", "no", "auto"}
        "auto" compares the maps' opposite edges.
    kappa : MapArray
        Training maps ``(n, N, N)``.
    """
    architecture = preset.architecture.for_edges(
        lambda: is_periodic(kappa) if periodic == "auto" else periodic == "yes"
    )
    return replace(preset, architecture=architecture)


def _adam(preset: Preset, rate: float, steps: int, clipnorm: float | None) -> keras.optimizers.Adam:
    if preset.final_learning_rate_factor != 1:
        rate = keras.optimizers.schedules.PolynomialDecay(
            rate, max(steps, 1), rate * preset.final_learning_rate_factor
        )
    return keras.optimizers.Adam(
        rate, beta_1=preset.beta_1, beta_2=preset.beta_2, global_clipnorm=clipnorm
    )
