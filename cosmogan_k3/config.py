"""The parameters of every command: the one source for Python, CLI, MLproject and MLflow.

Each dataclass is one command. The metadata of a field holds its help text and its valid values.
"""

from dataclasses import dataclass

from cosmogan_k3._options import documented, option, shared

BACKENDS = shared.BACKENDS
METHODS = shared.METHODS


@documented
@dataclass(frozen=True)
class Simulation:
    """A flat ΛCDM cosmology, a source plane and a field to simulate."""

    method: str = shared.method("lognormal")
    maps: int = option(9_000, "number of maps", within=(1, shared.MOST_MAPS))
    pixels: int = option(64, "side of a map in pixels", within=(2, shared.LARGEST_SIDE))
    field_deg: float = option(5.0, "side of a map in degrees", within=(0.01, shared.LARGEST_FIELD))
    source_redshift: float = option(1.0, "redshift of the source plane", within=(0.01, 20.0))
    # Ranges as wide as those of wide priors; they exclude other units, such as h = 70.
    omega_m: float = option(0.3, "matter density today", within=(0.05, 1.0))
    omega_b: float = option(0.05, "baryon density today", within=(0.001, 0.5))
    h: float = option(0.7, "Hubble constant in 100 km/s/Mpc", within=(0.4, 1.0))
    sigma_8: float = option(
        0.8, "linear rms matter fluctuation in 8 Mpc/h spheres", within=(0.2, 2.0)
    )
    n_s: float = option(0.96, "spectral index", within=(0.5, 1.5))
    shift: float = option(
        0.0,
        "minus the minimum convergence of lognormal maps; 0: the fit of Hilbert et al. at the "
        "source redshift",
        within=(0, 1.0),
    )
    box_maps: int = shared.box_maps()
    particles: int = shared.particles()
    vary: str = option("", "ranges to draw cosmologies from, e.g. omega_m=0.2:0.4,sigma_8=0.6:1.0")
    cosmologies: int = option(
        32,
        "number of cosmologies with --vary; consecutive maps, or boxes, alternate between them",
        within=(1, 2**16),
    )
    seed: int = shared.seed()


@documented
@dataclass(frozen=True)
class SimulateConfig(Simulation):
    """Simulate convergence maps for a cosmology and a source redshift."""

    galaxy_density: float = shared.galaxy_density()
    sigma_epsilon: float = shared.sigma_epsilon()
    smoothing_arcmin: float = shared.smoothing_arcmin()
    kaiser_squires: int = shared.kaiser_squires()
    quantity: str = shared.quantity()
    mask: str = shared.written_mask()
    out: str = shared.maps_out("maps.npz")
    overwrite: int = shared.overwrite()
    workers: int = shared.workers()
    scheduler: str = shared.scheduler()
    shard_maps: int = shared.shard_maps()
    quiet: bool = shared.quiet()


@documented
@dataclass(frozen=True)
class CutConfig:
    """Cut full-sky HEALPix maps into flat patches."""

    sky: str = option("", "full-sky maps, one a file: a file, a folder, or a pattern in quotes")
    field_deg: float = option(5.0, "side of a patch in degrees", within=(0.1, 30.0))
    pixels: int = option(64, "side of a patch in pixels", within=(1, shared.LARGEST_SIDE))
    field: str = shared.field()
    ordering: str = option(
        "", "order of pixels, if a file does not say; default: ring", choices=("", "ring", "nested")
    )
    sampling: str = option(
        "mean",
        "mean: over each pixel of a patch; interpolate: at its centre, for patches with smaller "
        "pixels than the sky",
        choices=("mean", "interpolate"),
    )
    mask: str = option(
        "", "HEALPix map of 0 and 1 (observed); patches with other pixels are left out"
    )
    parameters: str = option(
        "", "parameters of the skies, kept with their patches, e.g. omega_m=0.3,sigma_8=0.8"
    )
    subtract_mean: bool = option(False, "subtract the mean over the observed sky", flag=True)
    external: bool = shared.external()
    out: str = option(
        "patches.h5", "file to write; the ending chooses the format: npz, npy, h5 or fits"
    )
    overwrite: int = shared.overwrite()
    quiet: bool = shared.quiet()


@dataclass(frozen=True)
class _Training:
    """What every command that trains asks for."""

    data: str = option(
        "",
        "training maps: npy, npz, h5 or fits file, or a folder of files; main and tune simulate "
        "maps if none are given",
    )
    pixels: int = shared.pixels()
    pixel_arcmin: float = shared.pixel_arcmin()
    field: str = shared.field()
    external: bool = shared.external()
    periodic: str = shared.periodic()
    preset: str = shared.preset("best")
    width: float = shared.width()
    condition: str = shared.condition()
    backend: str = shared.backend()
    precision: str = shared.precision()
    seed: int = shared.seed()
    tracking: str = shared.tracking()
    model_name: str = shared.model_name()
    alias: str = shared.alias()


@documented
@dataclass(frozen=True)
class TrainConfig(_Training):
    """Train a generator on maps, track the run in MLflow and register the model."""

    loss: str = option(
        "",
        "adversarial loss: hinge, relativistic_hinge, relativistic_pairing, cross_entropy or "
        "wasserstein; default: that of the preset",
    )
    start: str = option("", "model (.keras file or MLflow URI) whose weights to start from")
    devices: str = option(
        "auto",
        "number of devices that share each batch, over all processes; "
        "auto: all accelerators, or one CPU",
    )
    epochs: int = option(
        0, "passes through the training maps; 0: those of the preset", within=(0, shared.MANY)
    )
    batch_size: int = option(0, "maps in a batch; 0: that of the preset", within=(0, shared.MANY))
    out: str = option("run", "folder for the model, its figures and checkpoints")
    overwrite: int = shared.overwrite()
    resume: int = option(
        0, "1: continue from the newest checkpoint in the folder", choices=(0, 1), bare=1
    )
    minutes: float = option(
        0.0, "stop after the epoch that exceeds this time, to be resumed; 0: no limit", minimum=0
    )
    patience: int = option(
        0, "stop after so many epochs without a better validation score; 0: never", minimum=0
    )
    classifier: int = shared.classifier()
    betti: int = shared.betti()
    quiet: bool = shared.quiet()


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
    pixels: int = shared.pixels()
    pixel_arcmin: float = shared.pixel_arcmin()
    field: str = option(
        "",
        "name of the array in files with several, e.g. kappa/zs1; gamma1,gamma2: reconstruct the "
        "convergence from the shear; default: kappa or convergence",
    )
    generated_field: str = option("", "the same for the generated maps")
    external: bool = shared.external()
    galaxy_density: float = shared.galaxy_density()
    sigma_epsilon: float = shared.sigma_epsilon()
    smoothing_arcmin: float = shared.smoothing_arcmin()
    kaiser_squires: int = shared.kaiser_squires()
    quantity: str = shared.quantity()
    survey_area: float = option(
        0.0,
        "square degrees, to give differences in units of the errors of a survey; 0: do not",
        within=(0, shared.WHOLE_SKY),
    )
    split: str = option("", "split.json of a training: compare with one part of --real alone")
    part: str = option("test", "part of the split to use", choices=("train", "validation", "test"))
    classifier: int = shared.classifier()
    betti: int = shared.betti()
    backend: str = shared.backend()
    seed: int = shared.seed()
    out: str = option(
        "evaluation", "folder for report.html, metrics.json, statistics.csv and the figures"
    )
    overwrite: int = shared.overwrite()
    workers: int = shared.workers()
    scheduler: str = shared.scheduler()
    quiet: bool = shared.quiet()


@documented
@dataclass(frozen=True)
class GenerateConfig:
    """Draw maps from a trained model."""

    model: str = shared.model()
    maps: int = option(1000, "number of maps", within=(1, shared.MOST_MAPS))
    pixels: int = option(0, "side of the maps; 0: as trained", within=(0, shared.LARGEST_SIDE))
    parameters: str = option("", "parameters of a conditional model, e.g. omega_m=0.3,sigma_8=0.8")
    film: str = shared.film()
    galaxy_density: float = shared.galaxy_density()
    sigma_epsilon: float = shared.sigma_epsilon()
    smoothing_arcmin: float = shared.smoothing_arcmin()
    kaiser_squires: int = shared.kaiser_squires()
    quantity: str = shared.quantity()
    mask: str = shared.written_mask()
    seed: int = shared.seed()
    backend: str = shared.backend()
    out: str = shared.maps_out("generated.npz")
    overwrite: int = shared.overwrite()
    workers: int = shared.workers()
    scheduler: str = shared.scheduler()
    shard_maps: int = shared.shard_maps()
    quiet: bool = shared.quiet()


@documented
@dataclass(frozen=True)
class ServeConfig:
    """Serve a trained model: answer requests for maps over HTTP, as MLflow's server does."""

    model: str = shared.model()
    host: str = option("127.0.0.1", "address to listen at; 0.0.0.0: on every network")
    port: int = option(5001, "port to listen at; 0: any free one", within=(0, 65_535))
    backend: str = shared.backend()
    quiet: bool = shared.quiet()


@documented
@dataclass(frozen=True)
class TuneConfig(_Training):
    """Tune a preset in an Optuna study; the best model is registered if it wins."""

    preset: str = shared.preset("quick")
    ranges: str = option(
        "", "TOML file with the search ranges; default: learning rates, loss, margins, R1"
    )
    trials: int = option(40, "trials of the study, over all workers", within=(1, shared.MANY))
    study: str = option("cosmogan", "name of the study; the same name continues it")
    storage: str = option(
        "", "URL of the study's database; default: COSMOGAN_STORAGE, or sqlite:///study.db"
    )
    objective: str = option(
        "score",
        "score: mean of ln((1 + distance/null)/2); pareto: P(l), pixels and peaks separately",
        choices=("score", "pareto"),
    )
    sampler: str = option(
        "tpe", "Optuna sampler; gp needs PyTorch", choices=("tpe", "gp", "nsga", "random")
    )
    pruner: str = option(
        "asha", "Optuna pruner; pareto studies never prune", choices=("asha", "hyperband", "none")
    )
    repeats: int = option(1, "seeds over which each trial is averaged", within=(1, 1_000))
    epochs: int = option(
        0, "passes through the training maps in each trial; 0: those of the preset", minimum=0
    )
    workers: int = option(
        1, "processes on this machine that run trials", within=(1, shared.MOST_PROCESSES)
    )
    heartbeat: int = option(
        30, "seconds between a worker's signals; three missed, and its trial is repeated", minimum=1
    )
    finish: int = option(
        1, "1: at the end draw figures, retrain and register; 0: run trials only", choices=(0, 1)
    )
    retrain: int = option(
        3, "seeds with which the best trial is retrained with the whole preset; 0: none", minimum=0
    )
    out: str = option("study", "folder for the figures of the study and the retrained models")
    method: str = shared.method("nbody")
    maps: int = shared.simulated_maps()
    field_deg: float = shared.simulated_field()
    source_redshift: float = shared.simulated_redshift()
    box_maps: int = shared.box_maps()
    particles: int = shared.particles()
    quiet: bool = shared.quiet()


@documented
@dataclass(frozen=True)
class SyncConfig:
    """Send to MLflow what trainings recorded while it did not answer."""

    folder: str = option("run", "folder of a training or a study")


@documented
@dataclass(frozen=True)
class ModelsConfig:
    """List the models that come with the package, or print the card of one."""

    name: str = option("", "model whose card to print; default: list all", positional=True)


@documented
@dataclass(frozen=True)
class InfoConfig:
    """Show the backend, devices and versions in use."""

    backend: str = shared.backend()


@documented
@dataclass(frozen=True)
class MainConfig(TrainConfig):
    """Simulate maps if none are given, train on them, evaluate the result and register it."""

    method: str = shared.method("nbody")
    maps: int = shared.simulated_maps()
    field_deg: float = shared.simulated_field()
    source_redshift: float = shared.simulated_redshift()
    box_maps: int = shared.box_maps()
    particles: int = shared.particles()


COMMANDS = {
    "main": MainConfig,
    "simulate": SimulateConfig,
    "cut": CutConfig,
    "train": TrainConfig,
    "evaluate": EvaluateConfig,
    "generate": GenerateConfig,
    "serve": ServeConfig,
    "tune": TuneConfig,
    "models": ModelsConfig,
    "sync": SyncConfig,
    "info": InfoConfig,
}
