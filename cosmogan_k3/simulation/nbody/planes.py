"""Projected slabs of a box, and maps cut from them."""

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.simulation.compiled import compiled
from cosmogan_k3.simulation.nbody.mesh import Particles

NODES_PER_MESH = 3  # nodes of a plane on a side for each mesh node


def projected_slabs(positions: Particles, axis: int, slabs: int, mesh: int) -> NDArray[np.float32]:
    """Project the slabs of a box along an axis.

    Parameters
    ----------
    positions : float32 array, shape (3, n)
        In mesh cells.
    axis : int
        The line of sight: 0, 1 or 2.
    slabs : int
        The box is divided into so many slabs along the axis.
    mesh : int
        Mesh nodes on a side of the box.

    Returns
    -------
    float32 array, shape (slabs, P, P)
        Overdensity of each slab on P = 3 ``mesh`` nodes.

    Examples
    --------
    >>> positions = np.array([[0.5], [0.0], [0.0]], "float32")
    >>> projected_slabs(positions, axis=0, slabs=1, mesh=4).shape
    (1, 12, 12)
    """
    nodes = NODES_PER_MESH * mesh
    planes = np.zeros((slabs, nodes, nodes), np.float32)
    u, v = (positions[other] for other in range(3) if other != axis)
    scale = np.float32(NODES_PER_MESH)
    _deposit(positions[axis], u, v, planes, np.float32(slabs / mesh), scale)
    planes /= positions.shape[1] / slabs / nodes**2
    planes -= 1
    return planes


def summed_area(plane: NDArray[np.float32]) -> FloatArray:
    """Return the integral of a periodic plane from the corner to each node, over two periods.

    Parameters
    ----------
    plane : float32 array, shape (P, P)
        Constant in each cell.

    Returns
    -------
    float64 array, shape (2 P + 1, 2 P + 1)

    Examples
    --------
    >>> summed_area(np.ones((1, 1), "float32")).tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 2.0, 4.0]]
    """
    table = np.zeros((2 * len(plane) + 1,) * 2)
    table[1:, 1:] = np.tile(plane, (2, 2)).cumsum(axis=0, dtype=float).cumsum(axis=1)
    return table


@compiled(fastmath=True)
def add_pixels(
    table: FloatArray,
    corner: FloatArray,
    pixel: float,
    symmetry: int,
    weight: float,
    out: FloatArray,
) -> None:
    """Add the means of a plane over square pixels, exact for a plane constant in each cell.

    Parameters
    ----------
    table : float64 array, shape (2 P + 1, 2 P + 1)
        Of ``summed_area``.
    corner : float64 array, shape (2,)
        Corner of the map in cells of the plane, in [0, P).
    pixel : float
        Side of a pixel in cells; the map is no larger than the plane.
    symmetry : int
        One of the eight symmetries of the square: bits 1 and 2 reflect, bit 4 transposes.
    weight : float
        Factor of the plane.
    out : float64 array, shape (N, N)
    """
    side = len(out)
    integral = np.empty((side + 1, side + 1))
    for i in range(side + 1):
        x = corner[0] + i * pixel
        a = int(x)
        dx = x - a
        for j in range(side + 1):
            y = corner[1] + j * pixel
            b = int(y)
            dy = y - b
            integral[i, j] = (1 - dx) * ((1 - dy) * table[a, b] + dy * table[a, b + 1]) + dx * (
                (1 - dy) * table[a + 1, b] + dy * table[a + 1, b + 1]
            )
    scale = weight / pixel**2
    for i in range(side):
        for j in range(side):
            mean = integral[i + 1, j + 1] - integral[i, j + 1] - integral[i + 1, j] + integral[i, j]
            row = side - 1 - i if symmetry & 1 else i
            column = side - 1 - j if symmetry & 2 else j
            if symmetry & 4:
                row, column = column, row
            out[row, column] += scale * mean


@compiled(fastmath=True)
def _deposit(
    depth: NDArray[np.float32],
    u: NDArray[np.float32],
    v: NDArray[np.float32],
    planes: NDArray[np.float32],
    slabs_per_cell: np.float32,
    scale: np.float32,
) -> None:
    """Add the mass of the particles to the four nodes around each, in the plane of its slab."""
    slabs, nodes = planes.shape[0], planes.shape[1]
    for p in range(len(depth)):
        slab = min(int(depth[p] * slabs_per_cell), slabs - 1)
        x, y = u[p] * scale, v[p] * scale
        i, j = int(x), int(y)
        dx, dy = x - i, y - j
        i0, j0 = i % nodes, j % nodes
        i1, j1 = (i0 + 1) % nodes, (j0 + 1) % nodes
        planes[slab, i0, j0] += (1 - dx) * (1 - dy)
        planes[slab, i0, j1] += (1 - dx) * dy
        planes[slab, i1, j0] += dx * (1 - dy)
        planes[slab, i1, j1] += dx * dy
