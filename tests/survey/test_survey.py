"""Sets of maps as a survey sees them: order of the effects, streams, numbers, masks."""

import pickle

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, MapStream, read_maps, write_maps
from cosmogan_k3.statistics import power_spectrum
from cosmogan_k3.survey import (
    Survey,
    convergence_from_shear,
    noise_power,
    observe_set,
    observe_stream,
    reconstruct_set,
    shape_noise,
    shear_from_convergence,
    smooth,
)

NOISY = Survey(galaxy_density=30.0)
ALL = Survey(galaxy_density=30.0, smoothing_arcmin=3.0, kaiser_squires=True, seed=5)


@pytest.fixture
def kappa(rng):
    return rng.normal(0, 0.02, (6, 16, 16)).astype("float32")


@pytest.fixture
def mask(rng):
    return rng.random((16, 16)) < 0.8


def test_noise_is_added_before_the_smoothing(kappa):
    survey = Survey(galaxy_density=30.0, smoothing_arcmin=3.0)
    observed = survey.observe(kappa, pixel_arcmin=2.0, stream="real")
    options = {"pixel_arcmin": 2.0, "galaxy_density": 30.0, "sigma_epsilon": 0.37}
    noise = [shape_noise(i, pixels=16, stream="real", **options)[0] for i in range(6)]
    expected = smooth(kappa + np.stack(noise), pixel_arcmin=2.0, sigma_arcmin=3.0)
    np.testing.assert_allclose(observed, expected, atol=1e-7)  # float32


def test_a_reconstruction_has_the_noise_of_a_map_and_no_mean():
    """Half the power of the noise of two components is in κ_E: that of one component."""
    survey = Survey(galaxy_density=30.0, kaiser_squires=True)
    observed = survey.observe(np.full((300, 32, 32), 0.1), pixel_arcmin=2.0)
    assert abs(observed.mean(axis=(1, 2))).max() < 1e-7
    power = power_spectrum(observed, pixel_arcmin=2.0)[1]
    ratio = power.mean(axis=0) / noise_power(galaxy_density=30.0, sigma_epsilon=0.37)
    assert (abs(ratio - 1) < 4.5 * power.std(axis=0) / power.mean(axis=0) / np.sqrt(300)).all()


def test_without_effects_maps_stay_as_they_are(kappa, mask):
    np.testing.assert_array_equal(Survey().observe(kappa, pixel_arcmin=2.0), kappa)
    assert not Survey().changes_pixels
    observed = Survey().observe(kappa, pixel_arcmin=2.0, mask=mask)
    np.testing.assert_array_equal(observed[:, mask], kappa[:, mask])
    assert np.isnan(observed[:, ~mask]).all()


def test_shear_components_have_the_noise_of_one_survey(kappa, mask):
    """κ_E of both components is what the survey reconstructs, under a mask too."""
    options = {"galaxy_density": 30.0, "seed": 5}
    components = [
        Survey(quantity=quantity, **options).observe(kappa, pixel_arcmin=2.0, mask=mask)
        for quantity in ("gamma1", "gamma2")
    ]
    assert np.isnan(components[0][:, ~mask]).all()
    kappa_e, _ = convergence_from_shear(*np.nan_to_num(components))
    expected = Survey(kaiser_squires=True, **options).observe(kappa, pixel_arcmin=2.0, mask=mask)
    np.testing.assert_allclose(kappa_e[:, mask], expected[:, mask], atol=1e-6)  # float32
    clean = Survey(quantity="gamma2").observe(kappa, pixel_arcmin=2.0)
    np.testing.assert_allclose(clean, shear_from_convergence(kappa)[1], atol=1e-7)


@pytest.mark.parametrize("ending", ["npz", "h5", "fits"])
def test_files_say_that_they_hold_shear(kappa, tmp_path, ending):
    drawn = MapStream(6, 16, 2.0, iter([kappa]))
    path = tmp_path / f"maps.{ending}"
    write_maps(path, observe_stream(drawn, Survey(quantity="gamma1"), stream=""))
    with pytest.raises(InputError, match="not named as convergence"):
        read_maps(path)
    read = read_maps(path, field="GAMMA1" if ending == "fits" else "gamma1")
    np.testing.assert_allclose(read.kappa[:], shear_from_convergence(kappa)[0], atol=1e-7)
    shear = observe_stream(drawn, Survey(quantity="gamma1"), stream="")
    with pytest.raises(InputError, match="an npy file cannot say"):
        write_maps(tmp_path / "maps.npy", shear)


@pytest.mark.parametrize("survey", [NOISY, ALL, Survey(galaxy_density=9.0, quantity="gamma2")])
@pytest.mark.parametrize("masked", [False, True])
def test_a_map_is_the_same_bytes_however_it_is_reached(kappa, mask, tmp_path, survey, masked):
    options = {"stream": "real", "mask": mask if masked else None}
    whole = survey.observe(kappa, pixel_arcmin=2.0, **options)
    write_maps(tmp_path / "maps.h5", MapSet(kappa, 2.0))
    for maps in (MapSet(kappa, 2.0), read_maps(tmp_path / "maps.h5")):
        observed = observe_set(maps, survey, **options)
        reached = [
            observed.kappa[:],
            np.concatenate([observed.kappa[:2], observed.kappa[2:]]),
            np.stack([observed.kappa[i] for i in range(6)]),
            np.asarray(observed.take([5, 4, 3, 2, 1, 0]).kappa)[::-1],
            np.asarray(pickle.loads(pickle.dumps(observed.kappa))),
        ]
        for each in reached:
            np.testing.assert_array_equal(each, whole)
    drawn = MapStream(4, 16, 2.0, iter([kappa[2:3], kappa[3:6]]))
    streamed = observe_stream(drawn, survey, first=2, **options)
    np.testing.assert_array_equal(np.concatenate(list(streamed.blocks())), whole[2:])


def test_the_properties_of_the_survey_travel_with_the_maps(kappa, tmp_path):
    observed = observe_set(
        MapSet(kappa, 2.0, parameters={"h": np.full(6, 0.7)}), ALL, stream="real"
    )
    for ending in ("npz", "h5"):
        write_maps(tmp_path / f"maps.{ending}", observed)
        again = read_maps(tmp_path / f"maps.{ending}")
        read = {name: float(values[0]) for name, values in again.parameters.items()}
        assert read == {"h": 0.7, **ALL.numbers}
        with pytest.raises(InputError, match="galaxy_density, sigma_epsilon of a survey already"):
            observe_set(again, NOISY, stream="real")
    assert "Map 3" in observed.name_of(3)
    assert observed.describe().startswith("6 maps")


def test_what_is_not_observed_is_not_read(kappa, mask):
    holes = np.where(mask, kappa, np.nan)
    for survey in (NOISY, Survey(galaxy_density=30.0, smoothing_arcmin=3.0)):
        options = {"pixel_arcmin": 2.0, "mask": mask}
        np.testing.assert_array_equal(
            survey.observe(holes, **options), survey.observe(kappa, **options)
        )
    with pytest.raises(InputError, match="the shear depends on all pixels"):
        ALL.observe(holes, pixel_arcmin=2.0, mask=mask)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"galaxy_density": -1.0}, "galaxy_density"),
        ({"galaxy_density": np.inf}, "galaxy_density"),
        ({"sigma_epsilon": 0.0}, "sigma_epsilon"),
        ({"smoothing_arcmin": np.nan}, "smoothing_arcmin"),
        ({"quantity": "gamma"}, "quantity"),
        ({"quantity": "gamma1", "kaiser_squires": True}, "kaiser_squires, quantity"),
    ],
)
def test_impossible_surveys_are_refused(change, name):
    with pytest.raises(InputError) as caught:
        Survey(**change)
    assert caught.value.parameter == name


def test_noise_that_maps_cannot_hold_is_refused(kappa):
    with pytest.raises(InputError, match=r"1e-300 galaxies .* give a noise") as caught:
        Survey(galaxy_density=1e-300).observe(kappa, pixel_arcmin=2.0)
    assert caught.value.parameter == "galaxy_density"


def test_maps_that_are_too_small_to_smooth_and_other_masks_are_refused(kappa, mask):
    with pytest.raises(InputError, match="quarter") as caught:
        Survey(smoothing_arcmin=9.0).observe(kappa, pixel_arcmin=2.0)
    assert caught.value.parameter == "smoothing_arcmin"
    with pytest.raises(ValueError, match="mask must be a bool array"):
        NOISY.observe(kappa, pixel_arcmin=2.0, mask=mask[:8, :8])


def test_a_set_is_reconstructed_from_its_shear(kappa, mask, tmp_path):
    gamma = shear_from_convergence(kappa)
    np.savez(tmp_path / "shear.npz", gamma1=gamma[0], gamma2=gamma[1], pixel_arcmin=2.0)
    components = [read_maps(tmp_path / "shear.npz", field=f"gamma{i}") for i in (1, 2)]
    maps = reconstruct_set(*components)
    expected = kappa - kappa.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(maps.kappa[:], expected, atol=1e-7)  # float32
    np.testing.assert_array_equal(maps.take([4, 1]).kappa[1], maps.kappa[1])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(maps.kappa))[2:4], maps.kappa[2:4])
    assert "reconstructed from shear, gamma1" in maps.describe()
    assert "map 3" in maps.name_of(3)
    # Under a mask the rest is not read, and the result is that of the survey.
    holes = [MapSet(np.where(mask, each, np.nan), 2.0) for each in gamma]
    found = reconstruct_set(*holes, mask=mask).kappa[:][:, mask]
    survey = Survey(kaiser_squires=True).observe(kappa, pixel_arcmin=2.0, mask=mask)
    np.testing.assert_allclose(found, survey[:, mask], atol=1e-7)
    with pytest.raises(InputError, match="of the same maps"):
        reconstruct_set(components[0], components[1].take([1, 0, 2, 3, 4, 5]))
