"""Virtual arrays of patches."""

import pickle

import numpy as np
import pytest

from cosmogan_k3.maps import patch_table, read_maps


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


@pytest.fixture
def patches(rng, tmp_path):
    """Patches of 2 × 2 pixels from two files, and the same patches in memory."""
    kappa = rng.normal(size=(2, 3, 4, 4)).astype("float32")
    for name, maps in zip("ab", kappa, strict=True):
        np.save(tmp_path / f"{name}.npy", maps)
    table = read_maps(tmp_path, pixels=2, pixel_arcmin=1.0).kappa
    expected = kappa.reshape(6, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(24, 2, 2)
    return table, expected


@pytest.mark.parametrize("key", [3, np.int64(-1), slice(5, 20, 3), slice(0, 0)])
def test_a_table_is_indexed_like_an_array(patches, key):
    table, expected = patches
    np.testing.assert_array_equal(table[key], expected[key])


def test_a_table_has_the_attributes_of_an_array(patches):
    table, expected = patches
    assert (table.shape, table.ndim, table.dtype, len(table)) == ((24, 2, 2), 3, np.float32, 24)
    assert np.asarray(table, np.float64).dtype == np.float64
    chosen = table.take([7, 7, 0]).take(slice(1, 3))
    np.testing.assert_array_equal(np.asarray(chosen), expected[[7, 0]])
    with pytest.raises(ValueError, match="along axis 0 only"):
        table.take([0], axis=1)


def test_patches_are_named_by_file_map_and_corner(patches):
    table, _ = patches
    assert table.name_of(23).endswith("b.npy: map 2, patch at row 2, column 2")


def test_a_table_can_be_pickled(patches):
    table, expected = patches
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(table))), expected)


def test_patches_are_read_file_by_file(patches, monkeypatch):
    table, expected = patches
    opened = []

    def reading(source):
        opened.append(source.path)
        return patch_table_reading(source)

    patch_table_reading = patch_table.reading
    monkeypatch.setattr(patch_table, "reading", reading)
    order = np.array([20, 1, 15, 3, 12, 0])
    np.testing.assert_array_equal(table[order], expected[order])
    assert opened == sorted(set(opened))
