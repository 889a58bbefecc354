"""The sets of an evaluation: checked, read for the first time, and where they come from."""

from typing import Any

import numpy as np

from cosmogan_k3._typing import IntArray, Mask
from cosmogan_k3._version import __version__
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.bins import kept_maps
from cosmogan_k3.evaluation.metrics import SEARCHED_GENERATED, SEARCHED_TRAINING
from cosmogan_k3.evaluation.nulls import REFERENCE, Nulls
from cosmogan_k3.evaluation.scan import Scan, scan
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics._maps import checked_mask
from cosmogan_k3.statistics.estimators.betti import require_gudhi
from cosmogan_k3.survey import Survey, observe_set

# Name of the maps from before the training, among the sets of an evaluation.
START = "start"


def check_sets(real: MapSet, generated: MapSet, training: MapSet | None) -> None:
    """Check that two sets of maps can be compared.

    Parameters
    ----------
    real, generated : MapSet
    training : MapSet or None

    Raises
    ------
    InputError
        Other sides or pixel sizes, or fewer than four maps.
    """
    _check_same_pixels(real, generated, "generated")
    if training is not None:
        _check_same_pixels(real, training, "training")
    if min(len(real), len(generated)) < 4:
        raise InputError(
            f"A comparison needs four maps of each kind. Received: {len(real)} and {len(generated)}"
        )


def _check_same_pixels(real: MapSet, other: MapSet, name: str) -> None:
    if real.pixels != other.pixels or not np.isclose(
        real.pixel_arcmin, other.pixel_arcmin, rtol=1e-3
    ):
        raise InputError(
            f"Real and {name} maps must have the same side and pixel size. "
            f"Received: {real.pixels} pixels of {real.pixel_arcmin:g} arcmin "
            f"and {other.pixels} of {other.pixel_arcmin:g}"
        )


def check_betti(mask: Mask | None) -> None:
    """Check that Betti curves can be measured.

    Parameters
    ----------
    mask : bool array (N, N) or None

    Raises
    ------
    InputError
        A mask, or no gudhi.
    """
    if mask is not None:
        raise InputError(
            "Betti curves need whole maps; leave out the mask, or the curves",
            parameter="mask, betti",
        )
    require_gudhi()


def check_real(real: Scan) -> None:
    """Check that the real maps vary: bins need a range.

    Parameters
    ----------
    real : Scan

    Raises
    ------
    InputError
        Every real map is constant.
    """
    pixels = real.inspection.pixels
    if pixels.constant.all():
        raise InputError(
            f"every real map is constant where observed ({pixels.lowest[0]:g} in the first), so "
            "there is nothing to compare; give maps of convergence, or a mask that leaves more"
        )


def scan_sets(
    sets: dict[str, MapSet],
    training: MapSet | None,
    start: MapSet | None,
    mask: Mask | None,
    nulls: Nulls,
    survey: Survey | None,
) -> tuple[dict[str, Scan], dict[str, Scan]]:
    """Read each set for the first time, as it is given and as it is compared.

    Parameters
    ----------
    sets : dict of MapSet
        The real and the generated maps.
    training : MapSet or None
        Only given: it is not measured.
    start : MapSet or None
        Maps from before the training. They are only compared.
    mask : bool array (N, N) or None
    nulls : Nulls
        The maps that the nulls compare.
    survey : Survey or None
        Without one, sets are compared as they are given, and read once.

    Returns
    -------
    given, compared : dict of Scan
        By name. The maps in which copies are searched for are kept of ``given``. The reference maps
        of the nulls are only compared.

    Raises
    ------
    InputError
        As ``scan`` and ``observe_set``.
    ValueError
        A mask of another shape or type.
    """
    pixels = sets["real"].pixels
    mask = checked_mask(mask, pixels)
    given = {}
    if survey is not None:
        few = {name: np.arange(min(len(s), SEARCHED_GENERATED)) for name, s in sets.items()}
        given = {
            name: scan(s, keep=few[name], mask=mask, measured=False) for name, s in sets.items()
        }
        sets = {name: observe_set(s, survey, stream=name, mask=mask) for name, s in sets.items()}
    kept = {
        "real": kept_maps(len(sets["real"]), pixels, nulls.rows_of_real),
        "generated": kept_maps(len(sets["generated"]), pixels),
    }
    compared = {name: scan(s, keep=kept[name], mask=mask) for name, s in sets.items()}
    given = given or dict(compared)
    others = {REFERENCE: nulls.reference, START: start}
    keep = {REFERENCE: [nulls.rows_of_reference], START: []}
    for name, other in others.items():
        if other is not None:
            seen = other if survey is None else observe_set(other, survey, stream=name, mask=mask)
            compared[name] = scan(seen, keep=kept_maps(len(seen), pixels, keep[name]), mask=mask)
    if training is not None:
        searched = np.arange(min(len(training), SEARCHED_TRAINING))
        given["training"] = scan(training, keep=searched, mask=mask, measured=False)
    return given, compared


def scanned_nulls(compared: dict[str, Scan], nulls: Nulls) -> list[tuple[Scan, IntArray]]:
    """Return the sets of the nulls.

    Parameters
    ----------
    compared : dict of Scan
        As ``scan_sets`` returns them.
    nulls : Nulls

    Returns
    -------
    list of two pairs of Scan and int array
        The scan that holds each set, and the indices of the set in it.
    """
    if nulls.reference is None:
        return [(compared["real"], rows) for rows in nulls.sets]
    return [(compared["real"], nulls.sets[0]), (compared[REFERENCE], nulls.rows_of_reference)]


def origin_of(
    given: dict[str, Scan], survey: Survey | None, seed: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return where the sets of an evaluation come from, and what is odd about them.

    Parameters
    ----------
    given : dict of Scan
        The sets as they are given.
    survey : Survey or None
    seed : int
        Of the evaluation.

    Returns
    -------
    origin : dict
        SHA-256 of each set, version, seed and survey.
    warnings : tuple of str
        What does not look like convergence, and how many real maps are training maps.
    """
    origin: dict[str, Any] = {
        f"{name}_fingerprint": scanned.inspection.fingerprint for name, scanned in given.items()
    }
    warnings = tuple(
        f"{name} maps: {line}" for name, s in given.items() for line in s.inspection.warnings
    )
    if shared := _shared_maps(given):
        warnings = (*warnings, shared)
    origin |= {"cosmogan_k3": __version__, "seed": seed}
    if survey is not None:
        origin |= {**survey.metadata, "noise_seed": survey.seed}
    return origin, warnings


def _shared_maps(given: dict[str, Scan]) -> str:
    """Say how many real maps are training maps too; empty if none."""
    if "training" not in given:
        return ""
    real, training = (given[name].inspection.pixels for name in ("real", "training"))
    count = real.shared(training)
    if not count:
        return ""
    return (
        f"real maps: {count} of {len(given['real'])} are training maps too, so the distances and "
        "their nulls are not those of held-out maps; leave these maps out (a training lists its "
        "test maps in split.json)"
    )
