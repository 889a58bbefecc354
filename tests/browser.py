"""What a browser says of a page: messages, accessibility, and what the keyboard reaches.

The fixture ``browser`` of ``conftest.py`` starts the browser.
"""

import shutil

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TIMEOUT_MS = 180_000  # of a loaded machine
# WCAG 2.2, levels A and AA, and what axe advises beside them: landmarks, headings, table headers.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# What has the focus: its name, whether it is on the screen, and whether an outline or a shadow
# marks it.
FOCUSED = r"""
() => {
  const element = document.activeElement, style = getComputedStyle(element);
  // A link may slide in with the element around it.
  document.getAnimations().filter(each => each instanceof CSSTransition)
    .forEach(each => each.finish());
  const box = element.getBoundingClientRect();
  const name = element.getAttribute('aria-label') || element.textContent;
  return {
    name: name.trim().replace(/\s+/g, ' '),
    tag: element.tagName.toLowerCase(),
    in_main: Boolean(element.closest('main')),
    marked: style.boxShadow !== 'none' ||
      (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0),
    on_screen: box.width > 0 && box.right > 0 && box.bottom > 0 &&
      box.left < innerWidth && box.top < innerHeight,
  };
}
"""


def open_page(browser, *, width=1400, mode="light"):
    """Return an empty page without animations, and the list of what its console will say."""
    page = browser.new_page(
        viewport={"width": width, "height": 800}, color_scheme=mode, reduced_motion="reduce"
    )
    page.set_default_timeout(TIMEOUT_MS)
    messages = []
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on(
        "console",
        lambda message: message.type in ("error", "warning") and messages.append(message.text),
    )
    return page, messages


def violations(page):
    """Return in words what axe finds against the rules on a page."""
    from axe_playwright_python.sync_playwright import Axe

    options = {
        "resultTypes": ["violations"],
        "preload": False,  # it would fetch the style sheets, for rules about rotated screens
        "runOnly": {"type": "tag", "values": list(RULES)},
    }
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in Axe().run(page, options=options).response["violations"]
        for node in violation["nodes"]
    ]


def tab_stops(page, most=80):
    """Press Tab until the focus leaves the page; return what had the focus after each press."""
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop["tag"] == "body":
            break
        stops.append(stop)
    return stops
