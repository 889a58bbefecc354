"""What both generators and discriminators are put together from."""

import itertools

from cosmogan_k3.nn.layers import BatchNormalization, SeededNormal, VirtualBatchNorm


def seeded_initializers(seed, stddev):
    """An endless supply of initializers, each with its own stream of ``seed``."""
    return (SeededNormal([seed, index], stddev) for index in itertools.count())


def normalization(architecture, name):
    """The generator's normalisation layer, or none, as a function of a tensor."""
    if architecture.generator_norm == "virtual":
        mode = getattr(architecture, "reference_mode", "batch")
        return VirtualBatchNorm(architecture.reference_size, mode, name=name)
    if architecture.generator_norm == "batch":
        return BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)
    return lambda x: x
