"""Time and memory of minibatch discrimination as a function of the batch size.

python benchmarks/minibatch.py --backend torch --batches 64 128 256

Measures a forward and a backward pass of the layer of `geogan`, on features of 16x16x512, which
belong to maps of 256². Each batch size runs in a process of its own. The extra memory is the peak
with the layer minus the peak with its projection alone.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import numpy as np

from cosmogan_k3._typing import Tensor

_FEATURES = 16 * 16 * 512
_REPEATS = 5


def run(batch: int, *, whole: bool) -> tuple[float, float]:
    """Measure the layer, or its projection alone, in this process.

    Parameters
    ----------
    batch : int
        Number of maps.
    whole : bool
        Whether to include the similarities between maps.

    Returns
    -------
    tuple of float
        Median seconds of a forward and a backward pass, and peak memory in MB.
    """
    import keras

    from benchmarks.training import peak_memory
    from cosmogan_k3 import backend
    from cosmogan_k3.gan.presets import get_preset
    from cosmogan_k3.nn.layers import MinibatchDiscrimination

    geogan = get_preset("geogan").architecture
    projection = geogan.minibatch_projection
    layer = MinibatchDiscrimination(geogan.minibatch_kernels, geogan.minibatch_dims, projection)
    layer.build((batch, _FEATURES))
    features = np.random.default_rng(0).normal(size=(batch, _FEATURES)).astype("float32")
    x = keras.ops.convert_to_tensor(features)

    def projected() -> Tensor:
        return keras.ops.concatenate([x, keras.ops.matmul(x, layer.projector)], axis=1)

    def objective() -> tuple[Tensor, None]:
        y = layer(x) if whole else projected()
        return keras.ops.sum(y[:, _FEATURES:]), None

    weights = layer.trainable_variables if whole else [layer.projector]
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        _, gradients = backend.value_and_grad(objective, weights, layer.variables)
        keras.ops.convert_to_numpy(gradients[0])
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), peak_memory(keras.backend.backend()) / 1e6


def run_in_process(backend: str, batch: int, part: str) -> list[float]:
    """Call ``run`` in a process of its own."""
    options = ["--backend", backend, "--batches", str(batch), "--worker", part]
    done = subprocess.run(
        [sys.executable, __file__, *options], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return [float(value) for value in done.stdout.splitlines()[-1].split()]


def main() -> None:
    """Print a table of all batch sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--batches", nargs="+", type=int, default=[64, 128, 256])
    parser.add_argument("--worker", choices=["whole", "projection"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = arguments.backend
    if arguments.worker:
        print(*run(arguments.batches[0], whole=arguments.worker == "whole"))
        return
    print("| batch | seconds | seconds without similarities | extra memory, MB |")
    print("| --- " * 4 + "|")
    for batch in arguments.batches:
        whole, peak = run_in_process(arguments.backend, batch, "whole")
        bare, before = run_in_process(arguments.backend, batch, "projection")
        print(f"| {batch} | {whole:.2f} | {bare:.2f} | {peak - before:.0f} |", flush=True)


if __name__ == "__main__":
    main()
