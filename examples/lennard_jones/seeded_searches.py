"""What the searches beside known answers share: their options, potential and table of rows."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import maxvolt
from maxvolt.calculators import MaxvoltCalculator
from maxvolt.report.output import write_json
from maxvolt.sampling.workers import CalculatorFactory

__all__ = ["keep", "parser", "potential"]


def parser(description: str, **defaults: Any) -> argparse.ArgumentParser:
    """Options that say what is searched, with their defaults."""
    options = argparse.ArgumentParser(description=description.splitlines()[0])
    for name in ("atoms", "generations", "population", "seeds"):
        options.add_argument(f"--{name}", type=int, default=defaults[name])
    options.add_argument("--first-seed", type=int, default=0)
    options.add_argument("--output", type=Path, default=Path(defaults["output"]))
    return options


def potential(file: Path, write: Callable[[Path], None]) -> CalculatorFactory:
    """Write tables into a file, and make calculators of them."""
    file.parent.mkdir(exist_ok=True, parents=True)
    write(file)
    return partial(MaxvoltCalculator, maxvolt.load(file), threads=1)


def keep(rows: Iterable[dict[str, Any]], file: Path) -> None:
    """Print each row as it comes, and write all that there are."""
    kept = []
    for row in rows:
        kept.append(row)
        print(json.dumps(row), flush=True)
        write_json(kept, file)
