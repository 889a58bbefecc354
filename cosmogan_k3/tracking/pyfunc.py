"""The ``python_function`` face of a model: how many maps and a seed in, and the parameters if any, κ out."""

import numpy as np

from cosmogan_k3.gan import Sampler, load_gan


class SamplingModel:
    """Rows of ``maps``, ``seed`` (0 where none is given) and parameters to κ, float32 ``(sum of maps, N, N)``."""

    def __init__(self, gan):
        self.gan = gan

    def predict(self, model_input, params=None):
        seeds = model_input["seed"].fillna(0) if "seed" in model_input else [0] * len(model_input)
        names = self.gan.conditioning.names if self.gan.conditioning else ()
        rows = zip(model_input["maps"], seeds, *(model_input[name] for name in names), strict=True)
        return np.concatenate(
            [
                Sampler(self.gan).sample(
                    int(n), seed=int(seed), parameters=dict(zip(names, given, strict=True))
                )
                for n, seed, *given in rows
            ]
        )


def _load_pyfunc(path):
    return SamplingModel(load_gan(path))
