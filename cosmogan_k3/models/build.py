"""From a preset to a compiled GAN."""

import keras

from cosmogan_k3 import losses
from cosmogan_k3.data.scaling import Scaling
from cosmogan_k3.models.discriminator import build_discriminator
from cosmogan_k3.models.gan import GAN
from cosmogan_k3.models.generator import build_generator, latent_shapes
from cosmogan_k3.models.presets import Preset, get_preset


def build_gan(preset, *, pixels, pixel_arcmin, scaling=None, steps=10_000, seed=0):
    """Build and compile the GAN of a preset; ``GAN.adapt`` then shows it the training maps.

    Args:
        preset: name, or ``Preset``.
        pixels: int, side of the maps.
        pixel_arcmin: float, side of a pixel in arcmin.
        scaling: ``Scaling`` of the training maps; the identity where none is given.
        steps: int, training steps over which the learning rates fall.
        seed: int; the initial weights and the reference batch are the same on every backend.

    Raises:
        ValueError: unknown preset, or ``pixels`` that its architecture cannot make.

    Example:
        >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0, seed=1)
        >>> gan.generator.count_params() > 0
        True
    """
    preset = preset if isinstance(preset, Preset) else get_preset(preset)
    architecture = preset.architecture
    gan = GAN(
        build_generator(preset, pixels, seed=2 * seed),
        build_discriminator(preset, pixels, seed=2 * seed + 1),
        latent_shapes=latent_shapes(architecture, pixels),
        scaling=scaling or Scaling(),
        pixels=pixels,
        pixel_arcmin=pixel_arcmin,
        margin=getattr(architecture, "margin", 0),
        reference_size=architecture.reference_size if architecture.generator_norm == "virtual" else 0,
        average_decay=preset.average_decay,
        spectral_weight=preset.spectral_weight,
        seed=seed,
    )
    gan.compile(
        _adam(preset, preset.generator_rate, steps),
        _adam(preset, preset.discriminator_rate, steps * preset.discriminator_steps),
        {epoch: losses.get(**_named(loss)) for epoch, loss in preset.losses.items()},
        penalties=preset.penalties,
        discriminator_steps=preset.discriminator_steps,
    )
    return gan


def _named(loss):
    return {"identifier": loss["name"]} | {key: value for key, value in loss.items() if key != "name"}


def _adam(preset, rate, steps):
    if preset.final_rate != 1:
        rate = keras.optimizers.schedules.PolynomialDecay(rate, max(steps, 1), rate * preset.final_rate)
    return keras.optimizers.Adam(rate, beta_1=preset.beta_1, beta_2=preset.beta_2)
