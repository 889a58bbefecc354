"""A small network that infers cosmological parameters from maps, for the features it learns."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers
from numpy.typing import ArrayLike

from cosmogan_k3 import backend
from cosmogan_k3._typing import MapArray, Maps, Rows
from cosmogan_k3.gan.architectures.blocks import seeded_initializers
from cosmogan_k3.nn.layers import MapConv2D

_CHANNELS = (8, 16, 32)
_N_FEATURES = 16
_BATCH_SIZE = 32
_LEARNING_RATE = 3e-3

# Mean and standard deviation of κ.
MapScale = tuple[float, float]


def build_regressor(pixels: int, n_parameters: int, *, seed: int = 0) -> keras.Model:
    """Build the network.

    It has three 3x3 convolutions of stride 2, means over the map, 16 features, and the parameters.
    Convolutions are periodic and followed by means over the map, so that a shift of the map by 8
    pixels changes nothing.

    Parameters
    ----------
    pixels : int
        Side of the maps, a multiple of 8.
    n_parameters : int
        Number of parameters.
    seed : int
        Seed of the initial weights, which are the same on every backend.

    Returns
    -------
    keras.Model
        From ``(n, pixels, pixels, 1)`` to ``(n, n_parameters)``. Its last layer but one is called
        "features".

    Raises
    ------
    ValueError
        If ``pixels`` cannot be halved three times, or there are no parameters.

    Examples
    --------
    >>> build_regressor(16, 2).output_shape
    (None, 2)
    """
    if pixels < 8 or pixels % 8 or n_parameters < 1:
        raise ValueError(
            "pixels must be a multiple of 8 and n_parameters positive. "
            f"Received: pixels={pixels}, n_parameters={n_parameters}"
        )
    initializers = seeded_initializers(seed, None)
    x = maps = keras.Input((pixels, pixels, 1), name="maps")
    for i, filters in enumerate(_CHANNELS):
        x = MapConv2D(
            filters, 3, strides=2, kernel_initializer=next(initializers), name=f"conv_{i}"
        )(x)
        x = layers.LeakyReLU(negative_slope=0.2, name=f"leaky_{i}")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    kernel = next(initializers)
    x = layers.Dense(_N_FEATURES, "leaky_relu", kernel_initializer=kernel, name="features")(x)
    x = layers.Dense(n_parameters, kernel_initializer=next(initializers), name="parameters")(x)
    return keras.Model(maps, x, name="regressor")


def train_regressor(
    maps: Maps, parameters: ArrayLike, *, epochs: int = 20, seed: int = 0
) -> tuple[keras.Model, MapScale]:
    """Train the network to the mean squared error of standardized parameters.

    Parameters
    ----------
    maps : ndarray
        κ, float ``(n, N, N)``.
    parameters : array_like
        float ``(n, n_parameters)``, the cosmology of each map.
    epochs : int
    seed : int
        Seed of the initial weights and of the order of the maps.

    Returns
    -------
    network : keras.Model
        Its output is in standard deviations of each parameter from its mean.
    scale : tuple of float
        Mean and standard deviation of κ, by which its input is to be standardized.

    Raises
    ------
    ValueError
        If there is not one row of parameters for each map, or a parameter does not vary.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> maps, parameters = rng.normal(size=(32, 8, 8)), rng.normal(size=(32, 1))
    >>> network, (mean, deviation) = train_regressor(maps, parameters, epochs=1)
    >>> network.output_shape, 0.9 < deviation < 1.1
    ((None, 1), True)
    """
    maps, parameters = np.asarray(maps), np.asarray(parameters, dtype=np.float64)
    if parameters.ndim != 2 or len(parameters) != len(maps):
        raise ValueError(
            "Needs a row of parameters for each map. "
            f"Received: {len(maps)} maps, parameters {parameters.shape}"
        )
    deviation = parameters.std(axis=0)
    if not deviation.all():
        raise ValueError(
            f"Each parameter must vary over the maps. Received: deviations {deviation}"
        )
    scale = float(np.mean(maps)), float(np.std(maps))
    targets = ((parameters - parameters.mean(axis=0)) / deviation).astype("float32")
    inputs = _standardized(maps, scale)
    network = build_regressor(maps.shape[1], parameters.shape[1], seed=seed)
    network.compile(keras.optimizers.Adam(_LEARNING_RATE), "mse", jit_compile=backend.default_jit())
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        # Keras would draw the order from its global seed.
        order = rng.permutation(len(inputs))
        network.fit(inputs[order], targets[order], batch_size=_BATCH_SIZE, shuffle=False, verbose=0)
    return network, scale


def learned_features(
    training: Maps,
    parameters: ArrayLike,
    sets: Sequence[MapArray],
    *,
    epochs: int = 20,
    seed: int = 0,
) -> list[Rows]:
    """Return features of maps, from a network that infers the parameters of other maps.

    Parameters
    ----------
    training : ndarray
        κ, float ``(n, N, N)``, over a range of cosmologies.
    parameters : array_like
        float ``(n, n_parameters)`` of the training maps, such as Ωm and σ8.
    sets : sequence of ndarray
        κ, float ``(·, N, N)`` each, such as real and generated maps.
    epochs : int
    seed : int

    Returns
    -------
    list of ndarray
        float64 ``(·, 16)`` for each set, one row a map; see ``statistics.frechet_distance``.

    Raises
    ------
    ValueError
        As for ``train_regressor``, or if the sets have different sides.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> amplitude = rng.uniform(1, 2, size=(64, 1))
    >>> maps = amplitude[:, None] * rng.normal(size=(64, 16, 16))
    >>> sets = [maps[:5], maps[5:8]]
    >>> [rows.shape for rows in learned_features(maps, amplitude, sets, epochs=1)]
    [(5, 16), (3, 16)]

    References
    ----------
    Fluri et al. 2018 (arXiv 1807.08732) infer parameters from convergence maps. Heusel et al. 2017
    (arXiv 1706.08500) compare features of a network.
    """
    shapes = {np.shape(maps)[1:] for maps in (training, *sets)}
    if len(shapes) != 1:
        raise ValueError(f"All maps must have one size. Received: {sorted(shapes)}")
    network, scale = train_regressor(training, parameters, epochs=epochs, seed=seed)
    features = keras.Model(network.input, network.get_layer("features").output)
    return [
        np.asarray(features.predict(_standardized(maps, scale), verbose=0), np.float64)
        for maps in sets
    ]


def _standardized(maps: MapArray, scale: MapScale) -> Maps:
    """Return the input of the network."""
    mean, deviation = scale
    values = np.asarray(maps, dtype=np.float32)
    return ((values - mean) / deviation).astype(np.float32, copy=False)[..., None]
