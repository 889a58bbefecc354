"""Train ``best`` wide and ``geogan`` at 256² on N-body maps, in pieces that a short loan allows.

python -m benchmarks.card_trainings --out card --minutes 8     # repeat until it says "complete"
python -m benchmarks.card_trainings --out card --small   # on tiny settings, for a CPU

Every repetition goes on where the last one stopped: boxes that are simulated stay, trainings
resume from their checkpoints. ``table.md`` has the distances of the trainings that are complete,
and ``<training>/run/model.keras`` their weights.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What a training needs besides its epochs: the first step compiled, the last epoch finished.
_ROOM_MINUTES = 1.5


@dataclass(frozen=True)
class Training:
    """A system and its maps.

    Parameters
    ----------
    simulate, train : tuple of str
        Options of the two commands.
    """

    simulate: tuple[str, ...]
    train: tuple[str, ...]


def _options(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CARD = {
    "best": Training(
        _options("--pixels 64 --maps 8000"),
        _options("--preset best --width 3 --epochs 24 --batch-size 32"),
    ),
    "geogan": Training(
        _options("--pixels 256 --maps 4000"),
        _options("--preset geogan --epochs 60"),
    ),
}
_TINY = "--pixels 16 --maps 240 --box-maps 10 --particles 16"
SMALL = {
    "best": Training(_options(_TINY), _options("--preset tiny --width 2 --epochs 2")),
    "geogan": Training(_options(_TINY), _options("--preset tiny --loss hinge --epochs 2")),
}


def run(command: list[str], seconds: float) -> bool:
    """Run ``cosmogan`` for at most so many seconds; return whether it ended by itself."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = [sys.executable, "-m", "cosmogan_k3", *command]
    try:
        subprocess.run(process, env=environment, check=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def advance(name: str, training: Training, options: argparse.Namespace, end: float) -> bool:
    """Simulate and train until the time ends; return whether the training is complete."""
    folder = options.out / name
    maps, trained = folder / "maps", folder / "run"
    common = ["--backend", options.backend, "--seed", str(options.seed)]
    if (trained / "metrics.json").exists():
        return True
    simulate = ["simulate", "--method", "nbody", *training.simulate, "--shard-maps", "500"]
    simulate += ["--seed", str(options.seed), "--out", str(maps)]
    if not run(simulate, end - time.monotonic()):
        return False
    minutes = (end - time.monotonic()) / 60 - _ROOM_MINUTES
    if minutes <= 0:
        return False
    train = ["train", "--data", str(maps), *training.train, *common, "--out", str(trained)]
    train += ["--precision", options.precision, "--minutes", f"{minutes:.2f}", "--model-name", ""]
    if (trained / "checkpoints").exists():
        train += ["--resume", "1"]
    run(train, end - time.monotonic())
    return (trained / "metrics.json").exists()


def table(options: argparse.Namespace, names: list[str]) -> str:
    """Return the distances of the complete trainings over their nulls, in Markdown."""
    lines = [
        f"{options.precision}, {options.backend}, seed {options.seed}.",
        "",
        "| system | statistic | distance | real against real |",
        "| --- | --- | --- | --- |",
    ]
    for name in names:
        path = options.out / name / "run" / "metrics.json"
        if not path.exists():
            lines.append(f"| {name} | not complete | | |")
            continue
        metrics = json.loads(path.read_text())
        for key in sorted(metrics):
            if f"{key}_null" in metrics:
                lines.append(
                    f"| {name} | {key} | {metrics[key]:.3g} | {metrics[f'{key}_null']:.3g} |"
                )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("card"))
    parser.add_argument("--minutes", type=float, default=8.0, help="of this repetition")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="tiny settings, for a CPU")
    options = parser.parse_args()
    os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{options.out.resolve()}/mlflow.db")
    options.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * options.minutes
    trainings = SMALL if options.small else CARD
    complete = [advance(name, each, options, end) for name, each in trainings.items()]
    (options.out / "table.md").write_text(table(options, list(trainings)))
    print("complete" if all(complete) else "repeat the command to go on")


if __name__ == "__main__":
    main()
