"""Numbers and arrays that carry units or masks, where they enter the package."""

from cosmogan_k3.units.plain import in_unit, plain_maps, positive

__all__ = ["in_unit", "plain_maps", "positive"]
