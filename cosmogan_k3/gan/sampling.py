"""A GAN without what only its training needs, as it is shipped with the package."""

from cosmogan_k3.gan.gan import GAN


def for_sampling(gan: GAN) -> GAN:
    """Return a GAN that draws the same maps and cannot be trained.

    It keeps the averaged generator and the calibrator. It has no discriminator, no optimizers, no
    reference batch and no second generator. Its file has about a tenth of the size.

    Parameters
    ----------
    gan : GAN

    Returns
    -------
    GAN

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
    >>> latents = gan.latent_space.draw(2, seed=1)
    >>> bool((for_sampling(gan).network_maps(latents) == gan.network_maps(latents)).all())
    True
    """
    only_training = {
        "discriminator": None,
        "reference_size": 0,
        "spectral_weight": 0.0,
        "feature_weight": 0.0,
        "average_decay": 0.0,
    }
    small = GAN.from_config(gan.get_config() | only_training)
    small.averaged_generator.set_weights(gan.averaged_generator.get_weights())
    if small.calibrator is not None and gan.calibrator is not None:
        small.calibrator.set_weights(gan.calibrator.get_weights())
    return small
