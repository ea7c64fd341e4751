"""Code blocks of the pages of the documentation, and what is done with each.

A fence is in one of these languages; anything else is an error, and so is code that is only
indented, which nothing would run:

- ``python``: run, all of a page in one process and in one namespace;
- ``sh``: run by bash; what a block exports and its folder are there in the next one;
- ``toml``, ``json``, ``xml``, ``ini``: must be well-formed;
- ``text``: what a program prints, or a file that no language here is for.

Comments before a fence say more:

- ``<!-- not run: reason -->``: leave the next block alone;
- ``<!-- file: name -->``: the next block is the content of this file;
- ``<!-- run before: name -->``: make files that the reader has already (`preparations`), before
  anything else of the page;
- ``<!-- needs: name -->``: the page needs this of the machine (`promises`);
- ``<!-- slow: reason -->``: the page may take more than a minute.
"""

from __future__ import annotations

import configparser
import json
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Block", "CodePage", "read_page"]

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,}) *(?P<language>[\w-]*)[^`]*$")
_COMMENT = re.compile(r"<!-- *(not run|file|run before|needs|slow): *(.*?) *-->")
_LIST_ITEM = re.compile(r"^ *([-*+]|\d+\.) ")


def _is_ini(text: str) -> None:
    configparser.ConfigParser(interpolation=None).read_string(text)


RUN = ("python", "sh")
CHECKED: dict[str, Callable[[str], object]] = {
    "toml": tomllib.loads,
    "json": json.loads,
    "xml": ElementTree.fromstring,
    "ini": _is_ini,
}
TEXT = "text"


@dataclass(frozen=True, slots=True)
class Block:
    """A code block; `line` is that of its fence, from 1."""

    language: str
    code: str
    line: int
    reason_not_run: str | None = None
    file: str | None = None


@dataclass(slots=True)
class CodePage:
    """What a page wants run, and how."""

    blocks: list[Block] = field(default_factory=list)
    preparations: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    slow: str | None = None
    problems: list[str] = field(default_factory=list)


def read_page(path: Path) -> CodePage:
    """Find the blocks of a page; what is wrong with them is in `problems`."""
    page = CodePage()
    lines = path.read_text(encoding="utf-8").splitlines()
    pending: dict[str, str] = {}
    number, in_list = 0, False
    while number < len(lines):
        line = lines[number]
        number += 1
        for kind, value in _COMMENT.findall(line):
            if not value:
                page.problems.append(f"{path.name}:{number}: {kind}: says nothing")
            _note(page, pending, kind, value)
        opening = _FENCE.match(line)
        if opening:
            start = number
            number = _end_of_block(lines, number, opening["fence"])
            code = _without_indent(lines[start : number - 1], len(opening["indent"]))
            block = Block(
                opening["language"], code, start, pending.pop("not run", None),
                pending.pop("file", None),
            )  # fmt: skip
            page.blocks.append(block)
            page.problems += [f"{path.name}:{start}: {text}" for text in _problems(block)]
            continue
        if line and not line.startswith(" "):
            in_list = bool(_LIST_ITEM.match(line))
        elif line.startswith("    ") and not in_list and not lines[number - 2].strip():
            page.problems.append(
                f"{path.name}:{number}: indented code, which is not run; make it a fence"
            )
    for kind in pending:
        page.problems.append(f"{path.name}: '{kind}' stands before no block")
    return page


def _note(page: CodePage, pending: dict[str, str], kind: str, value: str) -> None:
    if kind == "run before":
        page.preparations += re.split(r"[, ]+", value)
    elif kind == "needs":
        page.needs += re.split(r"[, ]+", value)
    elif kind == "slow":
        page.slow = value
    else:
        pending[kind] = value


def _end_of_block(lines: list[str], number: int, fence: str) -> int:
    """Line after the closing fence, from 0; that is its own number from 1."""
    while number < len(lines):
        number += 1
        if lines[number - 1].strip().startswith(fence):
            return number
    raise ValueError(f"a fence is not closed: {lines[-1]!r}")


def _without_indent(lines: list[str], indent: int) -> str:
    return "".join(f"{line[indent:] if line[:indent].isspace() else line}\n" for line in lines)


def _problems(block: Block) -> list[str]:
    if block.reason_not_run or block.file or block.language in (*RUN, TEXT):
        return []
    if block.language not in CHECKED:
        known = ", ".join((*RUN, *CHECKED, TEXT))
        return [
            f"a block in {block.language or 'no language'}; write one of {known}, or say before "
            "it why it is not run (<!-- not run: reason -->)"
        ]
    try:
        CHECKED[block.language](block.code)
    except (ValueError, SyntaxError, configparser.Error) as error:
        return [f"not {block.language}: {error}"]
    return []
