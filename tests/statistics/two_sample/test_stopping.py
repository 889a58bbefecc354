"""Early stopping by a list of merits."""

import numpy as np
import pytest

from cosmogan_k3.statistics import StoppingAdvice, stopping_advice


@pytest.mark.parametrize(
    ("merits", "patience", "best", "stop"),
    [
        ([1.0], 1, 1, False),
        ([3.0, 2.0, 1.0], 1, 3, False),
        ([3.0, 1.0, 2.0], 1, 2, True),
        ([3.0, 1.0, 2.0], 2, 2, False),
        ([1.0, 1.0, 1.0], 2, 1, True),
        ([np.nan, 2.0, np.nan, np.nan], 2, 2, True),
    ],
)
def test_advice_is_to_stop_after_patience_without_improvement(merits, patience, best, stop):
    assert stopping_advice(merits, patience=patience) == StoppingAdvice(best, stop)


def test_errors_name_the_cause():
    for merits, patience in (([], 1), ([np.nan], 1), ([1.0], 0)):
        with pytest.raises(ValueError, match="one merit or more"):
            stopping_advice(merits, patience=patience)
