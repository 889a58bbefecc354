"""Train `quick` with one thing changed at a time, and write what each change does to maps that were held out.

python benchmarks/variants.py --backend torch --seeds 0 1 2 --only quick "transposed" "feature matching"

Every variant and seed is a process of its own. What is complete is kept, so that the command can be repeated until the
table is full. The maps of a seed are the first that `cosmogan main` simulates with it, held-out ones included: what is
chosen by them has to be tested on another seed's.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Running a script puts its own folder first, where statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import numpy as np

_COLUMNS = (
    "variant",
    "seeds",
    "score",
    "mean \\|ΔP/P\\|",
    "largest",
    "KS of pixels",
    "peaks",
    "lattice N/2",
    "N/4",
)
_DISTANCES = (
    "power_spectrum_error_mean",
    "power_spectrum_error_max",
    "ks_pixels_distance",
    "peak_counts_error",
)
_LATTICE = ("lattice_2", "lattice_4")


def hinge(*margins):
    """A loss schedule: epoch by epoch another margin, of both kinds of maps."""
    return {i: {"name": "hinge", "margin_real": m, "margin_fake": m} for i, m in enumerate(margins)}


def variants():
    """What to replace in the preset, and what to call before the networks are built."""
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
        "hinge": ({"losses": hinge(1.0)}, None),
        "hinge, margins 1 to 1/4": ({"losses": hinge(1.0, 0.75, 0.5, 0.25)}, None),
        "hinge, margins 1/4 to 1": ({"losses": hinge(0.25, 0.5, 0.75, 1.0)}, None),
        "transposed": ({}, use_transposed),
        "feature matching 1": ({}, partial(use_feature_matching, 1.0)),
        "feature matching 10": ({}, partial(use_feature_matching, 10.0)),
    }


def use_transposed():
    """Double the grid by transposed convolutions, not by repeating pixels."""
    from cosmogan_k3.gan import generator
    from cosmogan_k3.nn.layers import UpsampleConv2D

    generator.UpsampleConv2D = partial(UpsampleConv2D, mode="transposed")


def use_feature_matching(weight):
    """Add w ⟨(⟨f(x)⟩ − ⟨f(g)⟩)²⟩ to the generator's loss, f what the logit is computed from (arXiv 1606.03498)."""
    from keras import Model, ops

    from cosmogan_k3.gan import build, gan

    @cache
    def features(discriminator):
        return Model(discriminator.input, discriminator.get_layer("flatten").output)

    class FeatureMatchingGAN(gan.GAN):
        def _generator_objective(self, maps, fake):
            real, generated = (
                ops.mean(features(self.discriminator)(x, training=True), axis=0)
                for x in (maps, fake)
            )
            return super()._generator_objective(maps, fake) + weight * ops.mean(
                ops.square(real - generated)
            )

    build.GAN = FeatureMatchingGAN


def train(name, seed, maps, held_out):
    """Distances of one variant, trained on maps of its seed, to others of the same simulation."""
    change, prepare = variants()[name]
    if prepare:
        prepare()
    from benchmarks.upsampling import lattice_power
    from cosmogan_k3.config import Simulation
    from cosmogan_k3.gan.build import new_gan
    from cosmogan_k3.gan.presets import get_preset
    from cosmogan_k3.maps import Batches, Scaling
    from cosmogan_k3.simulation import simulate_maps
    from cosmogan_k3.statistics import Validation, validation_score

    preset = replace(get_preset("quick"), **change)
    both = simulate_maps(Simulation(maps=maps + held_out, seed=seed), quiet=True)
    kappa, real = both.kappa[:maps], both.kappa[maps:]
    options = {"batch_size": preset.batch_size, "augment": preset.augment, "seed": seed}
    batches = Batches(kappa, Scaling.fit(preset.scaling, kappa), **options)
    gan = new_gan(preset, batches, both, seed=seed)
    start = time.perf_counter()
    gan.fit(batches, epochs=preset.epochs, verbose=0)
    seconds = time.perf_counter() - start
    generated = gan.sample(held_out, seed=seed + 1)
    found = Validation(real, pixel_arcmin=both.pixel_arcmin).distances(generated)
    for k in (2, 4):
        ratio, expected = (lattice_power(m - m.mean(), both.pixels // k) for m in (generated, real))
        found[f"lattice_{k}"] = float(ratio / expected)
    return found | {"score": validation_score(found), "seconds": seconds}


def table(results):
    """Markdown: of each variant the median of its seeds, and in brackets the range."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "| --- " * len(_COLUMNS) + "|"]
    for name in dict.fromkeys(name for name, _ in results):
        rows = [row for (other, _), row in results.items() if other == name]
        cells = [name, str(len(rows))]
        for key in ("score", *_DISTANCES, *_LATTICE):
            values = [row[key] for row in rows]
            digits = 2 if key == "score" or key in _LATTICE else 4 if key.startswith("ks") else 3
            cells.append(
                f"{np.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"
            )
        lines.append(f"| {' | '.join(cells)} |")
    nulls = [np.median([row[f"{key}_null"] for row in results.values()]) for key in _DISTANCES]
    cells = ["halves of the held-out maps", "", "0", *(f"{null:.4f}" for null in nulls), "1", "1"]
    return "\n".join([*lines, f"| {' | '.join(cells)} |"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument(
        "--only", nargs="+", metavar="VARIANT", help="these variants; all by default"
    )
    parser.add_argument("--maps", type=int, default=4200)
    parser.add_argument("--held-out", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("variants"))
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = arguments.backend
    known = variants()
    unknown = sorted(set(arguments.only or ()) - set(known))
    if unknown:
        parser.error(
            f"--only: no such variant: {', '.join(unknown)}. There are: {', '.join(known)}"
        )
    if arguments.worker:
        name, seed = arguments.worker
        print(json.dumps(train(name, int(seed), arguments.maps, arguments.held_out)))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = {}
    for name, seed in product(arguments.only or known, arguments.seeds):
        path = arguments.out / f"{name.replace('/', ':').replace(' ', '-')}-{seed}.json"
        if not path.is_file():
            command = [sys.executable, __file__, *sys.argv[1:], "--worker", name, str(seed)]
            path.write_text(
                subprocess.run(
                    command, check=True, capture_output=True, text=True
                ).stdout.splitlines()[-1]
            )
        results[name, seed] = json.loads(path.read_text())
        (arguments.out / "table.md").write_text(table(results))
        print(name, seed, json.dumps(results[name, seed]), flush=True)


if __name__ == "__main__":
    main()
