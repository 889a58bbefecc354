"""Files of an evaluation, and its summary as text."""

import json
import logging
import textwrap
from pathlib import Path
from typing import Any

from cosmogan_k3._typing import PathLike
from cosmogan_k3.evaluation.citing import latex_table
from cosmogan_k3.evaluation.evaluate import Evaluation
from cosmogan_k3.evaluation.numbers import csv_of, distance_table
from cosmogan_k3.evaluation.report import units_note, write_report
from cosmogan_k3.maps.io.atomic import check_writable, replacing

_log = logging.getLogger(__name__)

# Files of every evaluation, beside its figures.
RESULTS = ("metrics.json", "statistics.csv", "table.tex", "report.html")
# Folder of the numbers behind the figures.
NUMBERS = "numbers"

_DOTS_PER_INCH = 110
# Width of the summary: of a terminal that nobody has widened.
_COLUMNS = 80


def write_evaluation(folder: PathLike, evaluation: Evaluation) -> list[Path]:
    """Write ``report.html``, ``metrics.json``, ``statistics.csv``, ``table.tex`` and the figures.

    Each figure is written as PNG and PDF, and its numbers as CSV in the folder ``numbers``.

    Parameters
    ----------
    folder : str or Path
        Made if there is none; files of the same names are replaced.
    evaluation : Evaluation
        From ``evaluate_maps``.

    Returns
    -------
    list of Path
        The files, figures first; without those in ``numbers``, which the report holds too.

    Raises
    ------
    InputError
        The folder cannot be written to.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from cosmogan_k3.statistics import compare
    >>> maps = np.random.default_rng(0).lognormal(size=(8, 32, 32)).astype("float32")
    >>> comparison = compare(maps, maps, pixel_arcmin=2.0, permutations=9, splits=5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_evaluation(folder, Evaluation({}, comparison, figures={}))
    >>> [path.name for path in paths]
    ['metrics.json', 'statistics.csv', 'table.tex', 'report.html']
    """
    folder = Path(folder)
    check_writable(folder)
    _log.info("writing the report and %d figures", len(evaluation.figures))
    paths = _write_figures(folder, evaluation)
    _write_numbers(folder / NUMBERS, evaluation)
    rest = [folder / name for name in RESULTS]
    _write_metrics(rest[0], evaluation)
    for path, text in (
        (rest[1], csv_of(distance_table(evaluation.comparison))),
        (rest[2], latex_table(evaluation.comparison)),
    ):
        with replacing(path) as partial:
            partial.write_text(text, encoding="utf-8")
    write_page(rest[3], evaluation)
    return paths + rest


def write_page(path: PathLike, evaluation: Evaluation) -> None:
    """Write the report alone, as one HTML file.

    Parameters
    ----------
    path : str or Path
        File to write.
    evaluation : Evaluation
        From ``evaluate_maps``.

    Raises
    ------
    InputError
        The folder cannot be written to.
    """
    write_report(
        path,
        evaluation.comparison,
        figures=evaluation.figures,
        numbers=evaluation.numbers,
        metrics=evaluation.metrics,
        provenance=evaluation.provenance,
        left_out=evaluation.left_out,
        warnings=evaluation.warnings,
        survey_note=evaluation.survey_note,
    )


def _write_figures(folder: Path, evaluation: Evaluation) -> list[Path]:
    paths = []
    for name, figure in evaluation.figures.items():
        for ending in ("png", "pdf"):
            paths.append(folder / f"{name}.{ending}")
            with replacing(paths[-1]) as partial:
                figure.savefig(partial, format=ending, dpi=_DOTS_PER_INCH)
            # The first saving arranged the axes; a second would take as long as drawing.
            figure.set_layout_engine("none")
    return paths


def _write_numbers(folder: Path, evaluation: Evaluation) -> None:
    for name, table in evaluation.numbers.items():
        with replacing(folder / f"{name}.csv") as partial:
            partial.write_text(csv_of(table), encoding="utf-8")


def _write_metrics(path: Path, evaluation: Evaluation) -> None:
    metrics = {name: _rounded(value) for name, value in evaluation.metrics.items()}
    content = {**metrics, **evaluation.provenance}
    content |= {"warnings": evaluation.warnings} if evaluation.warnings else {}
    text = json.dumps(content, indent=2, allow_nan=False)
    with replacing(path) as partial:
        partial.write_text(text + "\n")


def _rounded(value: Any) -> Any:
    """Round to twelve digits, which do not depend on the number of threads of a sum."""
    return float(f"{value:.12g}") if isinstance(value, float) else value


def summary(evaluation: Evaluation) -> str:
    """Return the distances beside their nulls, and the verdict on each statistic, as aligned lines.

    Parameters
    ----------
    evaluation : Evaluation
        From ``evaluate_maps``.

    Returns
    -------
    str

    Examples
    --------
    >>> from cosmogan_k3.statistics import Comparison
    >>> comparison = Comparison((), 4, 4, permutations=9, splits=5, seed=0)
    >>> metrics = {"ks_pixels_distance": 0.25, "ks_pixels_distance_null": 0.125}
    >>> print(summary(Evaluation(metrics, comparison, figures={})).splitlines()[1])
    ks_pixels_distance                0.2500        0.1250
    """
    metrics = evaluation.metrics
    names = [name for name in metrics if f"{name}_null" in metrics]
    width = max([28, *(len(name) + 2 for name in names)])
    lines = [f"{'':{width}}{'generated':>12}{'real vs real':>14}"]
    lines += [
        f"{name:{width}}{metrics[name]:12.4f}{metrics[f'{name}_null']:14.4f}" for name in names
    ]
    lines += ["", repr(evaluation.comparison)]
    left_out = "; ".join(evaluation.left_out)
    for note in (
        units_note(evaluation.comparison),
        evaluation.survey_note,
        left_out and f"Left out, because they need whole maps: {left_out}",
    ):
        lines += ["", textwrap.fill(note, _COLUMNS)] if note else []
    return "\n".join(lines)
