"""The documentation site: complete, linked, and readable on a telephone."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from browser import Browser, open_browser
from promises import find_chromium, needs

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TELEPHONE = 390
"""Pixels."""
PUBLIC = (
    "maxvolt",
    "maxvolt.calculators",
    "maxvolt.campaign",
    "maxvolt.fitting",
    "maxvolt.io",
    "maxvolt.labelling",
    "maxvolt.properties",
    "maxvolt.sampling",
    "maxvolt.search",
    "maxvolt.selection",
)
"""Packages whose public names the reference lists."""


def _name(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_each_page_begins_with_what_it_is_for_and_ends_with_a_next_step(page):
    text = re.sub(r"^<!--.*?-->$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    beginning, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    title, _, first = beginning.strip().partition("\n")
    assert title.startswith("# ")
    assert re.match(r"[\w`*\[]", first.strip()), "no sentence under the title"
    assert not first.strip().startswith("```")
    heading, _, last = sections[-1].partition("\n")
    assert heading == "Next"
    assert 1 <= len(re.findall(r"\]\([^)]+\)", last)) <= 4


@pytest.mark.parametrize("package", PUBLIC)
def test_the_reference_lists_every_public_name(package):
    listed = set()
    for page in (DOCS / "reference").glob("*.md"):
        listed |= set(re.findall(r"^::: ([\w.]+)$", page.read_text("utf-8"), re.MULTILINE))
    objects = {id(_resolved(name)) for name in listed}
    module = importlib.import_module(package)
    missing = [
        name
        for name in module.__all__
        if name != "__version__"
        and f"{package}.{name}" not in listed
        and id(getattr(module, name)) not in objects
    ]
    assert not missing, f"docs/reference lacks {', '.join(missing)} of {package}"


def _resolved(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        package, _, attribute = name.rpartition(".")
        return getattr(importlib.import_module(package), attribute)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does: a broken link or a page nowhere ends it."""
    needs("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class _Linked(HTMLParser):
    """Where a page leads, the places in it that have a name, and its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.names: set[str] = set()
        self.paragraphs: list[str] = []
        self._in_paragraph = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.addresses += [given[name] or "" for name in ("href", "src") if name in given]
        self.names |= {given[name] or "" for name in ("id", "name") if name in given}
        if tag == "p":
            self._in_paragraph = True
            self.paragraphs.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            self._in_paragraph = False

    def handle_data(self, data: str) -> None:
        if self._in_paragraph:
            self.paragraphs[-1] += data


@pytest.fixture(scope="module")
def linked(site: Path) -> dict[Path, _Linked]:
    """Every page of the site, read."""
    pages = {}
    for path in site.rglob("*.html"):
        pages[path] = _Linked()
        pages[path].feed(path.read_text("utf-8"))
    return pages


def _is_written(page: Path) -> bool:
    """Whether a page is a text: not that of a campaign, a card, nor that for wrong addresses."""
    return page.name not in ("404.html", "report.html") and page.parent.name != "cards"


def test_every_link_of_the_site_leads_somewhere(site, linked):
    broken = []
    for page, content in linked.items():
        if page.name == "404.html":  # its addresses begin at the root of a server
            continue
        for address in content.addresses:
            if re.match(r"(https?|mailto|data|javascript):", address):
                continue
            place, _, name = unquote(address).partition("#")
            target = (page.parent / place).resolve() if place else page
            if target.is_dir():
                target /= "index.html"
            known = linked.get(target)
            if not target.is_file() or (name and known is not None and name not in known.names):
                broken.append(f"{page.relative_to(site)}: {address}")
    assert not broken, "\n".join(broken)


def test_every_page_of_the_site_says_what_is_next(site, linked):
    without = [
        page.relative_to(site).as_posix()
        for page, content in linked.items()
        if _is_written(page) and "next" not in content.names
    ]
    assert not without


def test_lists_are_lists(site, linked):
    """A list that follows its sentence without an empty line is none to Python's Markdown."""
    wrong = [
        f"{page.relative_to(site)}: {text[:60]}"
        for page, content in linked.items()
        for text in content.paragraphs
        if re.search(r"\n(- |\* |\d+\. )", text)
    ]
    assert not wrong, "\n".join(wrong)


def test_parameters_described_together_have_types_of_their_own(site):
    text = re.sub(r"<[^>]*>", "", (site / "reference/properties.html").read_text("utf-8"))
    described = text[text.index("Find the melting point at several pressures") :]
    types = dict(re.findall(r"(ranks|command)\s+\(([^)]*?)(?:,\s*default:[^)]*)?\)", described)[:2])
    assert {name: " ".join(kind.split()) for name, kind in types.items()} == {
        "ranks": "int",
        "command": "str | None",
    }


class _Loaded(HTMLParser):
    """What a page loads from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        loads = tag in ("script", "img", "iframe") or (
            tag == "link" and given.get("rel") != "canonical"
        )
        address = given.get("src") or given.get("href")
        if loads and address and re.match(r"(https?:)?//", address):
            self.addresses.append(address)


def test_nothing_comes_from_the_network(site):
    found = {}
    for page in site.rglob("*.html"):
        loaded = _Loaded()
        loaded.feed(page.read_text("utf-8"))
        if loaded.addresses:
            found[page.relative_to(site).as_posix()] = loaded.addresses
    assert not found


def test_every_page_is_on_the_site(site):
    for page in PAGES:
        place = page.relative_to(DOCS)
        name = "index.html" if place.name == "README.md" else f"{place.stem}.html"
        assert (site / place.parent / name).is_file(), place
    for name in ("architecture", "changelog", "contributing"):
        assert (site / f"development/{name}.html").is_file()


def test_the_reference_shows_functions_and_not_modules_of_their_name(site):
    pages = sorted((site / "reference").glob("*.html"))
    assert pages
    assert [page.name for page in pages if "doc-symbol-module" in page.read_text("utf-8")] == []


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where a server of this machine shows the site."""
    handler = partial(_Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    """Says nothing of its requests."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    needs("chromium")
    chromium = find_chromium()
    assert chromium is not None
    with open_browser(chromium, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def test_pages_can_be_read_on_a_telephone(site, address, browser):
    problems = []
    for page in sorted(site.rglob("*.html")):
        name = page.relative_to(site).as_posix()
        # The page of a campaign, which has tests of its own, or of a card.
        if name.endswith("report.html") or "/cards/" in name:
            continue
        browser.open(f"{address}/{name}", TELEPHONE)
        if (found := browser.evaluate("document.documentElement.scrollWidth")) > TELEPHONE:
            problems.append(f"{name}: {found} pixels wide")
        problems += [f"{name}: cut off: {text}" for text in browser.evaluate(_CUT_OFF)]
        if broken := browser.evaluate(_BROKEN_IMAGES):
            problems.append(f"{name}: pictures that do not load: {broken}")
        if wrong := browser.evaluate(_MATHEMATICS_NOT_DRAWN):
            problems.append(f"{name}: {wrong}")
        problems += [f"{name}: {complaint}" for complaint in browser.complaints]
        problems += [f"{name}: asks for {url}" for url in browser.requests if address not in url]
    assert not problems, "\n".join(problems)


def test_the_search_finds_pages(address, browser):
    browser.open(f"{address}/index.html?q=elastic%20constants", 1280)
    deadline = time.monotonic() + 60
    found = "[...document.querySelectorAll('.md-search-result__link')].map(a => a.pathname)"
    while not (names := browser.evaluate(found)):
        assert time.monotonic() < deadline, "the search found nothing"
        time.sleep(0.1)
    assert "/properties.html" in names


_BROKEN_IMAGES = """
[...document.images].filter(image => image.complete && image.naturalWidth === 0)
  .map(image => image.src).join(" ")
"""
_CUT_OFF = """
(() => {
  const cut = [];
  for (const table of document.querySelectorAll(".md-content table[data-rows]"))
    if (table.scrollWidth > table.parentElement.clientWidth + 1)
      cut.push("a table that goes row by row: " + table.textContent.trim().slice(0, 40));
  for (const element of document.querySelectorAll(".md-content :is(p, li, img, pre, table, svg)")) {
    const edge = element.getBoundingClientRect().right;
    if (edge <= document.documentElement.clientWidth + 1) continue;
    let box = element;
    while (box && !["auto", "scroll"].includes(getComputedStyle(box).overflowX))
      box = box.parentElement;
    if (!box) cut.push(element.tagName + ": " + element.textContent.trim().slice(0, 40));
  }
  return cut;
})()
"""
_MATHEMATICS_NOT_DRAWN = """
(async () => {
  const spots = document.querySelectorAll(".arithmatex");
  if (spots.length === 0) return "";
  await MathJax.startup.promise;
  const errors = document.querySelectorAll("[data-mml-node=merror]").length;
  const drawn = document.querySelectorAll(".arithmatex mjx-container").length;
  if (errors > 0) return `${errors} formulas with errors`;
  return drawn < spots.length ? `${drawn} of ${spots.length} formulas are drawn` : "";
})()
"""
