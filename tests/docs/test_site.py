"""The built site: links and anchors, and what a browser says at two widths.

``make docs`` builds the site and runs these tests; without a built site they are skipped.
"""

import shutil
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from tests.conftest import ROOT

SITE = ROOT / "docs" / "_build" / "html"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SITE / "index.html").is_file(), reason="the site is not built"),
]

# One page of each kind: with cards, wide tables, drawings and equations, generated ones, notebooks.
SHOWN = (
    "index",
    "start",
    "howto/index",
    "howto/public-sets",
    "explanation/method",
    "explanation/tests",
    "reference/presets",
    "generated/commands",
    "generated/api/cosmogan_k3.statistics",
    "tutorials/statistics",
    "development/results",
    "gallery",
)
# Elements that stick out of the page although nothing around them scrolls.
TOO_WIDE = """
() => {
  const scrolls = e => {
    for (; e && e !== document.body; e = e.parentElement)
      if (/auto|scroll/.test(getComputedStyle(e).overflowX)) return true;
    return false;
  };
  return [...document.querySelectorAll('main *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e))
    .map(e => e.tagName + ' ' + e.textContent.trim().slice(0, 40));
}
"""


class Page(HTMLParser):
    """Links, pictures and anchors of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors.add(given.get("id"))
        for name in ("href", "src"):
            if given.get(name):
                self.links.add(given[name])


def test_links_and_pictures_lead_somewhere():
    pages = {
        path.resolve(): Page(path) for path in SITE.rglob("*.html") if "_static" not in path.parts
    }
    dead = set()
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if "://" in link or link.startswith(("data:", "mailto:", "//")):
                continue
            there = (path.parent / unquote(target.split("?")[0])).resolve() if target else path
            found = there.exists()
            if found and anchor and there in pages:
                found = unquote(anchor) in pages[there].anchors
            if not found:
                dead.add(f"{path.relative_to(SITE.resolve())}: {link}")
    assert not dead


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
def test_a_browser_shows_the_pages_within_its_width(browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.route("http*://**", lambda route: route.abort())  # MathJax and badges of other hosts
    page.set_default_timeout(120_000)  # of a loaded machine
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for name in SHOWN:
        page.goto((SITE / f"{name}.html").as_uri())
        scrolled = page.evaluate("document.documentElement.scrollWidth")
        assert scrolled <= width, (name, page.evaluate(TOO_WIDE))
        assert not page.evaluate(TOO_WIDE), name
    page.close()
    assert not errors
