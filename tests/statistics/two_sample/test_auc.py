"""The area under the curve of scores, its exact null and its units."""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from cosmogan_k3.statistics import auc_test


def test_the_area_and_its_pvalue_are_those_of_scikit_learn_and_scipy(rng):
    real, generated = rng.normal(size=60).round(1), rng.normal(0.5, 1, size=90).round(1)  # ties
    result = auc_test(real, generated, permutations=9_999)
    labels = np.repeat([0, 1], [60, 90])
    expected = roc_auc_score(labels, np.concatenate([real, generated]))
    assert result.distance == pytest.approx(expected, abs=1e-12)
    asymptotic = mannwhitneyu(generated, real, alternative="greater").pvalue
    # The error of a p-value from 10,000 exchanges is below 0.001 here.
    assert result.pvalue == pytest.approx(asymptotic, abs=0.003)
    # σ² = (n + m + 1)/(12 n m) without ties, of which there are few; 9,999 draws know it to 0.7 %.
    assert result.null.std() == pytest.approx(np.sqrt(151 / (12 * 60 * 90)), rel=0.03)
    assert result.null_median == pytest.approx(0.5, abs=0.003)


def test_the_area_of_two_normal_distributions_is_that_of_theory(rng):
    real, generated = rng.normal(size=4000), rng.normal(1, 1, size=4000)
    # AUC = Φ(μ/√2); its error is 0.005.
    found = auc_test(real, generated, permutations=9).distance
    assert found == pytest.approx(ndtr(1 / np.sqrt(2)), abs=0.02)


def test_a_lower_score_of_generated_maps_is_no_evidence(rng):
    result = auc_test(rng.normal(2, 1, size=50), rng.normal(size=50))
    assert result.distance < 0.2
    assert result.pvalue == 1
    assert not result.differs


def test_units_are_exchanged_whole(rng):
    """Scores that differ by unit alone, four against four units: 70 exchanges of whole units."""
    units = np.repeat(np.arange(4), 50)
    real, generated = (rng.normal(size=4)[units] for _ in range(2))
    by_unit = auc_test(real, generated, real_groups=units, generated_groups=units)
    assert len(by_unit.null) == 69
    assert by_unit.smallest_pvalue == pytest.approx(1 / 70)
    naive = auc_test(real, generated)
    assert by_unit.null.std() > 3 * naive.null.std()


def test_scores_that_cannot_be_used_are_refused():
    with pytest.raises(ValueError, match="a score a map"):
        auc_test([], [1.0])
    with pytest.raises(ValueError, match="finite"):
        auc_test([0.0, np.nan], [1.0])
