"""Train the paper's systems on the same maps, and write its claims beside what was measured.

python paper.py --out paper --minutes 9      # repeat until the table is complete
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from claims import write_table

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.cli.endings import mlflow_pages, say
from cosmogan_k3.cli.maps import read_or_simulate
from cosmogan_k3.config import METHODS, MainConfig
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, Splits
from cosmogan_k3.maps.io.atomic import replacing
from cosmogan_k3.statistics import power_spectrum, published_mode_edges
from cosmogan_k3.statistics.two_sample.distances import relative_error

if TYPE_CHECKING:
    from cosmogan_k3.gan import Preset

# What a folder is begun with; the rest may differ from one command to the next.
FIXED = ("data", "method", "maps", "pixels", "width", "epochs", "backend")
# The modes that the paper compares, and the side of its maps.
_MODES, _PIXELS = 248, 256
# Latents that neither training nor its evaluation used.
_SEED = 2_000_003


def config_of(options: argparse.Namespace, system: str, seed: int, minutes: float) -> MainConfig:
    """Return the options of ``cosmogan main`` for one run."""
    from systems import SYSTEMS

    out, start = options.out / f"{system}-{seed}", SYSTEMS[system].start
    return MainConfig(
        data=options.data,
        method=options.method,
        maps=options.maps,
        pixels=options.pixels,
        preset=SYSTEMS[system].preset,
        width=options.width,
        backend=options.backend,
        seed=seed,
        start=str(options.out / f"{start}-{seed}" / "model.keras") if start else "",
        model_name="",
        out=str(out),
        resume=int((out / "checkpoints").is_dir()),
        minutes=minutes,
        quiet=True,
    )


def train_all(options: argparse.Namespace) -> None:
    """Train what is not complete, in order, until the minutes are over."""
    from systems import SYSTEMS, planned

    from cosmogan_k3.gan import get_preset
    from cosmogan_k3.training.setup import split

    # Maps and split are those of seed 0 for every seed of a network.
    first = config_of(options, "geogan", 0, 0)
    maps, _ = read_or_simulate(first, get_preset(first.preset))
    splits = split(maps, first.seed)
    begun = time.monotonic()
    for system, seed in planned(options.systems):
        left = options.minutes - (time.monotonic() - begun) / 60 if options.minutes else 0.0
        if options.minutes and left <= 0:
            return
        config = config_of(options, system, seed, left)
        if config.start and not Path(config.start).is_file():
            continue
        if not (Path(config.out) / "metrics.json").is_file():
            preset = SYSTEMS[system].prepared(width=options.width, epochs=options.epochs)
            train_one(config, preset, maps, splits)
        write_modes(Path(config.out), splits)
        write_table(options.out)


def train_one(config: MainConfig, preset: "Preset", maps: MapSet, splits: Splits) -> None:
    """Start or resume one run; a training that fails leaves the reason and does not end the rest.

    Parameters
    ----------
    config : MainConfig
    preset : Preset
    maps : MapSet
    splits : Splits
    """
    from cosmogan_k3.training.setup import exclusive_folder
    from cosmogan_k3.training.trainer import train

    failure = Path(config.out) / "failure.txt"
    failure.unlink(missing_ok=True)
    print(f"{config.out}: {preset.epochs} epochs", flush=True)
    try:
        with exclusive_folder(config):
            train(config, preset, maps, splits=splits)
    except InputError as error:
        if not (Path(config.out) / "checkpoints").is_dir():
            raise
        failure.write_text(f"{error}\n")


def write_modes(folder: Path, splits: Splits) -> None:
    """Compare the modes of the paper, as far as maps of this side have them.

    Parameters
    ----------
    folder : Path
        Folder of a run; nothing happens if it is not complete, or has been compared before.
    splits : Splits
        The generated maps are compared with the test maps, and these with training maps.
    """
    path = folder / "modes.json"
    if path.is_file() or not (folder / "metrics.json").is_file():
        return
    test, train = splits.test, splits.train
    modes = round(_MODES * test.pixels / _PIXELS)
    edges = published_mode_edges(test.pixels, test.pixel_arcmin, modes=modes)
    count = min(len(test), len(train))
    drawn = Emulator.load(folder / "model.keras").sample(count, seed=_SEED)
    real, generated, null = (
        power_spectrum(kappa, pixel_arcmin=test.pixel_arcmin, ell_edges=edges)[1]
        for kappa in (test.kappa[:count], drawn, train.kappa[:count])
    )
    names = ("mean", "largest")
    found = {"modes": modes} | dict(zip(names, relative_error(real, generated), strict=True))
    null_names = (f"{name}_null" for name in names)
    found |= dict(zip(null_names, relative_error(real, null), strict=True))
    with replacing(path) as partial:
        partial.write_text(json.dumps(found, indent=1) + "\n")


def check_settings(options: argparse.Namespace) -> None:
    """Store the settings in a new folder, or compare them with those of an old one.

    Raises
    ------
    InputError
        If the folder was begun with other settings.
    """
    settings = {name: getattr(options, name) for name in FIXED}
    path = options.out / "settings.json"
    if not path.is_file():
        with replacing(path) as partial:
            partial.write_text(json.dumps(settings, indent=1) + "\n")
    elif (stored := json.loads(path.read_text())) != settings:
        differing = ", ".join(name for name in settings if settings[name] != stored.get(name))
        raise InputError(f"{options.out}: was begun with another {differing}; name a new folder")


def parse_arguments(command_line: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", default="", help="maps; without them N-body maps are simulated")
    parser.add_argument("--method", default="nbody", choices=METHODS)
    parser.add_argument("--maps", type=int, default=4_000, help="maps to simulate")
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument(
        "--systems", default="", help="systems to train, separated by commas; default: all"
    )
    parser.add_argument(
        "--width", type=float, default=0.125, help="factor on the channels of all networks"
    )
    parser.add_argument(
        "--epochs",
        type=int,
        default=80,
        help="of each system; continuations have half as many, best an eighth",
    )
    parser.add_argument("--backend", default="torch")
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="training time in this call; repeat to continue"
    )
    parser.add_argument("--out", type=Path, default=Path("paper"))
    return parser.parse_args(command_line)


def run(options: argparse.Namespace) -> None:
    """Train, and write the table."""
    use_backend(options.backend)
    from systems import SYSTEMS

    options.systems = options.systems.split(",") if options.systems else list(SYSTEMS)
    if unknown := set(options.systems) - set(SYSTEMS):
        raise InputError(
            f"unknown systems: {', '.join(sorted(unknown))}; expected some of {', '.join(SYSTEMS)}"
        )
    check_settings(options)
    train_all(options)
    write_table(options.out)
    say(written(options.out), quiet=False)


def written(folder: Path) -> dict[str, str]:
    """Return where the results are, and what to type next."""
    reports = sorted(folder.glob("*/report.html"))
    return {
        "table": str(folder / "table.md"),
        "reports": f"{len(reports)}, such as {reports[-1]}" if reports else "",
        "MLflow": mlflow_pages(),
    }


def main(command_line: Sequence[str] | None = None) -> int:
    """Run the project; return the exit code."""
    try:
        run(parse_arguments(command_line))
    except InputError as error:
        print(f"paper: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
