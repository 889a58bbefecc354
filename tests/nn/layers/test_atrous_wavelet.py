"""Starlet planes: completeness, comparison with SciPy and unit variance."""

import numpy as np
import pytest
from keras import ops
from scipy import ndimage

from cosmogan_k3.nn.layers import AtrousWavelet
from tests.harness import check_layer


def test_shape_weights_and_files(rng):
    check_layer(
        AtrousWavelet(2),
        rng.normal(size=(2, 8, 8, 1)),
        expected_shape=(2, 8, 8, 3),
        expected_weights=3,
    )


def test_planes_sum_to_the_map_and_agree_with_scipy(rng):
    maps = rng.normal(size=(3, 16, 16, 1)).astype("float32")
    planes = ops.convert_to_numpy(AtrousWavelet(2)(maps))
    np.testing.assert_allclose(planes.sum(axis=-1), maps[..., 0], atol=1e-6)
    smooth = maps[..., 0]
    for taps in ([1, 2, 1], [1, 0, 2, 0, 1]):
        for axis in (1, 2):
            smooth = ndimage.convolve1d(smooth, np.array(taps) / 4, axis=axis, mode="wrap")
    np.testing.assert_allclose(planes[..., -1], smooth, atol=1e-6)


def test_adapted_planes_have_unit_variance(rng):
    maps = np.cumsum(rng.normal(size=(20, 16, 16, 1)), axis=1).astype("float32")
    layer = AtrousWavelet(3)
    layer.adapt(maps)
    # The finest plane is a difference of larger numbers: float32 leaves errors of 1e-5.
    np.testing.assert_allclose(ops.convert_to_numpy(layer(maps)).std(axis=(0, 1, 2)), 1, rtol=1e-4)


def test_blank_maps_do_not_divide_by_zero():
    layer = AtrousWavelet(1)
    layer.adapt(np.zeros((2, 8, 8, 1)))
    assert np.isfinite(ops.convert_to_numpy(layer(np.ones((1, 8, 8, 1))))).all()


def test_errors_name_the_cause():
    with pytest.raises(ValueError, match=r"at least 1\. Received: planes=0"):
        AtrousWavelet(0)
    with pytest.raises(ValueError, match=r"maps \(n, rows, columns, 1\)"):
        AtrousWavelet(1)(np.zeros((1, 8, 8, 2)))


def test_compressed_planes_are_the_arsinh_of_the_planes(rng):
    maps = rng.lognormal(sigma=2, size=(4, 16, 16, 1)).astype("float32")
    plain, compressed = AtrousWavelet(2), AtrousWavelet(2, compressed=True)
    for layer in (plain, compressed):
        layer.adapt(maps)
    expected = np.arcsinh(ops.convert_to_numpy(plain(maps)))
    np.testing.assert_allclose(
        ops.convert_to_numpy(compressed(maps)), expected, rtol=1e-4, atol=1e-5
    )
