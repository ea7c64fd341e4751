"""Compare two files of benchmark results; exit with 1 where something has become worse.

python benchmarks/compare.py old.json new.json
python benchmarks/compare.py old.json new.json --threshold 1.2 --only evaluation --json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from maxvolt.errors import MaxvoltError
from performance.comparison import Change, ComparisonResult, compare
from performance.results import read_document

_UNUSABLE = 2


def main(arguments: list[str] | None = None) -> int:
    """Compare, print; 0 without regressions, 1 with some, 2 where a file cannot be used."""
    parser = argparse.ArgumentParser(description="Compare two files of benchmark results.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument(
        "--threshold", type=float, default=1.1, help="how much worse is a regression (1.1: 10 %%)"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="SECTION")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    try:
        old, new = read_document(options.old), read_document(options.new)
    except MaxvoltError as error:
        print(error, file=sys.stderr)
        return _UNUSABLE
    result = compare(old, new, threshold=options.threshold, sections=options.only)
    if options.json:
        print(json.dumps(result.as_json(), indent=1))
    else:
        _print(result, Console())
    return 1 if result.regressions else 0


def _print(result: ComparisonResult, console: Console) -> None:
    table = Table(title="new / old, the worst first")
    for name in ("section", "quantity", "case", "unit"):
        table.add_column(name)
    for name in ("old", "new", "new / old"):
        table.add_column(name, justify="right")
    for change in result.changes:
        table.add_row(*_cells(change), style="bold red" if change in result.regressions else None)
    console.print(table)
    for name, missing in (("old", result.only_old), ("new", result.only_new)):
        if missing:
            console.print(f"in the {name} file alone: {len(missing)}, such as {missing[0]}")
    for remark in result.remarks:
        console.print(f"note: {remark}")
    percent = 100 * (result.threshold - 1)
    console.print(
        f"{len(result.changes)} compared, {len(result.regressions)} worse by more than "
        f"{percent:.0f} %"
    )


def _cells(change: Change) -> tuple[str, ...]:
    return (
        change.section,
        change.quantity,
        change.case,
        change.unit,
        f"{change.old:.4g}",
        f"{change.new:.4g}",
        f"{change.ratio:.3f}",
    )


if __name__ == "__main__":
    sys.exit(main())
