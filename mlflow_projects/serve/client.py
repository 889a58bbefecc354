"""Request maps from a served model, and write them to a file.

python client.py --url http://127.0.0.1:5001 --maps 4 --seed 0 --out served.fits
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

import numpy as np

import cosmogan_k3
from cosmogan_k3._typing import Maps


def request_maps(url: str, maps: int, seed: int = 0, timeout: float = 600) -> Maps:
    """Request maps from a service that `cosmogan serve` or `mlflow models serve` started.

    Parameters
    ----------
    url : str
        Address of the service.
    maps : int
        Number of maps.
    seed : int, default 0
        Seed; the same seed gives the same maps.
    timeout : float, default 600
        Time limit in seconds.

    Returns
    -------
    float32 array (maps, N, N)
        Convergence maps, dimensionless.

    Raises
    ------
    InputError
        If there is no answer, or the service refuses the request.
    """
    rows = {"columns": ["maps", "seed"], "data": [[maps, seed]]}
    body = json.dumps({"dataframe_split": rows}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/invocations", body, headers)
    return np.asarray(_answer(url, request, timeout)["predictions"], dtype=np.float32)


def pixel_arcmin_of(url: str, timeout: float = 60) -> float:
    """Return the side of a pixel in arcmin that a service of `cosmogan serve` states.

    Parameters
    ----------
    url : str
        Address of the service.
    timeout : float, default 60
        Time limit in seconds.

    Raises
    ------
    InputError
        If there is no answer, or the service does not say.
    """
    try:
        return float(_answer(url, f"{url}/metadata", timeout)["pixel_arcmin"])
    except (KeyError, TypeError, ValueError) as error:
        raise cosmogan_k3.InputError(
            f"{url}: the service does not say the pixel size of its maps ({error}); give "
            "--pixel-arcmin, or start the service with cosmogan serve"
        ) from error


def _answer(url: str, request: urllib.request.Request | str, timeout: float) -> Any:
    """Return the JSON with which a service answers."""
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        reason = error.read().decode(errors="replace")[:300]
        raise cosmogan_k3.InputError(
            f"{url}: the service refused the request ({error.code}: {reason})"
        ) from error
    except (urllib.error.URLError, OSError) as error:
        raise cosmogan_k3.InputError(
            f"{url}: no answer ({error}); start the service first"
        ) from error


def main(command_line: Sequence[str] | None = None) -> int:
    """Write the maps; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:5001")
    parser.add_argument("--maps", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--pixel-arcmin", type=float, default=0, help="side of a pixel; 0: as the service says"
    )
    parser.add_argument("--out", default="served.fits", help="npz, npy, h5 or fits file")
    options = parser.parse_args(command_line)
    try:
        pixel_arcmin = options.pixel_arcmin or pixel_arcmin_of(options.url)
        kappa = request_maps(options.url, options.maps, options.seed)
        cosmogan_k3.write_maps(options.out, cosmogan_k3.MapSet(kappa, pixel_arcmin))
    except cosmogan_k3.InputError as error:
        print(f"client: error: {error}", file=sys.stderr)
        return 2
    print(f"{len(kappa)} maps of {kappa.shape[1]} pixels in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
