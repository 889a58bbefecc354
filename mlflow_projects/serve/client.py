"""Request maps from a served model, and write them to a file.

python client.py --url http://127.0.0.1:5001 --maps 4 --seed 0 --out served.fits
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

import numpy as np

import cosmogan_k3
from cosmogan_k3._typing import Maps


def request_maps(url: str, maps: int, seed: int = 0, timeout: float = 600) -> Maps:
    """Request maps from a service that `mlflow models serve` started.

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
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return np.asarray(json.load(answer)["predictions"], dtype=np.float32)
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
        "--pixel-arcmin", type=float, default=4.6875, help="of the model, as in its MLflow run"
    )
    parser.add_argument("--out", default="served.fits", help="npz, npy, h5 or fits file")
    options = parser.parse_args(command_line)
    try:
        kappa = request_maps(options.url, options.maps, options.seed)
        cosmogan_k3.write_maps(options.out, cosmogan_k3.MapSet(kappa, options.pixel_arcmin))
    except cosmogan_k3.InputError as error:
        print(f"client: error: {error}", file=sys.stderr)
        return 2
    print(f"{len(kappa)} maps of {kappa.shape[1]} pixels in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
