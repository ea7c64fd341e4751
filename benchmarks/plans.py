"""Count what evaluation plans save, for every level.

python benchmarks/plans.py                             # prints the tables
python benchmarks/plans.py --output docs/benchmarks    # and writes plans.json and plans.md there
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from maxvolt.files import replacing
from maxvolt.potentials.mtp.basis.contraction import contraction_table
from maxvolt.potentials.mtp.binding.plan_report import PlanReport, plan_report

LEVELS = range(2, 30, 2)

# Products of the contraction tables in MLIP's templates.
MLIP_PRODUCTS = dict(
    zip(
        LEVELS,
        (0, 1, 5, 14, 42, 117, 348, 969, 2634, 6349, 15431, 36170, 82520, 180069),
        strict=True,
    )
)

TEXT = """\
# Evaluation plans

How much less an atom takes by its evaluation plan than by the tables in MLIP's files, counted
level by level. Written by `python benchmarks/plans.py --output docs/benchmarks`. What a plan is:
[formulation](../formulation.md#harmonic-moments-and-the-evaluation-plan).

Basis functions and moments of one atom. *Independent* are the invariants of harmonic moments that
the basis functions are sums of, and the components of moments that are summed over neighbours.
*Pairs* are the pairs of harmonic moments that are coupled.

{sizes}

Products of two numbers that both depend on the neighbours, for the energy of one atom: by the
tables in MLIP's templates; by this package's own tables, as they stand in the files it writes; and
by the plan, for coupling the pairs, in the invariants, and both together.

{products}

Operations of one atom for the energy and its derivatives by the basic moments; a multiply-add, a
multiplication and an addition are one operation each. A product of a table takes two of them
forward and three in reverse. *Linear* are those of the plan with a constant factor: harmonic
moments from basic ones and the coupling, forward and reverse, and the quadratic form, which gives
the energy and its derivatives at once and is counted as forward.

{operations}

## Next

- [What an evaluation plan is](../decisions/evaluation_plan.md)
- [Benchmarks](README.md)
"""


def main() -> None:
    """Count, print, and write where asked."""
    parser = argparse.ArgumentParser(description="Count what evaluation plans save.")
    parser.add_argument("--output", type=Path, help="folder for plans.json and plans.md")
    output = parser.parse_args().output
    reports = {level: report_of(level) for level in LEVELS}
    text = TEXT.format(
        sizes=sizes(reports), products=products(reports), operations=operations(reports)
    )
    print(text)
    if output is not None:
        levels = {
            level: {"products_of_mlip": MLIP_PRODUCTS[level], **asdict(report)}
            for level, report in reports.items()
        }
        write(output / "plans.json", json.dumps(levels, indent=1) + "\n")
        write(output / "plans.md", text)


def report_of(level: int) -> PlanReport:
    """Count one level."""
    report = plan_report(contraction_table(level))
    assert report is not None
    return report


def sizes(reports: dict[int, PlanReport]) -> str:
    """Return the table of basis functions and moments."""
    columns = ("level", "basis functions", "independent", "basic moments", "independent", "pairs")
    return markdown(
        columns,
        [
            (
                level,
                r.scalars,
                r.invariants,
                r.basic_moments,
                r.independent_basic_moments,
                r.pairs,
            )
            for level, r in reports.items()
        ],
    )


def products(reports: dict[int, PlanReport]) -> str:
    """Return the table of products of two moments."""
    columns = ("level", "MLIP", "own tables", "pairs", "invariants", "plan", "of MLIP's")
    return markdown(
        columns,
        [
            (
                level,
                MLIP_PRODUCTS[level],
                r.table.products,
                r.products_of_pairs,
                r.plan.products - r.products_of_pairs,
                r.plan.products,
                percentage(r.plan.products, MLIP_PRODUCTS[level]),
            )
            for level, r in reports.items()
        ],
    )


def operations(reports: dict[int, PlanReport]) -> str:
    """Return the table of operations, forward and reverse."""
    columns = ("level", "MLIP", "own tables", "linear", "forward", "reverse", "plan", "of MLIP's")
    rows = []
    for level, r in reports.items():
        # The tables differ in products only: two operations forward and three in reverse each.
        mlip = r.table.operations + 5 * (MLIP_PRODUCTS[level] - r.table.products)
        linear = sum(s.multiply_adds for s in r.plan.stages if not s.name.startswith("products"))
        forward, reverse = (
            sum(stage.multiply_adds + stage.others for stage in stages)
            for stages in (r.plan.forward, r.plan.reverse)
        )
        share = percentage(r.plan.operations, mlip)
        own = r.table.operations
        rows.append((level, mlip, own, linear, forward, reverse, r.plan.operations, share))
    return markdown(columns, rows)


def percentage(part: int, whole: int) -> str:
    """Return a share in per cent."""
    return f"{100 * part / whole:.0f} %" if whole else ""


def markdown(columns: Sequence[str], rows: Sequence[Sequence[int | str]]) -> str:
    """Return a table, numbers to the right."""
    lines = [columns, ["---:"] * len(columns), *rows]
    cells = [[f"{c:,}" if isinstance(c, int) else c for c in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as stream:
        stream.write(text.encode())


if __name__ == "__main__":
    main()
