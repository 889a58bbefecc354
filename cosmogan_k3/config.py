"""The parameters of every command: the one source for Python, CLI, MLproject and MLflow.

Each dataclass is one command. The metadata of a field holds its help text and its valid values.
"""

from dataclasses import dataclass
from typing import Any

from cosmogan_k3._options import documented, option

BACKENDS = ("jax", "tensorflow", "torch")

# Bounds, for the command line and for Python.
# Keras has seeds of 32 bits. Rollbacks and the final test add some millions to the user's.
_LARGEST_SEED = 2**31 - 1
# A map of this side takes 1 GB in float32, and its simulation some GB more.
_LARGEST_SIDE = 16_384
# A million maps of 64² are 16 GB.
_MOST_MAPS = 10**9
# Processes that one machine can run.
_MOST_PROCESSES = 1_024
_MANY = 10**6
# Beyond 60 degrees a flat map is off by 10 % at its edges.
_LARGEST_FIELD = 60.0
# The ranges of cosmological parameters are those of wide priors, and exclude other units (h = 70).


def _seed() -> Any:
    return option(0, "seed of all random draws", within=(0, _LARGEST_SEED))


def _backend() -> Any:
    return option("", "Keras backend; default: KERAS_BACKEND, or jax", choices=("", *BACKENDS))


def _overwrite() -> Any:
    return option(0, "1: replace output that is there", choices=(0, 1), bare=1)


def _quiet() -> Any:
    return option(False, "show no progress bars and no summary", flag=True)


def _pixels() -> Any:
    return option(
        0,
        "side of the patches to cut larger maps into; 0: use whole maps",
        within=(0, _LARGEST_SIDE),
    )


def _pixel_arcmin() -> Any:
    return option(
        0.0, "side of a pixel in arcmin, for files that do not record it", within=(0, 600.0)
    )


def _field() -> Any:
    return option(
        "", "name of the array in files with several, e.g. kappa/zs1; default: kappa or convergence"
    )


def _external() -> Any:
    return option(
        False, "let HDF5 files take data from other files, which they can choose", flag=True
    )


def _model_name() -> Any:
    return option("cosmogan", "name of the registered model; '': do not register")


def _alias() -> Any:
    return option(
        "", "alias that the new model takes; default: champion if it is better, else challenger"
    )


def _condition() -> Any:
    return option(
        "", "parameters of the maps to condition on, separated by commas, e.g. omega_m,sigma_8"
    )


def _periodic() -> Any:
    return option(
        "auto",
        "whether opposite edges of the maps join; auto: measure it",
        choices=("auto", "yes", "no"),
    )


def _maps_out(name: str) -> Any:
    return option(
        name,
        "file to write, or folder with --workers or --scheduler; "
        "the ending chooses the format: npz, npy, h5 or fits",
    )


def _workers() -> Any:
    return option(
        0, "Dask worker processes to start on this machine; 0: none", within=(0, _MOST_PROCESSES)
    )


def _scheduler() -> Any:
    return option("", "address of a running Dask scheduler, e.g. tcp://10.0.0.1:8786")


def _shard_maps() -> Any:
    return option(10_240, "maps in a file, with --workers or --scheduler", within=(1, _MOST_MAPS))


def _simulated_maps() -> Any:
    return option(9_000, "number of maps to simulate if no data are given", within=(1, _MOST_MAPS))


def _simulated_field() -> Any:
    return option(5.0, "side of a simulated map in degrees", within=(0.01, _LARGEST_FIELD))


def _simulated_redshift() -> Any:
    return option(1.0, "redshift of the simulated source plane", within=(0.01, 20.0))


@documented
@dataclass(frozen=True)
class Simulation:
    """A flat ΛCDM cosmology, a source plane and a field to simulate."""

    maps: int = option(9_000, "number of maps", within=(1, _MOST_MAPS))
    pixels: int = option(64, "side of a map in pixels", within=(2, _LARGEST_SIDE))
    field_deg: float = option(5.0, "side of a map in degrees", within=(0.01, _LARGEST_FIELD))
    source_redshift: float = option(1.0, "redshift of the source plane", within=(0.01, 20.0))
    omega_m: float = option(0.3, "matter density today", within=(0.05, 1.0))
    omega_b: float = option(0.05, "baryon density today", within=(0.001, 0.5))
    h: float = option(0.7, "Hubble constant in 100 km/s/Mpc", within=(0.4, 1.0))
    sigma_8: float = option(
        0.8, "linear rms matter fluctuation in 8 Mpc/h spheres", within=(0.2, 2.0)
    )
    n_s: float = option(0.96, "spectral index", within=(0.5, 1.5))
    shift: float = option(
        0.0,
        "minus the minimum convergence; 0: the fit of Hilbert et al. at the source redshift",
        within=(0, 1.0),
    )
    vary: str = option("", "ranges to draw cosmologies from, e.g. omega_m=0.2:0.4,sigma_8=0.6:1.0")
    cosmologies: int = option(
        32,
        "number of cosmologies with --vary; consecutive maps alternate between them",
        within=(1, 2**16),
    )
    seed: int = _seed()


@documented
@dataclass(frozen=True)
class SimulateConfig(Simulation):
    """Simulate shifted-lognormal convergence maps for a cosmology and a source redshift."""

    out: str = _maps_out("maps.npz")
    overwrite: int = _overwrite()
    workers: int = _workers()
    scheduler: str = _scheduler()
    shard_maps: int = _shard_maps()
    quiet: bool = _quiet()


@documented
@dataclass(frozen=True)
class TrainConfig:
    """Train a generator on maps, track the run in MLflow and register the model."""

    data: str = option("", "training maps: npy, npz, h5 or fits file, or a folder of files")
    pixels: int = _pixels()
    pixel_arcmin: float = _pixel_arcmin()
    field: str = _field()
    external: bool = _external()
    periodic: str = _periodic()
    preset: str = option("best", "architecture and training recipe")
    loss: str = option(
        "",
        "adversarial loss: hinge, relativistic_hinge, relativistic_pairing, cross_entropy or "
        "wasserstein; default: that of the preset",
    )
    condition: str = _condition()
    start: str = option("", "model (.keras file or MLflow URI) whose weights to start from")
    backend: str = _backend()
    devices: str = option(
        "auto",
        "number of devices that share each batch, over all processes; "
        "auto: all accelerators, or one CPU",
    )
    epochs: int = option(
        0, "passes through the training maps; 0: those of the preset", within=(0, _MANY)
    )
    batch_size: int = option(0, "maps in a batch; 0: that of the preset", within=(0, _MANY))
    seed: int = _seed()
    model_name: str = _model_name()
    alias: str = _alias()
    out: str = option("run", "folder for the model, its figures and checkpoints")
    resume: int = option(
        0, "1: continue from the newest checkpoint in the folder", choices=(0, 1), bare=1
    )
    minutes: float = option(
        0.0, "stop after the epoch that exceeds this time, to be resumed; 0: no limit", minimum=0
    )
    patience: int = option(
        0, "stop after so many epochs without a better validation score; 0: never", minimum=0
    )
    quiet: bool = _quiet()


@documented
@dataclass(frozen=True)
class EvaluateConfig:
    """Compare generated maps with real ones: distances with their nulls, and figures."""

    real: str = option("", "real maps: a file or a folder")
    generated: str = option("", "generated maps: a file or a folder")
    training: str = option("", "maps that the generator was trained on, to search for copies")
    mask: str = option(
        "", "file with one map of 0 and 1 (observed), for both sets; some statistics are left out"
    )
    pixels: int = _pixels()
    pixel_arcmin: float = _pixel_arcmin()
    field: str = _field()
    generated_field: str = option("", "the same for the generated maps")
    external: bool = _external()
    seed: int = _seed()
    out: str = option(
        "evaluation", "folder for report.html, metrics.json, statistics.csv and the figures"
    )
    overwrite: int = _overwrite()
    workers: int = _workers()
    scheduler: str = _scheduler()
    quiet: bool = _quiet()


@documented
@dataclass(frozen=True)
class GenerateConfig:
    """Draw maps from a trained model."""

    model: str = option("models:/cosmogan@champion", "MLflow URI or path of a saved model (.keras)")
    maps: int = option(1000, "number of maps", within=(1, _MOST_MAPS))
    pixels: int = option(
        0,
        "side of the maps, for models that can draw another; 0: as trained",
        within=(0, _LARGEST_SIDE),
    )
    parameters: str = option(
        "", "parameters of the maps, for conditional models, e.g. omega_m=0.3,sigma_8=0.8"
    )
    seed: int = _seed()
    backend: str = _backend()
    out: str = _maps_out("generated.npz")
    overwrite: int = _overwrite()
    workers: int = _workers()
    scheduler: str = _scheduler()
    shard_maps: int = _shard_maps()
    quiet: bool = _quiet()


@documented
@dataclass(frozen=True)
class TuneConfig:
    """Tune a preset in an Optuna study; the best model is registered if it wins."""

    data: str = option(
        "", "training maps: npy, npz, h5 or fits file, or a folder; default: simulate them"
    )
    pixels: int = _pixels()
    pixel_arcmin: float = _pixel_arcmin()
    field: str = _field()
    external: bool = _external()
    periodic: str = _periodic()
    preset: str = option("quick", "architecture and training recipe that the trials vary")
    condition: str = _condition()
    ranges: str = option(
        "", "TOML file with the search ranges; default: learning rates, loss, margins, R1"
    )
    backend: str = _backend()
    trials: int = option(40, "trials of the study, over all workers", within=(1, _MANY))
    study: str = option("cosmogan", "name of the study; the same name continues it")
    storage: str = option("sqlite:///study.db", "URL of the study's database, for SQLAlchemy")
    objective: str = option(
        "score",
        "score: the mean over ln((1 + distance/null)/2); "
        "pareto: P(l), pixels and peaks as separate objectives",
        choices=("score", "pareto"),
    )
    sampler: str = option("tpe", "Optuna sampler", choices=("tpe", "nsga", "random"))
    pruner: str = option(
        "asha", "Optuna pruner; pareto studies never prune", choices=("asha", "hyperband", "none")
    )
    repeats: int = option(1, "seeds over which each trial is averaged", within=(1, 1_000))
    epochs: int = option(
        0, "passes through the training maps in each trial; 0: those of the preset", minimum=0
    )
    workers: int = option(
        1, "processes on this machine that run trials", within=(1, _MOST_PROCESSES)
    )
    heartbeat: int = option(
        30,
        "seconds between signals of a worker; after three missed ones its trial is repeated",
        minimum=1,
    )
    finish: int = option(
        1,
        "1: draw figures, retrain and register after the last trial; 0: run trials only",
        choices=(0, 1),
    )
    retrain: int = option(
        3, "seeds with which the best trial is retrained with the whole preset; 0: none", minimum=0
    )
    seed: int = _seed()
    model_name: str = _model_name()
    alias: str = _alias()
    out: str = option("study", "folder for the figures of the study and the retrained models")
    maps: int = _simulated_maps()
    field_deg: float = _simulated_field()
    source_redshift: float = _simulated_redshift()
    quiet: bool = _quiet()


@documented
@dataclass(frozen=True)
class InfoConfig:
    """Show the backend, devices and versions in use."""

    backend: str = _backend()


@documented
@dataclass(frozen=True)
class MainConfig(TrainConfig):
    """Simulate maps if none are given, train on them, evaluate the result and register it."""

    maps: int = _simulated_maps()
    field_deg: float = _simulated_field()
    source_redshift: float = _simulated_redshift()


COMMANDS = {
    "main": MainConfig,
    "simulate": SimulateConfig,
    "train": TrainConfig,
    "evaluate": EvaluateConfig,
    "generate": GenerateConfig,
    "tune": TuneConfig,
    "info": InfoConfig,
}
