"""Sphinx configuration; ``make docs`` builds the pages without warnings."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import cosmogan_k3

project = "cosmogan_k3"
author = "The cosmogan_k3 developers"
copyright = f"2026, {author}"
release = version = cosmogan_k3.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
# Links to folders of the repository work on the code host, not in these pages.
suppress_warnings = ["myst.xref_missing"]

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say shapes and units, which annotations cannot
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_prev_next": False}
html_show_sourcelink = False
