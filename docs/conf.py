"""Sphinx configuration; ``make docs`` builds the pages without warnings."""

import os
import re
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(Path(__file__).parent))

import pages

import cosmogan_k3

project = "cosmogan_k3"
author = "The cosmogan_k3 developers"
copyright = f"2026, {author}"
release = version = cosmogan_k3.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_design",
]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # the outputs are stored in the notebooks, and a test executes them

# Pygments knows the shell commands of notebooks, but not those of several lines.
suppress_warnings = ["misc.highlighting_failure"]

autosummary_generate = False
autodoc_typehints = "none"  # the docstrings say shapes and units, which annotations cannot
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "cosmogan_k3"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "show_prev_next": False,
    "show_toc_level": 2,
}
html_context = {"default_mode": "auto"}  # light or dark, as the browser asks
html_show_sourcelink = False
html_sidebars = {"index": [], "start": [], "gallery": [], "faq": [], "citation": []}

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


def link_to_site(app, name, source):
    """Let links to files of the repository lead to pages of the site."""
    path = Path(app.env.doc2path(name))
    if path.suffix == ".md" and path.parent.name != pages.GENERATED:
        here = f"docs/{path.relative_to(app.srcdir)}"
        source[0] = pages.site_links(source[0], here, here)


def empty_corners(app, name, template, context, doctree):
    """Make corners of tables without a text ordinary cells: readers announce header cells."""
    if "body" in context:
        context["body"] = context["body"].replace(
            '<th class="head"><p></p></th>', '<td class="head"></td>'
        )


def setup(app):
    """Register the hooks; the first before that of numpydoc."""
    app.connect("autodoc-process-docstring", escape_bars, priority=400)
    app.connect("config-inited", lambda *_: pages.write_pages(pages.DOCS / pages.GENERATED))
    app.connect("source-read", link_to_site)
    app.connect("html-page-context", empty_corners)
