"""One generator for a range of cosmologies, judged at cosmologies without training maps.

python conditional.py --out conditional --minutes 9      # repeat until the tables are written
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from comparison import compare
from inference import infer
from results import write
from scipy.optimize import linprog

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.cli.endings import mlflow_pages, say
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import calibrate
from cosmogan_k3.maps import MapSet, read_maps
from cosmogan_k3.simulation.design import parse_ranges

# Added to the seed: held-out simulations share no random numbers with the training maps.
HELD_SEED = 77

SKY = ("method", "box_maps", "pixels", "field_deg")
SIMULATED = (*SKY, "vary", "cosmologies", "maps", "held", "held_cosmologies", "held_maps", "seed")
TRAINED = ("preset", "backend", "epochs", "seed")


def run(command: str, arguments: dict[str, Any], *more: str) -> None:
    """Run a command of cosmogan; end with its exit code if it fails."""
    options = [x for key, value in arguments.items() for x in (f"--{key}".replace("_", "-"), value)]
    words = [sys.executable, "-m", "cosmogan_k3", command, *map(str, options), *more]
    if code := subprocess.run(words).returncode:
        sys.exit(code)


def simulate(options: argparse.Namespace, folder: Path) -> None:
    """Simulate all skies, or what is missing of them."""
    sky = {name: getattr(options, name) for name in SKY}
    training = {
        "vary": options.vary,
        "cosmologies": options.cosmologies,
        "maps": options.maps,
        "seed": options.seed,
    }
    held = {
        "vary": options.held,
        "cosmologies": options.held_cosmologies,
        "maps": options.held_maps,
        "seed": options.seed + HELD_SEED,
    }
    shared = {"workers": options.workers}
    run("simulate", sky | training | shared | {"out": folder / "sky"})
    run("simulate", sky | held | shared | {"out": folder / "held"})
    if options.method != "lognormal":
        lognormal = sky | training | shared | {"method": "lognormal", "out": folder / "lognormal"}
        run("simulate", lognormal)


def train(options: argparse.Namespace, folder: Path) -> None:
    """Train, or resume the training."""
    trained = {name: getattr(options, name) for name in (*TRAINED, "minutes")}
    names = ",".join(part.split("=")[0].strip() for part in options.vary.split(","))
    trained |= {"data": folder / "sky", "condition": names, "model_name": "", "out": folder / "run"}
    run("train", trained, *(["--resume"] if (folder / "run" / "checkpoints").is_dir() else []))


def check_settings(options: argparse.Namespace, folder: Path) -> None:
    """Store the settings in a new folder, or compare them with those of an old one.

    Raises
    ------
    InputError
        If the folder was begun with other settings.
    """
    settings = {name: getattr(options, name) for name in dict.fromkeys((*SIMULATED, *TRAINED))}
    path = folder / "settings.json"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=1) + "\n")
    elif (stored := json.loads(path.read_text())) != settings:
        differing = ", ".join(name for name in settings if settings[name] != stored.get(name))
        raise InputError(f"{folder}: was begun with another {differing}; name a new folder")


def check_hull(names: Sequence[str], sky: MapSet, held: MapSet) -> None:
    """Check that each held-out cosmology is a mean of training cosmologies with positive weights.

    Raises
    ------
    InputError
        If one lies outside their convex hull.
    """
    training, questions = (
        sorted({tuple(row) for row in zip(*(maps.parameters[name] for name in names), strict=True)})
        for maps in (sky, held)
    )
    equations = [[1.0] * len(training), *zip(*training, strict=True)]
    for question in questions:
        # Any feasible weights will do, so the objective is zero.
        if not linprog([0] * len(training), A_eq=equations, b_eq=[1, *question]).success:
            point = ", ".join(f"{n}={x:.3g}" for n, x in zip(names, question, strict=True))
            raise InputError(
                f"{point}: lies outside the convex hull of the training cosmologies; "
                "choose narrower ranges in --held, or other training cosmologies"
            )


def parse_arguments(command_line: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--method", default="nbody", help="nbody or lognormal")
    add("--vary", default="omega_m=0.2:0.4,sigma_8=0.6:1.0", help="ranges of the training maps")
    add("--cosmologies", type=int, default=40, help="number in the training maps")
    add("--maps", type=int, default=8_000, help="maps of these cosmologies")
    add("--held", default="omega_m=0.22:0.38,sigma_8=0.65:0.95", help="ranges of held-out maps")
    add("--held-cosmologies", type=int, default=8)
    add("--held-maps", type=int, default=3_200, help="maps of the held-out cosmologies")
    add("--box-maps", type=int, default=100, help="maps of one N-body simulation")
    add("--pixels", type=int, default=64)
    add("--field-deg", type=float, default=5.0)
    add("--preset", default="best")
    add("--backend", default="torch")
    add("--epochs", type=int, default=0, help="0: those of the preset")
    add("--seed", type=int, default=0)
    add("--minutes", type=float, default=0.0, help="training time in this call; repeat to continue")
    add("--workers", type=int, default=1, help="processes that simulate")
    add("--out", default="conditional")
    return parser.parse_args(command_line)


def judge(options: argparse.Namespace, folder: Path) -> None:
    """Compare maps of the trained model and of its start with simulated ones; write all results."""
    use_backend(options.backend)
    model, start = (Emulator.load(folder / "run" / f"{name}.keras") for name in ("model", "start"))
    calibrate(start.gan)  # as after an epoch: what the training adds is then seen alone
    emulators = {"generated": model, "start": start}
    sky, held = read_maps(folder / "sky"), read_maps(folder / "held")
    names, ranges = model.conditioning.names, parse_ranges(options.held, sky.parameters)
    check_hull(names, sky, held)
    records = compare(emulators, held, seed=options.seed)
    other = read_maps(folder / "lognormal") if options.method != "lognormal" else None
    prior = [ranges[name] for name in names]
    answers = infer(emulators, names, sky, held, other, prior=prior, seed=options.seed)
    write(folder, names, records, answers, options)


def written(folder: Path) -> dict[str, str]:
    """Return where the results are, and what to type next."""
    return {
        "tables": str(folder / "table.md"),
        "figure": str(folder / "conditional.png"),
        "model": str(folder / "run" / "model.keras"),
        "report": str(folder / "run" / "report.html"),
        "MLflow": mlflow_pages(),
    }


def simulate_train_and_judge(options: argparse.Namespace, folder: Path) -> None:
    """Run all parts that are not done."""
    check_settings(options, folder)
    model = folder / "run" / "model.keras"
    if not model.is_file():
        simulate(options, folder)
        train(options, folder)
    if model.is_file():
        judge(options, folder)
        say(written(folder), quiet=False)


def main(command_line: Sequence[str] | None = None) -> int:
    """Run the project; return the exit code."""
    options = parse_arguments(command_line)
    try:
        simulate_train_and_judge(options, Path(options.out))
    except InputError as error:
        print(f"conditional: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
