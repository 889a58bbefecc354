"""The report of a comparison as one HTML file, and its summary in Markdown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined, Template
from matplotlib.figure import Figure

from cosmogan_k3._typing import Metrics, PathLike
from cosmogan_k3.evaluation.captions import caption_of, title_of
from cosmogan_k3.evaluation.citing import bibtex, latex_table
from cosmogan_k3.evaluation.embedding import image_address, table_address
from cosmogan_k3.evaluation.numbers import Table
from cosmogan_k3.evaluation.provenance import origin, parameters
from cosmogan_k3.maps.io.atomic import replacing
from cosmogan_k3.statistics import Comparison, Result
from cosmogan_k3.statistics.two_sample.results import SIGNIFICANCE

# Figures of the first screen.
_FIRST = ("maps", "distances", "power_spectrum", "peaks")


def write_report(
    path: PathLike,
    comparison: Comparison,
    *,
    figures: Mapping[str, Figure],
    numbers: Mapping[str, Table],
    metrics: Metrics,
    provenance: Mapping[str, Any],
    left_out: Sequence[str] = (),
    warnings: Sequence[str] = (),
    survey_note: str = "",
) -> None:
    """Write a comparison as one self-contained HTML file.

    The file holds no script and fetches nothing. If writing fails an older file stays as it was.

    Parameters
    ----------
    path : str or Path
        File to write.
    comparison : Comparison
        Result of ``compare``.
    figures : mapping of str to matplotlib.figure.Figure
        By name. Maps, distances, power spectrum and peaks are shown first. A figure with the name
        of a statistic is shown beside its verdict, and the others last.
    numbers : mapping of str to Table
        The numbers of the figures, by their names; the report offers them as CSV.
    metrics : mapping of str to float
        ``name_null`` is shown beside ``name``.
    provenance : mapping of str to Any
        Names and values that say where the maps came from.
    left_out : sequence of str, default ()
        Labels of what was not measured because the maps are masked.
    warnings : sequence of str, default ()
        What does not look like maps of convergence; shown first.
    survey_note : str, default ""
        How a survey saw the maps, and what its area means.

    Raises
    ------
    InputError
        The folder cannot be written to.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> from cosmogan_k3.statistics import compare
    >>> maps = np.random.default_rng(0).lognormal(size=(8, 32, 32)).astype("float32")
    >>> comparison = compare(maps, maps, pixel_arcmin=2.0, permutations=99, splits=5)
    >>> empty = dict(figures={}, numbers={}, metrics={}, provenance={"maps": "random"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "report.html")
    ...     write_report(path, comparison, **empty)
    ...     "None of 16 statistics differs" in path.read_text(encoding="utf-8")
    True
    """
    today = datetime.now(UTC).date()
    said = origin(provenance, metrics, today)
    html = _template().render(
        comparison=comparison,
        verdict=_verdict(comparison),
        started=_started(comparison),
        metrics=_metric_rows(metrics),
        origin=said,
        origin_line=" · ".join(words for _, words in said),
        parameters=parameters(provenance),
        left_out=left_out,
        warnings=warnings,
        significance=SIGNIFICANCE,
        units=units_note(comparison),
        survey_note=survey_note,
        latex=latex_table(comparison),
        bibtex=bibtex(today),
        **_views(comparison, figures, numbers, str(provenance.get("loss", ""))),
    )
    with replacing(path) as partial:
        partial.write_text(html, encoding="utf-8")


def _views(
    comparison: Comparison, figures: Mapping[str, Figure], numbers: Mapping[str, Table], loss: str
) -> dict[str, Any]:
    """Return the figures by the places where they are shown."""
    labels = {result.name: result.label for result in comparison.tests}
    views = {
        name: {
            "name": name,
            "title": labels.get(name) or title_of(name),
            "image": image_address(figure),
            "caption": caption_of(name, loss),
            "numbers": table_address(numbers[name]) if name in numbers else "",
        }
        for name, figure in figures.items()
    }
    first = [views.pop(name) for name in _FIRST if name in views]
    return {
        "first": first,
        "shown_first": [view["name"] for view in first],
        "statistics": [_statistic(result, views) for result in comparison.results],
        "overall": [_statistic(result, views) for result in comparison.overall],
        "others": [view for name, view in views.items() if name not in labels],
        "trained": "losses" in views,
    }


def markdown_summary(
    comparison: Comparison, metrics: Metrics, *, left_out: Sequence[str] = ()
) -> str:
    """Summarize a comparison in Markdown.

    The summary says how many statistics differ and which, and lists the distances beside their
    nulls.

    Parameters
    ----------
    comparison : Comparison
        Result of ``compare``.
    metrics : mapping of str to float
        Those with a null are listed.
    left_out : sequence of str, default ()
        Labels of what was not measured because the maps are masked.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> from cosmogan_k3.statistics import compare
    >>> maps = np.random.default_rng(0).lognormal(size=(8, 32, 32)).astype("float32")
    >>> comparison = compare(maps, maps, pixel_arcmin=2.0, permutations=99, splits=5)
    >>> metrics = {"ks_pixels_distance": 0.25, "ks_pixels_distance_null": 0.125}
    >>> print(markdown_summary(comparison, metrics))
    **None of 16 statistics differs** after correction ...
    | ks pixels distance | 0.25 | 0.125 |
    """
    count, circumstances = _verdict(comparison)
    differing = [result.label for result in comparison.results if result.differs]
    lines = [f"**{count}** {circumstances}"]
    if differing:
        lines += ["", f"What differs: {'; '.join(differing)}."]
    if note := units_note(comparison):
        lines += ["", note]
    if left_out:
        lines += ["", f"Left out, because they need whole maps: {'; '.join(left_out)}."]
    lines += ["", *_verdict_table(comparison)]
    lines += ["", "| metric | generated vs real | real vs real |", "| --- | --- | --- |"]
    lines += [
        f"| {name} | {_number(value)} | {_number(null)} |"
        for name, value, null in _metric_rows(metrics)
        if null is not None
    ]
    return "\n".join(lines)


def _verdict_table(comparison: Comparison) -> list[str]:
    """Return the lines of a table of all statistics in Markdown."""
    started = _started(comparison)
    names = ["statistic", "verdict", *(["before training"] if started else [])]
    rows = [[*names, "distance", "real vs real", "corrected p"]]
    rows.append(["---"] * len(rows[0]))
    for r in comparison.tests:
        verdict = "**differs**" if r.differs else "no difference seen"
        verdict = verdict if r.conclusive else "cannot be told"
        before = [_number("–" if r.start is None else r.start)] if started else []
        numbers = (r.distance, r.null_median, r.corrected_pvalue)
        rows.append([r.label, verdict, *before, *map(_number, numbers)])
    return [f"| {' | '.join(row)} |" for row in rows]


def _started(comparison: Comparison) -> bool:
    """Whether the distances from before the training are known."""
    return any(result.start is not None for result in comparison.results)


def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = _number
    text = resources.files("cosmogan_k3.evaluation").joinpath("report.html.j2").read_text("utf-8")
    return environment.from_string(text)


def units_note(comparison: Comparison) -> str:
    """Say which maps are not independent, and what this means for p-values.

    Parameters
    ----------
    comparison : Comparison
        Result of ``compare``.

    Returns
    -------
    str
        Empty if each map is independent and a difference could be seen.

    Examples
    --------
    >>> units_note(Comparison((), 4, 4, permutations=99, splits=5, seed=0))
    ''
    >>> units_note(Comparison((), 256, 256, 499, 5, 0, smallest_pvalue=1 / 8, real_units=4))
    'Maps from one larger map or simulation are not independent: ...'
    """
    sentences = []
    if comparison.of_units:
        sentences.append(
            "Maps from one larger map or simulation are not independent: the "
            f"{comparison.real_maps} real maps are {comparison.real_units} units, the "
            f"{comparison.generated_maps} generated maps {comparison.generated_units}. Whole units "
            "were exchanged and halved."
        )
        if not any(result.name.endswith("_scatter") for result in comparison.results):
            sentences.append(
                "Units of unequal size allow tests of means only: correlations and scatter between "
                "maps are not tested."
            )
        if comparison.real_units == 1:
            sentences.append(
                "One unit has no independent halves: “real vs real” compares parts of it and is "
                "too small."
            )
    if not comparison.conclusive:
        sentences.append(
            f"No p-value below {comparison.smallest_pvalue:.2g} is possible with so few "
            f"{'units' if comparison.of_units else 'maps or exchanges'}, however different the "
            "maps are, so no difference can be told."
        )
    return " ".join(sentences)


def _verdict(comparison: Comparison) -> tuple[str, str]:
    """Return the first sentence in two parts: how many statistics differ, and of what."""
    if not comparison.conclusive:
        return "No difference can be told", f"(seed {comparison.seed})."
    differing = sum(result.differs for result in comparison.results)
    verb = "differ" if differing > 1 else "differs"
    return (
        f"{differing or 'None'} of {len(comparison.results)} statistics {verb}",
        "after correction for the number of statistics, "
        f"between {comparison.real_maps} real and {comparison.generated_maps} generated maps "
        f"(seed {comparison.seed}).",
    )


def _statistic(result: Result, views: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result, and its figure if there is one."""
    return {"result": result, "view": views.get(result.name)}


def _metric_rows(metrics: Metrics) -> list[tuple[str, float, float | None]]:
    """Return rows of words, the metric, and its null or None."""
    nulls = {f"{name}_null" for name in metrics} & set(metrics)
    return [
        (_words(name), value, metrics.get(f"{name}_null"))
        for name, value in metrics.items()
        if name not in nulls
    ]


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _number(value: Any) -> Any:
    """Format a number to three digits; leave anything else unchanged."""
    return f"{value:.3g}" if isinstance(value, float | np.floating) else value
