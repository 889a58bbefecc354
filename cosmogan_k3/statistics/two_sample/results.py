"""Results of a comparison of two sets of maps."""

from dataclasses import dataclass
from html import escape

import numpy as np

from cosmogan_k3._typing import FloatArray

# What is shown of each test; 1 null is the distance of real maps from real ones.
_COLUMNS = ("statistic", "verdict", "distance in nulls", "corrected p")
# The same in a terminal, whose 80 columns hold the longest label.
_SHORT_COLUMNS = ("statistic", "verdict", "in nulls", "corr. p")

# A corrected p-value below this level counts as a difference.
SIGNIFICANCE = 0.05


@dataclass(frozen=True, repr=False)
class Result:
    """Comparison of two sets of maps by one statistic.

    Parameters
    ----------
    name : str
        Name of the statistic, such as ``power_spectrum`` or ``power_spectrum_scatter``.
    label : str
        Name of the statistic in words, for tables and figures.
    axis_label : str
        Label of ``axis``, empty where the statistic is not a curve.
    axis : float64 array (features,)
        Abscissa of the curve, such as ℓ; empty where the statistic is not a curve.
    real : float64 array (features,)
        Mean over the real maps.
    generated : float64 array (features,)
        Mean over the generated maps.
    null_band : float64 array (2, features)
        2.5th and 97.5th percentile of the difference of the means of two sets of real maps, the
        second minus the first, as ``generated − real``. If the nulls compare the real maps with
        other real maps, the first are the real maps, and the band need not lie around zero.
    distance : float
        Distance between the real and the generated maps.
    unit : str
        What the distance measures, in words.
    null : float64 array (splits,)
        The same distance between two disjoint sets of real maps, for each split.
    pvalue : float
        Probability of a difference at least as large between two sets of the same kind.
    corrected_pvalue : float
        Probability of a p-value at least as small among all statistics of the comparison.
    smallest_pvalue : float
        Smallest p-value that the exchanges can give.
    start : float, optional
        The same distance for maps that the generator drew before its training.

    Examples
    --------
    >>> from cosmogan_k3.statistics import compare
    >>> maps = np.random.default_rng(0).normal(size=(2, 20, 32, 32)).astype("float32")
    >>> result = compare(*maps, pixel_arcmin=2.0, permutations=99)["power_spectrum"]
    >>> result.name, result.agrees
    ('power_spectrum', True)
    >>> result.verdict
    'Power spectrum P(ℓ): no difference seen; mean shift in units of the scatter ...'
    """

    name: str
    label: str
    axis_label: str
    axis: FloatArray
    real: FloatArray
    generated: FloatArray
    null_band: FloatArray
    distance: float
    unit: str
    null: FloatArray
    pvalue: float
    corrected_pvalue: float
    smallest_pvalue: float = 0.0
    start: float | None = None

    def __repr__(self) -> str:
        return f"<Result {self.name}: {self.verdict}>"

    @property
    def null_median(self) -> float:
        """The median of the null, beside which the distance is quoted."""
        return float(np.median(self.null))

    @property
    def in_nulls(self) -> float:
        """The distance in units of the median of its null."""
        return self.distance / self.null_median

    @property
    def start_in_nulls(self) -> float | None:
        """The distance before the training in units of the median of the null."""
        return None if self.start is None else self.start / self.null_median

    @property
    def conclusive(self) -> bool:
        """Whether a difference could be seen at all: the smallest p-value is below 0.05."""
        return self.smallest_pvalue < SIGNIFICANCE

    @property
    def differs(self) -> bool:
        """Whether a difference is seen: the corrected p-value is below 0.05."""
        return self.corrected_pvalue < SIGNIFICANCE

    @property
    def agrees(self) -> bool:
        """Whether no difference is seen where one could be."""
        return self.conclusive and not self.differs

    @property
    def seen(self) -> str:
        """Whether a difference is seen, in words."""
        if not self.conclusive:
            return "CANNOT BE TOLD"
        return "DIFFERS" if self.differs else "no difference seen"

    @property
    def verdict(self) -> str:
        """The result in one line of words."""
        null = f"(real against real {self.null_median:.3g})"
        corrected = f"corrected p = {self.corrected_pvalue:.2g}"
        if not self.conclusive:
            corrected += f", and none below {self.smallest_pvalue:.2g} is possible"
        return f"{self.label}: {self.seen}; {self.unit} {self.distance:.3g} {null}, {corrected}"


@dataclass(frozen=True, repr=False)
class Comparison:
    """Results of all statistics for two sets of maps.

    ``comparison[name]`` is the ``Result`` of one statistic.

    Parameters
    ----------
    results : tuple of Result
        One result per hypothesis test, in the order of the statistics.
    real_maps, generated_maps : int
        Numbers of maps.
    permutations : int
        Random permutations behind the p-values.
    splits : int
        Random choices of the sets of real maps behind the nulls.
    seed : int
        Seed of the permutations and splits.
    smallest_pvalue : float
        Smallest p-value that the exchanges can give: few units allow few exchanges.
    real_units, generated_units : int, optional
        Numbers of independent units; by default the numbers of maps.
    reference_maps, reference_units : int, default 0
        Numbers of other real maps, and of their units, from which the nulls take as many as there
        are generated maps; 0 if the nulls compare halves of the real maps.
    overall : tuple of Result, default ()
        Tests that look at everything at once. Each stands beside the others: they take no part in
        the correction, and do not count in ``agrees``.

    Examples
    --------
    >>> from cosmogan_k3.statistics import compare
    >>> maps = np.random.default_rng(0).normal(size=(2, 20, 32, 32)).astype("float32")
    >>> comparison = compare(*maps, pixel_arcmin=2.0, permutations=99)
    >>> comparison.real_maps, comparison["peaks"].agrees
    (20, True)
    >>> list(comparison.table()[0])[:3]
    ['statistic', 'distance', 'unit']
    """

    results: tuple[Result, ...]
    real_maps: int
    generated_maps: int
    permutations: int
    splits: int
    seed: int
    smallest_pvalue: float = 0.0
    real_units: int = 0
    generated_units: int = 0
    reference_maps: int = 0
    reference_units: int = 0
    overall: tuple[Result, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "real_units", self.real_units or self.real_maps)
        object.__setattr__(self, "generated_units", self.generated_units or self.generated_maps)

    def __getitem__(self, name: str) -> Result:
        for result in self.tests:
            if result.name == name:
                return result
        raise KeyError(f"{name!r}; the statistics are {', '.join(r.name for r in self.tests)}")

    def __repr__(self) -> str:
        rows = [list(_SHORT_COLUMNS), *self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )
        return "\n".join([self.summary, *lines])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
            for row in self._rows()
        )
        return f"<strong>{escape(self.summary)}</strong><table><tr>{head}</tr>{body}</table>"

    def _rows(self) -> list[list[str]]:
        """Return label, verdict, distance in nulls and corrected p-value of each test."""
        return [
            [r.label, r.seen, f"{r.in_nulls:.2f}", f"{r.corrected_pvalue:.2g}"] for r in self.tests
        ]

    @property
    def summary(self) -> str:
        """How many statistics differ, of how many maps, in one line."""
        maps = f"{self.real_maps} real and {self.generated_maps} generated maps"
        if not self.conclusive:
            return f"no difference can be told between {maps}"
        differing = sum(result.differs for result in self.results)
        verb = "differ" if differing > 1 else "differs"
        return f"{differing or 'none'} of {len(self.results)} statistics {verb} between {maps}"

    @property
    def tests(self) -> tuple[Result, ...]:
        """The results of all statistics, followed by those of the overall tests."""
        return self.results + self.overall

    @property
    def agrees(self) -> bool:
        """Whether no statistic shows a difference, where one could be seen."""
        return all(result.agrees for result in self.results)

    @property
    def conclusive(self) -> bool:
        """Whether a difference could be seen at all: the smallest p-value is below 0.05."""
        return self.smallest_pvalue < SIGNIFICANCE

    @property
    def null_sets(self) -> str:
        """Which real maps the nulls compare, in words."""
        if self.reference_maps:
            return (
                f"the {self.real_maps} real maps and {self.generated_maps} of "
                f"{self.reference_maps} other real maps"
            )
        return "random halves of the real maps"

    @property
    def of_units(self) -> bool:
        """Whether some maps are not independent, so that groups of them were exchanged."""
        return (self.real_units, self.generated_units) != (self.real_maps, self.generated_maps)

    def table(self) -> list[dict[str, str | float | bool]]:
        """One dict of plain values per result, for JSON files and tables.

        Returns
        -------
        list of dict
            Name, distance, unit, median and 95th percentile of the null, p-values, whether no
            difference is seen, and the distance before the training if it is known.
        """
        rows: list[dict[str, str | float | bool]] = [
            {
                "statistic": r.name,
                "distance": r.distance,
                "unit": r.unit,
                "null_median": r.null_median,
                "null_95": float(np.percentile(r.null, 95)),
                "pvalue": r.pvalue,
                "corrected_pvalue": r.corrected_pvalue,
                "agrees": r.agrees,
            }
            for r in self.tests
        ]
        for row, result in zip(rows, self.tests, strict=True):
            if result.start is not None:
                row["start_distance"] = result.start
        return rows
