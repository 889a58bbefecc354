"""The ``python_function`` face of a model: how many maps and a seed in, κ out."""

import keras
import numpy as np

import cosmogan_k3.models  # noqa: F401  registers what the file holds


class SamplingModel:
    """Rows of ``maps`` and ``seed`` (0 where none is given) to κ, float32 ``(sum of maps, N, N)``."""

    def __init__(self, gan):
        self.gan = gan

    def predict(self, model_input, params=None):
        seeds = model_input["seed"].fillna(0) if "seed" in model_input else [0] * len(model_input)
        drawn = [self.gan.sample(int(n), seed=int(seed)) for n, seed in zip(model_input["maps"], seeds, strict=True)]
        return np.concatenate(drawn)


def _load_pyfunc(path):
    return SamplingModel(keras.saving.load_model(path, safe_mode=True))
