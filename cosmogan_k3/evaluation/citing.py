"""What a paper needs of a comparison: a table in LaTeX, and references in BibTeX."""

from datetime import date

from cosmogan_k3._version import __version__
from cosmogan_k3.statistics import Comparison, Result

# What LaTeX does not have as a character, or takes for a command.
_LATEX = {
    "\\": r"\textbackslash{}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "V₀": "$V_0$",
    "V₁": "$V_1$",
    "V₂": "$V_2$",
    "β₀": r"$\beta_0$",
    "β₁": r"$\beta_1$",
    "P(ℓ)": r"$P(\ell)$",
    "ℓ₁": r"$\ell_1$",
    "ℓ": r"$\ell$",
    "κ": r"$\kappa$",
}

_BIBTEX = """\
@software{{cosmogan_k3,
  author  = {{{{The cosmogan\\_k3 developers}}}},
  title   = {{cosmogan\\_k3: generative adversarial networks for weak-lensing convergence maps}},
  version = {{{version}}},
  year    = {{{year}}}
}}

@article{{mustafa2019cosmogan,
  author  = {{Mustafa, Mustafa and others}},
  title   = {{{{CosmoGAN}}: creating high-fidelity weak lensing convergence maps using Generative
             Adversarial Networks}},
  journal = {{Computational Astrophysics and Cosmology}},
  volume  = {{6}},
  number  = {{1}},
  year    = {{2019}},
  doi     = {{10.1186/s40668-019-0029-9}}
}}
"""


def latex_table(comparison: Comparison) -> str:
    r"""Return all statistics as a table in LaTeX, for the package booktabs.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> from cosmogan_k3.statistics import compare
    >>> maps = np.random.default_rng(0).lognormal(size=(2, 20, 32, 32)).astype("float32")
    >>> comparison = compare(*maps, pixel_arcmin=2.0, permutations=99, splits=5)
    >>> print(latex_table(comparison).splitlines()[7])
    Power spectrum $P(\ell)$ & 0.605 & 0.396 & 0.73 &  \\
    """
    started = any(result.start is not None for result in comparison.tests)
    names = ["statistic", *(["before"] if started else []), "distance", "null", "$p$", "differs"]
    rows = [_row(result, started) for result in comparison.tests]
    sets = f"{comparison.real_maps} real and {comparison.generated_maps} generated maps"
    return "\n".join(
        [
            f"% {sets}, {comparison.permutations} exchanges, seed {comparison.seed}.",
            "% null: median distance of real maps from real maps; p: corrected for all tests.",
            rf"\begin{{tabular}}{{l{'r' * (len(names) - 2)}c}}",
            r"\toprule",
            " & ".join(names) + r" \\",
            r"\midrule",
            *(" & ".join(row) + r" \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _row(result: Result, started: bool) -> list[str]:
    """Return the cells of a statistic."""
    before = ["--" if result.start is None else f"{result.start:.3g}"] if started else []
    numbers = [f"{result.distance:.3g}", f"{result.null_median:.3g}"]
    verdict = "yes" if result.differs else ""
    pvalue = f"{result.corrected_pvalue:.2g}"
    return [_latex(result.label), *before, *numbers, pvalue, verdict]


def _latex(text: str) -> str:
    for character, command in _LATEX.items():
        text = text.replace(character, command)
    return text


def bibtex(today: date) -> str:
    """Return the references to this package and to the method as BibTeX.

    Parameters
    ----------
    today : date
        Of the report; its year is that of the version.

    Returns
    -------
    str

    Examples
    --------
    >>> print(bibtex(date(2026, 1, 2)).splitlines()[0])
    @software{cosmogan_k3,
    """
    return _BIBTEX.format(version=__version__, year=today.year)
