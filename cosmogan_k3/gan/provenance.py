"""Where a model comes from, as its file records it."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cosmogan_k3.errors import InputError

if TYPE_CHECKING:
    from cosmogan_k3.gan.gan import GAN


@dataclass(frozen=True)
class Provenance:
    """What a GAN was trained with and on; fields are empty where a file does not say.

    Parameters
    ----------
    version : str
        Of this package.
    preset : str
        Name of the preset.
    data_sha256 : str
        SHA-256 of all maps that were given, before they were split.
    kappa_std : float or None
        Standard deviation of κ over pixels of the training maps.

    Raises
    ------
    InputError
        If ``kappa_std`` is not positive and finite.

    Examples
    --------
    >>> Provenance(preset="quick", kappa_std=0.02).get_config()["preset"]
    'quick'
    """

    version: str = ""
    preset: str = ""
    data_sha256: str = ""
    kappa_std: float | None = None

    def __post_init__(self) -> None:
        if self.kappa_std is not None and not 0 < self.kappa_std < np.inf:
            raise InputError(
                f"The scatter of κ must be positive and finite. Received: {self.kappa_std}"
            )

    def get_config(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def model_metadata(gan: "GAN") -> dict[str, Any]:
    """Return what an MLflow model and the service say of a GAN, as values of JSON.

    Parameters
    ----------
    gan : GAN

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> metadata = model_metadata(build_gan("tiny", pixels=16, pixel_arcmin=3.0, seed=7))
    >>> metadata["pixel_arcmin"], metadata["seed"], metadata["conditioning"]
    (3.0, 7, [])
    """
    return {
        "pixels": gan.pixels,
        "pixel_arcmin": gan.pixel_arcmin,
        "seed": gan.seed,
        "conditioning": list(gan.conditioning.names) if gan.conditioning else [],
        **gan.provenance.get_config(),
    }
