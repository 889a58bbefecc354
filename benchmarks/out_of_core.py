"""Training speed with a file of maps much larger than memory, and with maps in memory.

python benchmarks/out_of_core.py --write 1000000
systemd-run --scope -p MemoryMax=1600M python benchmarks/out_of_core.py

The memory limit is a tenth of the file. One training reads the maps of every step from all parts of
the file; the other has its maps in memory. Both train the same preset, alternately.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import os
import sys
import time
from pathlib import Path

# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

from cosmogan_k3._typing import Maps
from cosmogan_k3.maps import Batches, MapSet, Scaling, read_maps

_IN_MEMORY = 2000

# Different maps in the file. They repeat: a disk does not recognize equal maps.
_SIMULATED = 10_000


def write(path: Path, count: int) -> None:
    """Write a file of ``count`` maps of 64²."""
    from cosmogan_k3.config import Simulation
    from cosmogan_k3.simulation import simulate_maps

    maps = simulate_maps(Simulation(maps=min(count, _SIMULATED)), quiet=True)
    kappa = maps.kappa.astype("float32")
    shape = (count, *kappa.shape[1:])
    file = np.lib.format.open_memmap(path, mode="w+", dtype="float32", shape=shape)
    for start in range(0, count, len(kappa)):
        file[start : start + len(kappa)] = kappa[: count - start]
    file.flush()


class _CountedBatches(Batches):
    """A given number of batches per epoch, taken from all maps."""

    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Maps | tuple[Maps, np.ndarray]:
        return super().__getitem__(index % (len(self.kappa) // self.batch_size))


def training_speed(maps: MapSet, preset_name: str, count: int) -> float:
    """Images per second of ``count`` training steps, without the first quarter of them.

    Parameters
    ----------
    maps : MapSet
        Training maps, in memory or in a file.
    preset_name : str
        Name of the preset.
    count : int
        Number of steps.

    Returns
    -------
    float
        Images per second.
    """
    import keras

    from cosmogan_k3.gan.build import build_adapted_gan
    from cosmogan_k3.gan.presets import get_preset

    preset = get_preset(preset_name)
    scaling = Scaling.fit(preset.scaling, maps.kappa[:_IN_MEMORY])
    options = {"batch_size": preset.batch_size, "augment": preset.augment}
    batches = _CountedBatches(maps.kappa, scaling, **options)
    batches.count = count
    gan = build_adapted_gan(preset, batches, maps, seed=0)
    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
    )
    gan.fit(batches, epochs=1, verbose=0, callbacks=[clock])
    return (count - 1 - count // 4) * preset.batch_size / (ends[-1] - ends[count // 4])


def main() -> None:
    """Write the file, or print a table of the speeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--file", type=Path, default=Path("out_of_core.npy"))
    parser.add_argument(
        "--write", type=int, metavar="MAPS", help="write a file of this many maps, and end"
    )
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = arguments.backend
    if arguments.write:
        write(arguments.file, arguments.write)
        return
    on_disk = read_maps(arguments.file, pixel_arcmin=4.6875)
    in_memory = MapSet(np.array(on_disk.kappa[:_IN_MEMORY]), on_disk.pixel_arcmin)
    print("| maps | GB | images/s |", "| --- " * 3 + "|", sep="\n")
    for maps in (in_memory, on_disk, in_memory, on_disk):
        speed = training_speed(maps, arguments.preset, arguments.steps)
        gigabytes = len(maps) * maps.kappa[0].nbytes / 1e9
        print(f"| {len(maps):,} | {gigabytes:.1f} | {speed:.0f} |", flush=True)


if __name__ == "__main__":
    main()
