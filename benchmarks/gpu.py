"""What a card does: backends compared, images and maps a second, and the formulations of a layer.

python -m benchmarks.gpu --out docs/development/gpu.md
python -m benchmarks.gpu --small          # the same on tiny settings, for a CPU

Each part runs in a process of its own, and gets what is left of ``--minutes``. A part that fails or
takes too long is a line of the table and not an end of the others.

- Losses of 20 steps from equal weights, data and latents (``tests/parity/worker.py``), without
  TF32: the largest relative difference from the first backend.
- Images a second of training steps, in float32 and bfloat16, and their share of the rate of a
  matrix product on the same card (``benchmarks/training.py`` defines both).
- Maps a second that a generator draws, and square degrees for maps of 5 degrees.
- A transposed convolution and its gradients, by the framework and by phases.
"""

import argparse
import datetime
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np

from benchmarks import training
from cosmogan_k3._version import __version__
from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.config import BACKENDS

ROOT = Path(__file__).resolve().parent.parent
_FIELD_DEG2 = 25.0
# NVIDIA's libraries then compute float32 products in float32.
_NO_TF32 = {"NVIDIA_TF32_OVERRIDE": "0"}


@dataclass(frozen=True)
class Size:
    """What is measured: (preset, pixels, batch, steps of a round), and a transposed layer.

    Parameters
    ----------
    systems : tuple
    maps : int
        Maps drawn by each generator.
    layer : tuple of int
        Maps, side and channels of the input of the transposed convolution.
    """

    systems: tuple[tuple[str, int, int, int], ...]
    maps: int
    layer: tuple[int, int, int]


SIZES = {
    "card": Size((("geogan", 256, 64, 10), ("best", 64, 64, 50)), 4096, (64, 128, 64)),
    "small": Size((("tiny", 16, 8, 2),), 32, (2, 8, 8)),
}


def throughput(backend: str, size: Size, precision: str) -> dict[str, Any]:
    """Measure steps and samples of all systems on one backend, in this process."""
    from cosmogan_k3.gan import Sampler, build_gan, get_preset

    found = {}
    for system, pixels, batch, steps in size.systems:
        case = {"system": system, "pixels": pixels, "batch": batch, "steps": steps}
        case |= {"backend": backend, "precision": precision}
        loop, flop = training.our_loop(case, training.batches_of(case))
        loop()  # compiles
        speed = batch * steps / min(loop() for _ in range(3))
        preset = replace(get_preset(system), precision=precision)
        sampler = Sampler(build_gan(preset, pixels=pixels, pixel_arcmin=300 / pixels))
        sampler.sample(size.maps)  # compiles
        start = time.perf_counter()
        sampler.sample(size.maps, seed=1)
        drawn = size.maps / (time.perf_counter() - start)
        found[f"{system} {pixels}²"] = {
            "images/s": speed,
            "share of the matrix rate": speed * flop / training.matrix_rate(backend, precision),
            "maps/s": drawn,
            "square degrees/s": drawn * _FIELD_DEG2,
        }
    return found


def transposed(size: Size, precision: str) -> dict[str, Any]:
    """Seconds of a step that trains one transposed convolution, in both formulations."""
    import keras

    from cosmogan_k3 import backend
    from cosmogan_k3.gan.precision import building_in
    from cosmogan_k3.nn.layers import UpsampleConv2D

    n, side, channels = size.layer
    x = np.random.default_rng(0).normal(size=(n, side, side, channels)).astype(np.float32)
    y = np.zeros((n, 2 * side, 2 * side, channels), np.float32)
    found = {}
    for name, fast in (("framework", True), ("phases", False)):
        with mock.patch.object(backend, "transposed_convolution_is_fast", lambda fast=fast: fast):
            with building_in(precision):
                layer = UpsampleConv2D(channels, 5, mode="transposed", padding="zeros")
                model = keras.Sequential([keras.Input(x.shape[1:]), layer])
            model.compile("sgd", "mse", jit_compile=backend.default_jit())
            model.train_on_batch(x, y)  # compiles
            found[f"{name} ms"] = 1e3 * min(_seconds(model, x, y) for _ in range(5))
    return {f"transposed {channels} → {channels} channels, {side}² → {2 * side}²": found}


def _seconds(model: Any, x: Any, y: Any) -> float:
    start = time.perf_counter()
    float(model.train_on_batch(x, y))  # a number: the device is done
    return time.perf_counter() - start


def measure(backend: str, size: Size, precision: str) -> dict[str, Any]:
    """Measure everything on one backend in one precision, in this process."""
    from cosmogan_k3 import backend as ours

    rows = throughput(backend, size, precision) | transposed(size, precision)
    return {"rows": rows} | ours.describe()


def parity(backends: list[str], deadline: float) -> dict[str, Any]:
    """Return the largest relative difference of each system's losses from the first backend's."""
    with TemporaryDirectory() as folder:
        for backend in backends:
            command = [sys.executable, str(ROOT / "tests/parity/worker.py"), folder]
            run(command, {"KERAS_BACKEND": backend} | _NO_TF32, deadline)
        found: dict[str, Any] = {}
        for path in sorted(Path(folder).glob(f"losses-*-{backends[0]}.npy")):
            system = path.stem.split("-")[1]
            reference = np.load(path)
            for backend in backends[1:]:
                other = path.with_name(f"losses-{system}-{backend}.npy")
                if other.exists():
                    difference = np.abs(np.load(other) / reference - 1).max()
                    found[f"{backend} against {backends[0]}, {system}"] = float(difference)
        return found


def run(command: list[str], variables: dict[str, str], deadline: float) -> str:
    """Run a process until the deadline; return what it printed, or why there is nothing."""
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=max(deadline - time.monotonic(), 1),
        )
    except subprocess.TimeoutExpired:
        return json.dumps({"failed": "no time left"})
    if done.returncode:
        return json.dumps({"failed": (done.stderr.strip().splitlines() or ["?"])[-1][:200]})
    return done.stdout


def measured(backend: str, precision: str, size: str, deadline: float) -> dict[str, Any]:
    """Measure one backend in one precision, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--part", backend, precision]
    command += ["--small"] if size == "small" else []
    output = run(command, {"KERAS_BACKEND": backend}, deadline)
    return dict(json.loads(output.strip().splitlines()[-1]))


def page(results: dict[str, Any]) -> str:
    """Return the results as a page of the documentation."""
    lines = [
        "# What a card does",
        "",
        f"`{results['command']}`, {results['date']}, cosmogan_k3 {results['version']}, Python",
        f"{platform.python_version()}. Maps are random. The matrix rate is that of a product of",
        "matrices on the same device in the same precision.",
        "",
        "## Parity",
        "",
        "Losses of 20 steps, without TF32: largest relative difference.",
        "",
        "| pair | difference |",
        "| --- | --- |",
        *(f"| {pair} | {value:.1e} |" for pair, value in results["parity"].items()),
    ]
    for part in results["parts"]:
        lines += ["", f"## {part['backend']}, {part['precision']}", ""]
        if "failed" in part:
            lines.append(f"Not measured: {part['failed']}")
            continue
        lines += [
            f"{part['version']}, {part['devices']}",
            "",
            "| what | | |",
            "| --- | --- | --- |",
        ]
        for what, values in part["rows"].items():
            lines += [f"| {what} | {name} | {value:.3g} |" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all parts, and write the page and, beside it, the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("gpu.md"))
    parser.add_argument("--backends", nargs="+", default=[*map(str, BACKENDS)])
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--minutes", type=float, default=8.0, help="after which nothing starts")
    parser.add_argument("--small", action="store_true", help="tiny settings, for a CPU")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    size = "small" if arguments.small else "card"
    if arguments.part:
        backend, precision = arguments.part
        use_backend(backend)
        print(json.dumps(measure(backend, SIZES[size], precision)))
        return
    deadline = time.monotonic() + 60 * arguments.minutes
    backends = [name for name in arguments.backends if importlib.util.find_spec(name)]
    results = {
        "command": "python -m benchmarks.gpu" + (" --small" if arguments.small else ""),
        "date": datetime.date.today().isoformat(),
        "version": __version__,
        "parts": [
            {"backend": backend, "precision": precision}
            | measured(backend, precision, size, deadline)
            for precision in arguments.precisions
            for backend in backends
        ],
    }
    results["parity"] = parity(backends, deadline) if len(backends) > 1 else {}
    arguments.out.with_suffix(".json").write_text(json.dumps(results, indent=1))
    arguments.out.write_text(page(results))


if __name__ == "__main__":
    main()
