"""An evaluation in Python and in a notebook: what it says, shows and draws."""

import tempfile
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cosmogan_k3._typing import Metrics, PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.evaluate import Evaluation
from cosmogan_k3.evaluation.figures.statistic import statistic_panel
from cosmogan_k3.evaluation.files import write_evaluation, write_page
from cosmogan_k3.maps.display import as_image
from cosmogan_k3.statistics import Comparison, Result


@dataclass(frozen=True, repr=False)
class DrawnResult(Result):
    """The test of one statistic, which can be drawn; see ``Result``.

    Parameters
    ----------
    pixel_arcmin : float
        Side of a pixel in arcmin, for the scales of starlet, scattering and moments.
    """

    pixel_arcmin: float = 0.0

    def plot(self) -> list[Axes]:
        """Draw the means of both sets, and their contrast over the null, in a figure of pyplot.

        Returns
        -------
        list of matplotlib.axes.Axes
            Means above, contrast below.

        Raises
        ------
        InputError
            The statistic is not a curve.
        """
        if not self.axis.size:
            raise InputError(f"{self.name} is one number, {self.distance:.3g}, and not a curve")
        figure = pyplot.figure()
        return statistic_panel(self, pixel_arcmin=self.pixel_arcmin, figure=figure).axes


@dataclass(frozen=True, repr=False)
class EvaluationReport:
    """What ``cosmogan_k3.evaluate`` found.

    Parameters
    ----------
    evaluation : Evaluation
    """

    evaluation: Evaluation

    def __getitem__(self, name: str) -> DrawnResult:
        pixel_arcmin = self.evaluation.provenance.get("pixel_arcmin", 0.0)
        return DrawnResult(**vars(self.comparison[name]), pixel_arcmin=pixel_arcmin)

    def __repr__(self) -> str:
        return "\n".join([repr(self.comparison), *self.evaluation.warnings])

    def _repr_html_(self) -> str:
        warnings = "".join(f"<p>Warning: {escape(text)}</p>" for text in self.evaluation.warnings)
        picture = as_image(self.figures["maps"], "real maps above generated maps")
        return f"{warnings}{self.comparison._repr_html_()}{picture}"

    @property
    def comparison(self) -> Comparison:
        """The test of each statistic."""
        return self.evaluation.comparison

    @property
    def metrics(self) -> Metrics:
        """Distances with their nulls, p-values and numbers of maps."""
        return self.evaluation.metrics

    @property
    def figures(self) -> Mapping[str, Figure]:
        """Figures by name."""
        return self.evaluation.figures

    def save(self, folder: PathLike) -> list[Path]:
        """Write ``report.html``, ``metrics.json``, ``statistics.csv`` and the figures to a folder.

        Parameters
        ----------
        folder : str or Path
            Made if there is none; files of the same names are replaced.

        Returns
        -------
        list of Path

        Raises
        ------
        InputError
            The folder cannot be written to.
        """
        return write_evaluation(folder, self.evaluation)

    def show(self) -> None:
        """Show the whole report: below the cell of a notebook, or else in a browser."""
        with tempfile.TemporaryDirectory(prefix="cosmogan-") as folder:
            page = Path(folder, "report.html")
            write_page(page, self.evaluation)
            html = page.read_text(encoding="utf-8")
        if not _shown_in_notebook(html):
            with tempfile.NamedTemporaryFile(
                "w", prefix="cosmogan-report-", suffix=".html", encoding="utf-8", delete=False
            ) as file:
                file.write(html)
            print(f"report: {file.name}")
            webbrowser.open(Path(file.name).as_uri())


def _shown_in_notebook(html: str) -> bool:
    """Show a page in a frame below the cell of a notebook, if this is one."""
    try:
        from IPython import display, get_ipython
    except ImportError:
        return False
    shell: Any = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return False
    frame = f'<iframe srcdoc="{escape(html)}" width="100%" height="640"></iframe>'
    display.display(display.HTML(frame))
    return True
