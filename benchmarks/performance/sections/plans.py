"""What the evaluation plans save: moments and products of MLIP's tables, before and after."""

from __future__ import annotations

from maxvolt.native.plan_report import plan_report
from performance.cases import reference_potential
from performance.context import Context
from performance.results import Case, Findings, Measurement

__all__ = ["measure"]

_LEVELS = tuple(range(2, 29, 2))


def measure(context: Context) -> Findings:
    """Count, for the tables of one species; nothing is timed."""
    found: list[Measurement] = []
    for level in _LEVELS:
        context.say(f"level {level}")
        report = plan_report(reference_potential(context, level, "Mo").model.table)
        if report is None:
            continue
        before, after = report.table, report.plan
        numbers: dict[str, float] = {
            "scalars": report.scalars,
            "independent scalars": report.invariants,
            "basic moments": report.basic_moments,
            "independent basic moments": report.independent_basic_moments,
            "products, table": before.products,
            "products, plan": after.products,
            "operations, table": before.operations,
            "operations, plan": after.operations,
        }
        found += [
            Measurement("count", value, "", {"level": level, "of": name})
            for name, value in numbers.items()
        ]
        for name, old, new in (
            ("products", before.products, after.products),
            ("operations", before.operations, after.operations),
        ):
            if old:
                case: Case = {"level": level, "of": name}
                found.append(Measurement("plan / table", new / old, "", case))
    return Findings(tuple(found))
