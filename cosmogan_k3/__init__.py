"""Weak-lensing convergence maps from generative adversarial networks, on Keras 3.

Public names are imported on first use, so that ``cosmogan_k3.statistics`` needs no framework.
Importing ``cosmogan_k3.gan`` registers all layers, losses and models with Keras. Import it before
``keras.saving.load_model`` or ``mlflow.keras.load_model`` reads a model; ``Emulator.load`` does so.
"""

from typing import TYPE_CHECKING

from cosmogan_k3._imports.extras import choose_backend
from cosmogan_k3._imports.lazy import on_first_use
from cosmogan_k3._version import __version__

if TYPE_CHECKING:
    from cosmogan_k3 import statistics, survey
    from cosmogan_k3.emulator import Emulator
    from cosmogan_k3.errors import InputError
    from cosmogan_k3.gan import GAN, build_gan, get_preset
    from cosmogan_k3.maps import MapSet, Scaling, read_maps, write_maps
else:
    __getattr__, __dir__ = on_first_use(__name__)

__all__ = [
    "GAN",
    "Emulator",
    "InputError",
    "MapSet",
    "Scaling",
    "__version__",
    "build_gan",
    "get_preset",
    "read_maps",
    "statistics",
    "survey",
    "write_maps",
]

choose_backend()
