"""Put the figures of a run into the gallery, and draw maps between latents.

::

    cosmogan main --backend torch --seed 0 --classifier 1 --out run    # the default job
    python docs/gallery.py run                                         # writes docs/images/*.png

The first command simulates the maps, trains, evaluates, and draws the figures. The maps between
latents are of ``pretrained:nbody``.
"""

import os
import shutil
import sys
from itertools import islice
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from cosmogan_k3 import Emulator
from cosmogan_k3.evaluation.figures.style import new_figure

IMAGES = Path(__file__).parent / "images"
# Figures that a run leaves, by the names of their files.
OF_RUN = (
    "maps",
    "distances",
    "power_spectrum",
    "peaks",
    "pixel_histogram",
    "minkowski_v0",
    "minkowski_v1",
    "minkowski_v2",
    "starlet",
    "bispectrum_equilateral",
    "bispectrum_squeezed",
    "losses",
    "pca",
)
STRIP = "interpolation"
STEPS, ROWS, SEED = 7, 2, 1


def strip(emulator: Emulator) -> Figure:
    """Draw maps in even steps from one latent to another.

    Parameters
    ----------
    emulator : Emulator

    Returns
    -------
    matplotlib.figure.Figure
    """
    from cosmogan_k3.gan.interpolation import latent_path

    # A closed path leads through four latents; its first quarter from the first to the second.
    path = latent_path(emulator.gan, 4 * (STEPS - 1), paths=ROWS, seed=SEED)
    maps = np.stack(list(islice(path, STEPS)), axis=1)
    low, high = np.percentile(maps, [0.5, 99.5])
    figure, axes = new_figure(1.4 * STEPS, 1.45 * ROWS + 0.3, rows=ROWS, columns=STEPS)
    for axis, kappa in zip(axes.flat, maps.reshape(-1, *maps.shape[2:]), strict=True):
        image = axis.imshow(
            kappa, vmin=low, vmax=high, cmap="inferno", origin="lower", interpolation="none"
        )
        axis.set(xticks=[], yticks=[])
    for angle, axis in zip(np.linspace(0, 90, STEPS), axes[0], strict=True):
        axis.set_title(f"θ = {angle:.0f}°", fontsize="small")
    figure.colorbar(image, ax=axes, label="convergence κ", aspect=30, pad=0.01)
    return figure


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "torch")
    for name in OF_RUN:
        shutil.copy(Path(sys.argv[1], f"{name}.png"), IMAGES)
    strip(Emulator.load("pretrained:nbody")).savefig(IMAGES / f"{STRIP}.png", dpi=90)
