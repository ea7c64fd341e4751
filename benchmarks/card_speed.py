"""What the static properties of a card cost, each in this one process.

    python benchmarks/card_speed.py POT SPECIES --output FILE.json     # wall and processor seconds
    python benchmarks/card_speed.py --compare BEFORE.json AFTER.json   # values and times beside

POT is the file of a potential, SPECIES its element. Take OMP_NUM_THREADS=1: the commands run one
process for each core, with one thread each.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import maxvolt
from maxvolt.cli.crystal_options import named_crystal
from maxvolt.properties import compute_property, registered
from maxvolt.report.output import write_json

__all__ = ["compare", "main", "measure"]


def measure(potential: Path, species: str, names: list[str]) -> dict[str, Any]:
    """Compute properties one by one; seconds by the clock, and of the processor."""
    atoms, structure = named_crystal(species, None, None)
    kind = structure.split()[0]
    found: dict[str, Any] = {}
    for name, one in registered().items():
        suits = one.quick and (not one.crystals or kind in one.crystals)
        if name not in names and (names or not suits):
            continue
        before, clock = os.times(), time.perf_counter()
        result = compute_property(name, maxvolt.load(potential, species=[species]), atoms)
        after = os.times()
        found[name] = {
            "wall": time.perf_counter() - clock,
            "processor": after.user - before.user + after.system - before.system,
            "values": result.to_dict()["values"],
        }
        print(f"{name:20s} {found[name]['wall']:7.1f} s, processor "
              f"{found[name]['processor']:7.1f} s", flush=True)  # fmt: skip
    total = {key: sum(one[key] for one in found.values()) for key in ("wall", "processor")}
    print(f"{'all':20s} {total['wall']:7.1f} s, processor {total['processor']:7.1f} s")
    return found


def compare(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Write a table of times, and one of all values."""
    lines = ["| property | processor before (s) | after (s) |", "|---|---|---|"]
    for name, old in before.items():
        if name in after:
            lines.append(f"| {name} | {old['processor']:.1f} | {after[name]['processor']:.1f} |")
    lines += ["", "| property | value | before | after | unit |", "|---|---|---|---|---|"]
    for name, old in before.items():
        new = after.get(name, {"values": {}})["values"]
        for key, value in old["values"].items():
            there = f"{new[key]['value']:.6g}" if key in new else "–"
            lines.append(f"| {name} | {key} | {value['value']:.6g} | {there} | {value['unit']} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, or compare two measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("potential", type=Path, nargs="?")
    parser.add_argument("species", nargs="?")
    parser.add_argument("--only", nargs="+", default=[], help="these properties")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"))
    options = parser.parse_args()
    if options.compare:
        before, after = (json.loads(path.read_text()) for path in options.compare)
        print(compare(before, after))
        return
    if options.species is None:
        parser.error("expected POT and SPECIES, or --compare BEFORE AFTER")
    found = measure(options.potential, options.species, options.only)
    if options.output:
        write_json(found, options.output)


if __name__ == "__main__":
    main()
