"""Options that several commands have."""

from typing import Any

from cosmogan_k3._imports.extras import BACKENDS as BACKENDS
from cosmogan_k3._options import option

PRECISIONS = ("float32", "bfloat16")

# Bounds, for the command line and for Python.
# Keras has seeds of 32 bits. Rollbacks and the final test add some millions to the user's.
LARGEST_SEED = 2**31 - 1
# A map of this side takes 1 GB in float32, and its simulation some GB more.
LARGEST_SIDE = 16_384
# A million maps of 64² are 16 GB.
MOST_MAPS = 10**9
# Processes that one machine can run.
MOST_PROCESSES = 1_024
MANY = 10**6
# Beyond 60 degrees a flat map is off by 10 % at its edges.
LARGEST_FIELD = 60.0
METHODS = ("nbody", "halos", "lognormal")
# A test compares them with ``gan.presets``, which imports Keras.
PRESETS = (
    *("best", "quick", "geogan", "geogan_relativistic", "dcgan", "geometric_gan", "cosmogan"),
    *("rodriguez", "rodriguez_wgan", "r3gan", "tiny"),
)
WHOLE_SKY = 41_253.0  # square degrees


def seed() -> Any:
    """Return the option ``seed`` that several commands have."""
    return option(0, "seed of all random draws", within=(0, LARGEST_SEED))


def backend() -> Any:
    """Return the option ``backend`` that several commands have."""
    return option(
        "",
        "Keras backend; default: KERAS_BACKEND, or the first of these that is installed",
        choices=("", *BACKENDS),
    )


def precision() -> Any:
    """Return the option ``precision`` that several commands have."""
    return option(
        "float32",
        "bfloat16: features of the networks in 16 bits, for accelerators; maps, weights, losses "
        "and optimizers stay float32",
        choices=PRECISIONS,
    )


def classifier() -> Any:
    """Return the option ``classifier`` that several commands have."""
    return option(
        0,
        "1: train a new network to tell real from generated maps, and report how well it tells "
        "others",
        choices=(0, 1),
        bare=1,
    )


def betti() -> Any:
    """Return the option ``betti`` that several commands have."""
    return option(
        0,
        "1: compare Betti curves too, the numbers of components and holes above each threshold; "
        "needs gudhi",
        choices=(0, 1),
        bare=1,
    )


def overwrite() -> Any:
    """Return the option ``overwrite`` that several commands have."""
    return option(0, "1: replace output that is there", choices=(0, 1), bare=1)


def model() -> Any:
    """Return the option ``model`` that several commands have."""
    return option(
        "models:/cosmogan@champion", "saved model (.keras), MLflow URI, or pretrained:NAME"
    )


def film() -> Any:
    """Return the option ``film`` of the command that draws maps."""
    return option(
        "",
        "GIF instead of maps; latents: along a path through random latents, parameters: through "
        "the range of each parameter of a conditional model",
        choices=("", "latents", "parameters"),
    )


def tracking() -> Any:
    """Return the option ``tracking`` that several commands have."""
    return option(
        "buffered",
        "if MLflow does not answer: buffered: keep the records and send them later; required: do "
        "not begin; off: record nothing in any case",
        choices=("buffered", "required", "off"),
    )


def quiet() -> Any:
    """Return the option ``quiet`` that several commands have."""
    return option(False, "show no progress bars and no summary", flag=True)


def preset(default: str) -> Any:
    """Return the option ``preset`` that several commands have."""
    return option(default, "architecture and training recipe", choices=PRESETS)


def width() -> Any:
    """Return the option ``width`` that several commands have."""
    return option(
        1.0,
        "factor on the channels of both networks of the preset, e.g. 0.25 for a fast, narrow one",
        within=(0.001, 100.0),
    )


def pixels() -> Any:
    """Return the option ``pixels`` that several commands have."""
    return option(
        0,
        "side of the patches to cut larger maps into; 0: use whole maps",
        within=(0, LARGEST_SIDE),
    )


def pixel_arcmin() -> Any:
    """Return the option ``pixel_arcmin`` that several commands have."""
    return option(
        0.0, "side of a pixel in arcmin, for files that do not record it", within=(0, 600.0)
    )


def field() -> Any:
    """Return the option ``field`` that several commands have."""
    return option(
        "", "name of the array in files with several, e.g. kappa/zs1; default: kappa or convergence"
    )


def external() -> Any:
    """Return the option ``external`` that several commands have."""
    return option(
        False, "let HDF5 files take data from other files, which they can choose", flag=True
    )


def model_name() -> Any:
    """Return the option ``model_name`` that several commands have."""
    return option("cosmogan", "name of the registered model; '': do not register")


def alias() -> Any:
    """Return the option ``alias`` that several commands have."""
    return option(
        "", "alias that the new model takes; default: champion if it is better, else challenger"
    )


def condition() -> Any:
    """Return the option ``condition`` that several commands have."""
    return option(
        "", "parameters of the maps to condition on, separated by commas, e.g. omega_m,sigma_8"
    )


def periodic() -> Any:
    """Return the option ``periodic`` that several commands have."""
    return option(
        "auto",
        "whether opposite edges of the maps join; auto: measure it",
        choices=("auto", "yes", "no"),
    )


def maps_out(name: str) -> Any:
    """Return the option ``maps_out`` that several commands have."""
    return option(
        name,
        "file to write, or folder with --workers or --scheduler; "
        "the ending chooses the format: npz, npy, h5 or fits",
    )


def workers() -> Any:
    """Return the option ``workers`` that several commands have."""
    return option(
        0, "Dask worker processes to start on this machine; 0: none", within=(0, MOST_PROCESSES)
    )


def scheduler() -> Any:
    """Return the option ``scheduler`` that several commands have."""
    return option("", "address of a running Dask scheduler, e.g. tcp://10.0.0.1:8786")


def shard_maps() -> Any:
    """Return the option ``shard_maps`` that several commands have."""
    return option(1_024, "maps in a file, with --workers or --scheduler", within=(1, MOST_MAPS))


def simulated_maps() -> Any:
    """Return the option ``simulated_maps`` that several commands have."""
    return option(4_000, "number of maps to simulate if no data are given", within=(1, MOST_MAPS))


def simulated_field() -> Any:
    """Return the option ``simulated_field`` that several commands have."""
    return option(5.0, "side of a simulated map in degrees", within=(0.01, LARGEST_FIELD))


def simulated_redshift() -> Any:
    """Return the option ``simulated_redshift`` that several commands have."""
    return option(1.0, "redshift of the simulated source plane", within=(0.01, 20.0))


def galaxy_density() -> Any:
    """Return the option ``galaxy_density`` that several commands have."""
    return option(
        0.0,
        "source galaxies per square arcmin, for shape noise; 0: no noise",
        within=(0, 10_000.0),
    )


def sigma_epsilon() -> Any:
    """Return the option ``sigma_epsilon`` that several commands have."""
    return option(
        0.37,
        "dispersion of both components of the intrinsic ellipticity together, for shape noise",
        within=(0.001, 2.0),
    )


def smoothing_arcmin() -> Any:
    """Return the option ``smoothing_arcmin`` that several commands have."""
    return option(
        0.0,
        "standard deviation of a Gaussian kernel to smooth with, in arcmin; 0: none",
        within=(0, 600.0),
    )


def kaiser_squires() -> Any:
    """Return the option ``kaiser_squires`` that several commands have."""
    return option(
        0,
        "1: turn the maps into shear, add noise and mask there, and reconstruct the convergence",
        choices=(0, 1),
        bare=1,
    )


def written_mask() -> Any:
    """Return the option ``mask`` of commands that write maps."""
    return option(
        "", "file with one map of 0 and 1 (observed); pixels that are not observed become NaN"
    )


def method(default: str) -> Any:
    """Return the option ``method`` of simulations."""
    return option(
        default,
        "nbody: particle-mesh light cones, half a minute of one core a box; "
        "halos: NFW haloes on a lognormal density, 0.04 s a map; "
        "lognormal: random fields with the power spectrum of theory, milliseconds a map",
        choices=METHODS,
    )


def box_maps() -> Any:
    """Return the option ``box_maps`` of simulations."""
    return option(200, "maps that nbody cuts from each box of particles", within=(1, 10_000))


def particles() -> Any:
    """Return the option ``particles`` of simulations."""
    return option(128, "particles on a side of a box of nbody", within=(16, 1024))


def quantity() -> Any:
    """Return the option ``quantity`` that several commands have."""
    return option(
        "kappa",
        "convergence, or a component of the shear of these maps",
        choices=("kappa", "gamma1", "gamma2"),
    )
