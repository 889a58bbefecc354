"""What maps of all methods have in common."""

from dataclasses import replace

import numpy as np
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.config import Simulation
from cosmogan_k3.maps import read_maps
from cosmogan_k3.simulation import resolution_warning, simulate_maps, simulate_stream

METHODS = {
    method: Simulation(method=method, maps=6, pixels=16, box_maps=2, particles=16)
    for method in ("lognormal", "halos", "nbody")
}


@pytest.fixture(params=METHODS)
def simulation(request):
    return METHODS[request.param]


def test_maps_depend_on_seed_and_number_alone(simulation):
    whole = simulate_maps(simulation)
    assert np.isfinite(whole.kappa).all()
    part = simulate_stream(simulation, part=range(2, 5))
    np.testing.assert_array_equal(np.concatenate(list(part.blocks())), whole.kappa[2:5])
    other = simulate_maps(replace(simulation, seed=1))
    assert not np.isclose(whole.kappa, other.kappa).all(axis=(1, 2)).any()
    per_box = 2 if simulation.method == "nbody" else 1
    assert whole.map_id.tolist() == [i // per_box for i in range(6)]


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_cosmologies_and_redshifts_vary_and_travel_with_the_maps(simulation, tmp_path, ending):
    """Boxes alternate between the cosmologies; farther sources see more matter."""
    vary = "source_redshift=0.3:2.5,omega_m=0.25:0.35"
    out = tmp_path / f"maps.{ending}"
    options = [*("--pixels", "16", "--maps", "8", "--box-maps", "2", "--particles", "16")]
    options += ["--method", simulation.method, "--vary", vary, "--cosmologies", "2", "--quiet"]
    assert cli.main(["simulate", *options, "--out", str(out)]) == 0
    maps = read_maps(out)
    redshift, omega_m = maps.parameters["source_redshift"], maps.parameters["omega_m"]
    assert len(np.unique(redshift)) == len(np.unique(omega_m)) == 2
    for box in np.unique(maps.map_id):
        assert np.ptp(redshift[maps.map_id == box]) == 0
    far = redshift == redshift.max()
    assert far.sum() == 4
    kappa = np.asarray(maps.kappa)
    assert kappa[far].std() > 1.2 * kappa[~far].std()


@pytest.mark.slow
def test_boxes_have_the_same_bytes_in_threads_and_on_dask_workers(tmp_path):
    options = [*("--method", "nbody", "--pixels", "16", "--maps", "6", "--box-maps", "2")]
    options += ["--particles", "16", "--quiet"]
    for name, more in (("threads", []), ("dask", ["--workers", "2"])):
        assert cli.main(["simulate", *options, *more, "--out", str(tmp_path / name)]) == 0
    files = sorted(path.name for path in (tmp_path / "threads").iterdir())
    assert files == ["part-00000.h5", "part-00001.h5", "part-00002.h5", "shards.json"]
    for name in files:
        assert (tmp_path / "threads" / name).read_bytes() == (tmp_path / "dask" / name).read_bytes()


def test_haloless_shells_are_no_error():
    """At z = 15 there are no haloes, which was a division of 0 by 0."""
    maps = simulate_maps(replace(METHODS["halos"], source_redshift=18.0))
    assert np.isfinite(maps.kappa).all()
    assert maps.kappa.std() > 0


def test_pixels_far_finer_than_the_particles_are_named(capsys, tmp_path):
    fine = replace(METHODS["nbody"], maps=2, field_deg=0.5, pixels=64)
    warning = resolution_warning(fine)
    assert warning.startswith("16 particles a side resolve multipoles up to about 200, pixels of")
    assert resolution_warning(Simulation(method="nbody")) == ""
    assert "too much power" in resolution_warning(Simulation(method="nbody", source_redshift=6.0))
    assert resolution_warning(Simulation(method="halos", source_redshift=6.0)) == ""
    options = ["--method", "nbody", "--pixels", "64", "--field-deg", "0.5", "--particles", "16"]
    options += ["--maps", "2", "--box-maps", "2", "--out", str(tmp_path / "fine.npz")]
    assert cli.main(["simulate", *options]) == 0
    assert f"cosmogan: warning: {warning}" in capsys.readouterr().err
