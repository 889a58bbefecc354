"""One generator for a range of cosmologies, compared at cosmologies without training maps.

python conditional.py --out conditional --minutes 9      # repeat until the table is written
"""

import argparse
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.figure import Figure

from cosmogan_k3._typing import Maps
from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.config import Simulation
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.figures.style import GENERATED, REAL, new_figure
from cosmogan_k3.maps import Conditioning
from cosmogan_k3.maps.io.atomic import replacing
from cosmogan_k3.simulation import simulate_maps
from cosmogan_k3.statistics import Validation, power_spectrum

Cosmology: TypeAlias = dict[str, float]  # name of a parameter to its value
Record: TypeAlias = dict[str, Any]  # comparison at one cosmology

# Added to the seed, so that the comparison has other maps and latents than the training.
TEST_SEED = 1_000_003

DISTANCES = {
    "power_spectrum_error_mean": "mean \\|ΔP/P\\|",
    "ks_pixels_distance": "KS distance of pixels",
    "peak_counts_error": "Σ\\|Δ peaks\\|/Σ peaks",
}
SUFFIXES = ("", "_null", "_neighbour")
BANDS = ("large", "middle", "small")
SIMULATED = ("vary", "cosmologies", "maps", "pixels", "field_deg", "seed")
TRAINED = ("preset", "backend", "epochs", "seed")


def run(command: str, options: argparse.Namespace, *more: Any, names: Sequence[str]) -> int:
    """Run a command of cosmogan with some of the options; return the exit code."""
    arguments = [command]
    for name in names:
        arguments += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    arguments += map(str, more)
    return subprocess.run([sys.executable, "-m", "cosmogan_k3", *arguments]).returncode


def train(options: argparse.Namespace, folder: Path) -> int:
    """Simulate and train, or resume the training; return the exit code."""
    maps = folder / "maps.h5"
    if not maps.is_file() and (code := run("simulate", options, "--out", maps, names=SIMULATED)):
        return code
    conditions = ",".join(part.split("=")[0].strip() for part in options.vary.split(","))
    more = ["--resume"] if (folder / "run" / "checkpoints").is_dir() else []
    more += ["--data", str(maps), "--condition", conditions, "--model-name", ""]
    return run("train", options, *more, "--out", folder / "run", names=(*TRAINED, "minutes"))


def check_settings(options: argparse.Namespace, folder: Path) -> None:
    """Store the settings in a new folder, or compare them with those of an old one.

    Parameters
    ----------
    options : argparse.Namespace
        The command line.
    folder : Path
        Folder of the results.

    Raises
    ------
    InputError
        If the folder was begun with other settings.
    """
    settings = {name: getattr(options, name) for name in (*SIMULATED, *TRAINED)}
    path = folder / "settings.json"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=1) + "\n")
    elif (stored := json.loads(path.read_text())) != settings:
        differing = ", ".join(name for name in settings if settings[name] != stored.get(name))
        raise InputError(f"{folder}: was begun with another {differing}; name a new folder")


def held_out(conditioning: Conditioning, points: int) -> Iterator[tuple[str, list[Cosmology]]]:
    """Yield a line of cosmologies along each parameter, through the middle of the range.

    Parameters
    ----------
    conditioning : Conditioning
        Parameters of the model and their ranges.
    points : int
        Cosmologies per line.

    Yields
    ------
    tuple of str and list of dict
        The parameter that varies, and the cosmologies.
    """
    lowest, highest = np.array(conditioning.lowest), np.array(conditioning.highest)
    middle = (lowest + highest) / 2
    ends = 0.9 * lowest + 0.1 * highest, 0.1 * lowest + 0.9 * highest
    for axis, name in enumerate(conditioning.names):
        line = np.tile(middle, (points, 1))
        line[:, axis] = np.linspace(*ends, points)[:, axis]
        yield name, [dict(zip(conditioning.names, point, strict=True)) for point in line.tolist()]


def compare(options: argparse.Namespace, emulator: Emulator) -> list[Record]:
    """Compare simulated and generated maps at each held-out cosmology.

    Parameters
    ----------
    options : argparse.Namespace
        The command line.
    emulator : Emulator
        The trained model.

    Returns
    -------
    list of dict
        One record per cosmology: parameters, distances with their nulls, and P(ℓ) in bands.
    """
    records = []
    for name, line in held_out(emulator.conditioning, options.points):
        pairs = [draw_pair(options, emulator, cosmology) for cosmology in line]
        for index, (cosmology, (real, generated)) in enumerate(zip(line, pairs, strict=True)):
            validation = Validation(real, pixel_arcmin=emulator.pixel_arcmin)
            found = validation.distances(generated)
            neighbour, _ = pairs[index + 1 if index + 1 < len(line) else index - 1]
            beside = validation.distances(neighbour)
            record = {"varied": name, **cosmology}
            for distance in DISTANCES:
                record[distance] = found[distance]
                record[f"{distance}_null"] = found[f"{distance}_null"]
                record[f"{distance}_neighbour"] = beside[distance]
            record["real_power"] = band_powers(real, emulator.pixel_arcmin)
            record["generated_power"] = band_powers(generated, emulator.pixel_arcmin)
            records.append(record)
    return records


def draw_pair(
    options: argparse.Namespace, emulator: Emulator, cosmology: Cosmology
) -> tuple[Maps, Maps]:
    """Simulate and generate the same number of maps of a cosmology."""
    count, seed = options.test_maps, options.seed + TEST_SEED
    size = {"maps": count, "pixels": options.pixels, "field_deg": options.field_deg}
    real = simulate_maps(Simulation(**size, seed=seed, **cosmology)).kappa
    return real, emulator.sample(count, seed=seed, parameters=cosmology)


def band_powers(maps: Maps, pixel_arcmin: float) -> list[float]:
    """Mean P(ℓ) in three bands from the fundamental mode to the Nyquist mode."""
    pixels = maps.shape[1]
    modes = np.geomspace(0.5, pixels / 2, len(BANDS) + 1)
    edges = modes * 360 * 60 / (pixels * pixel_arcmin)
    return power_spectrum(maps, pixel_arcmin=pixel_arcmin, ell_edges=edges)[1].mean(axis=0).tolist()


def table(records: list[Record], options: argparse.Namespace) -> str:
    """Markdown table: each distance, its null, and the distance to the next cosmology."""
    names = [name for name in records[0] if name in Simulation.__dataclass_fields__]
    heads = [*names, *DISTANCES.values()]
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    for record in records:
        cells = [f"{record[name]:.3f}" for name in names]
        for distance in DISTANCES:
            found, null, neighbour = (record[f"{distance}{suffix}"] for suffix in SUFFIXES)
            cells.append(f"{found:.4f} ({null:.4f}) [{neighbour:.3f}]")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", caption(options), ""])


def caption(options: argparse.Namespace) -> str:
    """Caption of the table."""
    return (
        f"{options.test_maps} generated against as many simulated maps at each cosmology. There "
        "are no training maps of these cosmologies. Each cell holds the distance, (the distance "
        "between two halves of the simulated maps), and [the distance between the simulated maps "
        "of this and of the next cosmology of the line, for scale]. Trained on 70 % of "
        f"{options.maps} maps of {options.cosmologies} cosmologies in {options.vary}; preset "
        f"{options.preset} on {options.backend}, seed {options.seed}."
    )


def figure(records: list[Record]) -> Figure:
    """Plot P/P(middle) in three bands of ℓ against each parameter, simulated and generated."""
    groups = itertools.groupby(records, key=lambda record: record["varied"])
    lines = [(name, list(group)) for name, group in groups]
    drawing, axes = new_figure(4 * len(lines), 4, columns=len(lines), squeeze=False)
    for axis, (name, line) in zip(axes[0], lines, strict=True):
        reference = np.array(line[len(line) // 2]["real_power"])
        values = [record[name] for record in line]
        for band, (marker, style) in enumerate(zip("os^", ("-", "--", ":"), strict=True)):
            real, generated = (
                [record[f"{kind}_power"][band] / reference[band] for record in line]
                for kind in ("real", "generated")
            )
            scales = f"{BANDS[band]} scales"
            axis.plot(values, real, color=REAL, lw=1, ls=style, label=f"simulated, {scales}")
            options = {"color": GENERATED, "ms": 5, "label": f"generated, {scales}"}
            axis.plot(values, generated, marker, **options)
        axis.set(xlabel=name, ylabel="P / P(middle of the range)")
    axes[0, 0].legend(frameon=False, fontsize="small")
    return drawing


def write(folder: Path, records: list[Record], options: argparse.Namespace) -> None:
    """Write the table, the figure and the metrics."""
    names = [f"{distance}{suffix}" for distance in DISTANCES for suffix in SUFFIXES]
    means = {name: float(np.mean([record[name] for record in records])) for name in names}
    (folder / "table.md").write_text(table(records, options))
    with replacing(folder / "power_by_parameter.png") as partial:
        figure(records).savefig(partial, format="png", dpi=110)
    metrics = json.dumps({"mean": means, "cosmologies": records}, indent=1)
    (folder / "metrics.json").write_text(metrics + "\n")


def parse_arguments(command_line: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--vary", default="omega_m=0.2:0.4,sigma_8=0.6:1.0")
    parser.add_argument("--cosmologies", type=int, default=32, help="number in the training maps")
    parser.add_argument(
        "--maps", type=int, default=9_000, help="maps to simulate; 70 %% are training maps"
    )
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--field-deg", type=float, default=5.0)
    parser.add_argument("--preset", default="best")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--epochs", type=int, default=0, help="0: those of the preset")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="training time in this call; repeat to continue"
    )
    parser.add_argument(
        "--points", type=int, default=5, help="held-out cosmologies per parameter, at least 2"
    )
    parser.add_argument("--test-maps", type=int, default=1_000, help="per held-out cosmology")
    parser.add_argument("--out", default="conditional")
    options = parser.parse_args(command_line)
    if options.points < 2 or options.test_maps < 6:
        parser.error("--points must be at least 2, and --test-maps at least 6")
    return options


def train_and_compare(options: argparse.Namespace, folder: Path) -> int:
    """Train, and compare when the training is complete; return the exit code."""
    check_settings(options, folder)
    model = folder / "run" / "model.keras"
    if not model.is_file() and (code := train(options, folder)):
        return code
    if model.is_file():
        use_backend(options.backend)
        write(folder, compare(options, Emulator.load(model)), options)
        report = model.with_name("report.html")
        print(f"The table is in {folder / 'table.md'}, the report of the training in {report}")
    return 0


def main(command_line: Sequence[str] | None = None) -> int:
    """Run the project; return the exit code."""
    options = parse_arguments(command_line)
    try:
        return train_and_compare(options, Path(options.out))
    except InputError as error:
        print(f"conditional: error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
