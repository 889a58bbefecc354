"""Weak-lensing convergence maps from generative adversarial networks, on Keras 3.

Five verbs lead from a cosmology to an emulator that can be defended::

    import cosmogan_k3

    maps = cosmogan_k3.simulate(2_000, method="halos", source_redshift=0.7)
    maps = cosmogan_k3.read_maps("my_maps/", pixels=64)              # or your own
    emulator = cosmogan_k3.train(maps, preset="best")                # progress, nothing on disk
    new = emulator.sample(1_000, seed=1)                             # κ, float32 (1000, 64, 64)
    report = cosmogan_k3.evaluate(emulator.splits.test, new)         # maps it has not seen
    report.show()
    report["peaks"].plot()

``Emulator.load`` reads a model of a colleague, a registry or this package ("pretrained:nbody"), and
``write_maps`` writes FITS, HDF5, npz and npy files. ``statistics`` holds the estimators and tests,
``survey`` noise and shear. Sets of maps, emulators and reports show themselves in a notebook.
``help(cosmogan_k3.train)`` explains each verb, and ``cosmogan --help`` the same verbs as commands.

Names are imported on first use: reading, simulating, statistics and evaluation need no framework.
Training and sampling need Keras on JAX, TensorFlow or PyTorch: ``pip install 'cosmogan_k3[jax]'``.
Keras runs on the backend that KERAS_BACKEND names, or else on the first of these that is installed.

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
    from cosmogan_k3.evaluation.api import evaluate
    from cosmogan_k3.gan import GAN, build_gan, get_preset
    from cosmogan_k3.maps import MapSet, Scaling, read_maps, write_maps
    from cosmogan_k3.simulation.api import simulate
    from cosmogan_k3.training.api import train
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
    "evaluate",
    "get_preset",
    "read_maps",
    "simulate",
    "statistics",
    "survey",
    "train",
    "write_maps",
]

choose_backend()
