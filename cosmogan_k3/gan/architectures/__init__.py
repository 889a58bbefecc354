"""Architectures: each describes a generator and a discriminator, and builds both."""

from cosmogan_k3.gan.architectures.base import Architecture
from cosmogan_k3.gan.architectures.deep_convolutional import DeepConvolutional
from cosmogan_k3.gan.architectures.fully_convolutional import FullyConvolutional

__all__ = ["Architecture", "DeepConvolutional", "FullyConvolutional"]
