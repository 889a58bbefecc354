"""Each format: round trips, streams and headers."""

import mmap
import weakref

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cosmogan_k3.maps import MapSet, MapStream, read_maps, write_maps
from cosmogan_k3.maps.io.open import MapSource, reading

ENDINGS = ("npz", "h5", "hdf5", "fits", "fit", "npy")


@settings(max_examples=25, deadline=None)
@given(
    kappa=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.just(6), st.just(6)),
        elements=st.floats(-1, 1, width=32, allow_subnormal=False),
    ),
    pixel_arcmin=st.floats(0.01, 100),
    ending=st.sampled_from(ENDINGS),
)
def test_what_is_written_is_read_back(tmp_path_factory, kappa, pixel_arcmin, ending):
    assume(set(np.unique(kappa[0])) != {0, 1})  # such a file is refused as a mask
    path = tmp_path_factory.mktemp("roundtrip") / f"maps.{ending}"
    write_maps(path, MapSet(kappa, pixel_arcmin))
    again = read_maps(path, pixel_arcmin=pixel_arcmin if ending == "npy" else None)
    np.testing.assert_array_equal(np.asarray(again.kappa), kappa)
    assert again.pixel_arcmin == pytest.approx(pixel_arcmin, rel=1e-12)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_stream_is_written_as_it_is_drawn(tmp_path, ending, rng):
    """No block is in memory once the next is drawn, and all maps are read back in order."""
    kappa = rng.normal(size=(7, 6, 6)).astype("float32")
    blocks = []

    def drawn():
        for start in range(0, 7, 2):
            block = kappa[start : start + 2].copy()
            blocks.append(weakref.ref(block))
            yield block
            del block
            assert sum(known() is not None for known in blocks) <= 1

    path = tmp_path / f"maps.{ending}"
    write_maps(path, MapStream(7, 6, 2.0, drawn()))
    again = read_maps(path, pixel_arcmin=2.0 if ending == "npy" else None)
    np.testing.assert_array_equal(np.asarray(again.kappa), kappa)
    assert again.pixel_arcmin == 2.0


def test_fits_files_equal_those_of_astropy(tmp_path, rng):
    kappa = rng.normal(size=(3, 6, 6)).astype("float32")
    write_maps(tmp_path / "maps.fits", MapSet(kappa, 2.0))
    with fits.open(tmp_path / "maps.fits") as ours:
        ours.verify("exception")
        ours.writeto(tmp_path / "again.fits")
    assert (tmp_path / "maps.fits").read_bytes() == (tmp_path / "again.fits").read_bytes()


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_identities_and_parameters_survive(tmp_path, ending):
    maps = MapSet(
        np.zeros((3, 4, 4), "float32"),
        1.0,
        np.array([7, 7, 9]),
        {"omega_m": np.array([0.2, 0.2, 0.4])},
    )
    write_maps(tmp_path / f"maps.{ending}", maps)
    again = read_maps(tmp_path / f"maps.{ending}")
    assert again.map_id.tolist() == [0, 0, 1]
    assert again.parameters["omega_m"].tolist() == [0.2, 0.2, 0.4]


def test_npy_files_are_memory_mapped(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 4, 4), "float32"))
    with reading(MapSource.of(tmp_path / "a.npy")) as maps:
        assert isinstance(maps.base, mmap.mmap)


def test_fits_headers_are_those_of_lenstools(tmp_path):
    kappa = np.arange(32, dtype="float32").reshape(2, 4, 4)
    write_maps(tmp_path / "a.fits", MapSet(kappa, 1.5))
    with fits.open(tmp_path / "a.fits") as file:
        assert file[0].data.shape == (4, 4)
        assert file[0].header["ANGLE"] == pytest.approx(4 * 1.5 / 60)  # LensTools: side in degrees
        assert file[0].header["CDELT1"] == pytest.approx(1.5 / 60)
        assert file[0].header["CUNIT1"] == "deg"
        assert file[0].header["NMAPS"] == 2
        np.testing.assert_array_equal(file[1].data, kappa[1])
