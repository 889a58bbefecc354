"""Comparison of two sets of maps: distances, their nulls and p-values."""
