"""The table of the paper: each claim beside what was measured, also while runs are not complete.

python claims.py --out paper
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.maps.io.atomic import replacing
from cosmogan_k3.statistics import stopping_advice
from cosmogan_k3.training.progress import SCORE

# A third of the epochs has to have a middle and an end.
_FEWEST_EPOCHS = 6
_PCA_EPOCHS = 4


@dataclass(frozen=True)
class Run:
    """What is in the folder of a system and seed.

    Parameters
    ----------
    system : str
    seed : int
    epochs : list of dict
        Losses and validation distances of each epoch so far.
    total : int
        Epochs of the complete run.
    metrics, modes : dict
        Distances on the test maps; empty while the run is not complete.
    failure : str
        Why the training ended early; empty if it did not.
    """

    system: str
    seed: int
    epochs: list[dict[str, float]]
    total: int
    metrics: dict[str, Any]
    modes: dict[str, Any]
    failure: str = ""

    @property
    def state(self) -> str:
        """How far the run is."""
        done = len(self.epochs)
        text = f"{done}" if self.metrics else f"{done} of {self.total}"
        return f"{text}, then: {self.failure}" if self.failure else text

    def column(self, name: str) -> FloatArray:
        """Return one number of every epoch; NaN where an epoch has none."""
        return np.array([epoch.get(name, np.nan) for epoch in self.epochs])


Measured: TypeAlias = Callable[[Run], str]


def read_run(folder: Path) -> Run | None:
    """Return the run in a folder; None if it has no checkpoint."""
    newest = max((folder / "checkpoints").glob("epoch-*/progress.json"), default=None)
    if newest is None:
        return None
    progress = json.loads(newest.read_text())

    def content(name: str) -> dict[str, Any]:
        path = folder / name
        return json.loads(path.read_text()) if path.is_file() else {}

    system, _, seed = folder.name.rpartition("-")
    failure = folder / "failure.txt"
    return Run(
        system,
        int(seed),
        progress["epochs"],
        int(progress["identity"]["epochs"]),
        content("metrics.json"),
        content("modes.json"),
        one_line(failure.read_text(), 200) if failure.is_file() else "",
    )


def _with_null(values: dict[str, Any], name: str, form: str) -> str:
    return f"{values[name]:{form}} ({values[f'{name}_null']:{form}})"


def on_test_maps(text: Measured) -> Measured:
    """Return ``text`` for complete runs; the others have no distances to the test maps."""
    return lambda run: text(run) if run.metrics else ""


@on_test_maps
def ks_published(run: Run) -> str:
    """The p-value of the published test, on counts."""
    return f"p = {_with_null(run.metrics, 'ks_histogram_pvalue', '.3f')}"


@on_test_maps
def ks_pixels(run: Run) -> str:
    """The test of pixels."""
    metrics = run.metrics
    distance = _with_null(metrics, "ks_pixels_distance", ".4f")
    return f"distance {distance}, p = {metrics['ks_pixels_pvalue']:.3f}"


def modes(run: Run) -> str:
    """The error of the spectrum over the modes of the paper."""
    if not run.modes:
        return ""
    mean, largest = (_with_null(run.modes, name, ".3f") for name in ("mean", "largest"))
    return f"{run.modes['modes']} modes: mean \\|ΔP/P\\| {mean}, largest {largest}"


def pca(run: Run) -> str:
    """PCA distance at several epochs, and the epoch that the PCA advises."""
    scores, merits = run.column(SCORE), run.column("validation_pca_merit")
    if not np.isfinite(merits).any() or not np.isfinite(scores).any():
        return ""
    shown = np.unique(np.linspace(1, len(scores), _PCA_EPOCHS).round().astype(int))
    distances = run.column("validation_pca_distance")
    listed = ", ".join(f"{distances[epoch - 1]:.2f}" for epoch in shown)
    advised, best = stopping_advice(merits).best_epoch, int(np.nanargmin(scores)) + 1
    rank = int((scores < scores[advised - 1]).sum()) + 1
    return (
        f"distance {listed} (1) at epochs {', '.join(map(str, shown))}; advises epoch {advised} of "
        f"score {scores[advised - 1]:.2f}, rank {rank}; best epoch {best}, score "
        f"{scores[best - 1]:.2f}"
    )


def losses(run: Run) -> str:
    """How far the mean losses move from the middle third of the epochs to the last."""
    if len(run.epochs) < _FEWEST_EPOCHS:
        return ""
    third = len(run.epochs) // 3
    texts = []
    for name in ("generator", "discriminator"):
        values = run.column(f"{name}_loss")
        before, last = values[-2 * third : -third], values[-third:]
        texts.append(f"{name} {before.mean():.2f} → {last.mean():.2f} ± {last.std():.2f}")
    return "; ".join(texts)


def stability(run: Run) -> str:
    """Worst over median epoch of the last third: distances in nulls, and the spectrum's error."""
    if len(run.epochs) < _FEWEST_EPOCHS:
        return ""
    third = len(run.epochs) // 3
    last = [
        np.exp(run.column(SCORE)[-third:]),
        run.column("validation_power_spectrum_error_mean")[-third:],
    ]
    score, power = (float(values.max() / np.median(values)) for values in last)
    return f"e^score: {score:.2f}; \\|ΔP/P\\|: {power:.2f}"


def outcome(run: Run) -> str:
    """The best epoch: its score, its distances to test or else validation maps; stability."""
    scores = run.column(SCORE)
    if not np.isfinite(scores).any():
        return ""
    best = int(np.nanargmin(scores))
    part, values = ("test", run.metrics) if run.metrics else ("validation", run.epochs[best])
    prefix = "" if run.metrics else "validation_"
    power = _with_null(values, f"{prefix}power_spectrum_error_mean", ".3f")
    pixels = _with_null(values, f"{prefix}ks_pixels_distance", ".4f")
    text = f"score {scores[best]:.2f} (0); {part} maps: \\|ΔP/P\\| {power}, pixel KS {pixels}"
    return f"{text}; worst / median: {steady}" if (steady := stability(run)) else text


def collapse(run: Run) -> str:
    """Diversity of the last epoch, and copies among the maps of the best one."""
    if not run.epochs:
        return ""
    diversity = run.epochs[-1].get("validation_diversity", float("nan"))
    text = f"diversity {diversity:.2f} (1)"
    if "duplicate_rate" in run.metrics:
        text += f", duplicates {run.metrics['duplicate_rate']:.3f} (0)"
        text += f", effective share {run.metrics['effective_share']:.2f} (1)"
    return text


_ALL = ("geogan", "cosmogan", "rodriguez", "rodriguez_wgan", "best")
_PAIR = ("geogan", "cosmogan")
# A claim of the paper, the systems that it is about, and what is measured of them.
CLAIMS: list[tuple[str, tuple[str, ...], Measured]] = [
    ("KS test of 25 histogram counts: p = 0.989 (cosmoGAN: 0.999)", _ALL, ks_published),
    ("the same as it should be: pixels, whole maps exchanged", _ALL, ks_pixels),
    ("248 Fourier modes agree", _ALL, modes),
    ("the PCA of several epochs shows when to stop", _PAIR, pca),
    ("both losses settle", _PAIR, losses),
    ("more stable than cosmoGAN: worst over median, last third", _PAIR, stability),
    (
        "the relativistic loss gives very similar results",
        ("geogan_relativistic", "geogan_continued"),
        outcome,
    ),
    (
        "no mode collapse, thanks to minibatch discrimination",
        ("geogan", "geogan_no_minibatch"),
        collapse,
    ),
    ("virtual batch normalization helps", ("geogan", "geogan_batch_norm"), outcome),
    ("(not in the paper) averaged weights", ("geogan", "geogan_averaged"), outcome),
    ("better than earlier systems", _ALL, outcome),
]


def rows(
    runs: Sequence[Run], claim: str, systems: Sequence[str], measured: Measured
) -> Iterator[tuple[str, str, str, str]]:
    """Yield one row a run: the claim (once), the run, what was measured, and how far it is."""
    for system in systems:
        of_system = [run for run in runs if run.system == system]
        if not of_system:
            yield claim, f"`{system}`", "–", "not begun"
            claim = ""
        for run in of_system:
            yield claim, f"`{system}`, seed {run.seed}", measured(run) or "–", run.state
            claim = ""


def caption(folder: Path, runs: Sequence[Run]) -> str:
    """Return the settings of all runs, and what stands in brackets."""
    settings = json.loads((folder / "settings.json").read_text())
    listed = ", ".join(f"{name} {value}" for name, value in settings.items() if value != "")
    text = f"Settings of all runs: {listed}. "
    complete = next((run.metrics for run in runs if run.metrics), None)
    if complete:
        text += (
            f"{complete['train_maps']:,} training, {complete['validation_maps']:,} validation and "
            f"{complete['test_maps']:,} test maps, of boxes of their own. "
        )
    return text + (
        "In brackets: the same between real maps. All seeds share the maps and their split (seed "
        "0). Losses, scores, PCA, stability and diversity are measured on the validation maps; "
        "the KS tests, the modes and copies on the test maps, when a run is complete. The score is "
        "the mean of ln((1 + distance/null)/2)."
    )


def write_table(folder: Path) -> None:
    """Write ``table.md`` from what is in the folder.

    Parameters
    ----------
    folder : Path
        Folder of the project's runs.
    """
    paths = [path.parent for path in folder.glob("*/checkpoints")]
    runs = [run for path in sorted(paths) if (run := read_run(path))]
    lines = ["| claim of the paper | run | what we measured | epochs |", "| --- " * 4 + "|"]
    for claim in CLAIMS:
        lines += [f"| {' | '.join(cells)} |" for cells in rows(runs, *claim)]
    with replacing(folder / "table.md") as partial:
        partial.write_text("\n".join([*lines, "", caption(folder, runs)]) + "\n")


def main(command_line: Sequence[str] | None = None) -> int:
    """Write the table of a folder; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("paper"))
    folder = parser.parse_args(command_line).out
    try:
        if not (folder / "settings.json").is_file():
            raise InputError(f"{folder}: holds no runs of this project")
        write_table(folder)
    except InputError as error:
        print(f"claims: error: {error}", file=sys.stderr)
        return 2
    print(f"The table is in {folder / 'table.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
