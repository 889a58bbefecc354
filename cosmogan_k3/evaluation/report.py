"""A comparison of real and generated maps as one HTML file to read, send and print."""

import base64
from importlib import resources

import numpy as np
from jinja2 import Environment, StrictUndefined

from cosmogan_k3.maps.io.atomic import replacing
from cosmogan_k3.statistics.two_sample.results import SIGNIFICANCE


def write_report(path, comparison, *, images, metrics, provenance, left_out=()):
    """Write a comparison as one self-contained HTML file, whole or not at all: no script, nothing fetched.

    Args:
        path: file to write.
        comparison: ``statistics.Comparison``.
        images: mapping of names to PNG files as bytes. "maps" is shown first, one with the name of a statistic beside
            its verdict; the others come last.
        metrics: mapping of names to numbers; ``name_null`` is shown beside ``name``.
        provenance: mapping of names to values, whatever says where the maps came from.
        left_out: what a mask left unmeasured, in words.

    Raises:
        InputError: the folder cannot be written to.

    Example:
        >>> import tempfile, numpy as np
        >>> from pathlib import Path
        >>> from cosmogan_k3.statistics import compare
        >>> maps = np.random.default_rng(0).lognormal(size=(8, 32, 32)).astype("float32")
        >>> comparison = compare(maps, maps, pixel_arcmin=2.0, permutations=9, splits=5)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "report.html")
        ...     write_report(path, comparison, images={}, metrics={}, provenance={"maps": "random"})
        ...     "None of 16 statistics differs" in path.read_text(encoding="utf-8")
        True
    """
    shown = {"maps", *(result.name for result in comparison.results)}
    html = _template().render(
        comparison=comparison,
        verdict=_overall(comparison),
        statistics=[_statistic(result, images) for result in comparison.results],
        maps=_image(images["maps"]) if "maps" in images else None,
        others=[(_words(name), _image(png)) for name, png in images.items() if name not in shown],
        metrics=_metric_rows(metrics),
        provenance=[(_words(name), value) for name, value in provenance.items()],
        left_out=left_out,
        significance=SIGNIFICANCE,
        smallest_corrected=1 / (1 + comparison.permutations),
    )
    with replacing(path) as partial:
        partial.write_text(html, encoding="utf-8")


def markdown_summary(comparison, metrics, *, left_out=()):
    """The same in short, as Markdown: how many statistics differ, which, and the distances beside their nulls.

    Args:
        comparison, metrics, left_out: as in ``write_report``; of the metrics those that have a null are shown.

    Returns:
        str.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.statistics import compare
        >>> maps = np.random.default_rng(0).lognormal(size=(8, 32, 32)).astype("float32")
        >>> comparison = compare(maps, maps, pixel_arcmin=2.0, permutations=9, splits=5)
        >>> print(markdown_summary(comparison, {"ks_pixels_distance": 0.25, "ks_pixels_distance_null": 0.125}))
        **None of 16 statistics differs** after correction ...
        | ks pixels distance | 0.25 | 0.125 |
    """
    count, circumstances = _overall(comparison)
    lines = [f"**{count}** {circumstances}"]
    differing = [result.label for result in comparison.results if not result.agrees]
    lines += ["", f"What differs: {'; '.join(differing)}."] if differing else []
    lines += (
        ["", f"Left out, because they need whole maps: {'; '.join(left_out)}."] if left_out else []
    )
    lines += [
        "",
        "| statistic | verdict | distance | real vs real | corrected p |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {r.label} | {'no difference seen' if r.agrees else '**differs**'} | {_number(r.distance)} | "
        f"{_number(np.median(r.null))} | {_number(r.corrected_pvalue)} |"
        for r in comparison.results
    ]
    lines += ["", "| metric | generated vs real | real vs real |", "| --- | --- | --- |"]
    rows = _metric_rows(metrics)
    lines += [
        f"| {name} | {_number(value)} | {_number(null)} |"
        for name, value, null in rows
        if null is not None
    ]
    return "\n".join(lines)


def _template():
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = _number
    return environment.from_string(
        resources.files("cosmogan_k3.evaluation").joinpath("report.html.j2").read_text("utf-8")
    )


def _overall(comparison):
    """The first sentence, as ``(how many differ, of what)``."""
    differing = sum(not result.agrees for result in comparison.results)
    count = f"{differing or 'None'} of {len(comparison.results)} statistics {'differ' if differing > 1 else 'differs'}"
    return (
        count,
        f"after correction for having looked at all of them, between {comparison.real_maps} real and "
        f"{comparison.generated_maps} generated maps (seed {comparison.seed}).",
    )


def _statistic(result, images):
    """A result, the median of its null, and its picture where it has one."""
    image = _image(images[result.name]) if result.name in images else None
    return {"result": result, "null": float(np.median(result.null)), "image": image}


def _image(png):
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _metric_rows(metrics):
    """Rows of words, number, and the same of real against real or None."""
    nulls = {f"{name}_null" for name in metrics} & set(metrics)
    return [
        (_words(name), value, metrics.get(f"{name}_null"))
        for name, value in metrics.items()
        if name not in nulls
    ]


def _words(name):
    return str(name).replace("_", " ")


def _number(value):
    """A number short enough to read; anything else as it is."""
    return f"{value:.3g}" if isinstance(value, float | np.floating) else value
