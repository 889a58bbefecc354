"""Long trainings: memory and open files over 2,000 steps, and a database under 8 writers.

python benchmarks/soak.py --backends jax tensorflow torch     (or: make soak)

Each backend trains 200 epochs of ten steps by ``cosmogan train``, with a checkpoint after each. The
operating system tells how much memory and how many files the process holds after each epoch. Then
8 processes log to one SQLite store of MLflow at the same time; all numbers must be in it.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import numpy as np

from cosmogan_k3.maps import MapSet, write_maps

EPOCHS, STEPS = 200, 10
WRITERS, WRITTEN = 8, 100

# Memory is compared between the epochs after the first two fifths and the last ones; medians,
# because an epoch's own arrays come and go.
_WARM, _WINDOW = 80, 20
_LARGEST_GROWTH = 0.01


def training(folder: Path, backend: str) -> Iterator[tuple[int, int, int]]:
    """Train, and yield the epoch, its resident bytes and its open files after each checkpoint."""
    command = [
        *(sys.executable, "-m", "cosmogan_k3", "train", "--data", "maps.npz", "--preset", "tiny"),
        *("--epochs", str(EPOCHS), "--model-name", "", "--quiet", "--backend", backend),
    ]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    environment |= {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=folder, env=environment)
    seen = 0
    while process.poll() is None:
        epochs = [int(path.name[6:]) for path in folder.glob("run/checkpoints/epoch-????")]
        if epochs and max(epochs) > seen:
            seen = max(epochs)
            yield seen, *_held(process.pid)
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f"{backend}: exit code {process.returncode}")


def _held(pid: int) -> tuple[int, int]:
    """Return the resident bytes and the number of open files of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    return 1024 * int(kilobytes), len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208


def soak(backend: str) -> str:
    """Return the row of a backend."""
    with tempfile.TemporaryDirectory() as name:
        kappa = np.random.default_rng(0).lognormal(sigma=0.3, size=(115, 16, 16))
        write_maps(Path(name, "maps.npz"), MapSet(kappa.astype("float32"), 3.0))
        samples = np.array(list(training(Path(name), backend)))
    early = samples[(samples[:, 0] > _WARM) & (samples[:, 0] <= _WARM + _WINDOW)]
    late = samples[samples[:, 0] > EPOCHS - _WINDOW]
    (before, files_before), (after, files_after) = (
        np.median(part[:, 1:], axis=0) for part in (early, late)
    )
    growth = after / before - 1
    good = growth < _LARGEST_GROWTH and files_after <= files_before
    return (
        f"| {backend} | {EPOCHS * STEPS:,} | {EPOCHS} | {before / 1e6:.1f} | {after / 1e6:.1f} | "
        f"{growth:+.2%} | {files_before:.0f} | {files_after:.0f} | {'yes' if good else 'NO'} |"
    )


def write(number: int, uri: str) -> None:
    """Log a run of many epochs; this is one of the writers."""
    os.environ["MLFLOW_TRACKING_URI"] = uri
    from cosmogan_k3.tracking import runs

    with runs.training_run(f"writer-{number}", {"writer": number}):
        for epoch in range(1, WRITTEN + 1):
            runs.log_epoch({"value": number + epoch / 1000, "other": 0.5}, epoch)


def database() -> str:
    """Let processes write to one database, and return what is in it."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import cosmogan_k3.tracking.runs  # noqa: F401 - once, and not in each process

    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "mlflow.db")
        context = multiprocessing.get_context("fork")
        first = context.Process(target=write, args=(0, f"sqlite:///{file}"))
        first.start()  # alone: it creates the tables
        first.join()
        writers = [
            context.Process(target=write, args=(number, f"sqlite:///{file}"))
            for number in range(1, WRITERS + 1)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        failed = sum(writer.exitcode != 0 for writer in (first, *writers))
        with sqlite3.connect(file) as connection:
            integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
            rows = connection.execute(
                "SELECT count(DISTINCT run_uuid || '/' || step) FROM metrics WHERE key = 'value'"
            ).fetchone()[0]
            ended = connection.execute(
                "SELECT count(*) FROM runs WHERE status = 'FINISHED'"
            ).fetchone()[0]
    expected = (WRITERS + 1) * WRITTEN
    return (
        f"SQLite store, {WRITERS} writers: {failed} failed, {rows:,} of {expected:,} values, "
        f"{ended} of {WRITERS + 1} runs finished, integrity check {integrity}."
    )


def main() -> None:
    """Print a table, and a line on the database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="*", default=["jax", "tensorflow", "torch"])
    arguments = parser.parse_args()
    if arguments.backends:
        print(
            f"| backend | steps | checkpoints | MB, epochs {_WARM + 1} to {_WARM + _WINDOW} | "
            f"MB, last {_WINDOW} | growth | files then | files last | under 1 % |"
        )
        print("| --- " + "| ---: " * 7 + "| --- |", flush=True)
    for backend in arguments.backends:
        print(soak(backend), flush=True)
    print(f"\n{database()}", flush=True)


if __name__ == "__main__":
    main()
