"""How pages of the site are laid out, so that telephones show them well; see mkdocs.yml.

Columns of sentences are marked, and their cells know their headings: narrow screens show such a
table row by row (docs/assets/site.css). Options, units and pairs of numbers are not broken across
lines, long names of the reference are broken behind their dots, and wide pictures are marked, which
narrow screens let scroll. Pictures are links to themselves, so that they can be enlarged.
"""

from __future__ import annotations

import html
import re
import struct
from pathlib import Path
from typing import Any

from mkdocs.structure.pages import Page

_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)
_PICTURE = re.compile(r'<img [^>]*src="([^"]*)"[^>]*>')
_CODE = re.compile(r"(?<!<pre>)<code>([^<]*)</code>")
_OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
_FORMULA_BEFORE_STOP = re.compile(r'(<span class="arithmatex">[^<]*</span>[).,;:]+)')
_TAG_OR_WHOLE = re.compile(  # formulas are left as they are, like tags
    r'<[^>]*class="arithmatex">[^<]*|<[^>]*>|'
    r"[a-zA-Zµ]+/Å[²³]?|-?[\d.]+(?: %)? / -?[\d.]+(?: %)?"
)
_NAME = re.compile(r'(<span class="doc doc-object-name[^"]*">)([^<]*)(</span>)')
_NO_DESCRIPTION = re.compile(r'\s–(\s*<div class="doc-md-description">\s*</div>)')
_VIEW_BOX = re.compile(r'\bviewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"')
_SENTENCE = 40
"""Characters from which on a cell of a table counts as a sentence."""
_PHRASE = 20
"""Characters from which on a cell beside the first is no number or name."""
_SHORT = 14
"""Characters up to which cells share a line."""
_ROOM = 2
"""Columns that fit on a telephone."""
_WIDE = 1.6
"""Width over height from which on a picture has several panels, which become too small."""


def on_page_content(content: str, *, page: Page, **_: Any) -> str:
    """Lay out tables, pictures, code and names."""
    source = page.file.abs_src_path
    content = _TABLE.sub(_laid_out, content)
    content = _PICTURE.sub(lambda found: _linked(found, source), content)
    content = _CODE.sub(lambda code: _OPTION.sub(_whole, code[0]), content)
    content = _FORMULA_BEFORE_STOP.sub(_whole, content)
    content = _TAG_OR_WHOLE.sub(lambda one: one[0] if one[0][0] == "<" else _whole(one), content)
    content = _NO_DESCRIPTION.sub(r"\1", content)
    return _NAME.sub(
        lambda name: name[1] + re.sub(r"([._])", r"\1<wbr>", name[2]) + name[3], content
    )


def _whole(found: re.Match[str]) -> str:
    return f'<span class="whole">{found[0]}</span>'


def _linked(picture: re.Match[str], page: str | None) -> str:
    """Make a picture a link to itself, and say whether it is wide."""
    ratio = 1.0 if page is None else _width_over_height(Path(page).parent / picture[1])
    given = f' wide" style="--ratio: {ratio:.2f}"' if ratio > _WIDE else '"'
    return f'<a class="picture{given} href="{picture[1]}">{picture[0]}</a>'


def _width_over_height(picture: Path) -> float:
    """Of a PNG or SVG file; 1 where it does not say."""
    data = picture.read_bytes() if picture.is_file() else b""
    if data.startswith(b"\x89PNG"):
        width, height = struct.unpack(">II", data[16:24])
        return float(width / height)
    if found := _VIEW_BOX.search(data[:2000].decode("utf-8", "replace")):
        return float(found[1]) / float(found[2])
    return 1.0


def _laid_out(table: re.Match[str]) -> str:
    """Mark columns that hold sentences, and tables that narrow screens show row by row."""
    titles, *rows = [list(map(_text, _CELL.findall(row))) for row in _ROW.findall(table[0])]
    longest = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    head, separator, body = table[0].partition("</thead>")
    pieces = head.split("<th")
    for column, length in enumerate(longest):
        if length > _SENTENCE:
            pieces[column + 2] = f' class="words"{pieces[column + 2]}'
    head = "<th".join(pieces)
    if len(longest) > _ROOM and max(longest[1:]) > _PHRASE:
        head = head.replace("<table>", "<table data-rows>")
        body = _ROW.sub(lambda row: _with_titles(row[0], titles, longest), body)
    return head + separator + body


def _text(cell: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", cell)).strip()


def _with_titles(row: str, titles: list[str], longest: list[int]) -> str:
    """Give each cell of a row, but the first, the heading of its column; mark short ones."""
    before, *cells = row.split("<td")
    for column in range(1, len(titles)):
        title = f' data-title="{html.escape(titles[column])}"' if titles[column] else ""
        short = " data-short" if longest[column] <= _SHORT else ""
        cells[column] = f"{title}{short}{cells[column]}"
    return "<td".join([before, *cells])
