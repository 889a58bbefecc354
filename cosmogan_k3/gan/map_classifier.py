"""A small network that learns to tell real from generated maps, and what it tells of others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from cosmogan_k3 import backend
from cosmogan_k3._typing import FloatArray, Maps, Mask
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.architectures.blocks import (
    discriminator_convolution,
    leaky_relu,
    seeded_initializers,
)
from cosmogan_k3.maps import MapSet
from cosmogan_k3.maps.batches import SYMMETRIES, apply_symmetry
from cosmogan_k3.statistics import Result, auc_test, null_halves
from cosmogan_k3.statistics.two_sample.halves import reference_rows
from cosmogan_k3.statistics.two_sample.units import Units

# Filters, side of the kernel and strides of each convolution.
_CONVOLUTIONS = ((16, 5, 2), (32, 3, 2), (64, 3, 1), (64, 3, 2))
# The convolutions halve the side of a map three times.
_SIDE = 8
# Rounds of one pass or more: small sets need as many steps as large ones.
_ROUNDS = 32
_STEPS_PER_ROUND = 25
_PATIENCE = 8
_SOLVED = 0.02  # cross entropy of other maps at which little is left to learn
_BATCH_SIZE = 32
_LEARNING_RATE = 2e-3

# Maps of each kind that are needed; pixels of each kind that are used, a quarter of a GB in all.
_FEWEST_MAPS = 16
_MOST_PIXELS = 2**25
# Part of the units of the training half that decides when the training ends.
_STOPPING = 0.2


def build_classifier(pixels: int, *, seed: int = 0) -> keras.Model:
    """Build the network.

    It has four convolutions, the mean over the map, and a logit. The mean is essential: the sky is
    stationary, and a head that looks at each place by itself learns places by heart.

    Parameters
    ----------
    pixels : int
        Side of the maps, a multiple of 8.
    seed : int
        Seed of the initial weights, which are the same on every backend.

    Returns
    -------
    keras.Model
        From ``(n, pixels, pixels, 1)`` to logits ``(n, 1)``, high for generated maps.

    Raises
    ------
    ValueError
        If ``pixels`` cannot be halved three times.

    Examples
    --------
    >>> build_classifier(16).output_shape
    (None, 1)
    """
    if pixels < _SIDE or pixels % _SIDE:
        raise ValueError(f"pixels must be a multiple of {_SIDE}. Received: pixels={pixels}")
    initializers = seeded_initializers(seed, None)
    x = maps = keras.Input((pixels, pixels, 1), name="maps")
    for i, (filters, kernel_size, strides) in enumerate(_CONVOLUTIONS):
        x = discriminator_convolution(
            x, filters, initializers, kernel_size=kernel_size, strides=strides, name=f"conv_{i}"
        )
        x = leaky_relu(x, f"leaky_{i}")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dense(1, kernel_initializer=next(initializers), name="logit")(x)
    return keras.Model(maps, x, name="classifier")


def classifier_test(
    real: MapSet,
    generated: MapSet,
    *,
    mask: Mask | None = None,
    permutations: int = 499,
    seed: int = 0,
) -> Result:
    """Train a new network on one half of both sets, and let it judge the other half.

    The loss is the cross entropy; both kinds have the same weight, and each map is turned and
    reflected at random. A fifth of the training half only tells when the network judges other maps
    best. Maps with one ``map_id`` are all on one side.

    Parameters
    ----------
    real, generated : MapSet
        Of the same side, 16 maps or more each. Of large sets, random units of 2²⁵ pixels in all are
        used. Sides that are no multiple of 8 are cropped.
    mask : bool array (N, N), optional
        True where observed; other pixels, NaN included, are replaced by the mean.
    permutations : int, default 499
        Exchanges for the p-value.
    seed : int, default 0
        Seed of the halves, the initial weights, the order of the maps and the exchanges.

    Returns
    -------
    Result
        As of ``auc_test``: the AUC among the maps of the other half, its null and its p-value.

    Raises
    ------
    InputError
        Too few or too small maps.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sets = [MapSet(rng.normal(size=(64, 16, 16)) ** power, 2.0) for power in (1, 2)]
    >>> classifier_test(*sets).distance > 0.9
    True

    References
    ----------
    Lopez-Paz & Oquab 2017 (arXiv 1610.06545), section 3.
    """
    if min(len(real), len(generated)) < _FEWEST_MAPS or real.pixels < _SIDE:
        raise InputError(
            f"a classifier needs {_FEWEST_MAPS} maps of each kind, of {_SIDE}² pixels or more. "
            f"Received: {len(real)} and {len(generated)} of {real.pixels}²",
            parameter="classifier",
        )
    rng = np.random.default_rng(seed)
    sets = [_divide(maps, rng, seed) for maps in (real, generated)]
    inputs = _Inputs.for_maps(sets[0].fit, mask)
    fit, stop = (_examples([parts[i] for parts in sets], inputs) for i in range(2))
    network = _train(fit, stop, rng, seed)
    tests = [parts.test for parts in sets]
    scores = [
        np.concatenate([_logits(network, inputs(block)) for block in maps.blocks()])
        for maps in tests
    ]
    groups = {"real_groups": tests[0].map_id, "generated_groups": tests[1].map_id}
    return auc_test(*scores, **groups, permutations=permutations, seed=seed)


def classifier_metrics(result: Result) -> dict[str, float]:
    """Return the numbers of a ``classifier_test`` for a table of metrics.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to float
        ``classifier_auc`` and its null, the standard deviation of the null, and the p-value.
    """
    return {
        "classifier_auc": result.distance,
        "classifier_auc_null": result.null_median,
        "classifier_auc_null_std": float(result.null.std()),
        "pvalue_classifier": result.pvalue,
    }


class _Parts(NamedTuple):
    """Maps to train on, to stop the training by, and to test, without a common unit."""

    fit: MapSet
    stop: MapSet
    test: MapSet


class _Examples(NamedTuple):
    """Inputs of the network, 1 for each generated map, and weights that balance the kinds."""

    maps: Maps
    labels: NDArray[np.float32]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class _Inputs:
    """From convergence to inputs of the network: cropped, standardized, 0 where not observed."""

    side: int
    mean: float
    deviation: float
    mask: Mask | None

    @classmethod
    def for_maps(cls, maps: MapSet, mask: Mask | None) -> "_Inputs":
        kappa = np.asarray(maps.kappa, np.float32)
        observed = kappa if mask is None else kappa[:, mask]
        side = maps.pixels - maps.pixels % _SIDE
        return cls(side, float(observed.mean()), float(observed.std()) or 1.0, mask)

    def __call__(self, kappa: Maps) -> Maps:
        values = (kappa - self.mean) / self.deviation
        if self.mask is not None:
            values = np.where(self.mask, values, 0)
        return values[:, : self.side, : self.side, None].astype(np.float32, copy=False)


def _divide(maps: MapSet, rng: np.random.Generator, seed: int) -> _Parts:
    """Divide random units of a set, at most ``_MOST_PIXELS`` pixels of them."""
    most = max(_FEWEST_MAPS, _MOST_PIXELS // maps.pixels**2)
    units = Units(len(maps), maps.map_id)
    chosen = maps.take(np.sort(reference_rows(units, min(most, len(maps)), rng)))
    training, test = null_halves(len(chosen), seed, chosen.map_id)
    if len(training) < 2:
        raise InputError(
            "half the units hold one map only: give more maps of each", parameter="classifier"
        )
    within = Units(len(training), np.asarray(chosen.map_id)[training]).or_rows()
    order = rng.permutation(len(within))
    stopping = max(1, round(_STOPPING * len(within)))
    stop, fit = (training[within.rows(part)] for part in np.split(order, [stopping]))
    return _Parts(*(chosen.take(np.sort(rows)) for rows in (fit, stop, test)))


def _examples(sets: Sequence[MapSet], inputs: _Inputs) -> _Examples:
    """Join real and generated maps."""
    counts = [len(maps) for maps in sets]
    maps = np.concatenate([inputs(block) for of_set in sets for block in of_set.blocks()])
    weights = [sum(counts) / (2 * count) for count in counts]
    return _Examples(
        maps,
        np.repeat(np.array([0, 1], np.float32), counts),
        np.repeat(np.array(weights, np.float32), counts),
    )


def _train(fit: _Examples, stop: _Examples, rng: np.random.Generator, seed: int) -> keras.Model:
    """Train the network, and return it as of the round with the smallest loss of other maps."""
    network = build_classifier(fit.maps.shape[1], seed=seed)
    count, batch = len(fit.maps), min(_BATCH_SIZE, len(fit.maps))
    steps = max(count // batch, _STEPS_PER_ROUND)  # none with a smaller batch, to compile once
    rate = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, _ROUNDS * steps)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(rate), loss, jit_compile=backend.default_jit())
    best, best_round, smallest = network.get_weights(), 0, np.inf
    for number in range(_ROUNDS):
        passes = [rng.permutation(count) for _ in range(-(-steps * batch // count))]
        order = np.concatenate(passes)[: steps * batch]
        network.fit(
            _turned(fit.maps[order], rng),
            fit.labels[order],
            sample_weight=fit.weights[order],
            batch_size=batch,
            shuffle=False,
            verbose=0,
        )
        loss_of_others = _cross_entropy(_logits(network, stop.maps), stop)
        if loss_of_others < smallest:
            best, best_round, smallest = network.get_weights(), number, loss_of_others
        if smallest < _SOLVED or number - best_round >= _PATIENCE:
            break
    network.set_weights(best)
    return network


def _turned(maps: Maps, rng: np.random.Generator) -> Maps:
    """Turn and reflect each map at random, in place."""
    for i, symmetry in enumerate(rng.integers(SYMMETRIES, size=len(maps))):
        maps[i, ..., 0] = apply_symmetry(maps[i, ..., 0], symmetry).copy()
    return maps


def _logits(network: keras.Model, maps: Maps) -> FloatArray:
    return np.asarray(network.predict(maps, verbose=0), np.float64)[:, 0]


def _cross_entropy(logits: FloatArray, examples: _Examples) -> float:
    sign = 1 - 2 * examples.labels.astype(np.float64)
    return float(np.average(np.logaddexp(0, sign * logits), weights=examples.weights))
