"""Memory of ``cosmogan serve`` under many requests of the largest size.

python -m benchmarks.serving --backend torch --requests 50 --out serving.json

Starts a service of a model of the preset `tiny` on a free port of this machine, and asks it for the
largest number of maps in many connections at once, which hang up after a minute. Reads the memory
of the process meanwhile, and how soon the next request is answered.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BAD = {
    "10⁹ maps": b'{"dataframe_split": {"columns": ["maps"], "data": [[1000000000]]}}',
    "1.5 maps": b'{"dataframe_split": {"columns": ["maps"], "data": [[1.5]]}}',
    "unknown column": b'{"dataframe_split": {"columns": ["maps", "omega_m"], "data": [[1, 0.3]]}}',
    "deep JSON": b"[" * 500_000,
    "2 MB": b" " * 2_000_000,
}


def megabytes(pid, name):
    """Return a number of /proc/PID/status in MB: VmRSS, or VmHWM for the peak."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(f"{name}:"))


def post(url, body, seconds=600.0):
    """Return the status of a request and the bytes of its answer, read for so many seconds."""
    end = time.monotonic() + seconds
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/invocations", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=3600) as answer:
            size = 0
            while time.monotonic() < end and (part := answer.read(2**16)):
                size += len(part)
            return answer.status, size
    except urllib.error.HTTPError as error:
        return error.code, len(error.read())


def start(folder, options):
    """Return the process of a service and its address."""
    model = folder / "model.keras"
    build = (
        "import sys; from cosmogan_k3.gan import build_gan; "
        f"build_gan('tiny', pixels={options.pixels}, pixel_arcmin=3.0).save(sys.argv[1])"
    )
    environment = os.environ | {"KERAS_BACKEND": options.backend}
    subprocess.run([sys.executable, "-c", build, str(model)], check=True, env=environment)
    command = [sys.executable, "-m", "cosmogan_k3", "serve", "--model", str(model), "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    return process, line.split(" answers at ")[1].strip().removesuffix("/invocations")


def _seconds(function):
    start = time.monotonic()
    function()
    return round(time.monotonic() - start, 2)


def measure(options):
    """Return the memory before, while and after the requests, and how they were answered."""
    from cosmogan_k3.gan.requests import LARGEST_REQUEST

    most = LARGEST_REQUEST // options.pixels**2
    body = json.dumps({"dataframe_split": {"columns": ["maps"], "data": [[most]]}}).encode()
    small = body.replace(str(most).encode(), b"1")
    with tempfile.TemporaryDirectory() as folder:
        process, url = start(Path(folder), options)
        try:
            post(url, small)  # compiles
            before = megabytes(process.pid, "VmRSS")
            seen, done = [], threading.Event()

            def watch():
                while not done.wait(0.2):
                    seen.append(megabytes(process.pid, "VmRSS"))

            threading.Thread(target=watch, daemon=True).start()
            with ThreadPoolExecutor(options.requests) as pool:
                answers = list(
                    pool.map(lambda _: post(url, body, options.seconds), range(options.requests))
                )
            done.set()
            return {
                "backend": options.backend,
                "pixels": options.pixels,
                "maps of a request": most,
                "requests": options.requests,
                "seconds": options.seconds,
                "answers": sorted({status for status, _ in answers}),
                "MB of answers": sum(size for _, size in answers) / 1e6,
                "MB before": before,
                "MB at most": max(seen),
                "seconds until the next answer": _seconds(lambda: post(url, small)),
                "MB after": megabytes(process.pid, "VmRSS"),
                "refused": {name: post(url, bad)[0] for name, bad in BAD.items()},
            }
        finally:
            process.terminate()
            process.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60, help="after which clients hang up")
    parser.add_argument("--out", default="serving.json")
    options = parser.parse_args()
    found = measure(options)
    Path(options.out).write_text(json.dumps(found, indent=1, ensure_ascii=False))
    print(json.dumps(found, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
