"""What of a training is reproduced bit by bit, and what agrees to how many digits.

python benchmarks/reproducibility.py [--backends jax torch]

Each backend that is installed trains in two processes on the device that it finds, with TF32 off.
The second process also continues the first one's training from its middle. All backends draw maps
of one and the same model. On a machine with an accelerator a further process trains on the CPU.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import numpy as np
from numpy.typing import NDArray

BACKENDS = ("jax", "tensorflow", "torch")
PIXELS, MAPS, STEPS, EPOCHS, DRAWN = 16, 64, 20, 4, 64
_COMPARED_STEPS = (1, 5, STEPS)

# With TF32 a product has 10 bits of mantissa on NVIDIA's tensor cores, instead of 23.
NO_TF32 = {"NVIDIA_TF32_OVERRIDE": "0", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}
ON_CPU = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}

_METRICS = ("power_spectrum_error_mean", "ks_pixels_distance", "wasserstein_peaks")

Arrays = Mapping[str, NDArray[np.float32]]


def training_maps() -> NDArray[np.float32]:
    """Return the maps that all trainings learn from."""
    kappa = np.random.default_rng(0).lognormal(sigma=0.3, size=(MAPS, PIXELS, PIXELS))
    return kappa.astype(np.float32)


def work(folder: Path, label: str, first: str) -> None:
    """Train and draw on the backend in use; this is one of the processes."""
    from cosmogan_k3 import backend

    found = losses_of_given_latents(folder / f"given-{label}.keras")
    found |= {f"whole:{k}": v for k, v in whole_training(folder / f"half-{label}.keras").items()}
    half = folder / f"half-{backend.name}-1.keras"
    found |= {f"resumed:{k}": v for k, v in resumed_training(half).items()}
    found |= drawn_maps(folder / f"given-{first}.keras")
    np.savez(folder / f"{label}.npz", **found)
    (folder / f"{label}.json").write_text(json.dumps(backend.describe()))


def losses_of_given_latents(path: Path) -> dict[str, NDArray[np.float32]]:
    """Train on latents that are the same on every backend; return the losses of each step."""
    from keras import ops

    from cosmogan_k3.gan import build_gan

    gan = build_gan("tiny", pixels=PIXELS, pixel_arcmin=3.0, steps=STEPS, seed=7)
    rng = np.random.default_rng(5)
    maps, size = training_maps()[..., None], 8
    tables = [
        ops.convert_to_tensor(rng.standard_normal((STEPS, size, *shape), dtype=np.float32))
        for shape in gan.latent_space.shapes
    ]

    def draw_latents(n):
        step = ops.cast(ops.convert_to_tensor(gan.optimizer.iterations), "int32")
        return [ops.take(table, step, axis=0) for table in tables]

    gan.draw_latents = draw_latents
    rows = []
    for step in range(STEPS):
        start = step * size % len(maps)
        logs = gan.train_on_batch(maps[start : start + size], return_dict=True)
        rows.append([float(logs["discriminator_loss"]), float(logs["generator_loss"])])
        gan.reset_metrics()
    gan.save(path)
    return {"losses": np.array(rows)}


def _batches():
    from cosmogan_k3.maps import Batches, Scaling

    return Batches(training_maps(), Scaling(), batch_size=8, augment=True, seed=3)


def _state(gan) -> dict[str, NDArray[np.float32]]:
    import keras

    variables = [*gan.variables, *gan.optimizer.variables]
    return {str(i): keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}


def whole_training(half: Path) -> dict[str, NDArray[np.float32]]:
    """Train from beginning to end, and save the middle."""
    import keras

    from cosmogan_k3.gan import build_gan

    gan = build_gan("tiny", pixels=PIXELS, pixel_arcmin=3.0, steps=EPOCHS * MAPS // 8, seed=3)
    save = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: gan.save(half) if epoch + 1 == EPOCHS // 2 else None
    )
    gan.fit(_batches(), epochs=EPOCHS, verbose=0, callbacks=[save])
    return _state(gan)


def resumed_training(half: Path) -> dict[str, NDArray[np.float32]]:
    """Continue a training from its middle."""
    from cosmogan_k3.gan import load_gan

    gan = load_gan(half)
    gan.fit(_batches(), initial_epoch=EPOCHS // 2, epochs=EPOCHS, verbose=0)
    return _state(gan)


def drawn_maps(model: Path) -> dict[str, NDArray[np.float32]]:
    """Draw maps of one model, at once and as two workers would."""
    from cosmogan_k3.gan import Sampler, load_gan

    sampler = Sampler(load_gan(model))
    half = DRAWN // 2
    options = {"pixels": PIXELS, "seed": 1, "batch_size": 16}
    parts = [(0, DRAWN), (0, half), (half, half)]
    whole, *shared = (
        np.concatenate(list(sampler.sample_batches(count, first=first, **options)))
        for first, count in parts
    )
    return {"maps": whole, "shared": np.concatenate(shared)}


def start(folder: Path, label: str, backend: str, first: str, **environment: str) -> Arrays:
    """Run a process of a backend, and return what it found."""
    command = [sys.executable, __file__, "--work", str(folder), label, first]
    variables = {**os.environ, **NO_TF32, "KERAS_BACKEND": backend, **environment}
    variables["PYTHONPATH"] = str(ROOT)
    subprocess.run(command, env=variables, check=True)
    with np.load(folder / f"{label}.npz", allow_pickle=False) as found:
        return dict(found)


def difference(a: Arrays, b: Arrays) -> float:
    """Return the largest difference, relative to the largest magnitude of the array."""
    return max(
        float(np.abs(a[k].astype(float) - b[k]).max(initial=0))
        / (float(np.abs(a[k].astype(float)).max(initial=0)) or 1.0)
        for k in a
    )


def part(arrays: Arrays, name: str) -> Arrays:
    """Return the arrays whose names begin with ``name``."""
    return {k.removeprefix(f"{name}:"): v for k, v in arrays.items() if k.split(":")[0] == name}


def row(what: str, where: str, a: Arrays, b: Arrays) -> str:
    """Return a row of the table."""
    same = all(a[k].tobytes() == b[k].tobytes() for k in a)
    digits = "0" if same else f"{difference(a, b):.0e}"
    return f"| {what} | {where} | {'yes' if same else 'no'} | {digits} |"


def within(backend: str, first: Arrays, second: Arrays) -> Iterator[str]:
    """Yield the rows of one backend."""
    losses, state, maps = (part(first, name) for name in ("losses", "whole", "maps"))
    yield row("losses of 20 steps, two processes", backend, losses, part(second, "losses"))
    yield row("weights and optimizers, two processes", backend, state, part(second, "whole"))
    yield row("weights and optimizers, resumed", backend, state, part(second, "resumed"))
    yield row("maps, two processes", backend, maps, part(second, "maps"))
    yield row("maps, one worker and two", backend, maps, {"maps": part(first, "shared")["shared"]})


def between(where: str, a: Arrays, b: Arrays) -> Iterator[str]:
    """Yield the rows of two backends, or of two devices."""
    for step in _COMPARED_STEPS:
        losses = ({"losses": arrays["losses"][step - 1]} for arrays in (a, b))
        yield row(f"losses of step {step}", where, *losses)
    yield row("maps of one model", where, part(a, "maps"), part(b, "maps"))
    yield row("metrics of these maps", where, metrics(a["maps"]), metrics(b["maps"]))


def metrics(maps: NDArray[np.float32]) -> Arrays:
    """Return some metrics of an evaluation."""
    from cosmogan_k3.evaluation.evaluate import evaluate_maps
    from cosmogan_k3.maps import MapSet

    real = MapSet(training_maps(), 3.0)
    found = evaluate_maps(real, MapSet(maps, 3.0), permutations=9).metrics
    return {name: np.array([found[name]]) for name in _METRICS}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    parser.add_argument("--backends", nargs="+", default=installed)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        folder, label, first = arguments.work
        work(Path(folder), label, first)
        return
    with tempfile.TemporaryDirectory() as name:
        print_table(Path(name), arguments.backends)


def print_table(folder: Path, backends: list[str]) -> None:
    """Run all processes and print what was found."""
    first, found = f"{backends[0]}-1", {}
    for backend in backends:
        for label in (f"{backend}-1", f"{backend}-2"):
            found[label] = start(folder, label, backend, first)
        told = json.loads((folder / f"{backend}-1.json").read_text())
        print(f"{backend} {told['version']} on {told['devices']}", flush=True)
    print("\n| compared | backend | bit-equal | largest relative difference |")
    print("| --- | --- | --- | ---: |", flush=True)
    for backend in backends:
        print(*within(backend, found[f"{backend}-1"], found[f"{backend}-2"]), sep="\n", flush=True)
        told = (folder / f"{backend}-1.json").read_text().lower()
        if "cuda" in told or "nvidia" in told or "gpu" in told:
            on_cpu = start(folder, f"{backend}-cpu", backend, first, **ON_CPU)
            where = f"{backend}, CPU and accelerator"
            print(*between(where, found[f"{backend}-1"], on_cpu), sep="\n", flush=True)
    for a, b in combinations(backends, 2):
        print(*between(f"{a}, {b}", found[f"{a}-1"], found[f"{b}-1"]), sep="\n", flush=True)


if __name__ == "__main__":
    main()
