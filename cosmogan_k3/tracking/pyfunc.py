"""The ``python_function`` flavor of a model: numbers of maps, seeds and parameters in, κ out."""

from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

from cosmogan_k3._typing import Maps
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.gan import GAN, Sampler, load_gan
from cosmogan_k3.gan.requests import parse_request


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
    >>> model.predict(None, {"n": 2, "pixels": 32}).shape
    (2, 32, 32)
    """

    def __init__(self, gan: GAN) -> None:
        self.gan = gan
        self._sampler = Sampler(gan)

    def predict(
        self, model_input: pd.DataFrame | None, params: dict[str, Any] | None = None
    ) -> Maps:
        """Draw maps.

        Parameters
        ----------
        model_input : DataFrame or None
            One row for each request, with the columns ``maps``, ``seed`` and the parameters of a
            conditional model.
        params : dict, optional
            What a row does not say: ``n`` (number of maps), ``seed``, and the parameters of a
            conditional model; ``pixels`` is the side of all maps. Without a table they are the
            request.

        Returns
        -------
        ndarray
            κ, float32 ``(sum of maps, N, N)``.

        Raises
        ------
        MlflowException
            As ``gan.requests.parse_request``. MLflow's server hides the reason of other errors.
        """
        table = pd.DataFrame() if model_input is None else model_input
        rows = table.astype(object).to_numpy().tolist()
        try:
            asked = parse_request(list(table.columns), rows, self.gan, params)
            batches = self._sampler.sample_draws(asked.draws, pixels=asked.pixels)
            return np.concatenate(list(batches))
        except InputError as error:
            raise MlflowException.invalid_parameter_value(one_line(error, 300)) from error


def _load_pyfunc(path: str) -> SamplingModel:
    """Load the model; MLflow calls it by this name."""
    return SamplingModel(load_gan(path))
