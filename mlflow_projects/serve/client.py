"""Ask a served model for maps, and write them to a file.

python client.py --url http://127.0.0.1:5001 --maps 4 --seed 0 --out served.fits
"""

import argparse
import json
import sys
import urllib.error
import urllib.request

import numpy as np

import cosmogan_k3


def request_maps(url, maps, seed=0, timeout=600):
    """κ, float32 ``(maps, N, N)``, from a service that `mlflow models serve` started.

    Args:
        url: str, where it listens.
        maps: int.
        seed: int; one seed, one result.
        timeout: float, in seconds.

    Raises:
        InputError: nothing answers there, or the service refuses the request.
    """
    body = json.dumps(
        {"dataframe_split": {"columns": ["maps", "seed"], "data": [[maps, seed]]}}
    ).encode()
    request = urllib.request.Request(
        f"{url}/invocations", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return np.asarray(json.load(answer)["predictions"], dtype=np.float32)
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")[:300]
        raise cosmogan_k3.InputError(
            f"{url}: the service refused the request ({error.code}: {said})"
        ) from error
    except (urllib.error.URLError, OSError) as error:
        raise cosmogan_k3.InputError(
            f"{url}: nothing answers there ({error}); start the service first"
        ) from error


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:5001")
    parser.add_argument("--maps", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--pixel-arcmin", type=float, default=4.6875, help="of the model; its run in MLflow says"
    )
    parser.add_argument("--out", default="served.fits", help="npz, npy, h5 or fits file")
    given = parser.parse_args(arguments)
    try:
        kappa = request_maps(given.url, given.maps, given.seed)
        cosmogan_k3.write_maps(given.out, cosmogan_k3.MapSet(kappa, given.pixel_arcmin))
    except cosmogan_k3.InputError as error:
        print(f"client: error: {error}", file=sys.stderr)
        return 2
    print(f"{len(kappa)} maps of {kappa.shape[1]} pixels in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
