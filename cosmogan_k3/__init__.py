"""Weak-lensing convergence maps from generative adversarial networks, on Keras 3.

Public names are imported on first use, so that ``cosmogan_k3.statistics`` needs no framework.
Importing ``cosmogan_k3.gan`` registers all layers, losses and models with Keras. Import it before
``keras.saving.load_model`` or ``mlflow.keras.load_model`` reads a model; ``Emulator.load`` does so.
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
    if name in ("statistics", "survey"):
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
