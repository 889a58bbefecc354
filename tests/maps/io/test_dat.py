"""Raw binary files, whole and damaged."""

import struct

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import read_maps
from cosmogan_k3.maps.io.sky import read_sky
from tests.maps.io.test_public_sets import NSIDE, record, sky


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
@pytest.mark.parametrize("marker", ["pixels", "bytes"])
def test_a_square_map_lies_between_two_markers(tmp_path, rng, dtype, marker):
    """The marker is the side (κTNG), or the length of the record as Fortran writes it."""
    kappa = rng.normal(size=(9, 9)).astype(dtype)
    around = struct.pack("<i", 9 if marker == "pixels" else kappa.nbytes)
    path = tmp_path / "map.dat"
    path.write_bytes(around + kappa.tobytes() + around)
    maps = read_maps(path, pixel_arcmin=1.0)
    np.testing.assert_array_equal(np.asarray(maps.kappa[0]), kappa.astype("float32"))


def test_a_folder_is_read_without_its_dat_files(tmp_path, rng):
    """Tables of text have this ending too."""
    np.save(tmp_path / "maps.npy", rng.normal(size=(3, 8, 8)))
    (tmp_path / "zs.dat").write_text("0.034\n0.070\n")
    assert len(read_maps(tmp_path, pixel_arcmin=1.0)) == 3


def test_damaged_skies_are_refused(tmp_path, rng):
    path = tmp_path / "sky.dat"
    content = record(struct.pack("<iq", NSIDE, 12 * NSIDE**2))
    content += b"".join(record(sky(rng).tobytes(), 9_001) for _ in range(4))
    for position in range(0, len(content), 4_999):
        path.write_bytes(content[:position])
        with pytest.raises(InputError, match=r"sky\.dat: cannot be read"):
            read_sky(path, field="omega")
    markers = [0, 16, 20, 20 + 9_005]
    for position in markers:
        damaged = bytearray(content)
        damaged[position] ^= 4
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"sky\.dat: cannot be read"):
            read_sky(path)
    path.write_bytes(content + content[20:])
    with pytest.raises(InputError, match="expected up to 4 records"):
        read_sky(path)


def test_flat_maps_and_skies_are_told_apart(tmp_path, rng):
    marker = struct.pack("<i", 12)
    (tmp_path / "map.dat").write_bytes(marker + rng.normal(size=144).tobytes() + marker)
    with pytest.raises(InputError, match="holds a flat map, and no full sky"):
        read_sky(tmp_path / "map.dat")
    content = record(struct.pack("<iq", NSIDE, 12 * NSIDE**2)) + record(sky(rng).tobytes())
    (tmp_path / "sky.dat").write_bytes(content)
    with pytest.raises(InputError, match="holds a full sky; cut it into flat patches first"):
        read_maps(tmp_path / "sky.dat", pixel_arcmin=1.0)
    assert read_sky(tmp_path / "sky.dat").nside == NSIDE
