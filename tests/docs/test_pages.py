"""The pages of the documentation: length, sentences, links, commands and generated pages."""

import importlib.util
import shlex
from dataclasses import fields

import pytest
import yaml

from cosmogan_k3.cli.parser import build_parser, flags_of
from cosmogan_k3.config import COMMANDS
from tests.conftest import ROOT
from tests.docs.markdown import commands, links, pages, prose, sentences, slugs

MOST_WORDS = 1_500  # a page of a task is read in some minutes
MOST_WORDS_A_SENTENCE = 22  # on average
PAGES = pages()
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
LONG = ("docs/reference/", "docs/development/", "CHANGELOG.md", "CONTRIBUTING.md")


@pytest.fixture(scope="module")
def site():
    """The module that generates pages."""
    spec = importlib.util.spec_from_file_location("pages", ROOT / "docs" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith(LONG)])
def test_a_page_can_be_read_in_some_minutes(name):
    assert len((ROOT / name).read_text().split()) <= MOST_WORDS


@pytest.mark.parametrize("name", NAMES)
def test_sentences_are_short_on_average(name):
    found = sentences(ROOT / name)
    if found:
        assert len(prose(ROOT / name).split()) / len(found) < MOST_WORDS_A_SENTENCE


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_files_and_headings(name):
    path = ROOT / name
    for target, anchor in links(path):
        there = (path.parent / target).resolve() if target else path
        assert there.exists(), target
        if anchor and there.suffix == ".md":
            assert anchor in slugs(there), f"{target}#{anchor}"


@pytest.mark.parametrize("name", NAMES)
def test_commands_are_those_of_the_parser(name):
    for line in commands(ROOT / name):
        for command in (part.strip() for part in line.removesuffix("&").split("&&")):
            words = shlex.split(command)
            while words and "=" in words[0] and not words[0].startswith("-"):
                words = words[1:]  # variables before the command
            if words[:1] == ["cosmogan"]:
                build_parser().parse_args(words[1:])
            elif "cosmogan_k3" in words:  # python -m, or torchrun -m
                build_parser().parse_args(words[words.index("cosmogan_k3") + 1 :])


@pytest.mark.parametrize("name", NAMES)
def test_parameters_of_projects_exist(name):
    for line in commands(ROOT / name):
        words = shlex.split(line)
        if words[:2] != ["mlflow", "run"] or words[2].startswith("-"):
            continue
        folder = ROOT / words[2] if (ROOT / words[2]).exists() else ROOT / name
        project = yaml.safe_load((folder / "MLproject").read_text())["entry_points"]
        entry = words[words.index("-e") + 1] if "-e" in words else "main"
        given = [words[i + 1].split("=")[0] for i, word in enumerate(words) if word == "-P"]
        assert set(given) <= set(project[entry]["parameters"])


def test_the_page_of_commands_has_every_parameter(site):
    text = site.commands_page()
    for name, config in COMMANDS.items():
        section = text.split(f"## cosmogan {name}\n")[1].split("\n## ")[0]
        for field in fields(config):
            named = field.name.upper() if field.metadata["positional"] else flags_of(field.name)
            assert f"`{named}`" in section


def test_links_to_the_repository_lead_to_pages_of_the_site(site):
    here = "docs/howto/serve.md"
    text = (
        "[a](../../SECURITY.md) [b](../../mlflow_projects/serve) [`c`](../../setup.py) [d](x.md#y)"
    )
    assert site.site_links(text, here, here) == (
        "[a](../generated/security.md) [b](../generated/project-serve.md) `c` [d](x.md#y)"
    )


def test_code_is_not_taken_for_links(site):
    text = "```python\nx[0](1)\n```\n"
    assert site.site_links(text, "docs/a.md", "docs/a.md") == text
