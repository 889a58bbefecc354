"""Numbers and arrays that carry units, masks or pixel sizes, where they enter the package."""

from cosmogan_k3.units.plain import in_unit, pixel_size, plain_maps, positive

__all__ = ["in_unit", "pixel_size", "plain_maps", "positive"]
