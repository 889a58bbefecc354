"""The ``python_function`` flavor of a model: numbers of maps and seeds in, κ out."""

from typing import Any

import numpy as np
import pandas as pd

from cosmogan_k3._typing import Maps
from cosmogan_k3.gan import GAN, Sampler, load_gan
from cosmogan_k3.gan.requests import parse_rows


class SamplingModel:
    """What MLflow serves.

    Parameters
    ----------
    gan : GAN

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> model = SamplingModel(build_gan("tiny", pixels=16, pixel_arcmin=3.0))
    >>> model.predict(pd.DataFrame({"maps": [2, 1], "seed": [0, 5]})).shape
    (3, 16, 16)
    """

    def __init__(self, gan: GAN) -> None:
        self.gan = gan
        self._sampler = Sampler(gan)

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Maps:
        """Draw maps.

        Parameters
        ----------
        model_input : DataFrame
            One row for each request, with the columns ``maps``, optionally ``seed`` (0 if empty),
            and the parameters of a conditional model.
        params : dict, optional
            Not used.

        Returns
        -------
        ndarray
            κ, float32 ``(sum of maps, N, N)``.

        Raises
        ------
        InputError
            As ``gan.requests.parse_rows``.
        """
        rows = model_input.astype(object).to_numpy().tolist()
        draws = parse_rows(list(model_input.columns), rows, self.gan)
        return np.concatenate(list(self._sampler.sample_draws(draws)))


def _load_pyfunc(path: str) -> SamplingModel:
    """Load the model; MLflow calls it by this name."""
    return SamplingModel(load_gan(path))
