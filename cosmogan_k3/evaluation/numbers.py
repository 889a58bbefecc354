"""The numbers behind the figures, as tables of columns."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from cosmogan_k3._typing import FloatArray, IntArray
from cosmogan_k3.evaluation.figures.groups import groups_of
from cosmogan_k3.evaluation.measure import MeasuredPair
from cosmogan_k3.statistics import Comparison, Result

# Columns of equal length, by name.
Table: TypeAlias = Mapping[str, Any]  # lists or arrays


def figure_numbers(
    pair: MeasuredPair, comparison: Comparison, *, pixel_arcmin: float
) -> dict[str, Table]:
    """Return the numbers of each figure of an evaluation but the maps and the distances.

    Parameters
    ----------
    pair : MeasuredPair
    comparison : Comparison
    pixel_arcmin : float
        Side of a pixel in arcmin.

    Returns
    -------
    dict of Table
        By the names of the figures.
    """
    first, second = (pair.null.power[rows].mean(axis=0) for rows in pair.null_sets)
    edges, power = pair.bins.histogram, {"real": pair.real.power, "generated": pair.generated.power}
    tables: dict[str, Table] = {
        "pixel_histogram": {
            "kappa_low": edges[:-1],
            "kappa_high": edges[1:],
            **_mean_and_error("real", pair.real.histogram),
            **_mean_and_error("generated", pair.generated.histogram),
        },
        "power_spectrum": {
            "ell": pair.real.ell,
            **{
                f"{name}_{what}_sr": values
                for name, rows in power.items()
                for what, values in zip(
                    ("mean", "16th_percentile", "84th_percentile"),
                    (rows.mean(axis=0), *np.percentile(rows, [16, 84], axis=0)),
                    strict=True,
                )
            },
            "real_over_real": second / first,
        },
    }
    panels = {r.name: result_numbers(r, pixel_arcmin) for r in comparison.tests if r.axis.size}
    return panels | tables


def result_numbers(result: Result, pixel_arcmin: float = 0.0) -> Table:
    """Return the means of a statistic and its null band, feature by feature.

    Parameters
    ----------
    result : Result
        Of a statistic that is a curve or a list of coefficients.
    pixel_arcmin : float, default 0
        Side of a pixel, for scales in arcmin; without it they are in pixels.

    Returns
    -------
    Table

    Examples
    --------
    >>> from cosmogan_k3.statistics import compare
    >>> maps = np.random.default_rng(0).lognormal(size=(2, 20, 32, 32)).astype("float32")
    >>> comparison = compare(*maps, pixel_arcmin=2.0, permutations=1, splits=5)
    >>> list(result_numbers(comparison["peaks"]))
    ['quantity', 'peak height κ', 'real', 'generated', 'null_low', 'null_high']
    """
    groups = groups_of(result, pixel_arcmin)
    rows = np.concatenate([group.rows for group in groups])
    places = [place for g in groups for place in (g.names or g.position)]
    return {
        "quantity": [
            f"{group.label}, {group.title}" if group.title else group.label
            for group in groups
            for _ in group.rows
        ],
        groups[0].axis_label: places,
        "real": result.real[rows],
        "generated": result.generated[rows],
        "null_low": result.null_band[0, rows],
        "null_high": result.null_band[1, rows],
    }


def distance_table(comparison: Comparison) -> Table:
    """Return the distances of all statistics, which are ``statistics.csv`` too.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    Table
        The columns of ``Comparison.table``; empty without statistics.

    Examples
    --------
    >>> distance_table(Comparison((), 4, 4, permutations=9, splits=5, seed=0))
    {}
    """
    rows = comparison.table()
    return {name: [row.get(name, "") for row in rows] for name in rows[0]} if rows else {}


def _mean_and_error(name: str, counts: IntArray) -> dict[str, FloatArray]:
    mean, error = counts.mean(axis=0), counts.std(axis=0) / np.sqrt(len(counts))
    return {f"{name}_pixels_per_map": mean, f"{name}_standard_error": error}


def csv_of(table: Table) -> str:
    """Return a table as text, with numbers of twelve digits.

    Parameters
    ----------
    table : Table

    Returns
    -------
    str

    Examples
    --------
    >>> print(csv_of({"ell": [100.0], "real": [1 / 3]}), end="")
    ell,real
    100,0.333333333333
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(map(_plain, zip(*table.values(), strict=True)))
    return text.getvalue()


def _plain(row: Iterable[Any]) -> list[Any]:
    return [f"{value:.12g}" if isinstance(value, float | np.floating) else value for value in row]
