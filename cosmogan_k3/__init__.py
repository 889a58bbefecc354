"""Weak-lensing convergence maps from generative adversarial networks, on JAX, TensorFlow or PyTorch.

Public names are imported on first use, so that ``cosmogan_k3.statistics`` needs no framework. Importing
``cosmogan_k3.gan`` registers every layer, loss and model with Keras; do so before ``keras.saving.load_model`` or
``mlflow.keras.load_model`` reads a file of this package. ``Emulator.load`` does it by itself.
"""

import importlib

from cosmogan_k3._version import __version__

_MODULES = {
    "GAN": "gan",
    "build_gan": "gan",
    "get_preset": "gan",
    "MapSet": "maps",
    "read_maps": "maps",
    "write_maps": "maps",
    "Scaling": "maps",
    "Emulator": "emulator",
    "InputError": "errors",
}

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> object:
    if name == "statistics":
        return importlib.import_module(f"{__name__}.statistics")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
