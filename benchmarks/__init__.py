"""Measurements of speed, memory and quality; each file is a script with ``--help``."""
