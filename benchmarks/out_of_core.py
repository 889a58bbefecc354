"""Memory of the commands with more maps than a budget of memory.

python benchmarks/out_of_core.py                                      # files of 1 GB in all
python benchmarks/out_of_core.py --real 400 --generated 200 --pixels 32

The commands simulate two sets, compare them, and train on the larger one until the training has run
for a while. Each command is a process of its own, whose largest resident memory is printed; for
evaluation and training it has to stay below the budget. Files are removed at the end.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

# A signal to a training writes a checkpoint and ends it with this status.
_TERMINATED = 143


def run(*arguments: object, until: Callable[[], bool] | None = None) -> tuple[float, float]:
    """Run a command of cosmogan.

    Parameters
    ----------
    *arguments : object
        Of the command line.
    until : function, optional
        The command gets SIGTERM as soon as this returns True.

    Returns
    -------
    megabytes, seconds : float
        Largest resident memory, and time.
    """
    start = time.perf_counter()
    command = [sys.executable, "-m", "cosmogan_k3", *map(str, arguments)]
    process = subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": sys.path[0]}, stdout=subprocess.DEVNULL
    )
    ended = threading.Event()
    if until is not None:
        threading.Thread(target=_terminate, args=(process.pid, until, ended)).start()
    _, status, usage = os.wait4(process.pid, 0)
    ended.set()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, _TERMINATED):
        raise SystemExit(f"{' '.join(command)}: status {process.returncode}")
    return usage.ru_maxrss / 1e3, time.perf_counter() - start


def _terminate(process: int, until: Callable[[], bool], ended: threading.Event) -> None:
    while not ended.wait(1):
        if until():
            os.kill(process, signal.SIGTERM)
            return


def after_steps(out: Path, seconds: float) -> Callable[[], bool]:
    """Return whether a training has had ``seconds`` for its steps, after its first checkpoint."""
    begun: list[float] = []

    def is_over() -> bool:
        if not begun and any((out / "checkpoints").glob("epoch-*")):
            begun.append(time.perf_counter())
        return bool(begun) and time.perf_counter() - begun[0] > seconds

    return is_over


def measure(folder: Path, arguments: argparse.Namespace) -> bool:
    """Run the commands, print a table, and return whether the budget was kept."""
    suffix, pixels = arguments.format, arguments.pixels
    sets = {
        "real": (folder / f"real.{suffix}", arguments.real, 1),
        "generated": (folder / f"generated.{suffix}", arguments.generated, 2),
    }
    print("| command | data (MB) | peak (MB) | s |", "| --- " * 4 + "|", sep="\n")
    within = True

    def row(name: str, files: list[Path], budget: float, peak: float, seconds: float) -> bool:
        data = sum(path.stat().st_size for path in files) / 1e6
        print(f"| {name} | {data:.0f} | {peak:.0f} | {seconds:.0f} |", flush=True)
        return peak <= budget

    for name, (path, count, seed) in sets.items():
        options = ["--maps", count, "--pixels", pixels, "--seed", seed, "--out", path, "--quiet"]
        row(f"simulate ({name})", [path], float("inf"), *run("simulate", *options))
    real, generated = (path for path, _, _ in sets.values())
    size = ["--pixel-arcmin", 300 / pixels] if suffix == "npy" else []
    options = ["--real", real, "--generated", generated, "--out", folder / "evaluation", *size]
    found = run("evaluate", *options, "--quiet")
    within &= row("evaluate", [real, generated], arguments.budget, *found)
    out = folder / "run"
    options = ["--data", real, "--preset", arguments.preset, "--backend", arguments.backend, *size]
    options += ["--tracking", "off", "--model-name", "", "--out", out, "--quiet"]
    found = run("train", *options, until=after_steps(out, arguments.seconds))
    return row("train", [real], arguments.budget, *found) and within


def main() -> None:
    """Print the table; exit with 1 if a command needed more memory than the budget."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=int, default=12_000, help="maps of the larger set")
    parser.add_argument("--generated", type=int, default=4000, help="maps of the smaller set")
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--format", choices=["h5", "npy", "fits"], default="h5")
    parser.add_argument("--budget", type=float, default=1000, metavar="MB")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--seconds", type=float, default=60, help="of training steps")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        within = measure(Path(folder), arguments)
    raise SystemExit(0 if within else "more memory than the budget")


if __name__ == "__main__":
    main()
