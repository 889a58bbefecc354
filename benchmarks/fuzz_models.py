"""Mutated model files: each is loaded whole, or refused in one line.

python -m benchmarks.fuzz_models --mutants 1000 --out fuzz_models.json

Half of the mutants have the SHA-256 that this version writes, half have none, as files of earlier
versions. Flipped bytes, cuts, and edits of the configuration and of the weights with the zip's CRC
made right. Another process loads the mutants; it is replaced if one hangs or ends it. The report
has the slowest load and the peak of memory of that process.
"""

import argparse
import io
import json
import multiprocessing
import os
import resource
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

CHECKSUMS, CONFIG, WEIGHTS = "SHA256SUMS", "config.json", "model.weights.h5"
_VALUES = (None, -1, 0, 1.5, 10**6, 1e308, True, "", "os.system", [], {}, [[]])


def members(data):
    """Return the members of an archive by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(contents):
    """Return an archive, with right CRCs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def flipped(data, rng):
    """Change some bytes, which lie anywhere."""
    changed = bytearray(data)
    for place in rng.integers(0, len(changed), rng.integers(1, 9)):
        changed[place] ^= int(rng.integers(1, 256))
    return bytes(changed)


def cut(data, rng):
    """Cut at one end, or out of the middle."""
    first, last = sorted(rng.integers(0, len(data), 2))
    return [data[:last], data[first:], data[:first] + data[last:]][rng.integers(3)]


def edited_config(data, rng):
    """Replace, remove or add a value at a random place of the configuration."""
    contents = members(data)
    config = json.loads(contents[CONFIG])
    places = []

    def visit(value):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in list(keys):
            places.append((value, key))
            if isinstance(value[key], (dict, list)):
                visit(value[key])

    visit(config)
    value, key = places[rng.integers(len(places))]
    if isinstance(value, dict) and rng.random() < 0.2:
        del value[key]
    else:
        value[key] = _VALUES[rng.integers(len(_VALUES))]
    return packed(contents | {CONFIG: json.dumps(config).encode()})


def edited_weights(data, rng):
    """Change bytes of the weights."""
    contents = members(data)
    return packed(contents | {WEIGHTS: flipped(contents[WEIGHTS], rng)})


KINDS = (flipped, cut, edited_config, edited_weights)


def mutant(data, number):
    """Return the name of the kind of a mutant, and its bytes; the number is the seed."""
    rng = np.random.default_rng(number)
    kind = KINDS[number % len(KINDS)]
    has_checksums = number // len(KINDS) % 2 == 0
    if not has_checksums:
        kept = {name: each for name, each in members(data).items() if name != CHECKSUMS}
        data = packed(kept)
    return f"{kind.__name__}, {'SHA-256' if has_checksums else 'none'}", kind(data, rng)


def outcome(path, expected):
    """Load a file; return "refused", "same" or "other maps", or the name of a wrong error."""
    from cosmogan_k3.emulator import Emulator
    from cosmogan_k3.errors import InputError

    try:
        maps = Emulator.load(path).sample(1)
    except InputError as error:
        return "refused" if "\n" not in str(error) else "several lines"
    except Exception as error:
        return type(error).__name__
    return "same" if np.array_equal(maps, expected) else "other maps"


def _serve(connection, folder):
    """Load the files that arrive."""
    from cosmogan_k3 import backend

    backend.disable_tensorflow_import()
    from cosmogan_k3.emulator import Emulator

    path = Path(folder) / "mutant.keras"
    expected = Emulator.load(Path(folder) / "whole.keras").sample(1)
    connection.send("ready")
    while (data := connection.recv()) is not None:
        path.write_bytes(data)
        start = time.monotonic()
        found = outcome(path, expected)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1000
        connection.send((found, time.monotonic() - start, peak))


class Loader:
    """A process that loads files, and is replaced when one hangs or ends it."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def load(self, data):
        """Return the outcome, the seconds and the peak of memory in bytes."""
        if self.process is None:
            self._start()
        self.connection.send(data)
        try:
            if self.connection.poll(60):
                return self.connection.recv()
            found = "hangs"
        except EOFError:
            found = "ends the process"
        self.stop()
        return found, 60.0, 0

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, self.folder), daemon=True)
        self.process.start()
        other.close()
        self.connection.recv()

    def stop(self):
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--out", default="fuzz_models.json")
    options = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import tempfile

    from cosmogan_k3.gan import build_gan

    counts, slowest, largest = {}, 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.keras"
        build_gan("tiny", pixels=16, pixel_arcmin=3.0).save(whole)
        loader = Loader(folder)
        for number in range(options.mutants):
            kind, data = mutant(whole.read_bytes(), number)
            found, seconds, peak = loader.load(data)
            counts.setdefault(kind, Counter())[found] += 1
            slowest, largest = max(slowest, seconds), max(largest, peak)
            report = {
                "mutants": number + 1,
                "counts": counts,
                "slowest_s": round(slowest, 2),
                "peak_MB": round(largest / 1e6),
            }
            Path(options.out).write_text(json.dumps(report, indent=1))
        loader.stop()
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
