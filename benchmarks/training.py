"""Speed and memory of the training step, beside loops written by hand and the machine's limit.

python benchmarks/training.py --out training.json             # quick at 64², geogan at 256²
python benchmarks/training.py --backends torch --systems geogan --batches 64 --precision bfloat16

By default all installed backends are measured. Each case runs in a process of its own, in which our
step and the loops by hand (benchmarks/by_hand) run alternately. Another process for each loop
measures its memory.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import importlib
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import numpy as np

from benchmarks.by_hand import VARIANTS
from cosmogan_k3._typing import Maps, Tensor
from cosmogan_k3.cli.backends import TUNABLES
from cosmogan_k3.maps import Batches, Scaling

Case: TypeAlias = dict[str, Any]  # system, backend, pixels, batch, steps, rounds, precision, ...
Loop: TypeAlias = Callable[[], float]  # takes the steps of a round and returns their seconds

OURS = "cosmogan_k3"
_MATRIX = 2048
DEFAULTS = (
    {"system": "quick", "pixels": 64, "batches": (32, 64), "steps": 20},
    {"system": "geogan", "pixels": 256, "batches": (8,), "steps": 1},
)


def draw_maps(count: int, pixels: int) -> Maps:
    """Random maps; their content does not matter here."""
    rng = np.random.default_rng(0)
    return rng.lognormal(sigma=0.4, size=(count, pixels, pixels)).astype(np.float32)


def batches_of(case: Case) -> Batches:
    """Batches of the steps of one round."""
    kappa = draw_maps(case["batch"] * case["steps"], case["pixels"])
    scaling = Scaling.fit("standard" if case["system"] == "quick" else "range", kappa)
    return Batches(kappa, scaling, batch_size=case["batch"], augment=case["system"] == "quick")


def our_loop(case: Case, batches: Batches) -> tuple[Loop, float]:
    """Return the loop of ``GAN.fit``, and the FLOP of one image.

    The loop takes one round of steps and returns the seconds of the steps alone, without the
    calibration at the end of an epoch.
    """
    from dataclasses import replace

    from cosmogan_k3.backend import disable_tensorflow_import
    from cosmogan_k3.gan import epoch_callback
    from cosmogan_k3.gan.build import build_gan
    from cosmogan_k3.gan.presets import get_preset

    disable_tensorflow_import()  # as the commands do
    preset = replace(
        get_preset(case["system"]), batch_size=case["batch"], precision=case["precision"]
    )
    options = {"pixel_arcmin": 1.0, "scaling": batches.scaling, "steps": 1000}
    gan = build_gan(preset, pixels=case["pixels"], **options)
    clock = _clock()
    epoch_callback.calibrate = clock.stop

    def take_steps() -> float:
        gan.fit(batches, epochs=1, verbose=0, callbacks=[clock])
        return clock.seconds

    return take_steps, flop_per_image(gan, preset)


def _clock() -> Any:
    """Callback with the seconds from the first step of an epoch to the end of the last one."""
    import keras

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self._start = time.perf_counter()

        def stop(self, gan: keras.Model) -> None:
            # Reading a weight waits for the device.
            weights = gan.generator.trainable_variables[0].value
            float(keras.ops.convert_to_numpy(weights).sum())
            self.seconds = time.perf_counter() - self._start

    return Clock()


def hand_loop(case: Case, batches: Batches, variant: str) -> Loop:
    """Return one of the loops by hand; it returns the seconds of one round of steps."""
    module = importlib.import_module(f"benchmarks.by_hand.by_{case['backend']}")
    size = case["system"], case["pixels"], case["batch"]
    step, wait = module.loop(*size, variant, case["precision"])

    def take_steps() -> float:
        start = time.perf_counter()
        for index in range(len(batches)):
            step(batches[index])
        wait()
        return time.perf_counter() - start

    return take_steps


def flop_per_image(gan: Any, preset: Any) -> float:
    """FLOP of one training image: twice the multiplications of convolutions and matrices.

    Generator: one forward pass and a backward pass of twice its cost, over the batch and the
    reference. Discriminator: three forward passes, two of them with gradients of weights and
    features (twice the forward cost each), one with gradients of features only (once). A penalty:
    six passes on its fraction of the batch.

    Parameters
    ----------
    gan : GAN
        The networks.
    preset : Preset
        Batch size and penalties.

    Returns
    -------
    float
        Floating-point operations per image.
    """
    images = 1 + gan.reference_size / preset.batch_size
    penalties = sum(6 * penalty.fraction for penalty in preset.penalties)
    generator = multiplications(gan.generator, gan.pixels)
    discriminator = multiplications(gan.discriminator, gan.pixels)
    return 2 * (3 * images * generator + (2 * 3 + 2 + penalties) * discriminator)


def multiplications(network: Any, pixels: int) -> int:
    """Multiplications of one map by the kernels of a network."""
    total = 0
    for layer in network.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        if len(kernel.shape) == 2:
            projector = getattr(layer, "projector", None)
            total += int(np.prod(kernel.shape))
            total += 0 if projector is None else int(np.prod(projector.shape))
            continue
        side = layer.output.shape[1] or _side(layer, network, pixels)
        # A quarter of the taps of a transposed convolution contributes to each fine pixel.
        phases = 4 if getattr(layer, "mode", "") == "transposed" else 1
        total += side**2 * int(np.prod(kernel.shape)) // phases
    return total


def _side(layer: Any, network: Any, pixels: int) -> int:
    """Side of a layer's maps in a fully convolutional generator, from the later doublings."""
    names = [other.name for other in network.layers]
    later = [name for name in names[names.index(layer.name) + 1 :] if name.startswith("up_")]
    return pixels // 2 ** len(later)


def matrix_rate(backend: str, precision: str) -> float:
    """FLOP/s of a large matrix product in this framework on this device: the best of ten."""
    import keras
    from keras import ops

    side = _MATRIX if device_is_cpu() else 4 * _MATRIX
    a = ops.cast(keras.random.normal((side, side), seed=0), precision)
    multiply = _jitted_square(backend)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        np.asarray(ops.convert_to_numpy(ops.cast(multiply(a)[:1, :1], "float32")))
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds)


def _jitted_square(backend: str) -> Callable[[Tensor], Tensor]:
    if backend == "jax":
        import jax

        return jax.jit(lambda a: a @ a)
    return lambda a: a @ a


def device_is_cpu() -> bool:
    """Whether the backend computes on the CPU."""
    from cosmogan_k3 import backend

    devices = backend.describe()["devices"].lower()
    return "cpu" in devices and "gpu" not in devices


def peak_memory(backend: str) -> int:
    """Peak memory in bytes, of the process on a CPU or of the device's allocator on a GPU."""
    if not device_is_cpu():
        if backend == "torch":
            import torch

            return torch.cuda.max_memory_allocated()
        if backend == "jax":
            import jax

            return jax.devices()[0].memory_stats()["peak_bytes_in_use"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(case: Case) -> dict[str, Any]:
    """Measure all loops of a case, alternately, in this process.

    Parameters
    ----------
    case : dict
        The case, with the loops by hand in ``variants``.

    Returns
    -------
    dict
        Speeds of each loop, and metadata of the machine.
    """
    batches = batches_of(case)
    ours, flop = our_loop(case, batches)
    loops = {OURS: ours}
    loops |= {variant: hand_loop(case, batches, variant) for variant in case["variants"]}
    first = _first_rounds(loops)
    seconds: dict[str, list[float]] = {name: [] for name in first}
    for _ in range(case["rounds"]):
        for name in seconds:
            seconds[name].append(loops[name]())
    images = len(batches) * case["batch"]
    rate = matrix_rate(case["backend"], case["precision"])
    rows = {}
    for name, times in seconds.items():
        speed = images / float(np.median(times))
        rows[name] = {
            "images_per_second": speed,
            "spread": [images / max(times), images / min(times)],
            "first_seconds": first[name] - float(np.median(times)),
            "of_matrix_rate": speed * flop / rate,
        }
    return {"rows": rows, "flop_per_image": flop, "matrix_rate": rate} | metadata(case)


def _first_rounds(loops: dict[str, Loop]) -> dict[str, float]:
    """Seconds of the first round of each loop that the framework can compile."""
    first = {}
    for name, take_steps in loops.items():
        try:
            first[name] = take_steps()
        except Exception as error:  # a framework that cannot compile a loop is a result
            print(f"{name}: {str(error).splitlines()[0][:200]}", file=sys.stderr)
    return first


def measure_memory(case: Case, variant: str) -> dict[str, int]:
    """Measure the memory before one loop is built, and its peak after two rounds."""
    batches = batches_of(case)
    import cosmogan_k3.backend  # noqa: F401 - all loops start from the same imports

    before = peak_memory(case["backend"])
    if variant == OURS:
        take_steps, _ = our_loop(case, batches)
    else:
        take_steps = hand_loop(case, batches, variant)
    take_steps()
    take_steps()
    return {"before": before, "peak": peak_memory(case["backend"])}


def metadata(case: Case) -> dict[str, Any]:
    """Versions, device and date of a measurement."""
    import keras

    from cosmogan_k3 import backend

    described = backend.describe()
    return {
        "versions": {
            "keras": keras.__version__,
            case["backend"]: described["version"],
            "python": platform.python_version(),
        },
        "device": described["devices"],
        "cores": os.cpu_count(),
        "date": time.strftime("%Y-%m-%d"),
    }


def run_case(case: Case, memory_of: str | None = None) -> dict[str, Any]:
    """Measure a case, or the memory of one loop, in a process of its own."""
    argument = json.dumps(case | ({"memory_of": memory_of} if memory_of else {}))
    # The loops by hand get the same allocator as the commands.
    tunables = TUNABLES.get(case["backend"])
    allocator = {"GLIBC_TUNABLES": tunables} if tunables else {}
    variables = {"KERAS_BACKEND": case["backend"], "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment = allocator | os.environ | variables
    command = [sys.executable, __file__, "--case", argument]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{case}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def table(results: list[dict[str, Any]]) -> str:
    """Markdown table of all loops of all cases."""
    columns = ("system", "backend", "batch", "loop", "images/s", "ours / it")
    columns += ("of matrix rate", "first step [s]", "memory [MB]")
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for result in results:
        for name in result["rows"]:
            lines.append(f"| {' | '.join(map(str, _cells(result, name)))} |")
    return "\n".join(lines)


def _cells(result: dict[str, Any], name: str) -> list[Any]:
    """Cells of one loop in the table."""
    case, row = result["case"], result["rows"][name]
    memory = result.get("memory", {}).get(name)
    speed, (slowest, fastest) = row["images_per_second"], row["spread"]
    ratio = result["rows"][OURS]["images_per_second"] / speed
    cells = [f"{case['system']} {case['pixels']}² {case['precision']}", case["backend"]]
    cells += [case["batch"], name, f"{speed:.3g} ({slowest:.3g}–{fastest:.3g})"]
    cells += ["" if name == OURS else f"{ratio:.2f}", f"{100 * row['of_matrix_rate']:.0f} %"]
    cells.append(f"{row['first_seconds']:.1f}")
    if memory is None:
        return [*cells, ""]
    extra, peak = memory["peak"] - memory["before"], memory["peak"]
    return [*cells, f"{extra / 1e6:.0f} ({peak / 1e6:.0f})"]


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    systems = ("quick", "geogan")
    parser.add_argument("--systems", nargs="+", default=systems, choices=systems)
    parser.add_argument("--backends", nargs="+", help="default: all that are installed")
    parser.add_argument("--pixels", type=int, help="default: 64 for quick, 256 for geogan")
    parser.add_argument(
        "--batches", nargs="+", type=int, help="default: 32 and 64 for quick, 8 for geogan"
    )
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--steps", type=int, help="per round; default: 20 for quick, 1 for geogan")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variants", nargs="*", help="loops by hand; default: all of a backend")
    parser.add_argument("--no-memory", action="store_true", help="do not measure memory")
    parser.add_argument("--out", type=Path, default=Path("training.json"))
    parser.add_argument("--case", help=argparse.SUPPRESS)
    return parser.parse_args()


def cases(arguments: argparse.Namespace) -> list[Case]:
    """All cases of a command line."""
    found = []
    installed = [name for name in VARIANTS if importlib.util.find_spec(name)]
    for default, backend in product(DEFAULTS, arguments.backends or installed):
        if default["system"] not in arguments.systems:
            continue
        variants = VARIANTS[backend] if arguments.variants is None else arguments.variants
        common = {
            "system": default["system"],
            "backend": backend,
            "rounds": arguments.rounds,
            "pixels": arguments.pixels or default["pixels"],
            "precision": arguments.precision,
            "steps": arguments.steps or default["steps"],
            "variants": variants,
        }
        batches = arguments.batches or default["batches"]
        found += [common | {"batch": batch} for batch in batches]
    return found


def main() -> None:
    """Measure all cases, and write them as JSON and as a table."""
    arguments = parse_arguments()
    if arguments.case:
        case = json.loads(arguments.case)
        memory_of = case.pop("memory_of", None)
        print(json.dumps(measure_memory(case, memory_of) if memory_of else measure(case)))
        return
    results = []
    for case in cases(arguments):
        result = {"case": case} | run_case(case)
        if not arguments.no_memory:
            result["memory"] = {name: run_case(case, memory_of=name) for name in result["rows"]}
        results.append(result)
        arguments.out.write_text(json.dumps(results, indent=1))
        print(table([result]), flush=True)
    arguments.out.with_suffix(".md").write_text(table(results) + "\n")


if __name__ == "__main__":
    main()
