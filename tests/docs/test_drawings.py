"""The drawings of the networks show the presets, and are up to date; the gallery is complete."""

import importlib.util
import re

import pytest

from tests.conftest import ROOT


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def drawings():
    return script("drawings")


def test_the_gallery_shows_each_figure_of_its_script():
    gallery, page = script("gallery"), ROOT / "docs" / "gallery.md"
    shown = re.findall(r"!\[[^]]+]\(images/(\S+)\.png\)", page.read_text(encoding="utf-8"))
    assert {*gallery.OF_RUN, gallery.STRIP} <= set(shown)
    assert all((gallery.IMAGES / f"{name}.png").stat().st_size < 500_000 for name in shown)


def test_the_files_are_those_of_the_script(drawings):
    for name, blocks in drawings.NETWORKS.items():
        stored = ROOT / "docs" / "images" / f"{name}.svg"
        assert stored.read_text() == drawings.svg(blocks), "python docs/drawings.py"


@pytest.mark.backend
def test_sides_and_channels_are_those_of_the_presets(drawings):
    from cosmogan_k3.gan import get_preset

    best, paper = (get_preset(name).architecture for name in ("best", "geogan"))
    expected = {
        "geogan-generator": zip((16, 32, 64, 128), paper.channels, strict=True),
        "geogan-discriminator": zip((128, 64, 32, 16), reversed(paper.channels), strict=True),
        "best-generator": zip((8, 16, 32, 64, 64), best.channels, strict=True),
        "best-discriminator": zip((32, 16, 8, 4), best.discriminator_channels, strict=True),
    }
    for name, stages in expected.items():
        shown = iter([shape for _, shape, _ in drawings.NETWORKS[name]])
        # "in" goes through the iterator: the stages are shown in this order.
        assert all(f"{side} × {side} × {channels}" in shown for side, channels in stages), name
