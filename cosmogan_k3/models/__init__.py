"""Networks, presets and the GAN itself."""

from cosmogan_k3.models.gan import GAN
from cosmogan_k3.models.presets import PRESETS, get_preset

__all__ = ["GAN", "PRESETS", "get_preset"]
