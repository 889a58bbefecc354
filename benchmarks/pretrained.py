"""Make the files of a pretrained model from the folder of a training.

::

    python -m benchmarks.pretrained run nbody

writes ``nbody.keras`` and ``nbody.json`` into ``cosmogan_k3/pretrained``, and prints the card.
Write ``nbody.toml`` before: what ``Card`` lists and nothing can measure. The folder needs
``model.keras``, ``metrics.json``, ``statistics.csv`` and ``split.json``, as every training leaves
them.
"""

import argparse
import csv
import hashlib
import json
from pathlib import Path

import keras
import numpy as np

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import GAN, Sampler, load_gan
from cosmogan_k3.gan.sampling import for_sampling
from cosmogan_k3.pretrained import card, card_text, read_card

# Maps whose mean and standard deviation are on the card, and pixels of the first one.
SEED, MAPS, PIXELS = 0, 64, 8
# Settings of a training that its card repeats.
SETTINGS = (
    *("train_maps", "validation_maps", "test_maps", "preset", "batch_size", "last_epoch"),
    *("selected_epoch", "seed", "keras_backend", "cosmogan_k3", "data_fingerprint"),
)


def write(run: Path, name: str) -> None:
    """Write the model and what is measured of it."""
    if not (card.FOLDER / f"{name}.toml").is_file():
        raise InputError(f"{card.FOLDER / name}.toml: write it first")
    gan, path = for_sampling(load_gan(run / "model.keras")), card.FOLDER / f"{name}.keras"
    gan.save(path)
    metrics = json.loads((run / "metrics.json").read_text())
    split = json.loads((run / "split.json").read_text())
    ranges = _ranges(gan)
    measured = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "n_bytes": path.stat().st_size,
        "pixels": gan.pixels,
        "pixel_arcmin": gan.pixel_arcmin,
        "parameters": ranges,
        "training": _training(metrics, split),
        "evaluation": _evaluation(metrics),
        "statistics": _statistics(run / "statistics.csv"),
        "sample": _sample(gan, {name: sum(ends) / 2 for name, ends in ranges.items()}),
    }
    text = json.dumps(measured, indent=2, allow_nan=False)
    (card.FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _ranges(gan: GAN) -> dict:
    """Return the names and ranges of a conditional model's parameters."""
    if (known := gan.conditioning) is None:
        return {}
    return dict(zip(known.names, zip(known.lowest, known.highest, strict=True), strict=True))


def _training(metrics: dict, split: dict) -> dict:
    """Return settings, numbers of boxes and versions; maps outside boxes are groups of one."""
    groups = {f"{part}_groups": len(split[part]) for part in ("train", "validation", "test")}
    return {key: metrics[key] for key in SETTINGS} | groups | {"keras": keras.__version__}


def _evaluation(metrics: dict) -> dict:
    """Return the numbers that are no rows of ``statistics.csv``, each with its null."""
    kept = ("power_spectrum_error", "ks_pixels_distance", "classifier_auc")
    return {key: metrics[key] for key in metrics if key.startswith(kept)}


def _statistics(path: Path) -> list[dict]:
    numbers = ("distance", "null_median", "null_95", "corrected_pvalue")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        {"statistic": row["statistic"]} | {key: float(row[key]) for key in numbers} for row in rows
    ]


def _sample(gan: GAN, parameters: dict) -> dict:
    """Return mean, standard deviation and some pixels of maps, for a test on every backend."""
    kappa = Sampler(gan).sample(MAPS, seed=SEED, parameters=parameters or None)
    return {
        "parameters": parameters,
        "seed": SEED,
        "maps": MAPS,
        "mean": float(np.mean(kappa, dtype=np.float64)),
        "std": float(np.std(kappa, dtype=np.float64)),
        "first_pixels": [float(value) for value in kappa[0, 0, :PIXELS]],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a training")
    parser.add_argument("name", help="of the model, as in pretrained:NAME")
    options = parser.parse_args()
    write(options.run, options.name)
    print(card_text(read_card(options.name)))
