"""Keras layers for maps of the sky and for adversarial training."""

from cosmogan_k3.layers.batch_normalization import BatchNormalization
from cosmogan_k3.layers.conditional_field import ConditionalField
from cosmogan_k3.layers.conditional_output import ConditionalOutput
from cosmogan_k3.layers.expected_amplitude import ExpectedAmplitude
from cosmogan_k3.layers.gaussian_field import GaussianField
from cosmogan_k3.layers.log_plane import LogPlane
from cosmogan_k3.layers.lognormal_output import LognormalOutput
from cosmogan_k3.layers.map_convolution import MapConv2D, UpsampleConv2D
from cosmogan_k3.layers.minibatch_discrimination import MinibatchDiscrimination
from cosmogan_k3.layers.modulation import Modulation
from cosmogan_k3.layers.noise_injection import NoiseInjection
from cosmogan_k3.layers.quantile_mapping import QuantileMapping
from cosmogan_k3.layers.scale_planes import ScalePlanes
from cosmogan_k3.layers.seeded_normal import SeededNormal
from cosmogan_k3.layers.spectral_filter import SpectralFilter
from cosmogan_k3.layers.spectral_matching import SpectralMatching
from cosmogan_k3.layers.virtual_batch_norm import VirtualBatchNorm

__all__ = [
    "BatchNormalization",
    "ConditionalField",
    "ConditionalOutput",
    "ExpectedAmplitude",
    "GaussianField",
    "LogPlane",
    "LognormalOutput",
    "MapConv2D",
    "MinibatchDiscrimination",
    "Modulation",
    "NoiseInjection",
    "QuantileMapping",
    "ScalePlanes",
    "SeededNormal",
    "SpectralFilter",
    "SpectralMatching",
    "UpsampleConv2D",
    "VirtualBatchNorm",
]
