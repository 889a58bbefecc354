"""Parameters of conditional models: standardization, range and error messages."""

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import Batches, Conditioning, Scaling
from cosmogan_k3.maps.conditioning import parse_names, parse_parameters

PARAMETERS = {
    "omega_m": np.array([0.2, 0.3, 0.4, 0.3]),
    "w": np.array([-1.2, -0.9, -1.0, -0.9]),
    "h": np.full(4, 0.7),
}


def test_only_positive_parameters_are_standardized_by_their_logarithm():
    conditioning = Conditioning.fit(["omega_m", "w"], PARAMETERS)
    theta = conditioning.conditions_of_maps(PARAMETERS)
    assert theta.dtype == np.float32
    for column, x in zip(theta.T, (np.log(PARAMETERS["omega_m"]), PARAMETERS["w"]), strict=True):
        np.testing.assert_allclose(column, (x - x.mean()) / x.std(), rtol=1e-5, atol=1e-6)
    one = conditioning.conditions_of({"w": [-1.2, -1.0], "omega_m": 0.2}, 2)
    np.testing.assert_allclose(one, [theta[0], [theta[0, 0], theta[2, 1]]], rtol=1e-5)
    assert Conditioning(**conditioning.get_config()) == conditioning


def test_the_range_may_follow_from_more_maps_than_the_standardization():
    conditioning = Conditioning.fit(["w"], {"w": PARAMETERS["w"][1:]}, PARAMETERS)
    assert (conditioning.lowest, conditioning.highest) == ((-1.2,), (-0.9,))
    assert conditioning.mean == (pytest.approx(PARAMETERS["w"][1:].mean()),)


@pytest.mark.parametrize(
    ("requested", "message"),
    [
        (None, r"needs values of omega_m, w\. Received: parameters none"),
        ({"omega_m": 0.3}, "Received: parameters omega_m"),
        ({"omega_m": 0.3, "w": -1, "sigma_8": 0.8}, "Received: parameters omega_m, w, sigma_8"),
        (
            {"omega_m": 0.41, "w": -1},
            r"omega_m: .* between 0\.2 and 0\.4, and does not extrapolate\. Received: 0\.41",
        ),
        ({"omega_m": [0.3, 0.3, np.nan], "w": -1}, "Received: nan"),
        ({"omega_m": "much", "w": -1}, "omega_m: expected numbers. Received: 'much'"),
        ({"omega_m": [0.3, 0.3], "w": -1}, r"one for each of 3 maps\. Received: shape \(2,\)"),
    ],
)
def test_unknown_or_distant_parameters_are_refused(requested, message):
    with pytest.raises(InputError, match=message):
        Conditioning.fit(["omega_m", "w"], PARAMETERS).conditions_of(requested, 3)


@pytest.mark.parametrize(
    ("names", "parameters", "message"),
    [
        (["sigma_8"], PARAMETERS, "carry no parameter 'sigma_8'; they carry omega_m, w, h"),
        (["sigma_8"], {}, "they carry none"),
        (["h"], PARAMETERS, "h must be finite and vary"),
        (["w"], {"w": np.array([1.0, np.inf])}, "w must be finite and vary"),
    ],
)
def test_maps_without_usable_parameters_are_refused(names, parameters, message):
    with pytest.raises(InputError, match=message):
        Conditioning.fit(names, parameters)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_names, "omega_m,"),
        (parse_names, "omega_m,omega_m"),
        (parse_parameters, "omega_m"),
        (parse_parameters, "omega_m=0.3;sigma_8=0.8"),
        (parse_parameters, "0.3,0.8"),
    ],
)
def test_other_texts_are_refused(parse, text):
    with pytest.raises(InputError, match="with commas between"):
        parse(text)


def test_batches_bring_the_parameters_of_their_maps(rng):
    """Each map is filled with its number, which is also its condition."""
    numbers = np.arange(10, dtype="float32")
    kappa = np.broadcast_to(numbers[:, None, None], (10, 4, 4))
    batches = Batches(kappa, Scaling(), batch_size=4, augment=True, conditions=numbers[:, None])
    batches.start_epoch(3)
    for index in range(2):
        maps, theta = batches[index]
        np.testing.assert_array_equal(maps[:, 0, 0, 0], theta[:, 0])
    batches.set_replica(1, 2, 2)
    assert [part.shape[0] for part in batches[0]] == [2, 2]


def test_errors_name_the_parameter_that_holds_the_input():
    conditioning = Conditioning.fit(["w"], PARAMETERS)
    with pytest.raises(InputError) as caught:
        conditioning.parameter_values({"w": 3.0}, 1)
    assert caught.value.parameter == "parameters"
    with pytest.raises(InputError) as caught:
        Conditioning.fit(["sigma_8"], PARAMETERS)
    assert caught.value.parameter == "condition"


def test_values_at_the_edge_of_the_range_are_accepted_up_to_rounding():
    conditioning = Conditioning.fit(["w"], PARAMETERS)
    assert conditioning.parameter_values({"w": -0.9 + 1e-7}, 2)["w"].shape == (2,)
    with pytest.raises(InputError, match="does not extrapolate"):
        conditioning.parameter_values({"w": -0.9 + 1e-5}, 2)


def test_the_logarithm_is_taken_if_the_whole_range_is_positive():
    training, all_maps = {"p": np.array([0.5, 1.0])}, {"p": np.array([0.0, 0.5, 1.0])}
    assert Conditioning.fit(["p"], training).mean == (pytest.approx(np.log(0.5) / 2),)
    assert Conditioning.fit(["p"], training, all_maps).mean == (0.75,)
