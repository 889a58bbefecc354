"""Maps that cannot be measured are refused before and in an evaluation, in words that help."""

import re

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.evaluate import evaluate_maps
from cosmogan_k3.evaluation.measurable import check_measurable, statistics_as_input_errors
from cosmogan_k3.maps import MapSet

KAPPA = 0.02 * np.random.default_rng(0).lognormal(size=(12, 32, 32)).astype("float32")
BRIGHT = KAPPA.copy()
BRIGHT[3, 4, 5] = 1e38

FAULTS = {
    "small": (KAPPA[:, :8, :8], "8 x 8 pixels are too small .* give maps of 9 x 9 pixels or more"),
    "few": (KAPPA[:3], "needs four maps"),
    "constant": (0 * KAPPA + np.float32(0.01), "constant|must vary"),
    "each constant": (KAPPA.mean(axis=(1, 2), keepdims=True) + 0 * KAPPA, "constant|must"),
    "copies": (KAPPA[:1].repeat(12, axis=0), "copies of one another"),
}


def test_maps_that_vary_are_measurable():
    check_measurable(MapSet(KAPPA, 2.0))
    check_measurable(MapSet(KAPPA[:, :9, :9], 2.0))
    check_measurable(MapSet(KAPPA[:, :8, :8], 2.0), mask=np.ones((8, 8), bool))


@pytest.mark.parametrize("name", FAULTS)
def test_what_an_evaluation_would_refuse_is_refused_before(name):
    maps = MapSet(FAULTS[name][0], 2.0)
    with pytest.raises(InputError, match=FAULTS[name][1]):
        check_measurable(maps)
    with pytest.raises(InputError, match=FAULTS[name][1]), statistics_as_input_errors():
        evaluate_maps(maps, maps)


@pytest.mark.parametrize("side", range(1, 9))
def test_small_maps_are_told_the_size_that_is_needed(side):
    """No advice but the size, whatever statistic would fail first."""
    maps = MapSet(KAPPA[:, :side, :side], 2.0)
    with pytest.raises(InputError, match=f"maps of {side} x {side} pixels are too small"):
        check_measurable(maps)


def test_a_bright_pixel_is_not_told_to_be_larger_maps():
    pair = [MapSet(KAPPA, 2.0), MapSet(BRIGHT, 2.0)]
    for real, generated in (pair, pair[::-1]):
        with pytest.raises(InputError) as caught:
            evaluate_maps(real, generated)
        assert re.match("Map 3: 1 of 1024 pixels have values such as 1e", str(caught.value))
        assert "larger" not in str(caught.value)


def test_warnings_name_the_set_and_reach_every_file(tmp_path):
    import json

    from cosmogan_k3.evaluation.files import write_evaluation

    spoilt = KAPPA.copy()
    spoilt[2] = 0
    evaluation = evaluate_maps(MapSet(100 * KAPPA, 2.0), MapSet(spoilt, 2.0), permutations=1)
    assert [line.split(":")[0] for line in evaluation.warnings] == ["real maps", "generated maps"]
    write_evaluation(tmp_path, evaluation)
    assert json.loads((tmp_path / "metrics.json").read_text())["warnings"] == list(
        evaluation.warnings
    )
    page = (tmp_path / "report.html").read_text()
    assert "1 of 12 maps is constant: Map 2 (0 everywhere)." in page
