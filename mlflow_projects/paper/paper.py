"""Train as in the paper, and compare the paper's numbers and figures with ours.

python paper.py --out paper --minutes 9      # repeat until the table is written
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# Numbers stated in the paper; docs/errata.md discusses its KS test.
PAPER = {
    "training maps": "16,000",
    "epochs": "185",
    "KS p-value of 25 histogram counts, as published": "0.989 (cosmoGAN: 0.999)",
    "Fourier modes compared": "248",
    "wall time": "1 day instead of 4",
}

# Options that are passed to ``cosmogan main``.
PASSED = ("data", "preset", "backend", "maps", "pixels", "epochs", "batch_size", "seed", "minutes")


def train(options: argparse.Namespace) -> int:
    """Start or resume the training; return the exit code."""
    command = [sys.executable, "-m", "cosmogan_k3", "main", "--model-name", ""]
    command += ["--method", "lognormal"]
    command += ["--out", options.out]
    for name in PASSED:
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    if (Path(options.out) / "checkpoints").is_dir():
        command.append("--resume")
    return subprocess.run(command).returncode


def rows(metrics: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of the table.

    Parameters
    ----------
    metrics : dict
        Metrics of the training.

    Yields
    ------
    tuple of str
        Name, our number, and the same number between real maps.
    """

    def with_null(name: str, form: str) -> tuple[str, str]:
        return form.format(metrics[name]), form.format(metrics[f"{name}_null"])

    published = "KS p-value of 25 histogram counts, as published"
    yield "training maps", f"{metrics['train_maps']:,}", ""
    yield "epochs", str(metrics["last_epoch"]), ""
    yield "epoch with the best validation score", str(metrics["selected_epoch"]), ""
    yield published, *with_null("ks_histogram_pvalue", "{:.3f}")
    yield "KS distance of pixels", *with_null("ks_pixels_distance", "{:.4f}")
    yield "mean \\|ΔP/P\\|", *with_null("power_spectrum_error_mean", "{:.4f}")
    yield "largest \\|ΔP/P\\|", *with_null("power_spectrum_error_max", "{:.4f}")
    yield "wall time", f"{metrics['training_seconds'] / 3600:.2f} h", ""


def write_table(folder: Path) -> None:
    """Write ``table.md`` beside the figures of the training.

    Parameters
    ----------
    folder : Path
        Folder of the training, with its ``metrics.json``.
    """
    metrics = json.loads((folder / "metrics.json").read_text())
    lines = ["| | the paper | ours | real against real |", "| --- | --- | --- | --- |"]
    for name, ours, null in rows(metrics):
        lines.append(f"| {name} | {PAPER.get(name, '–')} | {ours} | {null} |")
    settings = f"Preset {metrics['preset']} on {metrics['keras_backend']}, seed {metrics['seed']}"
    compared = f"{metrics['generated_maps']:,} generated against {metrics['real_maps']:,} test maps"
    lines += ["", f"{settings}; {compared}."]
    (folder / "table.md").write_text("\n".join(lines) + "\n")


def parse_arguments(command_line: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--data", default="", help="maps of 256x256; without it lognormal maps are simulated"
    )
    parser.add_argument("--preset", default="geogan")
    parser.add_argument("--backend", default="jax")
    parser.add_argument(
        "--maps", type=int, default=23_000, help="maps to simulate; 70 %% are training maps"
    )
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=0, help="0: those of the preset, 185")
    parser.add_argument("--batch-size", type=int, default=0, help="0: that of the preset, 64")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="training time in this call; repeat to continue"
    )
    parser.add_argument("--out", default="paper")
    return parser.parse_args(command_line)


def main(command_line: Sequence[str] | None = None) -> int:
    """Train, and write the table when the training is complete; return the exit code."""
    options = parse_arguments(command_line)
    folder = Path(options.out)
    if not (folder / "metrics.json").is_file() and (code := train(options)):
        return code
    if (folder / "metrics.json").is_file():
        write_table(folder)
        print(f"The table is in {folder / 'table.md'}, the report in {folder / 'report.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
