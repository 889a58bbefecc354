"""Shifts in units of a survey's errors, against their definition and what chance gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmogan_k3.statistics import shift_in_survey_errors


def test_a_known_shift_has_the_size_of_its_definition(rng):
    """A mean off by 0.3 σ in half of the features, for a survey of 100 maps: 0.3 √100 √½."""
    rows = rng.normal(size=(500, 8)) * np.arange(1, 9)
    shift = np.where(np.arange(8) % 2, 0.3 * rows.std(axis=0), 0)
    found = shift_in_survey_errors(rows, rows + shift, scatter=rows, survey_maps=100)
    assert found == pytest.approx(3 / np.sqrt(2), rel=1e-12)


def test_chance_gives_the_noise_of_both_sets(rng):
    """d² is χ² over 40 features on average N_S (1/n + 1/m); 30 draws of it scatter by 4 %."""
    squares = []
    for _ in range(30):
        first, second = rng.normal(size=(100, 40)), rng.normal(size=(400, 40))
        many = rng.normal(size=(2000, 40))
        squares.append(shift_in_survey_errors(first, second, scatter=many, survey_maps=50) ** 2)
    assert np.mean(squares) == pytest.approx(50 * (1 / 100 + 1 / 400), rel=0.17)


@given(area=st.floats(1e-3, 1e6), scale=st.floats(1e-6, 1e6))
def test_units_of_the_features_do_not_matter_and_the_area_enters_as_a_root(area, scale):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(20, 3)), rng.normal(size=(30, 3))
    one = shift_in_survey_errors(first, second, scatter=first, survey_maps=1)
    other = shift_in_survey_errors(
        scale * first, scale * second, scatter=scale * first, survey_maps=area
    )
    assert other == pytest.approx(one * np.sqrt(area), rel=1e-9)


def test_features_that_do_not_vary_are_left_out(rng):
    rows = rng.normal(size=(50, 3))
    padded = np.column_stack([rows, np.full(50, 7.0), np.full(50, np.nan)])
    options = {"survey_maps": 10}
    assert shift_in_survey_errors(padded, padded + 0.1, scatter=padded, **options) == pytest.approx(
        shift_in_survey_errors(rows, rows + 0.1, scatter=rows, **options)
    )
    with pytest.raises(ValueError, match="must vary"):
        shift_in_survey_errors(rows, rows, scatter=padded[:, 3:], **options)
    with pytest.raises(ValueError, match="must be positive"):
        shift_in_survey_errors(rows, rows, scatter=rows, survey_maps=0)
