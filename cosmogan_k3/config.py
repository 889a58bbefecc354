"""The one source of parameter names: for Python, the command line, MLproject and what MLflow logs.

Each dataclass is one command. A field's metadata holds its help, and what the value may be.
"""

from dataclasses import dataclass, field

BACKENDS = ("jax", "tensorflow", "torch")


def option(default, help, *, choices=None, minimum=None, above=None, flag=False, bare=None):
    """A dataclass field with the text and the bounds that the command line shows and checks.

    A ``flag`` takes no value, and is not for MLproject, which cannot leave an option out; ``bare`` is the value of an
    option that may be given with or without one.
    """
    metadata = {
        "help": help,
        "choices": choices,
        "minimum": minimum,
        "above": above,
        "flag": flag,
        "bare": bare,
    }
    return field(default=default, metadata=metadata)


def _seed():
    return option(0, "seed of every random draw", minimum=0)


def _backend():
    return option("", "Keras backend; by default KERAS_BACKEND, or jax", choices=("", *BACKENDS))


def _quiet():
    return option(False, "no progress bars, no summary", flag=True)


def _condition():
    return option(
        "",
        "parameters of the maps that the generator is to be told, with commas between: omega_m,sigma_8, say",
    )


def _periodic():
    return option(
        "auto",
        "whether opposite edges of the maps join: yes, no, or auto to look",
        choices=("auto", "yes", "no"),
    )


def _maps_out(name):
    text = "file to write, with --workers or --scheduler a folder of files; its ending chooses the format"
    return option(name, f"{text}: npz, npy, h5 or fits")


def _workers():
    return option(
        0, "processes of this machine to share the work, by Dask; 0 keeps it in this one", minimum=0
    )


def _scheduler():
    return option(
        "",
        "address of a running Dask scheduler, such as tcp://10.0.0.1:8786, whose workers share the work",
    )


def _shard_maps():
    return option(10_240, "maps in a file, with --workers or --scheduler", minimum=1)


def _pixel_arcmin():
    return option(0.0, "side of a pixel in arcmin, where the files do not say", minimum=0)


@dataclass(frozen=True)
class Simulation:
    """What to simulate: a flat ΛCDM cosmology, a source plane and a field."""

    maps: int = option(9_000, "number of maps", minimum=1)
    pixels: int = option(64, "side of a map in pixels", minimum=2)
    field_deg: float = option(5.0, "side of a map in degrees", above=0)
    source_redshift: float = option(1.0, "redshift of the source plane", above=0)
    omega_m: float = option(0.3, "matter density today", above=0)
    omega_b: float = option(0.05, "baryon density today", above=0)
    h: float = option(0.7, "Hubble constant in 100 km/s/Mpc", above=0)
    sigma_8: float = option(0.8, "linear rms matter fluctuation in 8 Mpc/h spheres", above=0)
    n_s: float = option(0.96, "spectral index", above=0)
    shift: float = option(
        0.0,
        "minus the minimum convergence; by default Hilbert et al.'s fit at the source redshift",
        minimum=0,
    )
    vary: str = option(
        "",
        "ranges that cosmologies are drawn from, in place of single values: omega_m=0.2:0.4,sigma_8=0.6:1.0, say",
    )
    cosmologies: int = option(
        32, "number of cosmologies, which take turns from map to map, with --vary", minimum=1
    )
    seed: int = _seed()


@dataclass(frozen=True)
class SimulateConfig(Simulation):
    """Simulate shifted-lognormal convergence maps for a cosmology and a source redshift."""

    out: str = _maps_out("maps.npz")
    workers: int = _workers()
    scheduler: str = _scheduler()
    shard_maps: int = _shard_maps()
    quiet: bool = _quiet()


@dataclass(frozen=True)
class TrainConfig:
    """Train a generator on maps, track the run in MLflow and register the model."""

    data: str = option("", "maps to learn from: npy, npz, h5 or fits file, or a folder of them")
    pixels: int = option(
        0, "cut larger maps into patches of this side; 0 keeps the maps as they are", minimum=0
    )
    pixel_arcmin: float = _pixel_arcmin()
    periodic: str = _periodic()
    preset: str = option("best", "architecture and training recipe")
    loss: str = option(
        "",
        "adversarial loss: hinge, relativistic_hinge, relativistic_pairing, cross_entropy or wasserstein; "
        "by default the preset's",
    )
    condition: str = _condition()
    start: str = option(
        "", "model (.keras file or MLflow URI) of the same networks, whose weights to start from"
    )
    backend: str = _backend()
    devices: str = option(
        "auto",
        "devices that share each batch, of all processes together: a number, or auto (accelerators, or one CPU)",
    )
    epochs: int = option(0, "passes through the training maps; 0 takes the preset's", minimum=0)
    batch_size: int = option(0, "maps in a batch; 0 takes the preset's", minimum=0)
    seed: int = _seed()
    model_name: str = option(
        "cosmogan", "name under which the model is registered; '' registers none"
    )
    alias: str = option("champion", "alias that the new version gets in the registry")
    out: str = option("run", "folder for the model, its figures and checkpoints")
    resume: int = option(
        0, "go on from the newest checkpoint in the folder", choices=(0, 1), bare=1
    )
    minutes: float = option(
        0.0, "stop, to be resumed, after the epoch in which so much time is spent", minimum=0
    )
    patience: int = option(
        0, "stop after so many epochs without a better validation score; 0 never", minimum=0
    )
    quiet: bool = _quiet()


@dataclass(frozen=True)
class EvaluateConfig:
    """Compare generated maps with real ones: distances with their nulls, and figures."""

    real: str = option("", "real maps: a file or a folder")
    generated: str = option("", "generated maps: a file or a folder")
    training: str = option(
        "", "maps that the generator learned from, if copies of them are to be searched for"
    )
    mask: str = option(
        "",
        "file with one map of 0 and 1, 1 where observed, for both sets; leaves some statistics out",
    )
    pixels: int = option(
        0, "cut larger maps into patches of this side; 0 keeps the maps as they are", minimum=0
    )
    pixel_arcmin: float = _pixel_arcmin()
    seed: int = _seed()
    out: str = option(
        "evaluation", "folder for report.html, metrics.json, statistics.csv and the figures"
    )
    workers: int = _workers()
    scheduler: str = _scheduler()
    quiet: bool = _quiet()


@dataclass(frozen=True)
class GenerateConfig:
    """Draw maps from a trained model."""

    model: str = option("models:/cosmogan@champion", "MLflow URI or path of a saved model (.keras)")
    maps: int = option(1000, "number of maps", minimum=1)
    pixels: int = option(
        0,
        "side of the maps, where the model can draw another; 0 takes the training maps'",
        minimum=0,
    )
    parameters: str = option(
        "", "of a conditional model, what to draw maps for: omega_m=0.3,sigma_8=0.8, say"
    )
    seed: int = _seed()
    backend: str = _backend()
    out: str = _maps_out("generated.npz")
    workers: int = _workers()
    scheduler: str = _scheduler()
    shard_maps: int = _shard_maps()
    quiet: bool = _quiet()


@dataclass(frozen=True)
class TuneConfig:
    """Vary learning rates, margins and penalties in a study; the best becomes the champion if it beats the present."""

    data: str = option(
        "",
        "maps to learn from: npy, npz, h5 or fits file, or a folder; simulated if none are given",
    )
    pixels: int = option(
        0, "cut larger maps into patches of this side; 0 keeps the maps as they are", minimum=0
    )
    pixel_arcmin: float = _pixel_arcmin()
    periodic: str = _periodic()
    preset: str = option("quick", "architecture and training recipe that the trials vary")
    condition: str = _condition()
    ranges: str = option(
        "", "TOML file of what to vary and within which bounds; by default rates, loss, margins, R1"
    )
    backend: str = _backend()
    trials: int = option(
        40, "trials of the study, those of all workers and of earlier commands together", minimum=1
    )
    study: str = option(
        "cosmogan", "name of the study; another command with the same name goes on with it"
    )
    storage: str = option(
        "sqlite:///study.db",
        "SQLAlchemy URL of the database that all workers share, such as postgresql://host/studies",
    )
    objective: str = option(
        "score",
        "score: one number, the mean over ln((1 + distance/null)/2); pareto: P(l), pixels and peaks against each other",
        choices=("score", "pareto"),
    )
    sampler: str = option("tpe", "how values are chosen", choices=("tpe", "nsga", "random"))
    pruner: str = option(
        "asha",
        "how hopeless trials end early; pareto studies never prune",
        choices=("asha", "hyperband", "none"),
    )
    repeats: int = option(1, "seeds that each trial is trained with and averaged over", minimum=1)
    epochs: int = option(
        0, "passes through the training maps in each trial; 0 takes the preset's", minimum=0
    )
    workers: int = option(1, "processes on this machine that run trials", minimum=1)
    heartbeat: int = option(
        30,
        "seconds between a worker's signs of life; after three without one its trial is run once more",
        minimum=1,
    )
    finish: int = option(
        1,
        "1: draw the figures, retrain and register once all trials are done; 0: only run trials",
        choices=(0, 1),
    )
    retrain: int = option(
        3, "seeds that the best trial is trained on again, with the whole preset; 0 none", minimum=0
    )
    seed: int = _seed()
    model_name: str = option(
        "cosmogan", "name under which the best model is registered; '' registers none"
    )
    alias: str = option("champion", "alias to be won from the model that has it")
    out: str = option("study", "folder for the study's figures and the retrained models")
    maps: int = option(9_000, "number of maps to simulate if no data are given", minimum=1)
    field_deg: float = option(5.0, "side of a simulated map in degrees", above=0)
    source_redshift: float = option(1.0, "redshift of the simulated source plane", above=0)
    quiet: bool = _quiet()


@dataclass(frozen=True)
class InfoConfig:
    """Say which backend, devices and versions are in use."""

    backend: str = _backend()


@dataclass(frozen=True)
class MainConfig(TrainConfig):
    """Simulate maps if none are given, train on them, evaluate the result and register it."""

    maps: int = option(9_000, "number of maps to simulate if no data are given", minimum=1)
    field_deg: float = option(5.0, "side of a simulated map in degrees", above=0)
    source_redshift: float = option(1.0, "redshift of the simulated source plane", above=0)


COMMANDS = {
    "main": MainConfig,
    "simulate": SimulateConfig,
    "train": TrainConfig,
    "evaluate": EvaluateConfig,
    "generate": GenerateConfig,
    "tune": TuneConfig,
    "info": InfoConfig,
}
