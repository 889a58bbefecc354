"""Time and memory of simulate, generate and evaluate as the number of maps grows, and as their side does.

python benchmarks/growth.py --model run/model.keras --maps 1000 10000 100000 --sides 64 128 256 512

The model is one of maps of 64² that draws any size (presets best and quick). Each command runs in a process of its own,
as a user would start it; its peak of memory is what the system counted.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PIXEL_ARCMIN = 4.6875
"""Of the default maps of 5 degrees and 64 pixels a side."""


def timed(command):
    """Seconds and peak memory in MB of a ``cosmogan`` command, and of its threads; what is mapped from files counts."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "cosmogan_k3", *map(str, command), "--quiet"], cwd=ROOT
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command}: exit code {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="file of a trained model")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--maps", nargs="+", type=int, default=[1000, 10_000, 100_000])
    parser.add_argument(
        "--evaluate-up-to", type=int, default=10_000, help="beyond, maps are not evaluated"
    )
    parser.add_argument(
        "--sides", nargs="*", type=int, default=[64, 128, 256, 512], help="of maps, in pixels"
    )
    parser.add_argument("--maps-a-side", type=int, default=200)
    arguments = parser.parse_args()
    cases = [(count, 64) for count in arguments.maps] + [
        (arguments.maps_a_side, side) for side in arguments.sides
    ]
    print(
        "| maps | side | command | seconds | maps/s | peak memory [MB] |",
        "| --- " * 6 + "|",
        sep="\n",
    )
    for count, pixels in cases:
        for name, seconds, memory in measure(arguments, count, pixels):
            rate = f"{count / seconds:.3g}"
            print(
                f"| {count:,} | {pixels} | {name} | {seconds:.1f} | {rate} | {memory:.0f} |",
                flush=True,
            )


def measure(arguments, count, pixels):
    """Name, seconds and memory of each command in turn."""
    size = ["--maps", count, "--pixels", pixels]
    with tempfile.TemporaryDirectory() as folder:
        real, generated = Path(folder) / "real.npy", Path(folder) / "generated.npy"
        model = ["--backend", arguments.backend, "--model", arguments.model.resolve()]
        sets = ["--real", real, "--generated", generated, "--pixel-arcmin", _PIXEL_ARCMIN]
        yield (
            "simulate",
            *timed(["simulate", *size, "--field-deg", _PIXEL_ARCMIN * pixels / 60, "--out", real]),
        )
        yield "generate", *timed(["generate", *size, *model, "--out", generated])
        if count <= arguments.evaluate_up_to:
            yield "evaluate", *timed(["evaluate", *sets, "--out", Path(folder) / "evaluation"])


if __name__ == "__main__":
    main()
