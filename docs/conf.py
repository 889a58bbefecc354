"""Sphinx configuration; ``make docs`` builds the pages without warnings."""

import os
import re

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

_LITERAL = re.compile(r"(``.*?``|`[^`]*`)")


def escape_bars(app, what, name, described, options, lines):
    """Escape the bars of |x| in docstrings, which reStructuredText reads as a substitution."""
    block = None  # indentation of the line that opened a literal block
    for number, line in enumerate(lines):
        indentation = len(line) - len(line.lstrip())
        if block is not None and line.strip() and indentation <= block:
            block = None
        if block is None and not line.lstrip().startswith((">>>", "...")):
            parts = _LITERAL.split(line)
            parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
            lines[number] = "".join(parts)
        if block is None and line.rstrip().endswith("::"):
            block = indentation


def setup(app):
    """Register the hook before that of numpydoc."""
    app.connect("autodoc-process-docstring", escape_bars, priority=400)
