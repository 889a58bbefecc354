"""Models that come with the package, and their cards.

A model NAME is three files in this folder:

==============  ================================================================================
``NAME.keras``  what sampling needs: averaged generator and calibrator
``NAME.toml``   what a maintainer writes: data, cosmology, limits, licence
``NAME.json``   what ``benchmarks/pretrained.py`` measures: checksum, training, distances, a sample
==============  ================================================================================

Both cards are plain data. Nothing here imports Keras.
"""

from cosmogan_k3.pretrained.card import Card, model_file, names, read_card
from cosmogan_k3.pretrained.text import card_text, summary

__all__ = ["Card", "card_text", "model_file", "names", "read_card", "summary"]
