"""The built site: links and anchors, and what a browser says of its pages.

``make docs`` builds the site and runs these tests; without a built site they are skipped.
"""

import functools
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from tests.browser import open_page, tab_stops, violations
from tests.conftest import ROOT

SITE = ROOT / "docs" / "_build" / "html"
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
    "generated/api/cosmogan_k3.errors",
    "tutorials/statistics",
    "development/results",
    "gallery",
)
# Of 10,000 elements, which axe takes a minute for; the page of errors has the same markup.
LARGE = "generated/api/cosmogan_k3.statistics"
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


class Quiet(SimpleHTTPRequestHandler):
    """Serve files without a line for each."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    """The address of the site on a server: scripts of a file may not read other files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def opened(browser, address):
    """A function that returns a page of the site, and the list of what its console will say."""
    pages = []

    def opened(**options):
        page, messages = open_page(browser, **options)
        # MathJax and badges of other hosts.
        page.route(lambda url: not url.startswith(address), lambda route: route.fulfill(status=204))
        pages.append(page)
        return page, messages

    yield opened
    for page in pages:
        page.close()


@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_shows_the_pages_within_its_width(opened, address, width):
    page, messages = opened(width=width)
    for name in SHOWN:
        page.goto(f"{address}/{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert not page.evaluate(TOO_WIDE), name
    assert not messages


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_pages_are_accessible(opened, address, mode):
    page, messages = opened(mode=mode)
    found = {}
    for name in [*SHOWN, "search"]:
        if name != LARGE:
            page.goto(f"{address}/{name}.html")
            assert page.evaluate("document.documentElement.dataset.theme") == mode
            found |= {name: rules} if (rules := violations(page)) else {}
    assert not found
    assert not messages


@pytest.mark.parametrize("width", [400, 1400])
def test_the_keyboard_reaches_all_of_a_page(opened, address, width):
    page, _ = opened(width=width)
    page.goto(f"{address}/howto/public-sets.html")
    stops = tab_stops(page)
    names = [stop["name"] for stop in stops]
    assert names[0] == "Skip to main content"
    assert {"cosmogan_k3", "Search", "κTNG"} <= set(names)
    # Wide: links in the header and in the sidebar. Narrow: the button that shows them, and the
    # table, which has to be scrolled.
    if width == 1400:
        assert {"Tutorials", "Train", "Color mode"} <= set(names)
    else:
        assert "Site navigation" in names
        assert any(stop["tag"] == "div" and stop["in_main"] for stop in stops)
    assert [stop for stop in stops if not (stop["marked"] and stop["on_screen"])] == []


def test_the_keyboard_skips_the_navigation_and_closes_the_search(opened, address):
    page, messages = opened()
    page.goto(f"{address}/howto/public-sets.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("Boolean(document.activeElement.closest('main'))")

    page.keyboard.press("Control+k")
    search = page.get_by_role("searchbox")
    assert search.is_visible()
    page.keyboard.press("Escape")
    assert not search.is_visible()
    assert not messages


def test_the_menu_of_a_narrow_screen_opens_and_closes_by_keyboard(opened, address):
    page, _ = opened(width=400)
    page.goto(f"{address}/howto/public-sets.html")
    page.get_by_role("button", name="Site navigation").focus()
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="Simulate maps")
    assert link.is_visible()
    page.keyboard.press("Escape")
    assert not link.is_visible()
