"""Virtual arrays of patches."""

import numpy as np

from cosmogan_k3.maps import read_maps


def test_patches_are_the_windows_of_the_maps(rng, tmp_path):
    kappa = rng.normal(size=(2, 10, 10)).astype("float32")
    np.save(tmp_path / "a.npy", kappa)
    patches = read_maps(tmp_path / "a.npy", pixels=4, pixel_arcmin=1.0)
    expected = np.stack([k[r : r + 4, c : c + 4] for k in kappa for r in (0, 4) for c in (0, 4)])
    np.testing.assert_array_equal(np.asarray(patches.kappa), expected)
    order = [5, 0, 3]
    np.testing.assert_array_equal(patches.kappa[np.array(order)], expected[order])
    np.testing.assert_array_equal(patches.kappa[2], expected[2])
    np.testing.assert_array_equal(np.asarray(patches.take(order).kappa), expected[order])
    assert patches.map_id.tolist() == [0] * 4 + [1] * 4
