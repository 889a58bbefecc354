"""Train presets over seeds and backends on the same maps, and write one table and one figure of how they fare.

python benchmarks/stability.py --presets best quick geogan --seeds 0 1 2 3 4 --backends torch --epochs 12

Every run is `cosmogan main` in a process and a folder of its own. What is complete is kept and what was interrupted is
resumed, so that the command can be repeated, with `--minutes` too, until the table is full. A second table says what
each run would have given had another rule chosen its epoch, or ended it.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Running a script puts its own folder first, where statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from cosmogan_k3.statistics import stopping_advice
from cosmogan_k3.training.checkpoints import SCORE

_CRITERIA = {"score": SCORE, "PCA": "validation_pca_merit"}
_COLUMNS = (
    "preset",
    "backend",
    "seed",
    "mean \\|ΔP/P\\|",
    "largest",
    "KS of pixels",
    "peaks, largest",
)
_COLUMNS += ("worst / median, last third", "minutes", "rollbacks")
_PATIENCE = 3
_PANELS_A_ROW = 4
DISTANCES = (
    "power_spectrum_error_mean",
    "power_spectrum_error_max",
    "ks_pixels_distance",
    "peak_counts_error_max",
)


def train(folder, preset, backend, seed, options):
    """One run, begun or resumed; the last line of what went wrong, or an empty string."""
    command = [
        sys.executable,
        "-m",
        "cosmogan_k3",
        "main",
        "--quiet",
        "--preset",
        preset,
        "--backend",
        backend,
    ]
    command += ["--seed", seed, "--out", folder / "run", "--model-name", "", *options]
    if (folder / "run" / "checkpoints").is_dir():
        command.append("--resume")
    environment = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder.resolve()}/mlflow.db",
        "PYTHONPATH": str(ROOT),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("a") as log:
        done = subprocess.run(
            list(map(str, command)), env=os.environ | environment, stdout=log, stderr=log, cwd=ROOT
        )
    return "" if done.returncode == 0 else (folder / "log.txt").read_text().splitlines()[-1]


def epochs_of(folder):
    """What the validation maps said after each epoch."""
    newest = max((folder / "run" / "checkpoints").glob("epoch-*"), default=None)
    return json.loads((newest / "progress.json").read_text())["epochs"] if newest else []


def summary(folder, failure):
    """One row of the table: distances on the test maps, their nulls, and how steady the last third was."""
    row = {"failure": failure}
    path = folder / "run" / "metrics.json"
    if path.is_file():
        metrics = json.loads(path.read_text())
        row |= {key: metrics[key] for name in DISTANCES for key in (name, f"{name}_null")}
        row |= {
            key: metrics[key]
            for key in ("training_seconds", "images_per_second", "selected_epoch", "last_epoch")
        }
        row["rollbacks"] = sum(name.startswith("rollback_") for name in metrics)
    errors = [epoch["validation_power_spectrum_error_mean"] for epoch in epochs_of(folder)]
    if errors:
        last = errors[-max(1, len(errors) // 3) :]
        row["worst_over_median"] = max(last) / float(np.median(last))
    return row


def chosen_by(epochs):
    """Of each rule, how many epochs it trains and which of them it takes, by scores and PCA on the validation maps."""
    criteria = {name: [epoch[key] for epoch in epochs] for name, key in _CRITERIA.items()}
    rules = {"fixed schedule": (len(epochs), len(epochs))}
    for name, values in criteria.items():
        stops = (
            n for n in range(1, len(epochs)) if stopping_advice(values[:n], patience=_PATIENCE).stop
        )
        trained = {
            f"best {name}": len(epochs),
            f"{name}, patience {_PATIENCE}": next(stops, len(epochs)),
        }
        rules |= {rule: (n, stopping_advice(values[:n]).best_epoch) for rule, n in trained.items()}
    return rules


def stopping_table(histories):
    """Markdown: median over the seeds of the score that each rule ends with, and of the epochs that it trains."""
    lines = ["", "| preset | rule | epochs trained | epoch taken | its score |", "| --- " * 5 + "|"]
    for preset in dict.fromkeys(preset for preset, _, _ in histories):
        runs = [epochs for (name, _, _), epochs in histories.items() if name == preset and epochs]
        chosen = [chosen_by(epochs) for epochs in runs]
        for rule in chosen[0] if chosen else ():
            trained, taken = zip(*(choice[rule] for choice in chosen), strict=True)
            scores = [epochs[epoch - 1][SCORE] for epochs, epoch in zip(runs, taken, strict=True)]
            cells = [preset, rule, *(f"{np.median(values):g}" for values in (trained, taken))]
            cells.append(f"{np.median(scores):.2f} ({min(scores):.2f} to {max(scores):.2f})")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write_table(path, rows, histories, options):
    """A Markdown table that says what each number stands beside."""
    lines = [
        f"Options of every run: `{' '.join(options)}`. In brackets: two halves of the real test maps.",
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


def draw(path, histories):
    """P(ℓ) error against epoch, one panel a preset, one line a run."""
    presets = list(dict.fromkeys(preset for preset, _, _ in histories))
    columns = min(len(presets), _PANELS_A_ROW)
    rows = -(-len(presets) // columns)
    size = (3.2 * columns, 2.6 * rows)
    shared = {"sharex": True, "sharey": True, "squeeze": False, "layout": "constrained"}
    figure, panels = plt.subplots(rows, columns, figsize=size, **shared)
    for panel, preset in zip(panels.flat, presets, strict=False):
        for (name, backend, seed), epochs in histories.items():
            if name == preset and epochs:
                errors = [100 * epoch["validation_power_spectrum_error_mean"] for epoch in epochs]
                (line,) = panel.semilogy(
                    range(1, len(errors) + 1), errors, label=f"{backend}, seed {seed}"
                )
                null = 100 * epochs[-1]["validation_power_spectrum_error_mean_null"]
                panel.axhline(null, color=line.get_color(), ls=":", lw=0.8)  # real against real
        panel.set(title=preset)
        panel.legend(fontsize=6)
    for panel in panels.flat[len(presets) :]:
        panel.set_axis_off()
    figure.supxlabel("epoch (dotted: real against real)", fontsize=10)
    figure.supylabel("mean |ΔP/P| on validation maps [%]", fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--presets", nargs="+", default=["best", "quick", "r3gan", "geogan", "cosmogan", "dcgan"]
    )
    parser.add_argument("--backends", nargs="+", default=["jax"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument(
        "--maps", type=int, default=10_000, help="of which a fifth are the test maps"
    )
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument(
        "--minutes",
        type=float,
        default=0,
        help="of training in each run; repeat the command to go on",
    )
    parser.add_argument("--out", type=Path, default=Path("stability"))
    arguments = parser.parse_args()
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
    (arguments.out / "table.json").write_text(
        json.dumps([{"run": run, **row} for run, row in rows.items()], indent=1)
    )


if __name__ == "__main__":
    main()
