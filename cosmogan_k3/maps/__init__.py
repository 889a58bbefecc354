"""Sets of convergence maps: files, splits, scaling, batches. Needs NumPy alone, not Keras."""

from cosmogan_k3.maps.batches import Batches
from cosmogan_k3.maps.conditioning import Conditioning
from cosmogan_k3.maps.cut_sky import SkyCut, cut_sky, cut_stream
from cosmogan_k3.maps.io.mask import read_mask
from cosmogan_k3.maps.io.read import read_maps
from cosmogan_k3.maps.io.write import write_maps
from cosmogan_k3.maps.mapset import MapSet
from cosmogan_k3.maps.patch_table import PatchTable
from cosmogan_k3.maps.periodicity import edge_discontinuity, is_periodic
from cosmogan_k3.maps.scaling import Scaling
from cosmogan_k3.maps.splits import Splits, split_by_map
from cosmogan_k3.maps.stream import MapStream

__all__ = [
    "Batches",
    "Conditioning",
    "MapSet",
    "MapStream",
    "PatchTable",
    "Scaling",
    "SkyCut",
    "Splits",
    "cut_sky",
    "cut_stream",
    "edge_discontinuity",
    "is_periodic",
    "read_maps",
    "read_mask",
    "split_by_map",
    "write_maps",
]
