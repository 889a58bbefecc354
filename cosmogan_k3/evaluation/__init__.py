"""Evaluation of generated maps: measurements, metrics, figures and the report."""
