"""Tiny and odd inputs are used or end in an InputError, never in another error."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, Scaling, read_maps, read_mask, split_by_map, write_maps

DTYPES = ("float32", "float64", "float16", ">f4", "int16", "bool", "complex64", "S2", "M8[s]")
SHAPES = st.one_of(
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    st.tuples(st.integers(1, 3), st.just(2), st.just(2)),
)
ARRAYS = st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(np.dtype(dtype), SHAPES))
VALUES = st.one_of(ARRAYS, st.just(np.arange(2)), st.just(np.array(["a", "b"])))
EXTRAS = st.dictionaries(
    st.sampled_from(["pixel_arcmin", "map_id", "parameter_h", "other"]), VALUES, max_size=3
)
SETTINGS = settings(max_examples=60, deadline=None)


def refusal(function, *arguments, **options):
    """Call a function; return its result and None, or None and the text of its InputError."""
    try:
        with np.errstate(over="ignore", under="ignore"):  # float64 pixels beyond float32
            return function(*arguments, **options), None
    except InputError as error:
        return None, str(error)


def read_or_refuse(path, **options):
    """Read maps and all their pixels; an error must be an InputError that names the file."""
    maps, error = refusal(read_maps, path, **options)
    if error is None:
        _, error = refusal(maps.fingerprint)
    if error:
        assert path.name in error
        return None
    assert np.asarray(maps.kappa).shape == maps.kappa.shape
    assert all(values.shape == (len(maps),) for values in maps.parameters.values())
    return maps


@SETTINGS
@given(kappa=ARRAYS)
def test_any_npy_file_is_read_or_refused_by_name(tmp_path_factory, kappa):
    path = tmp_path_factory.mktemp("npy") / "odd.npy"
    np.save(path, kappa)
    read_or_refuse(path, pixel_arcmin=1.0)


@SETTINGS
@given(kappa=ARRAYS, extras=EXTRAS)
def test_any_npz_file_is_read_or_refused_by_name(tmp_path_factory, kappa, extras):
    path = tmp_path_factory.mktemp("npz") / "odd.npz"
    np.savez(path, kappa=kappa, **extras)
    read_or_refuse(path)


@SETTINGS
@given(kappa=ARRAYS, extras=EXTRAS, group=st.booleans())
def test_any_hdf5_file_is_read_or_refused_by_name(tmp_path_factory, kappa, extras, group):
    path = tmp_path_factory.mktemp("hdf5") / "odd.h5"
    with h5py.File(path, "w") as file:
        for name, values in {"kappa": kappa, **extras}.items():
            stored = values.astype("S40") if values.dtype.kind in "UM" else values
            if name == "pixel_arcmin":
                file.attrs[name] = stored
            elif name == "parameter_h":
                file["parameters/h" if group else "parameters"] = stored
            else:
                file[name] = stored
    read_or_refuse(path)


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
@SETTINGS
@given(data=st.binary(max_size=200), ending=st.sampled_from(["npy", "npz", "fits", "h5"]))
def test_any_bytes_are_refused_by_name(tmp_path_factory, data, ending):
    path = tmp_path_factory.mktemp("bytes") / f"odd.{ending}"
    path.write_bytes(data)
    assert read_or_refuse(path) is None


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
@pytest.mark.parametrize("ending", ["npy", "npz", "fits", "h5"])
def test_files_with_damaged_bytes_are_read_or_refused_by_name(tmp_path, rng, ending):
    whole = tmp_path / f"whole.{ending}"
    write_maps(whole, MapSet(rng.normal(size=(2, 3, 3)).astype("float32"), 1.0))
    data = np.frombuffer(whole.read_bytes(), np.uint8)
    for _ in range(60):
        damaged = data.copy()
        damaged[rng.integers(min(len(data), 3000), size=2)] = rng.integers(256, size=2)
        path = tmp_path / f"odd.{ending}"
        path.write_bytes(damaged.tobytes())
        read_or_refuse(path, pixel_arcmin=1.0)


@SETTINGS
@given(mask=ARRAYS, ending=st.sampled_from(["npy", "npz"]))
def test_any_mask_is_read_or_refused_by_name(tmp_path_factory, mask, ending):
    path = tmp_path_factory.mktemp("mask") / f"odd.{ending}"
    np.save(path, mask) if ending == "npy" else np.savez(path, mask=mask)
    read, error = refusal(read_mask, path, pixels=2)
    assert read.any() if error is None else path.name in error


@SETTINGS
@given(
    kappa=ARRAYS,
    pixel_arcmin=st.floats(),
    map_id=st.none() | VALUES,
    parameters=st.dictionaries(st.text(max_size=3), VALUES, max_size=2),
    ending=st.sampled_from(["npy", "npz", "fits", "h5"]),
)
def test_any_set_is_written_and_read_back_or_refused(
    tmp_path_factory, kappa, pixel_arcmin, map_id, parameters, ending
):
    path = tmp_path_factory.mktemp("set") / f"maps.{ending}"
    maps, error = refusal(MapSet, kappa, pixel_arcmin, map_id, parameters)
    if error is None:
        _, error = refusal(write_maps, path, maps)
    if error:
        assert not path.exists()
        return
    again, error = refusal(read_maps, path, pixel_arcmin=pixel_arcmin if ending == "npy" else None)
    if error:
        assert "holds only 0 and 1" in error
        assert set(np.unique(kappa[0]).tolist()) == {0, 1}
        return
    with np.errstate(over="ignore"):
        expected = np.asarray(kappa, np.float32)
    np.testing.assert_array_equal(np.asarray(again.kappa), expected)
    if ending in ("npz", "h5"):
        assert set(again.parameters) == set(parameters)
    if ending != "npy":
        same = np.equal.outer(again.map_id, again.map_id)
        np.testing.assert_array_equal(same, np.equal.outer(maps.map_id, maps.map_id))


@SETTINGS
@given(kind=st.sampled_from(["standard", "range", "rational"]), kappa=ARRAYS)
def test_any_scaling_is_invertible_or_refused(kind, kappa):
    scaling, error = refusal(Scaling.fit, kind, kappa)
    assert error or (np.isfinite(scaling.offset) and 0 < scaling.scale < np.inf)


@SETTINGS
@given(
    map_id=hnp.arrays(np.int64, st.integers(1, 6), elements=st.integers(-2, 2)),
    fractions=st.tuples(st.floats(), st.floats()) | st.tuples(st.floats(0, 1), st.floats(0, 1)),
    seed=st.integers(0, 2**32),
)
def test_any_set_is_split_without_overlap_or_refused(map_id, fractions, seed):
    maps = MapSet(np.zeros((len(map_id), 1, 1), "float32"), 1.0, map_id)
    validation, test = fractions
    splits, error = refusal(split_by_map, maps, validation=validation, test=test, seed=seed)
    if error:
        return
    parts = [part for part in (splits.train, splits.validation, splits.test) if part]
    ids = [set(part.map_id.tolist()) for part in parts]
    assert sum(map(len, ids)) == len(set.union(*ids)) == len(np.unique(map_id))
    assert sum(map(len, parts)) == len(maps)
    assert len(parts) == (2 if validation == 0 or len(np.unique(map_id)) == 2 else 3)
