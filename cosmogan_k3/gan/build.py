"""From a preset to a compiled GAN."""

from dataclasses import replace

import keras
import numpy as np

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.calibration import CONDITIONAL_FACTOR
from cosmogan_k3.gan.discriminator import build_discriminator
from cosmogan_k3.gan.gan import GAN
from cosmogan_k3.gan.generator import build_generator, latent_shapes
from cosmogan_k3.gan.presets import PRESETS, FullyConvolutional, Preset, get_preset
from cosmogan_k3.maps import Scaling, is_periodic
from cosmogan_k3.nn import losses

_ADAPTED_MAPS, _ADAPTED_PIXELS = 2000, 2**25
"""Layers are adapted to so many training maps, or to as many as have so many pixels, where these are more."""

_MARGIN_CELLS = 2
"""Coarsest cells drawn around a map that is not periodic: pixels so far apart on the torus share next to no latents."""


def build_gan(
    preset, *, pixels, pixel_arcmin, scaling=None, steps=10_000, seed=0, conditioning=None
):
    """Build and compile the GAN of a preset; ``GAN.adapt`` then shows it the training maps.

    Args:
        preset: name, or ``Preset``.
        pixels: int, side of the maps.
        pixel_arcmin: float, side of a pixel in arcmin.
        scaling: ``Scaling`` of the training maps; the identity where none is given.
        steps: int, training steps over which the learning rates fall.
        seed: int; the initial weights and the reference batch are the same on every backend.
        conditioning: ``Conditioning``, of the parameters that the generator is to be told; None for none.

    Raises:
        ValueError: unknown preset, or ``pixels`` that its architecture cannot make.
        InputError: a preset that cannot be conditioned.

    Example:
        >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0, seed=1)
        >>> gan.generator.count_params() > 0
        True
    """
    preset = preset if isinstance(preset, Preset) else get_preset(preset)
    architecture = preset.architecture
    told = len(conditioning.names) if conditioning else 0
    if told:
        check_conditional(preset)
    gan = GAN(
        build_generator(preset, pixels, seed=2 * seed, parameters=told),
        build_discriminator(preset, pixels, seed=2 * seed + 1, parameters=told),
        latent_shapes=latent_shapes(architecture, pixels),
        scaling=scaling or Scaling(),
        pixels=pixels,
        pixel_arcmin=pixel_arcmin,
        margin=getattr(architecture, "margin", 0),
        reference_size=architecture.reference_size
        if architecture.generator_norm == "virtual"
        else 0,
        average_decay=preset.average_decay,
        spectral_weight=preset.spectral_weight,
        seed=seed,
        conditioning=conditioning,
    )
    gan.compile(
        _adam(preset, preset.generator_learning_rate, steps),
        _adam(preset, preset.discriminator_learning_rate, steps * preset.discriminator_steps),
        {epoch: losses.get(**_named(loss)) for epoch, loss in preset.losses.items()},
        penalties=preset.penalties,
        discriminator_steps=preset.discriminator_steps,
    )
    return gan


def check_conditional(preset):
    """Refuse a preset whose networks cannot be told parameters.

    Raises:
        InputError
    """
    if not isinstance(preset.architecture, FullyConvolutional):
        able = ", ".join(
            name for name, p in PRESETS.items() if isinstance(p.architecture, FullyConvolutional)
        )
        raise InputError(
            f"--condition: only fully convolutional presets can be told parameters: {able}"
        )


def new_gan(preset, batches, maps, *, seed, conditioning=None):
    """A GAN for these maps, which has seen some of them; its rates fall over the preset's epochs."""
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
    if conditioning is None:
        gan.adapt(batches.scaling.to_network(batches.kappa[:seen])[..., None])
        return gan
    # At random: maps in a row may share a cosmology.
    chosen = np.sort(
        np.random.default_rng(seed).permutation(len(batches.kappa))[: CONDITIONAL_FACTOR * seen]
    )
    gan.adapt(
        batches.scaling.to_network(batches.kappa[chosen])[..., None], batches.conditions[chosen]
    )
    return gan


def for_edges(preset, periodic, kappa):
    """The preset with a margin for maps that are not periodic: its generator draws on a torus and has to cut as well.

    Args:
        preset: ``Preset``; without a fully convolutional generator it stays as it is.
        periodic: "yes", "no", or "auto" for a look at the maps' seams.
        kappa: training maps.
    """
    architecture = preset.architecture
    if not isinstance(architecture, FullyConvolutional):
        return preset
    joined = is_periodic(kappa) if periodic == "auto" else periodic == "yes"
    margin = 0 if joined else _MARGIN_CELLS * 2 ** (len(architecture.channels) - 2)
    return replace(preset, architecture=replace(architecture, margin=margin))


def _named(loss):
    return {"identifier": loss["name"]} | {
        key: value for key, value in loss.items() if key != "name"
    }


def _adam(preset, rate, steps):
    if preset.final_learning_rate_factor != 1:
        rate = keras.optimizers.schedules.PolynomialDecay(
            rate, max(steps, 1), rate * preset.final_learning_rate_factor
        )
    return keras.optimizers.Adam(rate, beta_1=preset.beta_1, beta_2=preset.beta_2)
