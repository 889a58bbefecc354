"""Maps a second of simulate and generate on 1, 2 and 4 Dask workers, and what a million maps would take.

python benchmarks/dask_shards.py --model run/model.keras --backend torch --maps 20000 --workers 1 2 4

Each command runs in a process of its own, as a user would start it. The first run with a number of workers makes one
shard for each of them, the second all shards; their difference is the time without starting workers and models.
The bytes of all shards have to be the same for every number of workers.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLANNED = 1_000_000


def timed(command):
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "cosmogan_k3", *map(str, command), "--quiet"], cwd=ROOT, check=True
    )
    return time.perf_counter() - start


def digest(folder):
    """SHA-256 of all shards, in the order of their names."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob("part-*")):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def measure(name, command, workers, maps, shard_maps, folder):
    """Rate and digest of a command on a number of workers."""
    out = [Path(folder) / f"{name}-{workers}-{part}" for part in ("start", "all")]
    options = ["--workers", workers, "--shard-maps", shard_maps]
    few = workers * shard_maps
    starting = timed([*command, *options, "--maps", few, "--out", out[0]])
    seconds = timed([*command, *options, "--maps", maps, "--out", out[1]])
    if seconds <= starting:
        raise SystemExit(
            f"{name}: {maps} maps took no longer than {few}; give more, or a quieter machine"
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


def report(rows):
    """The measurements, and on paper a million maps, as Markdown."""
    yield "| command | workers | maps/s | beside the fewest | 1,000,000 maps |"
    yield "| --- " * 5 + "|"
    for row in rows:
        base = next(r for r in rows if r["command"] == row["command"])
        rate = row["maps_per_second"]
        yield (
            f"| {row['command']} | {row['workers']} | {rate:.0f} | {rate / base['maps_per_second']:.2f} "
            f"| {PLANNED / rate / 60:.0f} min |"
        )


def main():
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
        parser.error("--maps: more than a shard for each worker are needed")
    commands = {"simulate": ["simulate"]}
    if arguments.model:
        model = arguments.model.resolve()
        commands["generate"] = ["generate", "--model", model, "--backend", arguments.backend]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, command in commands.items():
            for workers in arguments.workers:
                rows.append(
                    measure(name, command, workers, arguments.maps, arguments.shard_maps, folder)
                )
                print(json.dumps(rows[-1]), flush=True)
            if len({row["sha256"] for row in rows if row["command"] == name}) != 1:
                raise SystemExit(f"{name}: the shards depend on the number of workers")
    print("", *report(rows), sep="\n")
    if arguments.out:
        facts = {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "rows": rows,
        }
        arguments.out.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
