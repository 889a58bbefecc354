"""Networks, presets and the GAN itself."""

from cosmogan_k3.gan.build import build_gan
from cosmogan_k3.gan.gan import GAN
from cosmogan_k3.gan.presets import PRESETS, get_preset

__all__ = ["GAN", "PRESETS", "build_gan", "get_preset"]
