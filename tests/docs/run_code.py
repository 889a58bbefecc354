"""Run the Python blocks of the documentation, page by page, in a folder with what they assume.

::

    python -m tests.docs.run_code FOLDER

Simulations, trainings and samples are made small. Prints the place of each block that fails, and
exits with their number.
"""

import contextlib
import inspect
import io
import os
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np

import cosmogan_k3
from cosmogan_k3.cli.parser import build_parser
from tests.conftest import ROOT
from tests.docs.markdown import blocks, pages

RNG = np.random.default_rng(0)
PIXEL = 4.6875


class Cluster:
    """Takes the place of a SLURM cluster."""

    scheduler_address = "tcp://10.0.0.1:8786"

    def __init__(self, **options):
        assert set(options) >= {"cores", "processes", "memory", "walltime"}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def adapt(self, maximum_jobs):
        assert maximum_jobs > 0


def kappa(n, pixels=64):
    """Skewed maps, so that they have peaks and minima."""
    return (0.01 * (RNG.lognormal(size=(n, pixels, pixels)) - 1.65)).astype("float32")


def prepare():
    """Write the files that the pages name, and register a model."""
    import mlflow

    from cosmogan_k3.gan import build_gan
    from cosmogan_k3.maps import Conditioning
    from cosmogan_k3.tracking.registry import log_gan

    Path("my_maps").mkdir()
    maps = cosmogan_k3.MapSet(kappa(40), pixel_arcmin=PIXEL)
    cosmogan_k3.write_maps("my_maps/maps.h5", maps)
    ranges = {"omega_m": np.linspace(0.2, 0.4, 5), "sigma_8": np.linspace(0.6, 1.0, 5)}
    conditioning = Conditioning.fit(list(ranges), ranges)
    Path("run").mkdir()
    gan = build_gan("tiny", pixels=16, pixel_arcmin=PIXEL, conditioning=conditioning)
    gan.save("run/model.keras")
    mlflow.set_experiment("documentation")
    with mlflow.start_run():
        log_gan(build_gan("tiny", pixels=16, pixel_arcmin=PIXEL), registered_name="cosmogan")


def names():
    """Return what the pages take for given."""
    theta = RNG.uniform(size=(400, 2)) * [0.16, 0.3] + [0.22, 0.65]
    rows = theta @ RNG.normal(size=(2, 6)) + RNG.normal(scale=0.02, size=(400, 6))
    return {
        "__name__": "__main__",
        "real": kappa(12, 32),
        "generated": kappa(12, 32),
        "maps": kappa(4),
        "rows": rows[:300],
        "parameters": theta[:300],
        "box": np.arange(300) // 3,
        "other_rows": rows[300:],
        "true_parameters": theta[300:],
    }


def run(page):
    """Run the blocks of a page one after another; return the number that failed."""
    space, failed = names(), 0
    for block in blocks(page, "python"):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.text, where, "exec"), space)
        except Exception:
            print(f"{where}\n{traceback.format_exc()}")
            failed += 1
    return failed


def small_simulate(maps=1000, *, simulate=cosmogan_k3.simulate, **options):
    """Take the place of ``cosmogan_k3.simulate``: few small lognormal maps with these options."""
    small = {"pixels": 16, "method": "lognormal", "quiet": True}
    if "vary" in options:
        small["cosmologies"] = 4
    return simulate(min(maps, 60), **options | small)


def small_train(maps, preset="best", *, train=cosmogan_k3.train, **options):
    """Take the place of ``cosmogan_k3.train``: one epoch of a small preset, and no folder."""
    inspect.signature(train).bind(maps, preset, **options)
    cosmogan_k3.get_preset(preset)
    condition = options.get("condition", ())
    return train(maps, "tiny", condition=condition, epochs=1, quiet=True)


def small_sample(self, n, *, sample=cosmogan_k3.Emulator.sample, **options):
    """Take the place of ``Emulator.sample``: few maps."""
    return sample(self, min(n, 20), **options)


def parsed(command, *, ran=subprocess.run, **options):
    """Take the place of ``subprocess.run``: of commands of this package, only check the options."""
    if command[0] == "cosmogan":
        return build_parser().parse_args(command[1:])
    return ran(command, **options)


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    prepare()
    import dask_jobqueue

    from cosmogan_k3.evaluation.shown import EvaluationReport

    dask_jobqueue.SLURMCluster = Cluster
    cosmogan_k3.simulate, cosmogan_k3.train = small_simulate, small_train
    cosmogan_k3.Emulator.sample = small_sample
    EvaluationReport.show = str  # opens no browser; read-the-report.md saves a report
    subprocess.run = parsed
    with_code = [page for page in pages() if blocks(page, "python")]
    failed = sum(run(page) for page in with_code)
    print(f"{len(with_code)} pages, {failed} blocks failed")
    raise SystemExit(failed)
