"""Maps from files and back: readers, writers, scaling, splits, batches. NumPy alone, no Keras."""

from cosmogan_k3.data.batches import Batches
from cosmogan_k3.data.conditioning import Conditioning
from cosmogan_k3.data.mapset import MapSet, MapStream
from cosmogan_k3.data.readers import read_maps, read_mask
from cosmogan_k3.data.scaling import Scaling
from cosmogan_k3.data.seam import is_periodic, seam_ratio
from cosmogan_k3.data.split import Splits, split_by_map
from cosmogan_k3.data.writers import write_maps

__all__ = [
    "Batches",
    "Conditioning",
    "MapSet",
    "MapStream",
    "Scaling",
    "Splits",
    "is_periodic",
    "read_maps",
    "read_mask",
    "seam_ratio",
    "split_by_map",
    "write_maps",
]
