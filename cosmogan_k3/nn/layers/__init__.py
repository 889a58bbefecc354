"""Keras layers for convergence maps and for adversarial training."""

from cosmogan_k3.nn.initializers import SeededNormal
from cosmogan_k3.nn.layers.atrous_wavelet import AtrousWavelet
from cosmogan_k3.nn.layers.batch_normalization import BatchNormalization
from cosmogan_k3.nn.layers.conditional_field import ConditionalField
from cosmogan_k3.nn.layers.conditional_output import ConditionalOutput
from cosmogan_k3.nn.layers.expected_amplitude import ExpectedAmplitude
from cosmogan_k3.nn.layers.feature_matching import FeatureMatching
from cosmogan_k3.nn.layers.film import FiLM
from cosmogan_k3.nn.layers.gaussian_field import GaussianField
from cosmogan_k3.nn.layers.log_plane import LogPlane
from cosmogan_k3.nn.layers.lognormal_output import LognormalOutput
from cosmogan_k3.nn.layers.map_convolution import MapConv2D
from cosmogan_k3.nn.layers.minibatch_discrimination import MinibatchDiscrimination
from cosmogan_k3.nn.layers.moment_matching import MomentMatching
from cosmogan_k3.nn.layers.noise_injection import NoiseInjection
from cosmogan_k3.nn.layers.quantile_mapping import QuantileMapping
from cosmogan_k3.nn.layers.spectral_filter import SpectralFilter
from cosmogan_k3.nn.layers.spectral_matching import SpectralMatching
from cosmogan_k3.nn.layers.upsample_convolution import UpsampleConv2D
from cosmogan_k3.nn.layers.virtual_batch_norm import VirtualBatchNorm

__all__ = [
    "AtrousWavelet",
    "BatchNormalization",
    "ConditionalField",
    "ConditionalOutput",
    "ExpectedAmplitude",
    "FeatureMatching",
    "FiLM",
    "GaussianField",
    "LogPlane",
    "LognormalOutput",
    "MapConv2D",
    "MinibatchDiscrimination",
    "MomentMatching",
    "NoiseInjection",
    "QuantileMapping",
    "SeededNormal",
    "SpectralFilter",
    "SpectralMatching",
    "UpsampleConv2D",
    "VirtualBatchNorm",
]
