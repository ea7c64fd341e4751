"""How much of a core's arithmetic the kernel uses, and how its instruction sets compare.

The share is the arithmetic that the algorithm needs (`performance.operations`), divided by the time
of the kernel and by the peak of the same instruction set, which is measured in turns with it. Once
in floating-point operations, of which a multiply-add has two, and once in instructions: a lone
multiplication or addition takes the place of a multiply-add.
"""

from __future__ import annotations

from maxvolt.potentials.mtp.binding import kernels
from performance.cases import bcc_crystal, mean_neighbours, random_potential
from performance.context import Context
from performance.operations import operation_count
from performance.peak import PeakProbe
from performance.results import Case, Findings, Measurement
from performance.timing import smallest_times

__all__ = ["measure"]

_LEVELS = (8, 16, 20, 28)
_ROUNDS = 3


def measure(context: Context) -> Findings:
    """Count operations and measure shares of the peak in double precision."""
    sets = kernels.instruction_sets()
    probe = PeakProbe(sets, context.scratch)
    found: list[Measurement] = []
    for level in _LEVELS:
        for name in sets:
            context.say(f"level {level}, {name}")
            found += _one(context, probe, level, name)
        found += _count(level)
    return Findings(tuple(found))


def _one(context: Context, probe: PeakProbe, level: int, instruction_set: str) -> list[Measurement]:
    atoms = bcc_crystal(2000)
    potential = random_potential(level)
    neighborhoods = potential.neighborhoods(atoms)

    def work() -> object:
        return kernels.evaluate(potential.core, neighborhoods, threads=1, kernels=instruction_set)

    best, peak = float("inf"), 0.0
    for _ in range(_ROUNDS):
        peak = probe.measure(instruction_set, 0.3).double
        best = min(best, smallest_times({"": work}, context.seconds / _ROUNDS / 2)[""])
    clock = max(p.clock for p in probe.best.values())
    time = best / len(atoms)
    count = operation_count(potential, mean_neighbours(potential, atoms))
    case: Case = {"level": level, "instruction set": instruction_set}
    return [
        Measurement("time per atom", 1e6 * time, "us", case),
        Measurement("rate", count.flops / time / 1e9, "1e9 flop/s", case, "higher"),
        Measurement("share of peak", count.flops / time / (2 * peak), "", case, "higher"),
        Measurement("share of slots", count.instructions / time / peak, "", case, "higher"),
        Measurement("cycles per atom", time * clock, "", case),
    ]


def _count(level: int) -> list[Measurement]:
    """Operations by stage, for the same structure."""
    potential, atoms = random_potential(level), bcc_crystal(2000)
    neighbours = mean_neighbours(potential, atoms)
    count = operation_count(potential, neighbours)
    found = [
        Measurement(
            "operations per atom", stage.flops, "flop", {"level": level, "stage": stage.name}
        )
        for stage in count.stages
    ]
    total: Case = {"level": level, "stage": "all"}
    return [
        *found,
        Measurement("operations per atom", count.flops, "flop", total),
        Measurement("neighbours", neighbours, "", {"level": level}, "neither"),
    ]
