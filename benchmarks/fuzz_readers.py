"""Read damaged files of every format, and count what becomes of them.

python benchmarks/fuzz_readers.py
python benchmarks/fuzz_readers.py --files 400 --format fits

Each file is damaged by a seed of its own: file N of a format is always the same. A worker process
reads it with a limit of 5 s and of 1 GB of memory. Outcomes:

- refused: ``InputError``;
- unchanged: read, and everything is as in the file before the damage;
- altered: read, but something is different. Only formats without checksums may do so;
- failed: any other exception, a hang, a crash, or altered maps from a file with checksums: npz,
  and HDF5 as the package writes it.

Exit code 1 if a file failed.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, read_maps, write_maps

SECONDS = 5
MEMORY = 2**30
WITH_CHECKSUMS = ("ours.npz", "packed.npz", "ours.h5")
FORMATS = ("npy", "npz", "fits", "h5")
_HEADER = 3000  # bytes at the start that hold most of what describes the data


def write_originals(folder: Path) -> dict[str, list[Path]]:
    """Write whole files, two or three kinds of each format; return them by format."""
    import h5py
    from astropy.io import fits

    kappa = np.random.default_rng(0).normal(0, 0.02, (6, 8, 8)).astype("float32")
    maps = MapSet(kappa, 2.0, np.array([0, 0, 1, 1, 2, 2]), {"omega_m": np.linspace(0.2, 0.4, 6)})
    for ending in FORMATS:
        write_maps(folder / f"ours.{ending}", maps)
    np.save(folder / "other.npy", np.asfortranarray(kappa.astype(">f8")))
    np.savez_compressed(folder / "packed.npz", kappa=kappa, pixel_arcmin=2.0, map_id=maps.map_id)
    scaled = fits.PrimaryHDU(kappa, fits.Header({"CDELT1": -2 / 60, "CDELT2": 2 / 60}))
    scaled.scale("int16", bscale=1e-5)
    scaled.writeto(folder / "scaled.fits")
    names = ("KAPPA", "GAMMA1", "MASK")
    images = [
        fits.ImageHDU(k, fits.Header({"ANGLE": 16 / 60}), n)
        for k, n in zip(kappa[:3], names, strict=True)
    ]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(folder / "many.fits")
    with h5py.File(folder / "packed.h5", "w") as file:
        file.create_dataset("kappa", data=kappa, chunks=(2, 8, 8), compression="gzip")
        file.attrs["pixel_arcmin"], file["map_id"] = 2.0, maps.map_id
    with h5py.File(folder / "groups.h5", "w") as file:
        file["bin1/kappa"], file["bin1/gamma1"] = kappa, kappa
        file["bin1"].attrs["pixel_arcmin"] = 2.0
    return {ending: sorted(folder.glob(f"*.{ending}")) for ending in FORMATS}


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the contents of a file with one or two damages."""
    for _ in range(rng.integers(1, 3)):
        data = _DAMAGES[rng.integers(len(_DAMAGES))](bytearray(data), rng)
    return data


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """Return a position: anywhere, or near the start, or near the end."""
    ends = ((0, len(data)), (0, min(len(data), _HEADER)), (max(0, len(data) - 400), len(data)))
    low, high = ends[rng.integers(3)]
    return int(rng.integers(low, max(high, low + 1)))


def _flip_bits(data: bytearray, rng: np.random.Generator) -> bytes:
    for _ in range(rng.integers(1, 9)):
        if data:
            data[min(_place(data, rng), len(data) - 1)] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _overwrite(data: bytearray, rng: np.random.Generator) -> bytes:
    """Write zeros, ones or random bytes over some bytes."""
    place, size = _place(data, rng), int(rng.integers(1, 65))
    filling = (bytes(size), b"\xff" * size, rng.bytes(size))[rng.integers(3)]
    data[place : place + size] = filling[: len(data) - place]
    return bytes(data)


def _edit_number(data: bytearray, rng: np.random.Generator) -> bytes:
    """Replace a digit in the text of a header."""
    digits = [i for i, byte in enumerate(data[:_HEADER]) if 48 <= byte < 58]
    if digits:
        size = int(rng.integers(1, 4))
        place = digits[rng.integers(len(digits))]
        data[place : place + size] = "".join(map(str, rng.integers(10, size=size))).encode()
    return bytes(data)


def _edit_header(data: bytearray, rng: np.random.Generator) -> bytes:
    """Write a value that a hostile header could have, as text or as binary number."""
    values = (b"99999999999", b"-1", b"NaN", b"1e308", b"'x'", b"= 999", b"T", b"/../")
    numbers = (2**31 - 1, 2**32 - 1, 2**63 - 1, 10**12, 0)
    value = values[rng.integers(len(values))]
    if rng.random() < 0.4:
        value = int(numbers[rng.integers(len(numbers))]).to_bytes(8, "little")
    place = int(rng.integers(0, max(1, min(len(data), _HEADER))))
    data[place : place + len(value)] = value
    return bytes(data)


def _cut(data: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(data[: _place(data, rng)])


def _insert(data: bytearray, rng: np.random.Generator) -> bytes:
    """Insert a block: zeros, random bytes or a copy of another part."""
    size = int(rng.choice([1, 8, 80, 512, 2880]))
    place, other = _place(data, rng), _place(data, rng)
    blocks = (bytes(size), rng.bytes(size), bytes(data[other : other + size]))
    data[place:place] = blocks[rng.integers(3)]
    return bytes(data)


def _delete(data: bytearray, rng: np.random.Generator) -> bytes:
    place = _place(data, rng)
    del data[place : place + int(rng.choice([1, 8, 80, 512, 2880]))]
    return bytes(data)


_DAMAGES = (_flip_bits, _overwrite, _edit_number, _edit_header, _cut, _insert, _delete)


def read(path: Path) -> tuple[Any, ...]:
    """Return all that is read from a file, as what can be compared."""
    maps = read_maps(path, pixel_arcmin=2.0 if path.suffix == ".npy" else None)
    parameters = {name: values.tolist() for name, values in maps.parameters.items()}
    kappa = np.asarray(maps.kappa)
    return kappa.shape, kappa.tobytes(), maps.pixel_arcmin, maps.map_id.tolist(), parameters


def outcome(path: Path, original: tuple[Any, ...], name: str) -> str:
    """Read a damaged file; return what became of it, given all that file ``name`` had."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = read(path)
    except InputError as error:
        return "refused" if path.name in str(error) else f"failed: unnamed ({error})"
    except BaseException as error:  # that no other exception escapes is what is tested
        return f"failed: {type(error).__name__}: {error}"
    if found == original:
        return "unchanged"
    return "failed: altered in spite of checksums" if name in WITH_CHECKSUMS else "altered"


def write_damaged(originals: list[Path], number: int, folder: Path) -> tuple[Path, Path]:
    """Write damaged file ``number`` of a format; return it and what it was before."""
    original = originals[number % len(originals)]
    rng = np.random.default_rng([FORMATS.index(original.suffix[1:]), number])
    path = folder / f"damaged{original.suffix}"
    path.unlink(missing_ok=True)
    path.write_bytes(damaged(original.read_bytes(), rng))
    return path, original


def _work(pipe: Any) -> None:
    """Read the files whose paths arrive, with limited memory."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # HDF5 and the C library report there
    import h5py  # noqa: F401
    from astropy.io import fits  # noqa: F401
    from astropy.wcs import WCS  # noqa: F401

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    known: dict[Path, tuple[Any, ...]] = {}
    while True:
        path, original = pipe.recv()
        if original not in known:
            known[original] = read(original)
        found = outcome(path, known[original], original.name)
        pipe.send((found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


class _Worker:
    """A process that reads files; it is replaced when it hangs or dies."""

    def __init__(self) -> None:
        self._start()
        self.peak = 0

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other,), daemon=True)
        self._process.start()
        other.close()
        self._fresh = True

    def outcome(self, path: Path, original: Path) -> str:
        """Return the outcome of a file, or that it hung or killed the process."""
        self._pipe.send((path, original))
        seconds = SECONDS + 60 * self._fresh  # a new process imports first
        self._fresh = False
        try:
            if self._pipe.poll(seconds):
                found, peak = self._pipe.recv()
                self.peak = max(self.peak, peak)
                return found
            found = f"failed: hung for {SECONDS} s"
        except (EOFError, ConnectionResetError):
            self._process.join()
            found = f"failed: the process ended with {self._process.exitcode}"
        self.stop()
        self._start()
        return found

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


def main() -> int:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=5000, help="damaged files of each format")
    parser.add_argument("--format", choices=FORMATS, help="only this format")
    parser.add_argument("--keep", type=Path, help="folder for the files that failed")
    arguments = parser.parse_args()
    formats = [arguments.format] if arguments.format else FORMATS
    outcomes = ("refused", "unchanged", "altered", "failed")
    print("| format | files | " + " | ".join(outcomes) + " | seconds | largest memory (MB) |")
    print("| --- |" + " ---: |" * (len(outcomes) + 3))
    failures = []
    with tempfile.TemporaryDirectory() as temporary:
        originals = write_originals(Path(temporary))
        for ending in formats:
            worker, counts, start = _Worker(), Counter(), time.monotonic()
            for number in range(arguments.files):
                path, original = write_damaged(originals[ending], number, Path(temporary))
                found = worker.outcome(path, original)
                counts[found.partition(":")[0]] += 1
                if found.startswith("failed"):
                    failures.append(f"{ending} {number} ({original.name}): {found}")
                    if arguments.keep:
                        arguments.keep.mkdir(parents=True, exist_ok=True)
                        shutil.copy(path, arguments.keep / f"{number}{path.suffix}")
            worker.stop()
            row = [counts[name] for name in outcomes] + [round(time.monotonic() - start)]
            print(f"| {ending} | {arguments.files} |", *(f"{n} |" for n in row), end=" ")
            print(f"{worker.peak // 1024} |", flush=True)
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
