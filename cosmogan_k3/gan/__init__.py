"""The GAN: architectures, presets, the training step, sampling and files.

Importing this package registers every layer, loss and model with Keras.
"""

from cosmogan_k3._imports.extras import explained

try:
    import keras as _keras  # noqa: F401  # first: all modules of this package need it
except ModuleNotFoundError as error:
    raise explained(error) from error

from cosmogan_k3.gan.architectures import Architecture, DeepConvolutional, FullyConvolutional
from cosmogan_k3.gan.build import build_gan
from cosmogan_k3.gan.calibrator import Calibrator, adapt, calibrate
from cosmogan_k3.gan.gan import GAN
from cosmogan_k3.gan.latents import LatentSpace
from cosmogan_k3.gan.presets import PRESETS, Preset, get_preset
from cosmogan_k3.gan.sampler import Sampler
from cosmogan_k3.gan.serialization import load_gan

__all__ = [
    "GAN",
    "PRESETS",
    "Architecture",
    "Calibrator",
    "DeepConvolutional",
    "FullyConvolutional",
    "LatentSpace",
    "Preset",
    "Sampler",
    "adapt",
    "build_gan",
    "calibrate",
    "get_preset",
    "load_gan",
]
