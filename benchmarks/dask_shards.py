"""Maps per second of simulate and generate on several Dask workers.

python benchmarks/dask_shards.py --model run/model.keras --backend torch --maps 20000

Each command runs in a process of its own. The first run with a number of workers makes one shard
per worker, the second run all shards. Their difference is the time without the start of workers and
the loading of models. The bytes of all shards must be the same for every number of workers. The
table also extrapolates to a million maps.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXTRAPOLATED = 1_000_000


def timed(command: Sequence[Any]) -> float:
    """Seconds of a ``cosmogan`` command."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "cosmogan_k3", *map(str, command), "--quiet"], cwd=ROOT, check=True
    )
    return time.perf_counter() - start


def digest(folder: Path) -> str:
    """SHA-256 of all shards, in the order of their names."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob("part-*")):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def measure(
    name: str, command: Sequence[Any], *, workers: int, maps: int, shard_maps: int, folder: str
) -> dict[str, Any]:
    """Measure the rate and the digest of a command with a number of workers.

    Parameters
    ----------
    name : str
        Name of the command.
    command : sequence
        The command and its options.
    workers : int
        Dask workers.
    maps : int
        Maps of the second run.
    shard_maps : int
        Maps per shard.
    folder : str
        Folder for the shards.

    Returns
    -------
    dict
        Row of the table.
    """
    out = [Path(folder) / f"{name}-{workers}-{part}" for part in ("start", "all")]
    options = ["--workers", workers, "--shard-maps", shard_maps]
    few = workers * shard_maps
    starting = timed([*command, *options, "--maps", few, "--out", out[0]])
    seconds = timed([*command, *options, "--maps", maps, "--out", out[1]])
    if seconds <= starting:
        raise SystemExit(
            f"{name}: {maps} maps took no longer than {few}; "
            "make more maps, or use a machine without other work"
        )
    return {
        "command": name,
        "workers": workers,
        "maps": maps,
        "shard_maps": shard_maps,
        "seconds": seconds,
        "maps_per_second": (maps - few) / (seconds - starting),
        "sha256": digest(out[1]),
    }


def report(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a Markdown table; the first row of a command is its reference."""
    yield "| command | workers | maps/s | over the first | 1,000,000 maps |"
    yield "| --- " * 5 + "|"
    for row in rows:
        first = next(r for r in rows if r["command"] == row["command"])
        rate = row["maps_per_second"]
        cells = [row["command"], row["workers"], f"{rate:.0f}"]
        cells += [f"{rate / first['maps_per_second']:.2f}", f"{EXTRAPOLATED / rate / 60:.0f} min"]
        yield f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Measure all commands and numbers of workers, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", type=Path, help="file of a trained model; without one only simulate is timed"
    )
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--maps", type=int, default=20_000)
    parser.add_argument("--shard-maps", type=int, default=1024)
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--out", type=Path, help="write the measurements as JSON")
    arguments = parser.parse_args()
    if arguments.maps <= max(arguments.workers) * arguments.shard_maps:
        parser.error("--maps must be more than one shard per worker")
    commands: dict[str, list[Any]] = {"simulate": ["simulate"]}
    if arguments.model:
        model = arguments.model.resolve()
        commands["generate"] = ["generate", "--model", model, "--backend", arguments.backend]
    rows = []
    sizes = {"maps": arguments.maps, "shard_maps": arguments.shard_maps}
    with tempfile.TemporaryDirectory() as folder:
        for name, command in commands.items():
            for workers in arguments.workers:
                rows.append(measure(name, command, workers=workers, folder=folder, **sizes))
                print(json.dumps(rows[-1]), flush=True)
            if len({row["sha256"] for row in rows if row["command"] == name}) != 1:
                raise SystemExit(f"{name}: the shards depend on the number of workers")
    print("", *report(rows), sep="\n")
    if arguments.out:
        processor = platform.processor() or platform.machine()
        metadata = {"processor": processor, "cores": os.cpu_count(), "rows": rows}
        arguments.out.write_text(json.dumps(metadata, indent=1) + "\n")


if __name__ == "__main__":
    main()
