"""The paper's training and its figures, from data to report, with its numbers beside ours.

python paper.py --out paper --minutes 9      # repeat until it says that the table is written
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

# What the paper states of itself; docs/errata.md says what to make of its KS test.
PAPER = {
    "training maps": "16,000",
    "epochs": "185",
    "KS p-value of 25 histogram counts, as published": "0.989 (cosmoGAN: 0.999)",
    "Fourier modes compared": "248",
    "wall time": "1 day instead of 4",
}


def train(given):
    """Begin the training, or go on with it; the exit code."""
    command = [sys.executable, "-m", "cosmogan_k3", "main", "--model-name", "", "--out", given.out]
    for name in (
        "data",
        "preset",
        "backend",
        "maps",
        "pixels",
        "epochs",
        "batch_size",
        "seed",
        "minutes",
    ):
        command += [f"--{name.replace('_', '-')}", str(getattr(given, name))]
    if (Path(given.out) / "checkpoints").is_dir():
        command.append("--resume")
    return subprocess.run(command).returncode


def rows(metrics):
    """Name, the paper's number, ours, and the same between two halves of the real maps."""

    def beside_null(name, form):
        return [form.format(metrics[key]) for key in (name, f"{name}_null")]

    yield "training maps", f"{metrics['train_maps']:,}", ""
    yield "epochs", str(metrics["last_epoch"]), ""
    yield "epoch with the best validation score", str(metrics["selected_epoch"]), ""
    yield (
        "KS p-value of 25 histogram counts, as published",
        *beside_null("ks_histogram_pvalue", "{:.3f}"),
    )
    yield ("KS distance of pixels", *beside_null("ks_pixels_distance", "{:.4f}"))
    yield ("mean \\|ΔP/P\\|", *beside_null("power_spectrum_error_mean", "{:.4f}"))
    yield ("largest \\|ΔP/P\\|", *beside_null("power_spectrum_error_max", "{:.4f}"))
    yield "wall time", f"{metrics['training_seconds'] / 3600:.2f} h", ""


def write_table(folder):
    """``table.md``, beside the figures that the training has written: maps, pixels, P(ℓ), PCA by epoch, losses."""
    metrics = json.loads((folder / "metrics.json").read_text())
    lines = ["| | the paper | ours | real against real |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {name} | {PAPER.get(name, '–')} | {ours} | {null} |"
        for name, ours, null in rows(metrics)
    ]
    compared = f"{metrics['generated_maps']:,} generated against {metrics['real_maps']:,} test maps"
    lines += [
        "",
        f"Preset {metrics['preset']} on {metrics['keras_backend']}, seed {metrics['seed']}; {compared}.",
    ]
    (folder / "table.md").write_text("\n".join(lines) + "\n")


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--data", default="", help="maps of 256x256; lognormal ones are simulated if none are given"
    )
    parser.add_argument("--preset", default="geogan")
    parser.add_argument("--backend", default="jax")
    parser.add_argument(
        "--maps", type=int, default=23_000, help="to simulate, of which 70 %% are learned from"
    )
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=0, help="0: the preset's, 185")
    parser.add_argument("--batch-size", type=int, default=0, help="0: the preset's, 64")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="of training in this call; repeat it to go on"
    )
    parser.add_argument("--out", default="paper")
    given = parser.parse_args(arguments)
    folder = Path(given.out)
    if not (folder / "metrics.json").is_file() and (code := train(given)):
        return code
    if (folder / "metrics.json").is_file():
        write_table(folder)
        print(f"The table is in {folder / 'table.md'}, the report in {folder / 'report.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
