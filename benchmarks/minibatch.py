"""Time and memory of minibatch discrimination as the batch grows, at the size of the paper's networks.

python benchmarks/minibatch.py --backend torch --batches 64 128 256

Forward and backward of `geogan`'s layer, on features of 16x16x512 (maps of 256²); each batch in a process of its own.
Extra memory is the peak with the layer less the peak with its projection alone, appended in the same way.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Running a script puts its own folder first, where statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import numpy as np

_FEATURES = 16 * 16 * 512
_TURNS = 5


def run(batch, *, whole):
    """Seconds of a turn (median) and peak memory in MB of this process."""
    import keras

    from benchmarks.training import peak_memory
    from cosmogan_k3 import backend
    from cosmogan_k3.gan.presets import get_preset
    from cosmogan_k3.nn.layers import MinibatchDiscrimination

    geogan = get_preset("geogan").architecture
    projection = geogan.minibatch_projection
    layer = MinibatchDiscrimination(geogan.minibatch_kernels, geogan.minibatch_dims, projection)
    layer.build((batch, _FEATURES))
    x = keras.ops.convert_to_tensor(
        np.random.default_rng(0).normal(size=(batch, _FEATURES)).astype("float32")
    )

    def objective():
        y = (
            layer(x)
            if whole
            else keras.ops.concatenate([x, keras.ops.matmul(x, layer.projector)], axis=1)
        )
        return keras.ops.sum(y[:, _FEATURES:]), None

    weights = layer.trainable_variables if whole else [layer.projector]
    seconds = []
    for _ in range(_TURNS):
        start = time.perf_counter()
        _, gradients = backend.value_and_grad(objective, weights, layer.variables)
        keras.ops.convert_to_numpy(gradients[0])
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), peak_memory(keras.backend.backend()) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--batches", nargs="+", type=int, default=[64, 128, 256])
    parser.add_argument("--worker", choices=["whole", "projection"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = arguments.backend
    if arguments.worker:
        print(*run(arguments.batches[0], whole=arguments.worker == "whole"))
        return
    print(
        "| batch | seconds | seconds without similarities | extra memory, MB |",
        "| --- " * 4 + "|",
        sep="\n",
    )
    for batch in arguments.batches:
        found = {}
        for part in ("whole", "projection"):
            command = [
                sys.executable,
                __file__,
                "--backend",
                arguments.backend,
                "--batches",
                str(batch),
            ]
            done = subprocess.run(
                [*command, "--worker", part], check=True, capture_output=True, text=True, cwd=ROOT
            )
            found[part] = [float(value) for value in done.stdout.splitlines()[-1].split()]
        (whole, peak), (bare, before) = found["whole"], found["projection"]
        print(f"| {batch} | {whole:.2f} | {bare:.2f} | {peak - before:.0f} |", flush=True)


if __name__ == "__main__":
    main()
