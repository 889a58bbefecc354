"""A small network that reads cosmological parameters from maps, for the features it learns."""

import keras
import numpy as np
from keras import layers

from cosmogan_k3 import backend
from cosmogan_k3.gan.architectures.blocks import seeded_initializers
from cosmogan_k3.nn.layers import MapConv2D

_CHANNELS = (8, 16, 32)
_FEATURES = 16
_BATCH = 32


def build_regressor(pixels, parameters, *, seed=0):
    """Build the network: three 3x3 convolutions of stride 2, means over the map, 16 features, the parameters.

    Convolutions are periodic and followed by means over the map, so that a shift of it by 8 pixels changes nothing.

    Args:
        pixels: int, side of the maps, a multiple of 8.
        parameters: int, number of parameters.
        seed: int, of the initial weights, which are the same on every backend.

    Returns:
        ``keras.Model`` from ``(n, pixels, pixels, 1)`` to ``(n, parameters)``; "features" is its last layer but one.

    Raises:
        ValueError: ``pixels`` that cannot be halved three times, or no parameters.

    Example:
        >>> build_regressor(16, 2).output_shape
        (None, 2)
    """
    if pixels < 8 or pixels % 8 or parameters < 1:
        raise ValueError(
            "pixels must be a multiple of 8 and parameters positive. "
            f"Received: pixels={pixels}, parameters={parameters}"
        )
    initializers = seeded_initializers(seed, None)
    x = maps = keras.Input((pixels, pixels, 1), name="maps")
    for i, filters in enumerate(_CHANNELS):
        x = MapConv2D(
            filters, 3, strides=2, kernel_initializer=next(initializers), name=f"conv_{i}"
        )(x)
        x = layers.LeakyReLU(negative_slope=0.2, name=f"leaky_{i}")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dense(
        _FEATURES, "leaky_relu", kernel_initializer=next(initializers), name="features"
    )(x)
    x = layers.Dense(parameters, kernel_initializer=next(initializers), name="parameters")(x)
    return keras.Model(maps, x, name="regressor")


def train_regressor(maps, parameters, *, epochs=20, seed=0):
    """Train the network to the mean square of standardised parameters, on maps in units of their standard deviation.

    Args:
        maps: float array ``(n, N, N)``, κ.
        parameters: float array ``(n, parameters)``, the cosmology of each map.
        epochs: int.
        seed: int, of the initial weights and of the order of the maps.

    Returns:
        ``(network, scale)``: the trained ``keras.Model`` and the mean and standard deviation of κ that its input is to
        be standardised by; its output is in standard deviations of each parameter from its mean.

    Raises:
        ValueError: another number of maps than of rows of parameters, or a parameter that does not vary.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> maps, parameters = rng.normal(size=(32, 8, 8)), rng.normal(size=(32, 1))
        >>> network, (mean, deviation) = train_regressor(maps, parameters, epochs=1)
        >>> network.output_shape, 0.9 < deviation < 1.1
        ((None, 1), True)
    """
    maps, parameters = np.asarray(maps), np.asarray(parameters, dtype=np.float64)
    if parameters.ndim != 2 or len(parameters) != len(maps):
        raise ValueError(
            f"Needs a row of parameters for each map. Received: {len(maps)} maps, parameters {parameters.shape}"
        )
    if not parameters.std(axis=0).all():
        raise ValueError(
            f"Each parameter must vary over the maps. Received: deviations {parameters.std(axis=0)}"
        )
    scale = float(np.mean(maps)), float(np.std(maps))
    targets = ((parameters - parameters.mean(axis=0)) / parameters.std(axis=0)).astype("float32")
    inputs = _inputs(maps, scale)
    network = build_regressor(maps.shape[1], parameters.shape[1], seed=seed)
    network.compile(keras.optimizers.Adam(3e-3), "mse", jit_compile=backend.default_jit())
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        # The order comes from here: that of fit is drawn from a global generator.
        order = rng.permutation(len(inputs))
        network.fit(inputs[order], targets[order], batch_size=_BATCH, shuffle=False, verbose=0)
    return network, scale


def learned_features(maps_for_training, parameters, sets, *, epochs=20, seed=0):
    """Features of sets of maps, of a network trained to read the parameters of others: for ``frechet_distance``.

    Args:
        maps_for_training: float array ``(n, N, N)``, κ, over a range of cosmologies.
        parameters: float array ``(n, parameters)``, such as Ω_m and σ_8.
        sets: sequence of float arrays ``(·, N, N)``, κ, such as real and generated maps.
        epochs: int.
        seed: int.

    Returns:
        list of float64 arrays ``(·, 16)``, one row a map.

    Raises:
        ValueError: as ``train_regressor``, or sets of another side.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> amplitude = rng.uniform(1, 2, size=(64, 1))
        >>> maps = amplitude[:, None] * rng.normal(size=(64, 16, 16))
        >>> [rows.shape for rows in learned_features(maps, amplitude, [maps[:5], maps[5:8]], epochs=1)]
        [(5, 16), (3, 16)]

    Source: Fluri et al. 2018 (arXiv 1807.08732) for reading parameters off convergence maps; Heusel et al. 2017 (arXiv
    1706.08500) for comparing the features of a network.
    """
    shapes = {np.shape(maps)[1:] for maps in (maps_for_training, *sets)}
    if len(shapes) != 1:
        raise ValueError(f"All maps must have one size. Received: {sorted(shapes)}")
    network, scale = train_regressor(maps_for_training, parameters, epochs=epochs, seed=seed)
    features = keras.Model(network.input, network.get_layer("features").output)
    return [features.predict(_inputs(maps, scale), verbose=0).astype(np.float64) for maps in sets]


def _inputs(maps, scale):
    mean, deviation = scale
    return ((np.asarray(maps, dtype="float32") - mean) / deviation)[..., None]
