"""Start of a training on JAX, and the weights that it trains, with and without kept compilations.

python -m benchmarks.compilation_cache --preset best

Each process builds the preset's GAN, takes some steps and prints the seconds from its start to the
end of the first step, and the SHA-256 of all weights. The first process has no cache, the second
fills an empty one, and the others read it. The weights must be equal.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.cli.cache import CACHE


def start(preset: str, batch: int, steps: int, began: float) -> None:
    """Take some steps on random maps; print the time of the first and the hash of the weights."""
    use_backend("jax")
    from cosmogan_k3.gan import build_gan, get_preset
    from cosmogan_k3.gan.calibrator import adapt

    chosen = get_preset(preset)
    gan = build_gan(chosen, pixels=chosen.pixels, pixel_arcmin=300 / chosen.pixels, seed=1)
    shape = (batch, chosen.pixels, chosen.pixels, 1)
    maps = np.random.default_rng(0).lognormal(sigma=0.4, size=shape).astype(np.float32) - 1
    adapt(gan, maps)
    gan.train_on_batch(maps)
    seconds = time.time() - began
    for _ in range(steps - 1):
        gan.train_on_batch(maps)
    weights = b"".join(np.asarray(w.numpy()).tobytes() for w in gan.weights)
    print(f"{seconds:.1f} {hashlib.sha256(weights).hexdigest()}")


def run(arguments: argparse.Namespace, environment: dict[str, str]) -> list[str]:
    """Start a process; return its seconds to the end of the first step, and the hash."""
    options = ["--preset", arguments.preset, "--batch", str(arguments.batch)]
    options += ["--steps", str(arguments.steps), "--began", str(time.time())]
    command = [sys.executable, "-m", "benchmarks.compilation_cache", *options]
    done = subprocess.run(
        command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.split()


def main() -> None:
    """Run the processes one after the other, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="best")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=2, help="processes that read the cache")
    parser.add_argument("--began", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.began:
        start(arguments.preset, arguments.batch, arguments.steps, arguments.began)
        return
    with tempfile.TemporaryDirectory() as folder:
        cases = [("no cache", {"JAX_ENABLE_COMPILATION_CACHE": "false"}), ("fills it", {})]
        cases += [("reads it", {})] * arguments.repeats
        found = set()
        print("| cache | seconds to the end of the first step |\n| --- | --- |")
        for name, variables in cases:
            seconds, digest = run(arguments, {CACHE: folder} | variables)
            found.add(digest)
            print(f"| {name} | {seconds} |", flush=True)
        entries = [entry.stat().st_size for entry in Path(folder).rglob("*-cache")]
        print(f"\n{len(entries)} entries, {sum(entries) / 1e6:.1f} MB")
    print("weights are equal" if len(found) == 1 else "WEIGHTS DIFFER")
    sys.exit(len(found) != 1)


if __name__ == "__main__":
    main()
