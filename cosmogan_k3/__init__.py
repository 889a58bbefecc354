"""Weak-lensing convergence maps from generative adversarial networks, on JAX, TensorFlow or PyTorch.

Names are resolved on first use, so that ``cosmogan_k3.statistics`` can be imported without any framework.
"""

import importlib

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


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
