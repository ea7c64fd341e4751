"""Measure speed and memory, beside motep's C engine in the same run.

python benchmarks/run.py                                    # everything, into bench_output
python benchmarks/run.py --quick                            # the short form
python benchmarks/run.py --only evaluation training --output docs/benchmarks
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from maxvolt.errors import MaxvoltError
from performance.plots import write_figures
from performance.registry import SECTIONS
from performance.results import Document
from performance.runner import RESULTS, run_sections
from performance.tables import machine_table, section_report, update_readme

_FAILED = 2
_WIDTH = 160  # of tables that go to a file


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write results, figures and tables."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    names = options.only or [name for name, kind in SECTIONS.items() if not kind.on_demand]
    try:
        document = run_sections(names, options.output, quick=options.quick, console=console)
        _print(document, names, console)
        figures = write_figures(document, options.output)
        if (options.output / "README.md").exists():
            update_readme(options.output / "README.md", document)
    except MaxvoltError as error:
        print(error, file=sys.stderr)
        return _FAILED
    console.print(f"{options.output / RESULTS} and {len(figures)} figures are written")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure speed and memory.")
    parser.add_argument("--quick", action="store_true", help="fewer cases, shorter repetitions")
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS)
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("bench_output"),
        help="folder for results.json and figures; its README.md, where there is one, gets the "
        "tables (default: %(default)s)",
    )
    return parser


def _print(document: Document, names: list[str], console: Console) -> None:
    console.print(Markdown(machine_table(document.machine)))
    for name in names:
        console.rule(SECTIONS[name].title)
        console.print(Markdown(section_report(name, document.sections[name])))


if __name__ == "__main__":
    sys.exit(main())
