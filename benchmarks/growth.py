"""Time and memory of simulate, generate and evaluate as the number of maps grows.

python benchmarks/growth.py --model run/model.keras --maps 1000 10000 100000

Each command runs in a process of its own, as a user would start it; its peak of memory is what the system counted.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def timed(command):
    """Seconds and peak memory in MB of a ``cosmogan`` command, and of its threads; what is mapped from files counts."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "cosmogan_k3", *map(str, command), "--quiet"], cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command}: exit code {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="file of a trained model")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--maps", nargs="+", type=int, default=[1000, 10_000, 100_000])
    parser.add_argument("--evaluate-up-to", type=int, default=10_000, help="beyond, maps are not evaluated")
    arguments = parser.parse_args()
    model, backend = arguments.model.resolve(), ["--backend", arguments.backend]
    print("| maps | command | seconds | maps/s | peak memory [MB] |", "| --- " * 5 + "|", sep="\n")
    with tempfile.TemporaryDirectory() as folder:
        real, generated = Path(folder) / "real.npy", Path(folder) / "generated.npy"
        sets = ["--real", real, "--generated", generated, "--pixel-arcmin", 4.6875]
        for count in arguments.maps:
            commands = {
                "simulate": ["simulate", "--maps", count, "--out", real],
                "generate": ["generate", *backend, "--model", model, "--maps", count, "--out", generated],
                "evaluate": ["evaluate", *sets, "--out", Path(folder) / "evaluation"],
            }
            for name, command in commands.items():
                if name != "evaluate" or count <= arguments.evaluate_up_to:
                    seconds, memory = timed(command)
                    print(f"| {count:,} | {name} | {seconds:.1f} | {count / seconds:.0f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
