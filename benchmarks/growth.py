"""Time and memory of simulate, generate and evaluate for more and for larger maps.

python benchmarks/growth.py --model run/model.keras --maps 1000 10000 100000 --sides 64 128 256 512

The model belongs to maps of 64² and draws maps of any size (presets best and quick). Each command
runs in a process of its own. The operating system counts its peak memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# Of the default maps of 5 degrees and 64 pixels per side.
_PIXEL_ARCMIN = 4.6875


def timed(command: Sequence[Any]) -> tuple[float, float]:
    """Seconds and peak memory in MB of a ``cosmogan`` command, files mapped to memory included."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "cosmogan_k3", *map(str, command), "--quiet"], cwd=ROOT
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command}: exit code {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1000


def measure(
    arguments: argparse.Namespace, count: int, pixels: int
) -> Iterator[tuple[str, float, float]]:
    """Yield name, seconds and memory of one command after the other."""
    size = ["--maps", count, "--pixels", pixels]
    with tempfile.TemporaryDirectory() as folder:
        real, generated = Path(folder) / "real.npy", Path(folder) / "generated.npy"
        field = ["--field-deg", _PIXEL_ARCMIN * pixels / 60]
        model = ["--backend", arguments.backend, "--model", arguments.model.resolve()]
        sets = ["--real", real, "--generated", generated, "--pixel-arcmin", _PIXEL_ARCMIN]
        yield "simulate", *timed(["simulate", *size, *field, "--out", real])
        yield "generate", *timed(["generate", *size, *model, "--out", generated])
        if count <= arguments.evaluate_up_to:
            yield "evaluate", *timed(["evaluate", *sets, "--out", Path(folder) / "evaluation"])


def main() -> None:
    """Print a table of all sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="file of a trained model")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--maps", nargs="+", type=int, default=[1000, 10_000, 100_000])
    parser.add_argument(
        "--evaluate-up-to", type=int, default=10_000, help="largest number of maps to evaluate"
    )
    parser.add_argument(
        "--sides", nargs="*", type=int, default=[64, 128, 256, 512], help="of maps, in pixels"
    )
    parser.add_argument("--maps-a-side", type=int, default=200, help="number of maps for --sides")
    arguments = parser.parse_args()
    sizes = [(count, 64) for count in arguments.maps]
    sizes += [(arguments.maps_a_side, side) for side in arguments.sides]
    print("| maps | side | command | seconds | maps/s | peak memory [MB] |")
    print("| --- " * 6 + "|")
    for count, pixels in sizes:
        for name, seconds, memory in measure(arguments, count, pixels):
            cells = f"{name} | {seconds:.1f} | {count / seconds:.3g} | {memory:.0f}"
            print(f"| {count:,} | {pixels} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
