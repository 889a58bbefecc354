"""One generator for a range of cosmologies: simulate, train, and compare at cosmologies that it has never seen.

python conditional.py --out conditional --minutes 9      # repeat until it says that the table is written
"""

import argparse
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.config import Simulation
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.figures.style import GENERATED, REAL, new_figure
from cosmogan_k3.maps.io.atomic import replacing
from cosmogan_k3.simulation import simulate_maps
from cosmogan_k3.statistics import Validation, power_spectrum

TEST_SEED = 1_000_003
"""Added to the seed: neither the maps nor the latents of the comparison occur in training."""

DISTANCES = {
    "power_spectrum_error_mean": "mean \\|ΔP/P\\|",
    "ks_pixels_distance": "KS distance of pixels",
    "peak_counts_error": "Σ\\|Δ peaks\\|/Σ peaks",
}
SUFFIXES = ("", "_null", "_neighbour")
BANDS = ("large", "middle", "small")
SIMULATED = ("vary", "cosmologies", "maps", "pixels", "field_deg", "seed")
TRAINED = ("preset", "backend", "epochs", "seed")


def run(command, given, *more, names):
    """One command of cosmogan with the options of these names; its exit code."""
    options = [
        x for name in names for x in (f"--{name.replace('_', '-')}", str(getattr(given, name)))
    ]
    return subprocess.run(
        [sys.executable, "-m", "cosmogan_k3", command, *options, *map(str, more)]
    ).returncode


def train(given, folder):
    """Simulate and train, or go on with it; the exit code."""
    maps = folder / "maps.h5"
    if not maps.is_file() and (code := run("simulate", given, "--out", maps, names=SIMULATED)):
        return code
    told = ",".join(part.split("=")[0].strip() for part in given.vary.split(","))
    more = ["--resume"] if (folder / "run" / "checkpoints").is_dir() else []
    more += ["--data", maps, "--condition", told, "--model-name", "", "--out", folder / "run"]
    return run("train", given, *more, names=(*TRAINED, "minutes"))


def check(given, folder):
    """Refuse a folder of other settings than it was begun with; remember them in a new one.

    Raises:
        InputError
    """
    settings = {name: getattr(given, name) for name in (*SIMULATED, *TRAINED)}
    path = folder / "settings.json"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=1) + "\n")
    elif (there := json.loads(path.read_text())) != settings:
        differing = ", ".join(name for name in settings if settings[name] != there.get(name))
        raise InputError(f"{folder}: was begun with another {differing}; name a new folder")


def held_out(conditioning, points):
    """Lines through the middle of the range, one a parameter: (name, list of cosmologies), the middle among them."""
    lowest, highest = np.array(conditioning.lowest), np.array(conditioning.highest)
    middle = (lowest + highest) / 2
    for axis, name in enumerate(conditioning.names):
        places = np.tile(middle, (points, 1))
        places[:, axis] = np.linspace(
            0.9 * lowest + 0.1 * highest, 0.1 * lowest + 0.9 * highest, points
        )[:, axis]
        yield (
            name,
            [dict(zip(conditioning.names, map(float, place), strict=True)) for place in places],
        )


def compare(given, emulator):
    """One record for each held-out cosmology, in the order of the lines."""
    records = []
    for name, line in held_out(emulator.conditioning, given.points):
        real, generated = zip(
            *(drawn(given, emulator, cosmology) for cosmology in line), strict=True
        )
        for index, cosmology in enumerate(line):
            validation = Validation(real[index], pixel_arcmin=emulator.pixel_arcmin)
            found = validation.distances(generated[index])
            beside = validation.distances(real[index + 1 if index + 1 < len(line) else index - 1])
            record = {"varied": name, **cosmology}
            for distance in DISTANCES:
                record[distance] = found[distance]
                record[f"{distance}_null"] = found[f"{distance}_null"]
                record[f"{distance}_neighbour"] = beside[distance]
            record["real_power"] = in_bands(real[index], emulator.pixel_arcmin)
            record["generated_power"] = in_bands(generated[index], emulator.pixel_arcmin)
            records.append(record)
    return records


def drawn(given, emulator, cosmology):
    """As many simulated as generated maps of a cosmology."""
    simulation = Simulation(
        maps=given.test_maps,
        pixels=given.pixels,
        field_deg=given.field_deg,
        seed=given.seed + TEST_SEED,
        **cosmology,
    )
    real = simulate_maps(simulation).kappa
    return real, emulator.sample(given.test_maps, seed=given.seed + TEST_SEED, parameters=cosmology)


def in_bands(maps, pixel_arcmin):
    """Mean P(ℓ) in three bands from the fundamental mode to Nyquist's."""
    pixels = maps.shape[1]
    modes = np.geomspace(0.5, pixels / 2, len(BANDS) + 1)
    edges = modes * 360 * 60 / (pixels * pixel_arcmin)
    return power_spectrum(maps, pixel_arcmin=pixel_arcmin, ell_edges=edges)[1].mean(axis=0).tolist()


def table(records, given):
    """The records as Markdown: each distance, (the same between two real halves), [and to the next cosmology]."""
    names = [name for name in records[0] if name in Simulation.__dataclass_fields__]
    heads = [*names, *DISTANCES.values()]
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    for record in records:
        cells = [f"{record[name]:.3f}" for name in names]
        cells += [
            "{:.4f} ({:.4f}) [{:.3f}]".format(*(record[f"{d}{x}"] for x in SUFFIXES))
            for d in DISTANCES
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", caption(given), ""])


def caption(given):
    return (
        f"{given.test_maps} generated against as many simulated maps at each of these cosmologies, on none of which it "
        "was trained: the distance, (the same between two halves of the simulated maps, half as many), [and from the "
        "simulated maps to those of the next cosmology of the line, as a sense of scale]. Trained on 70 % of "
        f"{given.maps} maps of {given.cosmologies} cosmologies in {given.vary}; preset {given.preset} on "
        f"{given.backend}, seed {given.seed}."
    )


def figure(records):
    """P/P(middle) in three bands of ℓ against each parameter, simulated and generated."""
    lines = [
        (name, list(group)) for name, group in itertools.groupby(records, key=lambda r: r["varied"])
    ]
    drawing, axes = new_figure(4 * len(lines), 4, columns=len(lines), squeeze=False)
    for axis, (name, line) in zip(axes[0], lines, strict=True):
        reference = np.array(line[len(line) // 2]["real_power"])
        values = [record[name] for record in line]
        for band, marker in enumerate("os^"):
            real, generated = (
                [record[f"{kind}_power"][band] / reference[band] for record in line]
                for kind in ("real", "generated")
            )
            axis.plot(
                values,
                real,
                color=REAL,
                lw=1,
                ls=("-", "--", ":")[band],
                label=f"simulated, {BANDS[band]} scales",
            )
            axis.plot(
                values,
                generated,
                marker,
                color=GENERATED,
                ms=5,
                label=f"generated, {BANDS[band]} scales",
            )
        axis.set(xlabel=name, ylabel="P / P(middle of the range)")
    axes[0, 0].legend(frameon=False, fontsize="small")
    return drawing


def write(folder, records, given):
    means = {
        f"{d}{suffix}": float(np.mean([record[f"{d}{suffix}"] for record in records]))
        for d, suffix in itertools.product(DISTANCES, SUFFIXES)
    }
    (folder / "table.md").write_text(table(records, given))
    with replacing(folder / "power_by_parameter.png") as partial:
        figure(records).savefig(partial, format="png", dpi=110)
    (folder / "metrics.json").write_text(
        json.dumps({"mean": means, "cosmologies": records}, indent=1) + "\n"
    )


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--vary", default="omega_m=0.2:0.4,sigma_8=0.6:1.0")
    parser.add_argument(
        "--cosmologies", type=int, default=32, help="that the training maps have between them"
    )
    parser.add_argument(
        "--maps", type=int, default=9_000, help="to simulate, of which 70 %% are learned from"
    )
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--field-deg", type=float, default=5.0)
    parser.add_argument("--preset", default="best")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--epochs", type=int, default=0, help="0: the preset's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="of training in this call; repeat it to go on"
    )
    parser.add_argument(
        "--points",
        type=int,
        default=5,
        help="held-out cosmologies along each parameter, at least 2",
    )
    parser.add_argument("--test-maps", type=int, default=1_000, help="of each held-out cosmology")
    parser.add_argument("--out", default="conditional")
    given = parser.parse_args(arguments)
    if given.points < 2 or given.test_maps < 6:
        parser.error("--points must be at least 2, and --test-maps at least 6")
    try:
        return job(given, Path(given.out))
    except InputError as error:
        print(f"conditional: error: {error}", file=sys.stderr)
        return 2


def job(given, folder):
    check(given, folder)
    model = folder / "run" / "model.keras"
    if not model.is_file() and (code := train(given, folder)):
        return code
    if model.is_file():
        use_backend(given.backend)
        write(folder, compare(given, Emulator.load(model)), given)
        print(
            f"The table is in {folder / 'table.md'}, the report of the training in {model.with_name('report.html')}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
