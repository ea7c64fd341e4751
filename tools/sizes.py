"""State the largest modules and the longest functions; fail where one is too long.

    python tools/sizes.py     # exit status 1 where a module or a function is over the limit

A module counts all its lines; a function its lines without the docstring, which may be as long as
its parameters need.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src", "tools", "benchmarks", "examples")
MODULE_LINES, FUNCTION_LINES = 450, 60
SHOWN = 3

Sized = tuple[int, str]
"""Number of lines, and where."""


def main(root: Path = ROOT) -> int:
    """Print the largest, and everything over a limit."""
    paths = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))
    modules = [module_size(path, root) for path in paths]
    functions = [size for path in paths for size in function_sizes(path, root)]
    too_long = report("modules", modules, MODULE_LINES)
    too_long += report("functions", functions, FUNCTION_LINES)
    return 1 if too_long else 0


def report(kind: str, sizes: list[Sized], limit: int) -> int:
    """Print the largest and all over the limit; return how many those are."""
    over = sum(lines > limit for lines, _ in sizes)
    print(f"longest {kind} (at most {limit} lines): {over} too long")
    for lines, where in sorted(sizes, reverse=True)[: max(SHOWN, over)]:
        print(f"  {lines:5d}  {where}{'  TOO LONG' if lines > limit else ''}")
    return over


def module_size(path: Path, root: Path) -> Sized:
    """Count the lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines()), str(path.relative_to(root))


def function_sizes(path: Path, root: Path) -> Iterator[Sized]:
    """Count the lines of all functions and methods of a file, those inside others too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            where = f"{path.relative_to(root)}:{node.lineno} {node.name}"
            yield _lines(node) - _docstring_lines(node), where


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    return _lines(first) if ast.get_docstring(node, clean=False) is not None else 0


if __name__ == "__main__":
    sys.exit(main())
