"""The report: parsed by the standard library for its contents, and laid out by a browser."""

import base64
import io
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from cosmogan_k3.evaluation.figures import map_gallery, statistic_panel
from cosmogan_k3.evaluation.report import markdown_summary, units_note, write_report
from cosmogan_k3.statistics import compare

PNG = "data:image/png;base64,"
MALICE = "<script>alert('x')</script>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Page(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def maps():
    # Log-normal, so that maps of so few pixels have peaks as high as the battery counts.
    return np.random.default_rng(1).lognormal(size=(2, 20, 32, 32)).astype(np.float32)


@pytest.fixture(scope="module")
def comparison(maps):
    return compare(*maps, pixel_arcmin=2.0, permutations=99, splits=5)


def write(folder, comparison, maps):
    path = folder / "report.html"
    images = {r.name: png(statistic_panel(r)) for r in comparison.results if r.axis.size}
    write_report(
        path,
        comparison,
        images=images
        | {
            "maps": png(map_gallery(*maps, field_deg=1.07)),
            "more_maps": png(Figure(figsize=(1, 1))),
        },
        metrics={
            "ks_pixels_distance": 0.0123456,
            "ks_pixels_distance_null": 0.0111,
            "real_maps": 20,
        },
        provenance={"real": MALICE, MALICE: "name", "digest": "0123456789abcdef" * 16},
    )
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory, comparison, maps):
    return write(tmp_path_factory.mktemp("report"), comparison, maps)


@pytest.fixture(scope="module")
def page(report):
    return Page(report.read_text(encoding="utf-8"))


def test_every_image_is_an_embedded_png_with_words(page, comparison):
    images = page.all("img")
    assert len(images) == 2 + sum(result.axis.size > 0 for result in comparison.results)
    for image in images:
        assert image["src"].startswith(PNG)
        assert image["alt"].strip()
        Image.open(
            io.BytesIO(base64.b64decode(image["src"].removeprefix(PNG), validate=True))
        ).verify()


def test_nothing_comes_from_outside_and_nothing_runs(page, report):
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {
        tag for tag, _ in page.tags
    }
    for tag, attributes in page.tags:
        assert not any(
            name.startswith("on") or name in ("href", "srcset", "style") for name in attributes
        ), tag
    text = report.read_text(encoding="utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_malicious_provenance_is_text(page, report):
    assert page.text.count(MALICE) == 2
    assert "<script" not in report.read_text(encoding="utf-8")


def test_every_statistic_and_its_verdict_are_named(page, comparison):
    for result in comparison.tests:
        assert page.text.count(result.label) >= 2
        assert result.verdict in page.text


def test_metrics_stand_beside_their_nulls(page):
    assert "ks pixels distance\n0.0123\n0.0111".replace("\n", "") in page.text
    assert "real maps20–" in page.text
    assert "distance null" not in page.text


def test_the_first_sentence_counts_what_differs(tmp_path, maps):
    different = compare(maps[0], 2 * maps[1], pixel_arcmin=2.0, permutations=399, splits=5)
    differing = sum(not result.agrees for result in different.results)
    assert differing > 1
    path = tmp_path / "report.html"
    blank = {result.name: png(Figure(figsize=(1, 1))) for result in different.results}
    write_report(path, different, images=blank, metrics={}, provenance={})
    page = Page(path.read_text(encoding="utf-8"))
    assert len(page.all("img")) == len(blank)
    assert f"{differing} of 16 statistics differ after correction" in page.text
    assert "between 20 real and 20 generated maps (seed 0)" in page.text
    assert different["joint"].differs  # beside the sixteen
    assert page.text.count("✗ differs") == 2 * (differing + 1)
    assert "No p-value below" not in page.text
    lines = markdown_summary(different, {}).splitlines()
    assert lines[0].startswith(f"**{differing} of 16 statistics differ** after correction")
    assert lines[2].count(";") == differing - 1
    assert sum("| **differs** |" in line for line in lines) == differing + 1


def test_the_summary_in_markdown_has_tables_of_verdicts_and_of_nulls(comparison):
    metrics = {"ks_pixels_distance": 0.0123456, "ks_pixels_distance_null": 0.0111, "real_maps": 20}
    lines = markdown_summary(comparison, metrics, left_out=("Starlet",)).splitlines()
    assert "Left out, because they need whole maps: Starlet." in lines
    first = comparison.results[0]
    cells = (
        f"{first.distance:.3g}",
        f"{np.median(first.null):.3g}",
        f"{first.corrected_pvalue:.3g}",
    )
    assert f"| Pixel distribution | no difference seen | {' | '.join(cells)} |" in lines
    assert lines[-1] == "| ks pixels distance | 0.0123 | 0.0111 |"
    # Each table needs a line of dashes with as many cells as its rows.
    tables = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in tables[: len(comparison.tests) + 2]} == {6}
    assert {line.count("|") for line in tables[len(comparison.tests) + 2 :]} == {4}


def test_what_a_mask_left_out_is_said(tmp_path, comparison):
    path = tmp_path / "report.html"
    write_report(
        path, comparison, images={}, metrics={}, provenance={}, left_out=("Starlet", "Moments")
    )
    text = Page(path.read_text(encoding="utf-8")).text
    assert "The maps are masked. Left out, because they need whole maps: Starlet; Moments." in text


def test_too_few_exchanges_to_differ_are_said(tmp_path, comparison):
    few = replace(comparison, smallest_pvalue=0.05)
    write_report(tmp_path / "report.html", few, images={}, metrics={}, provenance={})
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "No difference can be told" in page.text
    assert "No p-value below 0.05 is possible with so few maps or exchanges" in page.text
    units = replace(few, results=(), real_units=4)
    assert "the 20 real maps are 4 units, the 20 generated maps 20." in units_note(units)
    assert "tests of means only" in units_note(units)


def test_a_failed_report_leaves_the_old_one(report, comparison):
    before = report.read_bytes()
    with pytest.raises(TypeError):
        write_report(
            report,
            replace(comparison, results=()),
            images={"maps": None},
            metrics={},
            provenance={},
        )
    assert report.read_bytes() == before
    assert [path.name for path in report.parent.iterdir()] == [report.name]


def test_panel_contrasts_by_ratio_only_away_from_zero(comparison):
    result = replace(
        comparison["power_spectrum"],
        null_band=0.1 * comparison["power_spectrum"].real * [[-1], [1]],
    )
    near_zero = replace(result, null_band=8 * result.null_band)
    for shown, label, values in (
        (result, "generated / real", result.generated / result.real),
        (near_zero, "generated − real", result.generated - result.real),
    ):
        panel = statistic_panel(shown).axes[1]
        assert panel.get_ylabel() == label
        np.testing.assert_allclose(panel.lines[-1].get_ydata(), values, rtol=1e-12)


def test_the_tails_of_a_distribution_are_not_divided(comparison):
    assert statistic_panel(comparison["pixels"]).axes[1].get_ylabel() == "generated − real"


def test_panel_of_unlike_coefficients_is_in_units_of_the_null(comparison):
    result = comparison["moments"]
    panel = statistic_panel(result).axes[1]
    assert panel.get_ylabel() == "difference / null"
    half_width = np.abs(result.null_band).max(axis=0)
    np.testing.assert_allclose(
        panel.lines[-1].get_ydata(), (result.generated - result.real) / half_width, rtol=1e-12
    )


def test_no_panel_without_a_curve(comparison):
    with pytest.raises(ValueError, match="Received: peaks_scatter"):
        statistic_panel(comparison["peaks_scatter"])


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_shows_it_all_within_its_width(browser, report, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
    )
    assert page.evaluate("document.images.length") > 10
    assert all(url.startswith(("file:", "data:")) for url in requests)
    assert not errors
    page.close()
