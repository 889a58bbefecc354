"""The matter power spectrum of a box of particles."""

import numpy as np
from scipy import fft

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.simulation.nbody.mesh import Particles, deposit


def matter_power(
    positions: Particles, mesh: int, side: float, edges: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Measure the power spectrum of particles in a periodic box, shot noise included.

    Particles that started on a grid have shot noise, V/n, only where they have collapsed.

    Parameters
    ----------
    positions : float32 array, shape (3, n)
        In mesh cells.
    mesh : int
        Mesh nodes on a side of the box.
    side : float
        Side of the box in Mpc/h.
    edges : float64 array, shape (bins + 1,)
        Edges of the bins in h/Mpc, up to half the Nyquist wavenumber of the mesh.

    Returns
    -------
    wavenumber : float64 array, shape (bins,)
        Mean |k| of each bin in h/Mpc.
    power : float64 array, shape (bins,)
        In (Mpc/h)³; the window of the deposit is divided out.

    Examples
    --------
    >>> positions = np.random.default_rng(0).uniform(0, 16, (3, 4096)).astype("float32")
    >>> k, power = matter_power(positions, 16, 100.0, np.array([0.1, 0.2]))
    >>> bool(abs(power[0] - 100**3 / 4096) < 100)  # that of random particles is shot noise
    True
    """
    density = np.zeros((mesh,) * 3, np.float32)
    deposit(positions, density)
    modes = fft.rfftn(density, norm="forward")
    modes /= positions.shape[1] / mesh**3
    frequencies = np.fft.fftfreq(mesh)
    half = slice(0, mesh // 2 + 1)
    k = 2 * np.pi * frequencies * mesh / side
    window = np.sinc(frequencies) ** 4
    counts, wavenumbers, powers = np.zeros((3, len(edges) + 1))
    # Every mode of the half-space stands for two, but those of its first plane.
    weights = np.broadcast_to(np.where(np.arange(mesh // 2 + 1) == 0, 1.0, 2.0), modes.shape[1:])
    for row, plane in enumerate(modes):  # row by row: the arrays of wavenumbers stay small
        length = np.sqrt(k[row] ** 2 + k[:, None] ** 2 + k[half] ** 2)
        power = np.abs(plane) ** 2 * side**3 / (window[row] * window[:, None] * window[half])
        bins = np.digitize(length.ravel(), edges)
        for total, values in ((counts, 1.0), (wavenumbers, length), (powers, power)):
            total += np.bincount(bins, (weights * values).ravel(), len(edges) + 1)
    inside = slice(1, -1)
    counts = counts[inside]
    return wavenumbers[inside] / counts, powers[inside] / counts
