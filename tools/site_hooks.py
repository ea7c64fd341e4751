"""What the documentation site adds to MkDocs; mkdocs.yml names this file.

Pages are read on the site and in the repository, so their links must hold in both. Texts in the
root (`ROOT_PAGES`) become pages, files of examples/ that a page links to are copied, and links to
both are turned accordingly. Mathematics is drawn by MathJax, which comes from a package of PyPI and
is loaded by pages that have any. Nothing is fetched from the network. tools/site_layout.py lays the
pages out.
"""

from __future__ import annotations

import posixpath
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import ConfigurationError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
ROOT_PAGES = {
    "ARCHITECTURE.md": "development/architecture.md",
    "CHANGELOG.md": "development/changelog.md",
    "CONTRIBUTING.md": "development/contributing.md",
}
"""Texts in the root of the repository, and where they are on the site."""
_NEXT = {
    "ARCHITECTURE.md": "- [Contributing](CONTRIBUTING.md)\n- [Formulation](docs/formulation.md)",
    "CHANGELOG.md": "- [Start in five minutes](docs/start.md)\n- [Commands](docs/commands.md)",
    "CONTRIBUTING.md": "- [Architecture](ARCHITECTURE.md)\n- [Formulation](docs/formulation.md)",
}
"""Where to go on from them; on the site, every page says so."""

MATHJAX = "assets/mathjax/tex-svg.js"
_LINK = re.compile(r"(?<=\]\()(?!https?://|mailto:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
_MENTION = re.compile(r"\bdocs/([a-z_-]+)(?:\.md)?\b")
_MATHEMATICS = 'class="arithmatex"'
_SEARCHED_FIRST = ("faq.md", "how-to/troubleshooting.md")
"""Pages whose answers the search shows first."""
_SEARCHED_LAST = ("benchmarks", "decisions", "development", "reference")
"""Folders of pages that the search shows after those for users."""
_LIST_BEHIND_TEXT = re.compile(r"^(?![-*#>\s]|\d+\.)(.+)\n(?=- )", re.MULTILINE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leave out of the navigation what is not there yet."""
    config.nav = _existing(config.nav, Path(config.docs_dir))
    return config


def _existing(entries: list[Any], docs: Path) -> list[Any]:
    kept: list[Any] = []
    for entry in entries:
        if isinstance(entry, str):
            if _exists(entry, docs):
                kept.append(entry)
            continue
        ((title, target),) = entry.items()
        if isinstance(target, list):
            if below := _existing(target, docs):
                kept.append({title: below})
        elif _exists(target, docs):
            kept.append({title: target})
    return kept


def _exists(page: str, docs: Path) -> bool:
    return page in ROOT_PAGES.values() or (docs / page).is_file()


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the texts of the root, linked files of the repository, and MathJax."""
    for name, place in ROOT_PAGES.items():
        files.append(File.generated(config, place, content=_root_page(name)))
    sources = {file.src_uri: file.content_string for file in files.documentation_pages()}
    for target in sorted(_linked_files(sources)):
        files.append(
            File.generated(
                config,
                f"repository/{target}.txt",
                content=(ROOT / target).read_bytes(),
                inclusion=InclusionLevel.NOT_IN_NAV,
            )
        )
    files.append(File.generated(config, MATHJAX, abs_src_path=str(_mathjax())))
    return files


def _root_page(name: str) -> str:
    """Text of the root with lists that Markdown sees as such, and with what is next at the end."""
    text = _LIST_BEHIND_TEXT.sub(r"\1\n\n", (ROOT / name).read_text(encoding="utf-8"))
    return f"{text.rstrip()}\n\n## Next\n\n{_NEXT[name]}\n"


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Turn links that hold in the repository into links that hold on the site."""
    source = page.file.src_uri
    folder = source.partition("/")[0]
    if folder in _SEARCHED_LAST or source in _SEARCHED_FIRST:
        page.meta["search"] = {"boost": 2 if source in _SEARCHED_FIRST else 0.5}

    def turned(match: re.Match[str]) -> str:
        target = _target_on_site(source, match[1])
        if target is None:
            return match[0]
        relative = posixpath.relpath(target, posixpath.dirname(source) or ".")
        return f"{relative}{match[2] or ''}"

    return _LINK.sub(turned, markdown)


def on_page_content(html: str, *, page: Page, files: Files, **_: Any) -> str:
    """Link what docstrings say of pages."""
    return _pages_linked(html, page, files)


def _pages_linked(html: str, page: Page, files: Files) -> str:
    """Link what docstrings say of pages: docs/formulation, docs/parallel."""
    folder = posixpath.dirname(page.file.src_uri) or "."
    here = page.file.dest_uri

    def linked(match: re.Match[str]) -> str:
        for source in (f"{match[1]}.md", f"{match[1]}/README.md"):
            if target := files.get_file_from_path(source):
                address = posixpath.relpath(target.dest_uri, posixpath.dirname(here) or ".")
                return f'<a href="{address}">{match[0]}</a>'
        return match[0]

    return _MENTION.sub(linked, html) if folder == "reference" else html


def on_post_page(output: str, **_: Any) -> str:
    """Load MathJax where there is mathematics."""
    if _MATHEMATICS not in output:
        return output
    base = re.search(r'href="([./]*)assets/site.css"', output)
    if base is None:
        raise ConfigurationError("the page does not load assets/site.css")
    scripts = "".join(
        f'<script src="{base[1]}{name}"></script>' for name in ("assets/mathjax.js", MATHJAX)
    )
    return output.replace("</body>", f"{scripts}</body>")


def on_post_template(output: str, *, template_name: str, **_: Any) -> str:
    """Say on the page for wrong addresses how to go on."""
    if template_name != "404.html":
        return output
    title, advice = "<h1>404 - Not found</h1>", "Search for it above, or begin at the start:"
    home = re.search(r'<a href="([^"]*)" title="[^"]*" class="md-header__button md-logo"', output)
    if title not in output or home is None:
        raise ConfigurationError("the theme's page for wrong addresses has changed")
    link = f'<a href="{home[1]}">where to find an answer</a>'
    return output.replace(title, f"<h1>There is no such page</h1><p>{advice} {link}.</p>")


def _target_on_site(source: str, link: str) -> str | None:
    """Where a link of a page leads on the site, relative to docs/; None: where it says."""
    place = _place_in_repository(source, link)
    if place in ROOT_PAGES:
        return ROOT_PAGES[place]
    if place.startswith("docs/"):
        return place.removeprefix("docs/") if source in ROOT_PAGES.values() else None
    return f"repository/{place}.txt" if (ROOT / place).is_file() else None


def _place_in_repository(source: str, link: str) -> str:
    """Path in the repository that a link of a page names."""
    origin = next((name for name, place in ROOT_PAGES.items() if place == source), None)
    folder = posixpath.dirname(f"docs/{source}") if origin is None else ""
    return posixpath.normpath(posixpath.join(folder, link))


def _linked_files(sources: dict[str, str]) -> set[str]:
    """Files outside of docs/ that pages link to."""
    found = set()
    for source, text in sources.items():
        for match in _LINK.finditer(text):
            place = _place_in_repository(source, match[1])
            outside = not place.startswith("docs/") and place not in ROOT_PAGES
            if outside and (ROOT / place).is_file():
                found.add(place)
    return found


def _mathjax() -> Path:
    package = find_spec("mathjax")
    if package is None or package.origin is None:
        raise ConfigurationError("MathJax is missing; install it with: pip install '.[docs]'")
    return Path(package.origin).parent / "static/mathjax/es5/tex-svg.js"
