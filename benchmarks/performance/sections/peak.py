"""Multiply-adds a second that one core reaches, by instruction set and precision."""

from __future__ import annotations

from maxvolt.potentials.mtp.binding import kernels
from performance.context import Context
from performance.peak import PeakProbe
from performance.results import Case, Findings, Measurement

__all__ = ["measure"]

_ROUNDS = 3


def measure(context: Context) -> Findings:
    """Measure the peak of every instruction set that the kernels have here."""
    sets = kernels.instruction_sets()
    probe = PeakProbe(sets, context.scratch)
    for _ in range(_ROUNDS):
        for name in sets:
            context.say(f"peak of {name}")
            probe.measure(name, 0.3 * context.seconds)
    found = []
    for name, peak in probe.best.items():
        for precision, rate in (("double", peak.double), ("single", peak.single)):
            case: Case = {"instruction set": name, "precision": precision}
            found.append(
                Measurement("multiply-adds", rate / 1e9, "1e9/s", case, "higher"),
            )
    clock = max(peak.clock for peak in probe.best.values())
    found.append(Measurement("clock", clock / 1e9, "GHz", {}, "higher"))
    return Findings(tuple(found))
