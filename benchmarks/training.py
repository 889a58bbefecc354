"""Time our training step beside loops written by hand in the same framework, and beside the machine's limit.

python benchmarks/training.py --out training.json             # quick at 64², geogan at 256², every backend here
python benchmarks/training.py --backends torch --systems geogan --pixels 256 --batches 64 --precision bfloat16

Each case runs in a process of its own, where ours and the loops by hand (benchmarks/by_hand) take turns. A second
process for each measures its memory.
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
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Running a script puts its own folder first, where statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import numpy as np

from benchmarks.by_hand import VARIANTS
from cosmogan_k3.cli.main import HUGE_PAGES

OURS = "cosmogan_k3"
_MATRIX = 2048
DEFAULTS = (
    {"system": "quick", "pixels": 64, "batches": (32, 64)},
    {"system": "geogan", "pixels": 256, "batches": (8,)},
)


def draw_maps(count, pixels):
    """Maps whose content does not matter here, as ``Batches`` takes them."""
    return (
        np.random.default_rng(0)
        .lognormal(sigma=0.4, size=(count, pixels, pixels))
        .astype(np.float32)
    )


def batches_of(case):
    from cosmogan_k3.maps import Batches, Scaling

    kappa = draw_maps(case["batch"] * case["steps"], case["pixels"])
    scaling = Scaling.fit("standard" if case["system"] == "quick" else "range", kappa)
    return Batches(kappa, scaling, batch_size=case["batch"], augment=case["system"] == "quick")


def our_loop(case, batches):
    """A function that takes ``steps`` steps of ``GAN.fit`` and returns the seconds of the steps alone."""
    from dataclasses import replace

    import keras

    from cosmogan_k3.backend import leave_out_tensorflow
    from cosmogan_k3.gan.build import build_gan
    from cosmogan_k3.gan.presets import get_preset

    leave_out_tensorflow()  # as the commands do
    if case["precision"] == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    preset = replace(get_preset(case["system"]), batch_size=case["batch"])
    gan = build_gan(
        preset, pixels=case["pixels"], pixel_arcmin=1.0, scaling=batches.scaling, steps=1000
    )
    clock = _clock(keras)
    gan.calibrate = clock.stop  # what an epoch ends with, and no step

    def take():
        gan.fit(batches, epochs=1, verbose=0, callbacks=[clock])
        return clock.seconds

    return take, flop_per_image(gan, preset)


def _clock(keras):
    class Clock(keras.callbacks.Callback):
        """From the first step of an epoch to the end of its last, when the device is done; no step waits for it."""

        def on_epoch_begin(self, epoch, logs=None):
            self._start = time.perf_counter()

        def stop(self):
            float(
                keras.ops.convert_to_numpy(self.model.generator.trainable_variables[0].value).sum()
            )
            self.seconds = time.perf_counter() - self._start

    return Clock()


def hand_loop(case, batches, variant):
    module = importlib.import_module(f"benchmarks.by_hand.by_{case['backend']}")
    step, wait = module.loop(
        case["system"], case["pixels"], case["batch"], variant, case["precision"]
    )

    def take():
        start = time.perf_counter()
        for index in range(len(batches)):
            step(batches[index])
        wait()
        return time.perf_counter() - start

    return take


def flop_per_image(gan, preset):
    """FLOP of one training image: two for each multiplication of the convolutions and matrices in their literal form.

    Generator: forward and twice that backward, over batch and reference. Discriminator: three passes forward, two of
    them with gradients of weights and features (twice forward each), one of features alone (once); a penalty: six
    passes on its share of the batch.
    """
    images = 1 + gan.reference_size / preset.batch_size
    penalties = sum(6 * penalty.fraction for penalty in preset.penalties)
    generator, discriminator = (
        multiplications(gan.generator, gan.pixels),
        multiplications(gan.discriminator, gan.pixels),
    )
    return 2 * (3 * images * generator + (2 * 3 + 2 + penalties) * discriminator)


def multiplications(network, pixels):
    """Of one map on its way through a network's kernels."""
    total = 0
    for layer in network.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        if len(kernel.shape) == 2:
            rows = getattr(layer, "projector", None)
            total += int(np.prod(kernel.shape)) + (0 if rows is None else int(np.prod(rows.shape)))
            continue
        side = layer.output.shape[1] or _side(layer, network, pixels)
        # Of a transposed convolution's taps a quarter meets each fine pixel.
        shared = 4 if getattr(layer, "mode", "") == "transposed" else 1
        total += side**2 * int(np.prod(kernel.shape)) // shared
    return total


def _side(layer, network, pixels):
    """Of a fully convolutional generator's layer, from the doublings that come after it."""
    names = [other.name for other in network.layers]
    later = [name for name in names[names.index(layer.name) + 1 :] if name.startswith("up_")]
    return pixels // 2 ** len(later)


def matrix_rate(backend, precision):
    """FLOP/s of a matrix product of 2048² in this framework on this device: the best of ten."""
    shape = (_MATRIX if device_is_cpu(backend) else 4 * _MATRIX,) * 2
    import keras
    from keras import ops

    a = ops.cast(keras.random.normal(shape, seed=0), precision)
    multiply = _jitted(backend)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        np.asarray(ops.convert_to_numpy(ops.cast(multiply(a)[:1, :1], "float32")))
        seconds.append(time.perf_counter() - start)
    return 2 * shape[0] ** 3 / min(seconds)


def _jitted(backend):
    if backend == "jax":
        import jax

        return jax.jit(lambda a: a @ a)
    return lambda a: a @ a


def device_is_cpu(backend):
    from cosmogan_k3 import backend as ours

    return (
        "cpu" in ours.describe()["devices"].lower()
        and "gpu" not in ours.describe()["devices"].lower()
    )


def peak_memory(backend):
    """Bytes: of the process on a CPU, of the device's allocator on a GPU."""
    if not device_is_cpu(backend):
        if backend == "torch":
            import torch

            return torch.cuda.max_memory_allocated()
        if backend == "jax":
            import jax

            return jax.devices()[0].memory_stats()["peak_bytes_in_use"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(case):
    """All variants in turn, in this process."""
    batches = batches_of(case)
    ours, flop = our_loop(case, batches)
    loops = {OURS: ours}
    loops |= {variant: hand_loop(case, batches, variant) for variant in case["variants"]}
    first, seconds = {}, {name: [] for name in loops}
    for name in list(loops):
        try:
            first[name] = loops[name]()
        except (
            Exception
        ) as error:  # what a framework cannot compile is a result, not a reason to stop
            print(f"{name}: {str(error).splitlines()[0][:200]}", file=sys.stderr)
            del loops[name], seconds[name]
    for _ in range(case["rounds"]):
        for name, take in loops.items():
            seconds[name].append(take())
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
    return {"rows": rows, "flop_per_image": flop, "matrix_rate": rate} | facts(case)


def measure_memory(case, variant):
    """Peak memory of one variant alone, beside what was there before it was built."""
    batches = batches_of(case)
    import cosmogan_k3.backend  # noqa: F401 - both sides start from the same imports

    before = peak_memory(case["backend"])
    take = our_loop(case, batches)[0] if variant == OURS else hand_loop(case, batches, variant)
    take()
    take()
    return {"before": before, "peak": peak_memory(case["backend"])}


def facts(case):
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


def run_case(case, memory_of=None):
    """One case, or one variant's memory, in a process of its own."""
    argument = json.dumps(case | ({"memory_of": memory_of} if memory_of else {}))
    # Both sides share the huge pages that the commands have on JAX.
    pages = HUGE_PAGES if case["backend"] == "jax" else {}
    environment = (
        pages | os.environ | {"KERAS_BACKEND": case["backend"], "TF_CPP_MIN_LOG_LEVEL": "3"}
    )
    command = [sys.executable, __file__, "--case", argument]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{case}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def table(results):
    lines = [
        "| system | backend | batch | loop | images/s | ours / it | of matrix rate | first step [s] | memory [MB] |",
        "| --- " * 9 + "|",
    ]
    for result in results:
        case, rows = result["case"], result["rows"]
        ours = rows[OURS]["images_per_second"]
        for name, row in rows.items():
            memory = result.get("memory", {}).get(name)
            cells = [
                f"{case['system']} {case['pixels']}² {case['precision']}",
                case["backend"],
                case["batch"],
                name,
                f"{row['images_per_second']:.3g} ({row['spread'][0]:.3g}–{row['spread'][1]:.3g})",
                "" if name == OURS else f"{ours / row['images_per_second']:.2f}",
                f"{100 * row['of_matrix_rate']:.0f} %",
                f"{row['first_seconds']:.1f}",
                ""
                if memory is None
                else f"{(memory['peak'] - memory['before']) / 1e6:.0f} ({memory['peak'] / 1e6:.0f})",
            ]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--systems", nargs="+", default=["quick", "geogan"], choices=("quick", "geogan")
    )
    parser.add_argument("--backends", nargs="+", help="by default those installed")
    parser.add_argument("--pixels", type=int, help="by default 64 for quick, 256 for geogan")
    parser.add_argument(
        "--batches", nargs="+", type=int, help="by default 32 and 64 for quick, 8 for geogan"
    )
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument(
        "--steps", type=int, help="in a round; by default 20 for quick, 1 for geogan"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variants", nargs="*", help="loops by hand; by default all of a backend")
    parser.add_argument(
        "--no-memory", action="store_true", help="leave out the processes that measure memory"
    )
    parser.add_argument("--out", type=Path, default=Path("training.json"))
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        case = json.loads(arguments.case)
        memory_of = case.pop("memory_of", None)
        print(json.dumps(measure_memory(case, memory_of) if memory_of else measure(case)))
        return
    installed = [name for name in VARIANTS if importlib.util.find_spec(name)]
    results = []
    for default, backend in product(DEFAULTS, arguments.backends or installed):
        if default["system"] not in arguments.systems:
            continue
        for batch in arguments.batches or default["batches"]:
            case = {
                "system": default["system"],
                "backend": backend,
                "batch": batch,
                "rounds": arguments.rounds,
            }
            case |= {
                "pixels": arguments.pixels or default["pixels"],
                "precision": arguments.precision,
            }
            case |= {"steps": arguments.steps or (20 if case["system"] == "quick" else 1)}
            case["variants"] = (
                VARIANTS[backend] if arguments.variants is None else arguments.variants
            )
            result = {"case": case} | run_case(case)
            if not arguments.no_memory:
                result["memory"] = {name: run_case(case, memory_of=name) for name in result["rows"]}
            results.append(result)
            arguments.out.write_text(json.dumps(results, indent=1))
            print(table([result]), flush=True)
    arguments.out.with_suffix(".md").write_text(table(results) + "\n")


if __name__ == "__main__":
    main()
