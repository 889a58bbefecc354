"""The ``python_function`` flavor of a model: numbers of maps and seeds in, κ out."""

from typing import Any

import numpy as np
import pandas as pd

from cosmogan_k3._typing import Maps
from cosmogan_k3.gan import GAN, Sampler, load_gan


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
        """
        seeds = model_input["seed"].fillna(0) if "seed" in model_input else [0] * len(model_input)
        names = self.gan.conditioning.names if self.gan.conditioning else ()
        rows = zip(model_input["maps"], seeds, *(model_input[name] for name in names), strict=True)
        return np.concatenate(
            [
                self._sampler.sample(
                    int(n), seed=int(seed), parameters=dict(zip(names, values, strict=True))
                )
                for n, seed, *values in rows
            ]
        )


def _load_pyfunc(path: str) -> SamplingModel:
    """Load the model; MLflow calls it by this name."""
    return SamplingModel(load_gan(path))
