"""Estimators: one statistic of convergence maps per module."""
