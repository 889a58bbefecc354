"""Train on a file of maps far larger than memory, and on as many maps as fit, and compare the pace.

python benchmarks/out_of_core.py --write 1000000
systemd-run --scope -p MemoryMax=1600M python benchmarks/out_of_core.py

Under a limit of memory a tenth of the file. Every step of the one training reads its maps from all over the file, the
other's are in memory; both train the same preset, and take turns.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import os
import sys
import time
from pathlib import Path

# Running a script puts its own folder first, where statistics.py would hide the standard library's module.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

_IN_MEMORY = 2000
_SIMULATED = 10_000
"""Different maps in the file; the rest are these over again, which a disk does not know."""


def write(path, count):
    """A file of ``count`` maps of 64²."""
    from cosmogan_k3.config import Simulation
    from cosmogan_k3.simulation import simulate_maps

    kappa = simulate_maps(Simulation(maps=min(count, _SIMULATED)), quiet=True).kappa.astype(
        "float32"
    )
    file = np.lib.format.open_memmap(
        path, mode="w+", dtype="float32", shape=(count, *kappa.shape[1:])
    )
    for start in range(0, count, len(kappa)):
        file[start : start + len(kappa)] = kappa[: count - start]
    file.flush()


def steps(maps, preset, count):
    """Images a second of ``count`` steps on maps drawn from all of a ``MapSet``; the first quarter is not counted."""
    import keras

    from cosmogan_k3.gan.build import new_gan
    from cosmogan_k3.gan.presets import get_preset
    from cosmogan_k3.maps import Batches, Scaling

    class Some(Batches):
        def __len__(self):
            return count

        def __getitem__(self, index):
            return super().__getitem__(index % (len(self.kappa) // self.batch_size))

    preset = get_preset(preset)
    scaling = Scaling.fit(preset.scaling, maps.kappa[:_IN_MEMORY])
    batches = Some(maps.kappa, scaling, batch_size=preset.batch_size, augment=preset.augment)
    gan = new_gan(preset, batches, maps, seed=0)
    ends = []
    clock = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
    )
    gan.fit(batches, epochs=1, verbose=0, callbacks=[clock])
    return (count - 1 - count // 4) * preset.batch_size / (ends[-1] - ends[count // 4])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--file", type=Path, default=Path("out_of_core.npy"))
    parser.add_argument(
        "--write", type=int, metavar="MAPS", help="write a file of so many maps, and end"
    )
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = arguments.backend
    if arguments.write:
        write(arguments.file, arguments.write)
        return
    from cosmogan_k3.maps import MapSet, read_maps

    on_disk = read_maps(arguments.file, pixel_arcmin=4.6875)
    in_memory = MapSet(np.array(on_disk.kappa[:_IN_MEMORY]), on_disk.pixel_arcmin)
    print("| maps | GB | images/s |", "| --- " * 3 + "|", sep="\n")
    for maps in (in_memory, on_disk, in_memory, on_disk):
        rate = steps(maps, arguments.preset, arguments.steps)
        print(
            f"| {len(maps):,} | {len(maps) * maps.kappa[0].nbytes / 1e9:.1f} | {rate:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
