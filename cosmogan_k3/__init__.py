"""Weak-lensing convergence maps from generative adversarial networks, on JAX, TensorFlow or PyTorch.

Names are resolved on first use, so that ``cosmogan_k3.statistics`` can be imported without any framework; once Keras is
loaded, every layer, loss and model is registered with it, so that ``keras.saving`` and ``mlflow.keras`` find them.
"""

import importlib

from cosmogan_k3._registration import register_with_keras
from cosmogan_k3._version import __version__

_HOMES = {
    "GAN": "models.gan",
    "build_gan": "models.build",
    "get_preset": "models.presets",
    "MapSet": "data",
    "read_maps": "data",
    "write_maps": "data",
    "Scaling": "data",
    "Emulator": "emulator",
    "InputError": "errors",
}

__all__ = ["__version__", *_HOMES]

register_with_keras()


def __getattr__(name):
    if name == "statistics":
        return importlib.import_module(f"{__name__}.statistics")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
