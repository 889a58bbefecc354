"""Whether maps can be measured, tried on a few of them before any expensive work."""

import contextlib
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from cosmogan_k3._typing import Mask
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import Features, SummaryStatistics

# The thresholds of an evaluation come from so many maps; so many of them are measured here.
_THRESHOLD_MAPS = 256
_TRIED_MAPS = 16


@contextlib.contextmanager
def statistics_as_input_errors() -> Iterator[None]:
    """Raise ``InputError`` for the ``ValueError`` of a statistic that cannot measure the maps.

    The error is then the only message: warnings of the failed measurement are not shown.

    Examples
    --------
    >>> with statistics_as_input_errors():
    ...     raise ValueError("maps must be square. Received: (3, 4)")
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: the maps cannot be measured: maps must be square. ...
    """
    with warnings.catch_warnings(record=True) as caught:
        try:
            yield
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"the maps cannot be measured: {error}") from error
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def check_measurable(maps: MapSet, *, mask: Mask | None = None) -> None:
    """Check that generated maps could be compared with the test maps of a training.

    The first 256 maps set the thresholds, as in an evaluation, and 16 of them are measured. A
    training calls this before it starts.

    Parameters
    ----------
    maps : MapSet
        Test maps.
    mask : bool array (N, N), optional
        True where observed.

    Raises
    ------
    InputError
        Fewer than four maps, maps that are too small or do not vary, or a statistic that is not
        defined or the same for all of them.

    Examples
    --------
    >>> kappa = np.random.default_rng(0).lognormal(size=(4, 8, 8)).astype("float32")
    >>> check_measurable(MapSet(kappa, 2.0))
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: the maps cannot be measured: maps of 8 x 8 pixels are too ...
    """
    if len(maps) < 4:
        raise InputError(
            f"the test part of the maps has {len(maps)}, and a comparison needs four maps; give "
            "more maps, or smaller patches of them"
        )
    with statistics_as_input_errors():
        first = np.asarray(maps.kappa[:_THRESHOLD_MAPS], dtype=np.float32)
        statistics = SummaryStatistics(first, pixel_arcmin=maps.pixel_arcmin, mask=mask)
        check_varied(statistics.measure(first[:_TRIED_MAPS]))


def check_varied(features: Sequence[Features]) -> None:
    """Check that each statistic varies among the real maps.

    Parameters
    ----------
    features : sequence of Features
        Of the real maps.

    Raises
    ------
    InputError
        A statistic that is the same in every real map.
    """
    if constant := [f.label for f in features if not np.ptp(f.rows, axis=0).any()]:
        raise InputError(
            f"{', '.join(constant)}: the same in every real map, so there is nothing to compare; "
            "the maps are copies of one another, too small, or observed in too few pixels"
        )
