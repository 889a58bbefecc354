"""Train presets over seeds and backends on the same maps, and write a table and a figure.

python benchmarks/stability.py --presets best quick geogan --seeds 0 1 2 --backends torch

Every run is `cosmogan main` in a process and a folder of its own. The command can be repeated, also
with `--minutes`, until the table is full: complete runs are kept, interrupted ones are resumed. A
second table compares rules that choose the epoch of a run or end the run.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from cosmogan_k3.statistics import stopping_advice
from cosmogan_k3.training.progress import SCORE

Run: TypeAlias = tuple[str, str, int]  # preset, backend, seed
Epochs: TypeAlias = list[dict[str, float]]  # metrics of each epoch on the validation maps

_CRITERIA = {"score": SCORE, "PCA": "validation_pca_merit"}
_COLUMNS = (
    *("preset", "backend", "seed"),
    *("mean \\|ΔP/P\\|", "largest", "KS of pixels", "peaks, largest"),
    *("worst / median, last third", "minutes", "rollbacks"),
)
_PATIENCE = 3
_PANELS_PER_ROW = 4
DISTANCES = (
    "power_spectrum_error_mean",
    "power_spectrum_error_max",
    "ks_pixels_distance",
    "peak_counts_error_max",
)


def train(folder: Path, preset: str, backend: str, seed: int, options: list[str]) -> str:
    """Start or resume one run.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    preset, backend, seed : str, str, int
        The run.
    options : list of str
        Options of all runs.

    Returns
    -------
    str
        The last line of the log if the run failed, else an empty string.
    """
    command = [sys.executable, "-m", "cosmogan_k3", "main", "--quiet"]
    command += ["--preset", preset, "--backend", backend, "--seed", str(seed)]
    command += ["--out", str(folder / "run"), "--model-name", "", *options]
    if (folder / "run" / "checkpoints").is_dir():
        command.append("--resume")
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder.resolve()}/mlflow.db",
        "PYTHONPATH": str(ROOT),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("a") as log:
        done = subprocess.run(command, env=environment, stdout=log, stderr=log, cwd=ROOT)
    return "" if done.returncode == 0 else (folder / "log.txt").read_text().splitlines()[-1]


def epochs_of(folder: Path) -> Epochs:
    """Validation metrics of each epoch of a run."""
    newest = max((folder / "run" / "checkpoints").glob("epoch-*"), default=None)
    return json.loads((newest / "progress.json").read_text())["epochs"] if newest else []


def summary(folder: Path, failure: str) -> dict[str, Any]:
    """One row of the table: distances on the test maps, their nulls, and the last third."""
    row: dict[str, Any] = {"failure": failure}
    path = folder / "run" / "metrics.json"
    if path.is_file():
        metrics = json.loads(path.read_text())
        names = [key for name in DISTANCES for key in (name, f"{name}_null")]
        names += ["training_seconds", "images_per_second", "selected_epoch", "last_epoch"]
        row |= {name: metrics[name] for name in names}
        row["rollbacks"] = sum(name.startswith("rollback_") for name in metrics)
    errors = [epoch["validation_power_spectrum_error_mean"] for epoch in epochs_of(folder)]
    if errors:
        last = errors[-max(1, len(errors) // 3) :]
        row["worst_over_median"] = max(last) / float(np.median(last))
    return row


def stopping_rules(epochs: Epochs) -> dict[str, tuple[int, int]]:
    """Apply stopping rules to the validation metrics of a run.

    Parameters
    ----------
    epochs : list of dict
        Validation metrics of each epoch.

    Returns
    -------
    dict of str to tuple of int
        For each rule, the number of trained epochs and the selected epoch, counted from 1.
    """
    rules = {"fixed schedule": (len(epochs), len(epochs))}
    for name, key in _CRITERIA.items():
        values = [epoch[key] for epoch in epochs]
        counts = range(1, len(epochs))
        stops = (n for n in counts if stopping_advice(values[:n], patience=_PATIENCE).stop)
        trained = {
            f"best {name}": len(epochs),
            f"{name}, patience {_PATIENCE}": next(stops, len(epochs)),
        }
        rules |= {rule: (n, stopping_advice(values[:n]).best_epoch) for rule, n in trained.items()}
    return rules


def stopping_table(histories: dict[Run, Epochs]) -> str:
    """Markdown table of medians over seeds: score and number of epochs for each rule."""
    lines = ["", "| preset | rule | epochs trained | epoch taken | its score |", "| --- " * 5 + "|"]
    for preset in dict.fromkeys(preset for preset, _, _ in histories):
        runs = [epochs for (name, _, _), epochs in histories.items() if name == preset and epochs]
        chosen = [stopping_rules(epochs) for epochs in runs]
        for rule in chosen[0] if chosen else ():
            trained, taken = zip(*(choice[rule] for choice in chosen), strict=True)
            scores = [epochs[epoch - 1][SCORE] for epochs, epoch in zip(runs, taken, strict=True)]
            cells = [preset, rule, *(f"{np.median(values):g}" for values in (trained, taken))]
            cells.append(f"{np.median(scores):.2f} ({min(scores):.2f} to {max(scores):.2f})")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write_table(
    path: Path,
    rows: dict[Run, dict[str, Any]],
    histories: dict[Run, Epochs],
    options: list[str],
) -> None:
    """Write both tables as Markdown, each distance beside its null."""
    lines = [
        f"Options of every run: `{' '.join(options)}`.",
        "In brackets: two halves of the real test maps.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "| --- " * len(_COLUMNS) + "|",
    ]
    for (preset, backend, seed), row in rows.items():
        cells = [preset, backend, str(seed)]
        if row["failure"] or DISTANCES[0] not in row:
            cells += [row["failure"] or "not complete", *[""] * 6]
        else:
            cells += [f"{row[name]:.4f} ({row[f'{name}_null']:.4f})" for name in DISTANCES]
            cells += [
                f"{row['worst_over_median']:.2f}",
                f"{row['training_seconds'] / 60:.1f}",
                str(row["rollbacks"]),
            ]
        lines.append(f"| {' | '.join(cells)} |")
    path.write_text("\n".join(lines) + "\n" + stopping_table(histories))


def draw(path: Path, histories: dict[Run, Epochs]) -> None:
    """Plot the error of P(ℓ) against the epoch: one panel per preset, one line per run."""
    presets = list(dict.fromkeys(preset for preset, _, _ in histories))
    columns = min(len(presets), _PANELS_PER_ROW)
    rows = -(-len(presets) // columns)
    size = (3.2 * columns, 2.6 * rows)
    shared = {"sharex": True, "sharey": True, "squeeze": False, "layout": "constrained"}
    figure, panels = plt.subplots(rows, columns, figsize=size, **shared)
    for panel, preset in zip(panels.flat, presets, strict=False):
        for (name, backend, seed), epochs in histories.items():
            if name == preset and epochs:
                errors = [100 * epoch["validation_power_spectrum_error_mean"] for epoch in epochs]
                label = f"{backend}, seed {seed}"
                (line,) = panel.semilogy(range(1, len(errors) + 1), errors, label=label)
                null = 100 * epochs[-1]["validation_power_spectrum_error_mean_null"]
                panel.axhline(null, color=line.get_color(), ls=":", lw=0.8)
        panel.set(title=preset)
        panel.legend(fontsize=6)
    for panel in panels.flat[len(presets) :]:
        panel.set_axis_off()
    figure.supxlabel("epoch (dotted: real against real)", fontsize=10)
    figure.supylabel("mean |ΔP/P| on validation maps [%]", fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    presets = ["best", "quick", "r3gan", "geogan", "cosmogan", "dcgan"]
    parser.add_argument("--presets", nargs="+", default=presets)
    parser.add_argument("--backends", nargs="+", default=["jax"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument(
        "--maps", type=int, default=10_000, help="maps per run; a fifth are the test maps"
    )
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument(
        "--minutes",
        type=float,
        default=0,
        help="training time of each run in this call; repeat the command to continue",
    )
    parser.add_argument("--out", type=Path, default=Path("stability"))
    return parser.parse_args()


def main() -> None:
    """Train all runs, and write the tables and the figure."""
    arguments = parse_arguments()
    options = ["--maps", arguments.maps, "--pixels", arguments.pixels, "--epochs", arguments.epochs]
    options = [str(option) for option in (*options, "--minutes", arguments.minutes)]
    rows, histories = {}, {}
    for run in product(arguments.presets, arguments.backends, arguments.seeds):
        folder = arguments.out / "-".join(map(str, run))
        complete = (folder / "run" / "metrics.json").is_file()
        failure = "" if complete else train(folder, *run, options)
        rows[run], histories[run] = summary(folder, failure), epochs_of(folder)
        write_table(arguments.out / "table.md", rows, histories, options)
        print(*run, rows[run], flush=True)
    draw(arguments.out / "stability.png", histories)
    table = [{"run": run, **row} for run, row in rows.items()]
    (arguments.out / "table.json").write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
