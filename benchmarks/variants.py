"""Train `quick` with one change at a time, and compare with maps that were held out.

python benchmarks/variants.py --backend torch --seeds 0 1 2 --only quick transposed

Every variant and seed is a process of its own. The command can be repeated until the table is full:
complete runs are kept. The maps of a seed, held-out maps included, are the first that
`cosmogan main` simulates with it. A choice made by them must be tested with another seed.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import numpy as np

# Fields to replace in the preset, and a function to call before the networks are built.
Variant: TypeAlias = tuple[dict[str, Any], Callable[[], None] | None]

_COLUMNS = (
    *("variant", "seeds", "score", "mean \\|ΔP/P\\|", "largest", "KS of pixels", "peaks"),
    *("lattice N/2", "N/4"),
)
_DISTANCES = (
    "power_spectrum_error_mean",
    "power_spectrum_error_max",
    "ks_pixels_distance",
    "peak_counts_error",
)
_LATTICE = ("lattice_2", "lattice_4")


def hinge(*margins: float) -> dict[int, Any]:
    """Loss schedule with one margin per epoch, for real and generated maps.

    Parameters
    ----------
    *margins : float
        Margins of the first epochs.

    Returns
    -------
    dict of int to GeometricHinge
        The losses by epoch.
    """
    from cosmogan_k3.nn.losses import GeometricHinge

    return {epoch: GeometricHinge(margin, margin) for epoch, margin in enumerate(margins)}


def variants() -> dict[str, Variant]:
    """All variants by name."""
    from cosmogan_k3.nn.penalties import R1, R2

    return {
        "quick": ({}, None),
        "no averaged weights": ({"average_decay": 0.0}, None),
        "no symmetries": ({"augment": False}, None),
        "no penalty": ({"penalties": ()}, None),
        "R1 and R2": ({"penalties": (R1(0.5, fraction=0.25), R2(0.5, fraction=0.25))}, None),
        "constant rates": ({"final_learning_rate_factor": 1.0}, None),
        "generator at half the rate": ({"generator_learning_rate": 5e-4}, None),
        "discriminator at half the rate": ({"discriminator_learning_rate": 5e-4}, None),
        "spectral matching 0.1": ({"spectral_weight": 0.1}, None),
        "hinge": ({"loss_schedule": hinge(1.0)}, None),
        "hinge, margins 1 to 1/4": ({"loss_schedule": hinge(1.0, 0.75, 0.5, 0.25)}, None),
        "hinge, margins 1/4 to 1": ({"loss_schedule": hinge(0.25, 0.5, 0.75, 1.0)}, None),
        "transposed": ({}, use_transposed),
        "feature matching 1": ({}, partial(use_feature_matching, 1.0)),
        "feature matching 10": ({}, partial(use_feature_matching, 10.0)),
    }


def use_transposed() -> None:
    """Double the grid by transposed convolutions instead of repeated pixels."""
    from cosmogan_k3.gan.architectures import fully_convolutional
    from cosmogan_k3.nn.layers import UpsampleConv2D

    fully_convolutional.UpsampleConv2D = partial(UpsampleConv2D, mode="transposed")


def use_feature_matching(weight: float) -> None:
    """Add w ⟨(⟨f(x)⟩ − ⟨f(g)⟩)²⟩ to the generator's loss, with f the features of the last layer.

    Parameters
    ----------
    weight : float
        w.

    References
    ----------
    Salimans et al. 2016 (arXiv 1606.03498), section 3.1.
    """
    from keras import Model, ops

    from cosmogan_k3._typing import Tensor
    from cosmogan_k3.gan import GAN, step

    original = step.generator_objective

    @cache
    def features(discriminator: Model) -> Model:
        return Model(discriminator.input, discriminator.get_layer("flatten").output)

    def with_matching(
        gan: GAN, real: Tensor, fake: Tensor, conditions: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        network = features(gan.discriminator)
        means = [ops.mean(network(maps, training=True), axis=0) for maps in (real, fake)]
        loss, moments = original(gan, real, fake, conditions)
        return loss + weight * ops.mean(ops.square(means[0] - means[1])), moments

    step.generator_objective = with_matching


def train(name: str, seed: int, maps: int, held_out: int) -> dict[str, float]:
    """Train one variant, and compare it with held-out maps of the same simulation.

    Parameters
    ----------
    name : str
        Name of the variant.
    seed : int
        Seed of the simulation and of the training.
    maps, held_out : int
        Numbers of training maps and of held-out maps.

    Returns
    -------
    dict of str to float
        Distances, their nulls, the score, and the seconds of the training.
    """
    change, prepare = variants()[name]
    if prepare:
        prepare()
    from benchmarks.upsampling import lattice_power
    from cosmogan_k3.config import Simulation
    from cosmogan_k3.gan.build import build_adapted_gan
    from cosmogan_k3.gan.presets import get_preset
    from cosmogan_k3.gan.sampler import Sampler
    from cosmogan_k3.maps import Batches, Scaling
    from cosmogan_k3.simulation import simulate_maps
    from cosmogan_k3.statistics import Validation, validation_score

    preset = replace(get_preset("quick"), **change)
    both = simulate_maps(Simulation(maps=maps + held_out, seed=seed), quiet=True)
    kappa, real = both.kappa[:maps], both.kappa[maps:]
    options = {"batch_size": preset.batch_size, "augment": preset.augment, "seed": seed}
    batches = Batches(kappa, Scaling.fit(preset.scaling, kappa), **options)
    gan = build_adapted_gan(preset, batches, both, seed=seed)
    start = time.perf_counter()
    gan.fit(batches, epochs=preset.epochs, verbose=0)
    seconds = time.perf_counter() - start
    generated = Sampler(gan).sample(held_out, seed=seed + 1)
    found = Validation(real, pixel_arcmin=both.pixel_arcmin).distances(generated)
    for k in (2, 4):
        ratio, expected = (lattice_power(m - m.mean(), both.pixels // k) for m in (generated, real))
        found[f"lattice_{k}"] = float(ratio / expected)
    return found | {"score": validation_score(found), "seconds": seconds}


def table(results: dict[tuple[str, int], dict[str, float]]) -> str:
    """Markdown table: median and range over the seeds of each variant."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "| --- " * len(_COLUMNS) + "|"]
    for name in dict.fromkeys(name for name, _ in results):
        rows = [row for (other, _), row in results.items() if other == name]
        cells = [name, str(len(rows))]
        for key in ("score", *_DISTANCES, *_LATTICE):
            values = [row[key] for row in rows]
            digits = 2 if key == "score" or key in _LATTICE else 4 if key.startswith("ks") else 3
            middle, low, high = (
                f"{value:.{digits}f}" for value in (np.median(values), min(values), max(values))
            )
            cells.append(f"{middle} ({low}–{high})")
        lines.append(f"| {' | '.join(cells)} |")
    nulls = [np.median([row[f"{key}_null"] for row in results.values()]) for key in _DISTANCES]
    cells = ["halves of the held-out maps", "", "0", *(f"{null:.4f}" for null in nulls), "1", "1"]
    return "\n".join([*lines, f"| {' | '.join(cells)} |"]) + "\n"


def train_in_process(path: Path, name: str, seed: int) -> None:
    """Train a variant in a process of its own with the same options, and write its result."""
    command = [sys.executable, __file__, *sys.argv[1:], "--worker", name, str(seed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    path.write_text(done.stdout.splitlines()[-1])


def parse_arguments() -> argparse.Namespace:
    """Parse the command line, and set the backend."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", metavar="VARIANT", help="default: all variants")
    parser.add_argument("--maps", type=int, default=4200)
    parser.add_argument("--held-out", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("variants"))
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = arguments.backend
    arguments.only = arguments.only or list(variants())
    unknown = sorted(set(arguments.only) - set(variants()))
    if unknown:
        known = ", ".join(variants())
        parser.error(f"--only: no such variant: {', '.join(unknown)}. There are: {known}")
    return arguments


def main() -> None:
    """Train all variants and seeds, and write the table."""
    arguments = parse_arguments()
    if arguments.worker:
        name, seed = arguments.worker
        print(json.dumps(train(name, int(seed), arguments.maps, arguments.held_out)))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = {}
    for name, seed in product(arguments.only, arguments.seeds):
        path = arguments.out / f"{name.replace('/', ':').replace(' ', '-')}-{seed}.json"
        if not path.is_file():
            train_in_process(path, name, seed)
        results[name, seed] = json.loads(path.read_text())
        (arguments.out / "table.md").write_text(table(results))
        print(name, seed, json.dumps(results[name, seed]), flush=True)


if __name__ == "__main__":
    main()
