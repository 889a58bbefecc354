"""The report: parsed by the standard library for its contents, and laid out by a browser."""

import base64
import csv
import io
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from matplotlib.figure import Figure

from cosmogan_k3.evaluation.captions import UNDECIDED
from cosmogan_k3.evaluation.citing import bibtex, latex_table
from cosmogan_k3.evaluation.figures import (
    distance_bars,
    loss_curves,
    map_gallery,
    pca_by_epoch,
    pixel_distribution,
    statistic_panel,
    validation_curves,
)
from cosmogan_k3.evaluation.figures.groups import groups_of
from cosmogan_k3.evaluation.figures.loss_curves import UNDECIDED_LOSS
from cosmogan_k3.evaluation.numbers import result_numbers
from cosmogan_k3.evaluation.provenance import origin, parameters
from cosmogan_k3.evaluation.report import markdown_summary, units_note, write_report
from cosmogan_k3.statistics import compare
from tests.browser import open_page, tab_stops, violations
from tests.conftest import ROOT

SVG = "data:image/svg+xml;base64,"
CSV = "data:text/csv;charset=utf-8;base64,"
NOTHING = {"figures": {}, "numbers": {}, "metrics": {}, "provenance": {}}
MALICE = "<script>alert('x')</script>"


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


@pytest.fixture(scope="module")
def maps():
    # Log-normal, so that maps of so few pixels have peaks as high as the battery counts.
    return np.random.default_rng(1).lognormal(size=(2, 20, 32, 32)).astype(np.float32)


@pytest.fixture(scope="module")
def comparison(maps):
    return compare(*maps, pixel_arcmin=2.0, permutations=99, splits=5)


def write(folder, comparison, maps):
    path = folder / "report.html"
    curves = [result for result in comparison.results if result.axis.size]
    write_report(
        path,
        comparison,
        figures={r.name: statistic_panel(r) for r in curves}
        | {
            "maps": map_gallery(*maps, field_deg=1.07),
            "distances": distance_bars(comparison.results),
            "more_maps": Figure(figsize=(1, 1)),
        },
        numbers={r.name: result_numbers(r, 2.0) for r in curves},
        metrics={
            "ks_pixels_distance": 0.0123456,
            "ks_pixels_distance_null": 0.0111,
            "real_maps": 20,
        },
        provenance={"real": MALICE, MALICE: "name", "digest": "0123456789abcdef" * 16, "mask": ""},
    )
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory, comparison, maps):
    return write(tmp_path_factory.mktemp("report"), comparison, maps)


@pytest.fixture(scope="module")
def page(report):
    return Page(report.read_text(encoding="utf-8"))


def decoded(address, kind):
    return base64.b64decode(address.removeprefix(kind), validate=True).decode()


def test_every_image_is_an_embedded_drawing_with_words(page, comparison):
    images = page.all("img")
    assert len(images) == 3 + sum(result.axis.size > 0 for result in comparison.results)
    for image in images:
        assert image["src"].startswith(SVG)
        assert image["alt"].strip(" .")
        drawing = decoded(image["src"], SVG)
        assert ElementTree.fromstring(drawing).tag.endswith("svg")
        # The ink follows the mode of the browser, and nothing is fetched.
        assert "currentColor" in drawing
        assert "prefers-color-scheme:dark" in drawing
        addresses = re.findall(r'(?:href|src)="([^"]*)"', drawing)
        assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)


def test_nothing_comes_from_outside_and_nothing_runs(page, report):
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {
        tag for tag, _ in page.tags
    }
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("srcset", "style") for name in attributes)
        assert tag == "a" or "href" not in attributes
    text = report.read_text(encoding="utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_the_numbers_of_a_figure_can_be_saved(page, comparison):
    links = {a["download"]: a["href"] for a in page.all("a")}
    assert set(links) == {f"{r.name}.csv" for r in comparison.results if r.axis.size}
    rows = list(csv.DictReader(io.StringIO(decoded(links["peaks.csv"], CSV))))
    peaks = comparison["peaks"]
    assert [float(row["peak height κ"]) for row in rows] == pytest.approx(peaks.axis)
    for name, values in (("real", peaks.real), ("null_low", peaks.null_band[0])):
        assert [float(row[name]) for row in rows] == pytest.approx(values, rel=1e-11)
    moments = list(csv.DictReader(io.StringIO(decoded(links["moments.csv"], CSV))))
    assert [row["smoothing θ [arcmin]"] for row in moments] == 3 * ["0", "2", "4", "8"]
    assert "mean" not in {row["quantity"] for row in moments}


def test_the_first_screen_folds_all_but_the_main_figures(page):
    shown = [tag for tag, _ in page.tags[: page.tags.index(("details", {"class": "paper"}))]]
    assert shown.count("img") == 4  # maps, distances, P(ℓ) and peaks
    assert not any("open" in attributes for attributes in page.all("details"))


def test_malicious_provenance_is_text(page, report):
    assert page.text.count(MALICE) == 3  # in the first lines, in words, and as a setting
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
    write_report(path, different, **NOTHING)
    page = Page(path.read_text(encoding="utf-8"))
    assert not page.all("img")
    assert "open" in page.all("details")[0]  # there is no first screen
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
    write_report(path, comparison, **NOTHING, left_out=("Starlet", "Moments"))
    text = Page(path.read_text(encoding="utf-8")).text
    assert "The maps are masked. Left out, because they need whole maps: Starlet; Moments." in text


def test_too_few_exchanges_to_differ_are_said(tmp_path, comparison):
    few = replace(comparison, smallest_pvalue=0.05)
    write_report(tmp_path / "report.html", few, **NOTHING)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "No difference can be told" in page.text
    assert "No p-value below 0.05 is possible with so few maps or exchanges" in page.text
    units = replace(few, results=(), real_units=4)
    assert "the 20 real maps are 4 units, the 20 generated maps 20." in units_note(units)
    assert "tests of means only" in units_note(units)


def test_a_failed_report_leaves_the_old_one(report, comparison):
    before = report.read_bytes()
    with pytest.raises(AttributeError):
        write_report(
            report,
            replace(comparison, results=()),
            **(NOTHING | {"figures": {"maps": None}}),
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


@pytest.mark.parametrize(
    "name", ["moments", "bispectrum_equilateral", "bispectrum_squeezed", "starlet", "scattering"]
)
def test_panels_over_powers_of_ten_are_in_units_of_the_null(comparison, name):
    """One contrast for both bispectra, whatever the maps."""
    result = comparison[name]
    groups = groups_of(result)
    bottom = statistic_panel(result).axes[len(groups) :]
    assert bottom[0].get_ylabel() == "difference / null"
    half_width = np.abs(result.null_band).max(axis=0)
    half_width[half_width == 0] = np.nan  # bins that are empty in every real map
    expected = (result.generated - result.real) / half_width
    for axis, group in zip(bottom, groups, strict=True):
        np.testing.assert_allclose(axis.lines[-1].get_ydata(), expected[group.rows], rtol=1e-12)


def test_groups_name_what_is_measured(comparison):
    """Each feature is in one group; the mean of a map alone is left out."""
    for result in comparison.results:
        if result.axis.size:
            rows = np.concatenate([group.rows for group in groups_of(result)])
            left_out = range(0, 16, 4) if result.name == "moments" else ()
            assert sorted([*rows, *left_out]) == list(range(result.axis.size))
    first, second = groups_of(comparison["scattering"], 2.0)
    assert first.names == ("2", "4", "8")
    assert second.names[:4] == ("2, 4; 0°", "2, 4; 45°", "2, 4; 90°", "2, 8; 0°")
    assert [group.title for group in groups_of(comparison["starlet"])] == [
        f"{size} pixels" for size in (2, 4, 8)
    ]


def test_axes_have_the_names_and_units_of_the_field(comparison):
    for name, across, up in (
        ("power_spectrum", "multipole ℓ", "P(ℓ) [sr]"),
        ("peaks", "peak height κ", "peaks per map and bin"),
        ("minkowski_v1", "threshold κ", "V₁(κ) [arcmin⁻¹]"),
        ("bispectrum_squeezed", "multipole ℓ of the two long sides", "B(ℓ, ℓ, ℓ_min) [sr²]"),
    ):
        top, bottom = statistic_panel(comparison[name]).axes
        assert (bottom.get_xlabel(), top.get_ylabel()) == (across, up)


def test_the_chosen_epoch_is_marked_and_an_undecided_discriminator_explained():
    distances = {"pca_distance": [3.0, 1.5, 2.0], "pca_distance_null": [1.0, 1.0, 1.0]}
    top, bottom = validation_curves(distances, [0.7, 0.1, 0.2], 2).axes
    assert top.lines[0].get_ydata().tolist() == [3, 1.5, 2]
    assert (*bottom.lines[1].get_xdata(), *bottom.lines[1].get_ydata()) == (2, 0.1)
    names = "discriminator_loss", "generator_loss", "real_logit", "fake_logit"
    curves = loss_curves({name: [1.4, 1.39] for name in names}, undecided=True).axes[0]
    assert curves.lines[0].get_ydata()[0] == UNDECIDED_LOSS == pytest.approx(-2 * np.log(0.5))
    assert f"{UNDECIDED_LOSS:.3f}" in UNDECIDED
    assert len(pca_by_epoch(3 * [("epoch", np.zeros((4, 2)), np.ones((4, 2)))]).axes) == 3


def test_rare_pixels_do_not_stretch_the_axis():
    rare = np.tile([1000, 0], (100, 1))
    rare[0, 1] = 1  # so that the mean less two errors is negative
    top = pixel_distribution(np.arange(3.0), rare, rare).axes[0]
    assert top.get_ylim()[0] == pytest.approx(0.01 / 3)


def test_provenance_is_words_and_no_dump_of_empty_settings():
    known = {"preset": "best", "backend": "jax", "seed": 1, "data": "maps.h5", "train_maps": 700}
    known |= {"pixels": 64, "pixel_arcmin": 4.6875, "run_id": "abc", "start": "", "condition": None}
    said = dict(origin(known, {"selected_epoch": 5, "last_epoch": 6}, date(2026, 11, 28)))
    assert said["model"] == "preset best, trained on jax with seed 1, epoch 5 of 6"
    assert said["data"] == "maps.h5 (700 train)"
    assert said["field"] == "5° × 5°, 64 × 64 pixels of 4.69 arcmin"
    assert (said["date"], said["run"]) == ("28 November 2026", "MLflow run abc")
    assert parameters(known) == []
    of_files = dict(origin({"real": "a.h5", "generated": "b.h5"}, {}, date(2026, 1, 1)))
    assert (of_files["model"], of_files["data"]) == ("maps of b.h5", "real maps of a.h5")


def test_a_paper_gets_a_table_and_references(comparison):
    table = latex_table(comparison)
    assert table.isascii()
    rows = [line for line in table.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + len(comparison.tests)
    assert len({row.count("&") for row in rows}) == 1
    assert r"Minkowski $V_2$ (Euler characteristic) &" in table
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    entry = bibtex(date(2026, 1, 1))
    assert f"{{{cited['version']}}}" in entry
    assert cited["references"][1]["doi"] in entry


def test_no_panel_without_a_curve(comparison):
    with pytest.raises(ValueError, match="Received: peaks_scatter"):
        statistic_panel(comparison["peaks_scatter"])


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_shows_it_all_within_its_width(browser, report, width, mode):
    page, messages = open_page(browser, width=width, mode=mode)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(report.as_uri())
    if width == 1400:
        bottom = page.evaluate("document.querySelector('.first').getBoundingClientRect().bottom")
        assert bottom <= 800
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
    )
    assert page.evaluate("document.images.length") > 10
    assert all(url.startswith(("file:", "data:")) for url in requests)
    with page.expect_download() as download:
        page.get_by_role("link", name="Minima counts").click()
    assert download.value.suggested_filename == "minima.csv"
    assert not messages
    page.close()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_report_is_accessible(browser, report, mode):
    page, messages = open_page(browser, mode=mode)
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert violations(page) == []
    assert not messages
    page.close()


@pytest.mark.parametrize("width", [400, 1400])
def test_the_keyboard_unfolds_and_reaches_all_of_the_report(browser, report, width):
    page, _ = open_page(browser, width=width)
    page.goto(report.as_uri())
    folded = tab_stops(page)
    summaries = [stop["name"] for stop in folded if stop["tag"] == "summary"]
    assert len(summaries) == page.evaluate("document.querySelectorAll('details').length")
    page.evaluate("document.querySelector('summary').focus()")
    page.keyboard.press("Enter")
    assert page.get_by_role("region", name="Verdicts").is_visible()
    page.keyboard.press("Enter")
    assert not page.get_by_role("region", name="Verdicts").is_visible()

    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    stops = folded + tab_stops(page)
    names = [stop["name"] for stop in stops]
    assert {"Maps", "Verdicts", "Metrics", "Settings", "Table in LaTeX"} <= set(names)
    assert len([name for name in names if name.endswith(": CSV")]) > 10
    assert [stop for stop in stops if not (stop["marked"] and stop["on_screen"])] == []
    page.close()


def test_it_prints_on_five_pages_at_most(browser, report):
    page, _ = open_page(browser)
    page.goto(report.as_uri())
    printed = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 5
    page.close()
