"""The sections of the benchmarks, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from performance.context import Context
from performance.results import Findings
from performance.sections import (
    batch,
    dynamics,
    evaluation,
    instructions,
    lammps,
    memory,
    mlearn,
    parameter_gradients,
    peak,
    scaling,
    share,
    stages,
    startup,
    training,
    training_curves,
)

__all__ = ["SECTIONS", "SectionKind"]


@dataclass(frozen=True, slots=True)
class SectionKind:
    """A section.

    Attributes
    ----------
    title : str
    measure : callable
    on_demand : bool
        Left out unless it is asked for by name.
    """

    title: str
    measure: Callable[[Context], Findings]
    on_demand: bool = False


SECTIONS = {
    "startup": SectionKind("Start of a process", startup.measure),
    "peak": SectionKind("Peak of a core", peak.measure),
    "evaluation": SectionKind("Evaluation", evaluation.measure),
    "share": SectionKind("Share of the peak", share.measure),
    "stages": SectionKind("Stages of the kernel", stages.measure),
    "batch": SectionKind("Many small cells", batch.measure),
    "scaling": SectionKind("Scaling", scaling.measure),
    "training": SectionKind("Training: loss and gradient", training.measure),
    "curves": SectionKind("Training: loss against time", training_curves.measure),
    "gradients": SectionKind("Rows for selection", parameter_gradients.measure),
    "dynamics": SectionKind("Molecular dynamics", dynamics.measure),
    "lammps": SectionKind("Inside LAMMPS", lammps.measure),
    "memory": SectionKind("Memory", memory.measure),
    "instructions": SectionKind("Instructions", instructions.measure),
    "mlearn": SectionKind("Errors on published data", mlearn.measure, on_demand=True),
}
