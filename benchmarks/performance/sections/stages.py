"""Where the time of the kernel goes, stage by stage, and what share of the peak each stage reaches.

`perf` takes samples of a process that evaluates; the functions that the compiler has left apart are
the stages. Arithmetic is that of `performance.operations`, the peak that of `performance.peak`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from time import process_time

import numpy as np

from maxvolt.potentials.mtp.basis.plan import evaluation_plan
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.binding.harmonic_layout import harmonic_layout
from maxvolt.potentials.mtp.binding.layout import moment_layout
from performance.cases import bcc_crystal, mean_neighbours, random_potential
from performance.context import Context, NotMeasuredError
from performance.operations import operation_count
from performance.peak import PeakProbe
from performance.results import Case, Findings, Measurement

__all__ = ["evaluate_until_stopped", "measure", "stage_of"]

_LEVELS = (16, 20, 24, 28)

_FUNCTIONS = {
    "load_block": "neighbours of a block",
    "load_functions": "radial functions",
    "basic_moments": "moments",
    "couple_pairs": "coupled pairs",
    "quadratic_form": "quadratic form",
    "pull_back_pairs": "coupled pairs, reverse",
    "fold_forces": "sums of forces",
    "prepare": "choice of neighbours",
    "add_block_forces": "polynomials and forces",
    "::evaluate": "harmonic moments, both ways",
}
"""Stage by a part of the name of the function."""

_COUNTED = {
    "neighbours of a block": ("distances",),
    "radial functions": ("radial functions",),
    "moments": ("moments",),
    "coupled pairs": ("products of pairs", "coupling"),
    "quadratic form": ("quadratic form",),
    "coupled pairs, reverse": ("coupling, reverse", "products of pairs, reverse"),
    "polynomials and forces": ("polynomials", "forces"),
    "harmonic moments, both ways": ("harmonic moments", "harmonic moments, reverse", "virials"),
}
"""What `performance.operations` counts in each stage."""


def measure(context: Context) -> Findings:
    """Sample the evaluation of a disordered crystal of 2000 atoms, double precision."""
    if shutil.which("perf") is None:
        raise NotMeasuredError("stages of the kernel: no perf (Debian's linux-perf)")
    name = kernels.instruction_sets()[0]
    probe = PeakProbe((name,), context.scratch)
    found: list[Measurement] = []
    for level in _LEVELS:
        context.say(f"stages at level {level}")
        time, shares = _sampled(level, context)
        peak = probe.measure(name, 0.5).double
        found += [*_one(level, time, shares, peak), *_loops(level)]
    return Findings(tuple(found))


def stage_of(function: str) -> str:
    """Name the stage that a function of the kernel belongs to."""
    return next((stage for part, stage in _FUNCTIONS.items() if part in function), "all else")


def evaluate_until_stopped(level: int) -> None:
    """Evaluate again and again; say the best time so far, s, after each evaluation."""
    potential = random_potential(level)
    neighborhoods = potential.neighborhoods(bcc_crystal(2000))
    core, best = potential.core, float("inf")
    while True:
        began = process_time()
        kernels.evaluate(core, neighborhoods, threads=1)
        best = min(best, process_time() - began)
        print(best, flush=True)


def _sampled(level: int, context: Context) -> tuple[float, dict[str, float]]:
    """Time per atom, s, and the share of each stage in it."""
    command = (
        "from performance.sections.stages import evaluate_until_stopped; "
        f"evaluate_until_stopped({level})"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    record = context.scratch / f"stages_{level}.data"
    with subprocess.Popen(
        [sys.executable, "-c", command], stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        try:
            if child.stdout is None or not child.stdout.readline():
                raise NotMeasuredError("stages of the kernel: the process that evaluates has ended")
            seconds = f"{2.0 * context.seconds}"
            options = ("-F", "4999", "-e", "cpu-clock:u", "-p", str(child.pid), "-o", str(record))
            done = subprocess.run(
                ["perf", "record", *options, "--", "sleep", seconds],
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            child.terminate()
        lines = child.stdout.read().split()
    if done.returncode:
        raise NotMeasuredError(f"stages of the kernel: perf failed: {done.stderr.strip()[-200:]}")
    return float(lines[-2]) / 2000, _shares(record)


def _shares(record: Path) -> dict[str, float]:
    """Share of each stage in the samples of the compiled module."""
    done = subprocess.run(
        ["perf", "report", "-i", str(record), "--stdio", "-F", "sample,dso,sym", "-t", "\t"],
        capture_output=True,
        text=True,
        check=True,
    )
    samples: dict[str, int] = defaultdict(int)
    for line in done.stdout.splitlines():
        parts = [part.strip() for part in line.split("\t")]
        if len(parts) == 3 and parts[0].isdigit() and "_core" in parts[1]:
            samples[stage_of(parts[2])] += int(parts[0])
    total = sum(samples.values())
    if not total:
        raise NotMeasuredError("stages of the kernel: perf has no sample of it")
    return {stage: count / total for stage, count in samples.items()}


def _one(level: int, time: float, shares: dict[str, float], peak: float) -> list[Measurement]:
    atoms, potential = bcc_crystal(2000), random_potential(level)
    count = operation_count(potential, mean_neighbours(potential, atoms))
    flops = {stage.name: stage.flops for stage in count.stages}
    found: list[Measurement] = []
    for stage, share in shares.items():
        case: Case = {"level": level, "stage": stage}
        found.append(Measurement("share of time", share, "", case, "neither"))
        own = sum(flops[name] for name in _COUNTED.get(stage, ()))
        if own:
            reached = own / (share * time) / (2.0 * peak)
            found.append(Measurement("share of peak", reached, "", case, "higher"))
    whole: Case = {"level": level, "stage": "all"}
    return [
        *found,
        Measurement("share of peak", count.flops / time / (2.0 * peak), "", whole, "higher"),
        Measurement("time per atom", 1e6 * time, "us", whole),
    ]


def _loops(level: int) -> list[Measurement]:
    """Mean lengths of the innermost loops of the plan: what a branch or an index is paid for."""
    table = random_potential(level).model.table
    moments = moment_layout(table.basic, table.products, table.scalars, table.n_moments)
    plan = evaluation_plan(table)
    if plan is None:
        raise NotMeasuredError(f"stages of the kernel: the table of level {level} has no plan")
    layout = harmonic_layout(plan, moments.moment_offsets)
    first, last = layout.couplings.couplings[layout.pairs[:, 2]], layout.pairs[:, 2] + 1
    ends = layout.couplings.couplings[last]
    sizes = layout.couplings.blocks[:, 0] * layout.couplings.blocks[:, 1]
    sizes = sizes * layout.couplings.blocks[:, 3]
    in_blocks = [sizes[a:b] for a, b in zip(first[:, 3], ends[:, 3], strict=True)]
    lengths = {
        "multiply-adds of a block of couplings": np.concatenate(in_blocks).mean(),
        "entries of a row of the form": layout.form.rows[:, 2].mean(),
    }
    return [
        Measurement("length of loop", float(value), "", {"level": level, "loop": name}, "neither")
        for name, value in lengths.items()
    ]
