"""Starting a training from the weights of another model."""

import itertools

from cosmogan_k3._typing import PathLike
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import GAN


def check_start(uri: PathLike) -> None:
    """Refuse a model to start from that cannot be loaded, or that only draws maps.

    Parameters
    ----------
    uri : str or path

    Raises
    ------
    InputError
    """
    try:
        gan = Emulator.load(uri).gan
    except InputError as error:
        raise InputError(str(error), parameter="start") from error
    if gan.discriminator is None:
        raise InputError(
            f"{uri}: only draws maps; it has no discriminator to train with", parameter="start"
        )


def start_from(gan: GAN, uri: PathLike) -> None:
    """Give a GAN all weights of a saved one, including averaged weights and reference batch.

    The optimizers stay as they are.

    Parameters
    ----------
    gan : GAN
    uri : str or path
        A ``.keras`` file or MLflow URI of a GAN with the same networks.

    Raises
    ------
    InputError
        If there is no such model, or its networks or conditioning differ.

    Examples
    --------
    >>> import tempfile
    >>> from cosmogan_k3.gan import build_gan
    >>> one, other = (build_gan("tiny", pixels=16, pixel_arcmin=3.0, seed=i) for i in (1, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one.save(folder + "/one.keras")
    ...     start_from(other, folder + "/one.keras")
    >>> all((a == b).all() for a, b in zip(one.get_weights(), other.get_weights()))
    True
    """
    other = Emulator.load(uri).gan
    if other.conditioning != gan.conditioning:
        raise InputError(
            f"{uri}: is conditioned on other parameters, or in another range or other units, than "
            "this training",
            parameter="start",
        )
    weights = other.get_weights()
    saved, expected = [[w.shape for w in group] for group in (weights, gan.get_weights())]
    if saved != expected:
        pairs = itertools.zip_longest(saved, expected)
        differing = [pair for pair in pairs if pair[0] != pair[1]]
        raise InputError(
            f"{uri}: its networks are not those of this preset on maps of {gan.pixels} pixels "
            f"({len(differing)} of {len(expected)} weights differ, the first has shape "
            f"{differing[0][0]} there and {differing[0][1]} here); give the preset that it was "
            "trained with, or one derived from it",
            parameter="start",
        )
    gan.set_weights(weights)
