"""Write the evaluation plans that come with the LAMMPS plugin, one file for each table.

    python tools/make_plans.py --templates DIR              # DIR: untrained potentials of MLIP
    python tools/make_plans.py --templates DIR --check      # compare with the files that are there

Planned are this package's own tables of levels 2 to 28 and, with --templates, those of the files
of potentials in a folder: MLIP's own, one for each level (untrained_mtps of MLIP-2, MTP_templates
of MLIP-3; a trained potential has the same table). The core finds the plan of a potential by a
digest of its table, which is the name of the file; plans.json says which table is which. Run this
again where plans change (binding/harmonic_layout.py, core/plan_file.cpp).

Values are found by least squares, so that their last digits depend on the machine: --check compares
integers exactly and values to 1e-11 of the largest.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maxvolt.compiled import _core
from maxvolt.files import replacing
from maxvolt.potentials.mtp.basis.contraction import ContractionTable, contraction_table
from maxvolt.potentials.mtp.basis.plan import evaluation_plan
from maxvolt.potentials.mtp.binding.harmonic_layout import harmonic_layout
from maxvolt.potentials.mtp.binding.layout import moment_layout
from maxvolt.potentials.mtp.conversion import table_of_file
from maxvolt.potentials.mtp.files.access import read_potential_file
from maxvolt.potentials.mtp.summary import level_of

__all__ = ["FOLDER", "LEVELS", "PlanFile", "differences", "own_plan", "plan_of_file"]

FOLDER = Path(__file__).resolve().parents[1] / "lammps" / "maxvolt_lammps" / "plans"
LEVELS = range(2, 30, 2)
INDEX = "plans.json"
_TOLERANCE = 1e-11


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A file of a plan, and what it is of."""

    name: str
    contents: bytes
    level: int
    program: str
    scalars: int
    products: int

    @property
    def facts(self) -> dict[str, Any]:
        """For the index."""
        return {
            "level": self.level,
            "tables_of": self.program,
            "scalars": self.scalars,
            "products": self.products,
            "bytes": len(self.contents),
        }


def own_plan(level: int) -> PlanFile:
    """Plan the table that this package writes at a level."""
    return _planned(contraction_table(level), level, "maxvolt")


def plan_of_file(path: Path) -> PlanFile:
    """Plan the table of a potential of MLIP."""
    file = read_potential_file(path)
    return _planned(table_of_file(path, file), level_of(file), "MLIP")


def _planned(table: ContractionTable, level: int, program: str) -> PlanFile:
    plan = evaluation_plan(table)
    if plan is None:
        sys.exit(f"the table of level {level} of {program} has no plan")
    moments = moment_layout(table.basic, table.products, table.scalars, table.n_moments)
    layout = harmonic_layout(plan, moments.moment_offsets)
    arrays = layout.arrays(np.zeros(len(table.scalars)))
    parts = (table.basic, table.products, table.scalars)
    name, contents = _core.plan_file(*parts, table.n_moments, arrays)
    return PlanFile(name, contents, level, program, len(table.scalars), len(table.products))


def all_plans(templates: Path | None) -> dict[str, PlanFile]:
    """All plans by the names of their files; a table that both programs have is named once."""
    found: dict[str, PlanFile] = {}
    for plan in _each_plan(templates):
        print(f"level {plan.level:2} {plan.program:8} {plan.name} {len(plan.contents):9,} bytes")
        found.setdefault(plan.name, plan)
    return found


def _each_plan(templates: Path | None) -> Iterator[PlanFile]:
    paths = [] if templates is None else sorted(templates.glob("*.*mtp"))
    if templates is not None and not paths:
        sys.exit(f"{templates}: no file ends with .mtp or .almtp")
    yield from map(plan_of_file, paths)
    yield from map(own_plan, LEVELS)


def write(plans: dict[str, PlanFile]) -> None:
    """Write files and index; others in the folder that end alike are removed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.plan"):
        if path.name not in plans:
            path.unlink()
    for plan in plans.values():
        with replacing(FOLDER / plan.name) as stream:
            stream.write(plan.contents)
    index = {
        plan.name: plan.facts for plan in sorted(plans.values(), key=lambda p: (p.level, p.program))
    }
    with replacing(FOLDER / INDEX) as stream:
        stream.write(json.dumps(index, indent=1).encode() + b"\n")
    print(f"{len(plans)} plans, {sum(len(p.contents) for p in plans.values()) / 1e6:.2f} MB")


HEADER = 32
"""Bytes before the fields: magic word, version, order of bytes, length, checksum."""


def fields_of(contents: bytes) -> dict[str, Any]:
    """Fields of a file by name, as core/field_file.hpp lays them out."""
    kinds = {b"i": np.int32, b"l": np.int64, b"d": np.float64, b"c": np.uint8}
    found: dict[str, Any] = {}
    at = HEADER
    while at < len(contents):
        length = int.from_bytes(contents[at : at + 4], "little")
        name, kind = contents[at + 4 : at + 4 + length], contents[at + 4 + length : at + 5 + length]
        at += 5 + length
        count = int.from_bytes(contents[at : at + 8], "little")
        found[name.decode()] = np.frombuffer(contents, kinds[kind], count, at + 8)
        at += 8 + found[name.decode()].nbytes
    return found


def differences(found: bytes, expected: bytes) -> list[str]:
    """Name the fields in which two files differ by more than rounding."""
    if found[: HEADER - 16] != expected[: HEADER - 16]:
        return ["header"]
    a, b = fields_of(found), fields_of(expected)
    return [name for name in sorted(a.keys() | b.keys()) if not _agree(a.get(name), b.get(name))]


def _agree(a: Any, b: Any) -> bool:
    if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype != np.float64:
        return bool((a == b).all())
    return bool((abs(a - b) <= _TOLERANCE * abs(b).max(initial=0.0)).all())


def check(plans: dict[str, PlanFile]) -> int:
    """Print what is missing or differs; return how many files."""
    wrong = 0
    for name, plan in plans.items():
        path = FOLDER / name
        differing = differences(path.read_bytes(), plan.contents) if path.is_file() else ["missing"]
        if differing:
            wrong += 1
            print(f"level {plan.level} of {plan.program}: {name}: {', '.join(differing)}")
    print(f"{wrong} of {len(plans)} plans are not what this script makes")
    return wrong


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--templates", type=Path, metavar="DIR", help="potentials of MLIP, one for each level"
    )
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    options = parser.parse_args()
    if options.templates is None and not options.check:
        parser.error("--templates is needed to write all plans")
    plans = all_plans(options.templates)
    if options.check:
        return 1 if check(plans) else 0
    write(plans)
    return 0


if __name__ == "__main__":
    sys.exit(main())
