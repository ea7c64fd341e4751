"""What measures of the error cost in molecular dynamics, every step, every 5 and every 25 steps.

python benchmarks/measure_costs.py --kept /tmp/kept                  # print; --kept saves the fits
python benchmarks/measure_costs.py --kept /tmp/kept --output docs    # docs/uncertainty/costs.json

All kinds alternate, several times. In Python each step is timed, and the least time of each counts;
in LAMMPS the least time of a run. Ratios are of one machine in one run.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase.io.lammpsdata import write_lammps_data
from numpy.typing import NDArray

import maxvolt
from grades_every import EVERY, LEVELS, active_set, add_places, crystal, run_lammps, training_set
from grades_report import markdown_table, shared_folder, update_page, write_results
from maxvolt import ActiveSet, Calculator, Committee, Dataset, Ensemble, ErrorQuery, Posterior
from maxvolt.potentials import Potential
from maxvolt.sampling import MolecularDynamics, Thresholds
from maxvolt.selection import QueryStrategy

Times = NDArray[np.float64]
"""Of an atom in steps, or in a mean step, microseconds."""

_BEFORE = 50
"""Steps that do not count: the first N are all graded, to see how fast grades change."""

_STEPS = {"python": 150, "lammps": 250}
_EXPENSIVE_STEPS = 50
_MORE_IN_LAMMPS = 2
_COMMITTEE = "committee of five"
_INPUT = """\
units       metal
read_data   structure.lammps
mass        1 95.95
{pair}
velocity    all create 600 1
fix         1 all nve
timestep    0.001
run         {before} post no
run         {steps}
"""


@dataclass(frozen=True)
class _Kind:
    """A measure as a calculator in Python, and as a pair style of LAMMPS where it has one."""

    potential: Potential
    query: QueryStrategy | None
    unit: str = ""
    steps: int = _STEPS["python"]


def main() -> None:
    """Measure, print, write."""
    options = _options()
    load = os.getloadavg()[0]
    costs = []
    for level in options.levels:
        costs.append(_costs(level, options))
        print(costs[-1], flush=True)
    if options.output is None:
        return
    found = {"load": load, "cores": os.cpu_count(), "repeats": options.repeats, "costs": costs}
    write_results(options.output / "uncertainty" / "costs.json", found)
    page = options.output / "uncertainty_measured.md"
    update_page(page, "costs in a step", _table(costs, load))


def _costs(level: int, options: argparse.Namespace) -> dict[str, Any]:
    shared = shared_folder(options.shared)
    used = active_set(level, shared, options.kept)
    training = training_set(shared)
    calibrated = partial(maxvolt.calibrate, used.potential, training=training, threads=1)
    by_posterior = calibrated(measures=["posterior"])
    five = Posterior.from_dataset(used.potential, training, threads=1).ensemble(5)
    kinds = {
        "none": _Kind(used.potential, None),
        "grade": _Kind(used.potential, used),
        "posterior, site energies": _Kind(used.potential, ErrorQuery(by_posterior), "eV/A"),
        "posterior, forces": _Kind(
            used.potential,
            ErrorQuery(calibrated(measures=["posterior forces"])),
            "eV/A",
            _EXPENSIVE_STEPS,
        ),
        "five posterior samples": _Kind(
            used.potential, ErrorQuery(calibrated(measures=["committee"])), "eV/A"
        ),
        _COMMITTEE: _Kind(five, Committee(five, force_scale=1.0)),
    }
    found: dict[str, Any] = {"level": level, "parameters": used.size}
    found["python_us"] = _in_python(kinds, options.repeats)
    if options.lammps is not None:
        found["lammps_us"] = _in_lammps(used, by_posterior, five, options)
    return found


# ------------------------------------------------------------------------- Python


def _in_python(kinds: Mapping[str, _Kind], repeats: int) -> dict[str, dict[str, float]]:
    runs: dict[tuple[str, str], Callable[[], Times]] = {}
    for name, kind in kinds.items():
        for every in {"none": (0,), _COMMITTEE: (1,)}.get(name, EVERY):
            runs[name, str(every or "none")] = partial(_python_step, kind, every or 1)
    return _alternating(runs, repeats)


def _python_step(kind: _Kind, every: int) -> Times:
    scenario = MolecularDynamics(
        "md",
        Dataset.of(crystal()),
        _BEFORE + kind.steps,
        600.0,
        "nve",
        record_every=25,
        grade_every=every,
    )
    calculator = Calculator(kind.potential, query=kind.query, threads=1)
    ends: list[float] = []
    result = scenario.run(
        calculator,
        Thresholds(1e8, 1e9, unit=kind.unit),
        seed=1,
        progress=lambda _: ends.append(time.process_time()),
    )
    assert result.reason == "finished", result.message
    return 1e6 * np.diff(ends)[_BEFORE - 1 :] / len(crystal())


# ------------------------------------------------------------------------- LAMMPS


def _in_lammps(
    used: ActiveSet,
    by_posterior: maxvolt.uncertainty.Uncertainty,
    five: Ensemble,
    options: argparse.Namespace,
) -> dict[str, dict[str, float]]:
    """Committees have no measure in LAMMPS: what is timed is the mean of five potentials."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_lammps_data(
            str(folder / "structure.lammps"), Dataset.of(crystal())[0], specorder=["Mo"]
        )
        used.write(folder / "grade.maxvolt")
        by_posterior.write(folder / "errors.maxvolt")
        for number, member in enumerate(five.members):
            assert isinstance(member, maxvolt.MTP)
            member.write_compiled(folder / f"member{number}.maxvolt")
        pairs = {("none", "none"): "pair_style maxvolt\npair_coeff * * grade.maxvolt Mo"}
        for kind, file, unit in (
            ("grade", "grade", "none"),
            ("posterior, site energies", "errors", "eV/A"),
        ):
            for every in EVERY:
                pairs[kind, str(every)] = (
                    f"pair_style maxvolt select 1e8 break 1e9 unit {unit} every {every}\n"
                    f"pair_coeff * * {file}.maxvolt Mo"
                )
        pairs[_COMMITTEE, "1"] = "\n".join(
            [
                f"pair_style hybrid/scaled {' '.join(['0.2 maxvolt'] * 5)}",
                *(f"pair_coeff * * maxvolt {k + 1} member{k}.maxvolt Mo" for k in range(5)),
            ]
        )
        runs = {
            key: partial(_lammps_step, folder, pair, options.lammps) for key, pair in pairs.items()
        }
        return _alternating(runs, _MORE_IN_LAMMPS * options.repeats)


def _lammps_step(folder: Path, pair: str, lammps: Path) -> Times:
    steps = _STEPS["lammps"]
    (folder / "in.lammps").write_text(_INPUT.format(pair=pair, before=_BEFORE, steps=steps))
    return np.array([1e6 * run_lammps(lammps, folder) / steps / len(crystal())])


# ------------------------------------------------------------------------- both


def _alternating(
    runs: Mapping[tuple[str, str], Callable[[], Times]], repeats: int
) -> dict[str, dict[str, float]]:
    """Microseconds for an atom and step, of least times; the runs come in turn, several times."""
    best: dict[tuple[str, str], Times] = {}
    for _ in range(repeats):
        for key, run in runs.items():
            times = run()
            best[key] = np.minimum(best.get(key, times), times)
    found: dict[str, dict[str, float]] = {}
    for (name, every), times in best.items():
        found.setdefault(name, {})[every] = float(times.mean())
    return found


def _table(costs: list[dict[str, Any]], load: float) -> str:
    columns = ("", "measure", "a step alone, µs", *(f"every {n}" for n in EVERY))
    rows = []
    for cost in costs:
        for program in ("python", "lammps"):
            times = cost.get(f"{program}_us")
            if times is None:
                continue
            plain = times["none"]["none"]
            where = {"python": "Python", "lammps": "LAMMPS"}[program]
            for name, of_kind in times.items():
                if name == "none":
                    continue
                # A committee predicts with all members, so that it costs the same at each step.
                more = [of_kind.get(str(n), of_kind["1"]) / plain - 1 for n in EVERY]
                first = f"level {cost['level']}, {cost['parameters']} parameters, {where}"
                rows.append((first, name, f"{plain:.2f}", *(f"{100 * m:+.0f} %" for m in more)))
    table = markdown_table(columns, rows)
    loaded = f"Processor time of one thread, at a load of {load:.1f} on {os.cpu_count()} cores."
    return f"What a step takes for an atom, and what a measure adds to it:\n\n{table}\n\n{loaded}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--levels", type=int, nargs="+", default=LEVELS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, help="folder docs; none: only print")
    add_places(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
