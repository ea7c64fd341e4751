"""What grades at every N steps cost, in Python and in LAMMPS, and whether they decide the same.

python benchmarks/grades_every.py --output docs/grades                # needs the reference data
python benchmarks/grades_every.py --only cost --lammps /env/bin/lmp   # a LAMMPS with the plugin
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.io.lammpsdata import write_lammps_data
from numpy.typing import NDArray

import maxvolt
from grades_report import markdown_table, shared_folder, update_page, write_results
from maxvolt import MTP, ActiveSet, Calculator, Dataset
from maxvolt.potentials import ParameterGradients
from maxvolt.sampling import MolecularDynamics, Thresholds, ramp
from maxvolt.sampling.graded_steps import GradedSteps

LEVELS = (8, 16, 20)
EVERY = (1, 5, 25)
_NEVER = Thresholds(1e8, 1e9)
_STEPS = {"python": 500, "lammps": 500}
_REPEATS = 5
_INPUT = """\
units       metal
read_data   structure.lammps
mass        1 95.95
pair_style  maxvolt {grading}
pair_coeff  * * pot.maxvolt Mo
velocity    all create 600 1
fix         1 all nve
timestep    0.001
run         50 post no
run         {steps}
"""


def main() -> None:
    """Measure, print, write."""
    options = _options()
    found: dict[str, Any] = {"load": os.getloadavg()[0]}
    if options.only in (None, "cost"):
        found["cost"] = [_cost(level, options) for level in LEVELS]
    if options.only in (None, "decisions"):
        found["decisions"] = _decisions(shared_folder(options.shared))
    for rows in (found.get("cost", []), found.get("decisions", [])):
        for row in rows:
            print(row)
    if options.output is None:
        return
    file = options.output / "every.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    write_results(file, before | found)
    page = options.output / "README.md"
    if "cost" in found:
        update_page(page, "cost every N steps", _cost_table(found["cost"], found["load"]))
    if "decisions" in found:
        update_page(page, "decisions", _decision_table(found["decisions"]))


# ------------------------------------------------------------------------- cost


def crystal() -> Atoms:
    """1024 atoms of molybdenum, warm."""
    atoms: Atoms = bulk("Mo", a=3.16, cubic=True) * 8
    atoms.rattle(0.05, seed=0)
    return atoms


def training_set(shared: Path) -> Dataset:
    """60 structures of molybdenum with few atoms."""
    dataset = maxvolt.read(shared / "data" / "mlearn" / "Mo_train.xyz")
    small = np.flatnonzero(dataset.counts <= 60)
    return dataset.select(np.sort(np.random.default_rng(0).choice(small, 60, replace=False)))


def active_set(level: int, shared: Path, kept: Path | None) -> ActiveSet:
    """Read a potential with its active set, or fit one to 60 structures, which takes minutes."""
    file = None if kept is None else kept / f"Mo{level}.almtp"
    if file is not None and file.exists():
        return maxvolt.read_active_set(file)
    training = training_set(shared)
    fitted = maxvolt.fit(MTP(level, ["Mo"], 5.0, 2.0), training, max_iterations=10)
    assert isinstance(fitted.potential, ParameterGradients)
    used = ActiveSet.from_dataset(fitted.potential, training, mode="neighborhood")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        used.write(file)
    return used


def _cost(level: int, options: argparse.Namespace) -> dict[str, Any]:
    used, lammps = active_set(level, shared_folder(options.shared), options.kept), options.lammps
    found: dict[str, Any] = {
        "level": level,
        "parameters": used.size,
        "rank": used.rank,
        "largest_rank": used.largest_rank,
        "python_us": _in_python(used),
    }
    if lammps is not None:
        found["lammps_us"] = _in_lammps(used, lammps)
    return found


def _in_python(used: ActiveSet) -> dict[str, float]:
    """Least processor time for an atom and step, without grades and with them every N steps."""
    atoms = Dataset.of(crystal())
    best = dict.fromkeys(["none", *map(str, EVERY)], np.inf)
    for _ in range(_REPEATS):
        for name in best:
            every = 1 if name == "none" else int(name)
            query = None if name == "none" else used
            scenario = MolecularDynamics(
                "md", atoms, _STEPS["python"], 600.0, "nve", record_every=50, grade_every=every
            )
            calculator = Calculator(used.potential, query=query, threads=1)
            start = time.process_time()
            result = scenario.run(calculator, _NEVER, seed=1)
            spent = time.process_time() - start
            assert result.reason == "finished", result.message
            best[name] = min(best[name], 1e6 * spent / _STEPS["python"] / len(atoms))
    return best


def _in_lammps(used: ActiveSet, lammps: Path) -> dict[str, float]:
    atoms = Dataset.of(crystal())
    best = dict.fromkeys(["none", *map(str, EVERY)], np.inf)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        used.write(folder / "pot.maxvolt")
        write_lammps_data(str(folder / "structure.lammps"), atoms, specorder=["Mo"])
        for _ in range(_REPEATS):
            for kind in best:
                grading = "" if kind == "none" else f"select 1e8 break 1e9 every {kind}"
                text = _INPUT.format(grading=grading, steps=_STEPS["lammps"])
                (folder / "in.lammps").write_text(text)
                spent = run_lammps(lammps, folder)
                best[kind] = min(best[kind], 1e6 * spent / _STEPS["lammps"] / len(atoms))
    return best


def run_lammps(lammps: Path, folder: Path) -> float:
    """Return the processor time of the timed run, seconds."""
    command = [str(lammps), "-in", "in.lammps", "-log", "none"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True, env=environment
    )
    seconds = float(re.findall(r"Loop time of ([0-9.e+-]+)", done.stdout)[-1])
    share = float(re.findall(r"([0-9.]+)% CPU use", done.stdout)[-1])
    return seconds * share / 100


# ------------------------------------------------------------------------- decisions


def _decisions(shared: Path) -> list[dict[str, Any]]:
    data = shared / "data"
    molybdenum = _Heated(level=12, species=("Mo",), n_training=60, to=4000.0)
    alloy = _Heated(level=8, species=("Nb", "Mo", "Ta", "W"), n_training=150, to=2500.0)
    return [
        _of_system("Mo", maxvolt.read(data / "mlearn" / "Mo_train.xyz"), molybdenum),
        _of_system("NbMoTaW", maxvolt.read(data / "nbmotaw" / "MoNbTaW_train.xyz"), alloy),
    ]


@dataclass(frozen=True)
class _Heated:
    """A potential fitted to few structures, and the temperature to which a crystal is heated, K."""

    level: int
    species: tuple[str, ...]
    n_training: int
    to: float


@dataclass(frozen=True)
class _Fitted:
    start: Atoms
    active_set: ActiveSet
    to: float


def _fitted(dataset: Dataset, how: _Heated) -> _Fitted:
    """Fit to a few structures of at most 60 atoms; start from a large one with most elements."""
    small = np.flatnonzero(dataset.counts <= 60)
    generator = np.random.default_rng(1)
    chosen = np.sort(generator.choice(small, min(how.n_training, len(small)), replace=False))
    training = dataset.select(chosen)
    untrained = MTP(how.level, how.species, 5.0, 2.0)
    potential = maxvolt.fit(untrained, training, max_iterations=30).potential
    assert isinstance(potential, ParameterGradients)
    used = ActiveSet.from_dataset(potential, training, mode="neighborhood")
    periodic = [atoms for atoms in training if atoms.pbc.all()]
    start = max(periodic, key=lambda atoms: (len(set(atoms.symbols)), len(atoms)))
    return _Fitted(start, used, how.to)


def _of_system(name: str, dataset: Dataset, how: _Heated) -> dict[str, Any]:
    """Heat a crystal and record each grade; then decide by fewer."""
    system = _fitted(dataset, how)
    # Far beyond any threshold the trajectory says nothing more.
    runs = [_heated(system, Thresholds(2.0, 50.0), seed, 1, record=1)[0] for seed in range(5)]
    series = [run.grades for run in runs]
    found: dict[str, Any] = {
        "system": name,
        "level": how.level,
        "atoms": len(system.start),
        "steps": int(sum(len(one) for one in series)),
        "largest_change": float(max(abs(np.diff(one)).max() for one in series)),
        "largest_grade": float(max(one.max() for one in series)),
        "every": {},
    }
    for every in EVERY[1:]:
        found["every"][str(every)] = _replayed(series, every) | _again(system, every)
    return found


def _heated(
    system: _Fitted, rule: Thresholds, seed: int, every: int, record: int
) -> tuple[Any, list[int]]:
    scenario = MolecularDynamics(
        "heating",
        Dataset.of(system.start),
        2000,
        ramp(300.0, system.to, 2000),
        timestep_fs=3.0,
        record_every=record,
        grade_every=every,
    )
    used = system.active_set
    result = scenario.run(Calculator(used.potential, query=used, threads=1), rule, seed=seed)
    return result, [info["step"] for info in result.extrapolative.infos]


def _again(system: _Fitted, every: int) -> dict[str, int]:
    """Run with thresholds, every step and every N graded: how often do they agree."""
    same = total = 0
    for seed in range(5):
        for rule in (Thresholds(2.0, 10.0), Thresholds(1.5, 4.0), Thresholds(1.2, 2.0)):
            ends = []
            for steps in (1, every):
                result, kept = _heated(system, rule, seed, steps, record=50)
                ends.append((result.reason, result.steps, kept))
            same += ends[0] == ends[1]
            total += 1
    return {"runs": total, "runs_unchanged": same}


def _replayed(series: list[NDArray[np.float64]], every: int) -> dict[str, Any]:
    """Apply the rule to recorded grades, for 100 break thresholds from their median on."""
    same = total = graded = steps = 0
    excursion = 0.0
    for grades in series:
        for stop in np.quantile(grades, np.linspace(0.5, 1.0, 100)):
            ended, count = replay(grades, every, float(stop))
            above = np.flatnonzero(grades >= stop)
            first = int(above[0]) if len(above) else None
            same += ended == first
            total += 1
        ended, count = replay(grades, every, 2.0 * float(grades.max()))
        graded, steps = graded + count, steps + len(grades)
        excursion = max(excursion, _excursion(grades, every))
    return {
        "breaks": total,
        "breaks_unchanged": same,
        "graded_share": graded / steps,
        "largest_excursion": excursion,
    }


def _excursion(grades: NDArray[np.float64], every: int) -> float:
    """How far a grade between two graded steps was above both of them, at most."""
    largest = 0.0
    for begin in range(0, len(grades) - every, every):
        inside = grades[begin + 1 : begin + every].max()
        largest = max(largest, inside - max(grades[begin], grades[begin + every]))
    return float(largest)


def replay(grades: NDArray[np.float64], every: int, stop: float) -> tuple[int | None, int]:
    """Return the step at which a simulation with these grades ends, and how many were computed."""
    steps, waiting, count = GradedSteps(every, stop), list[int](), 0
    for step, grade in enumerate(grades.tolist()):
        if step < len(grades) - 1 and not steps.due(step):
            waiting.append(step)
            continue
        count += 1
        for earlier in waiting if steps.may_hide(step, grade) else []:
            count += 1
            if grades[earlier] >= stop:
                return earlier, count
            steps.note(earlier, float(grades[earlier]))
        waiting.clear()
        if grade >= stop:
            return step, count
        steps.note(step, grade)
    return None, count


# ------------------------------------------------------------------------- tables


def _cost_table(costs: list[dict[str, Any]], load: float) -> str:
    columns = ("", "", "without grades", *(f"every {n}" for n in EVERY))
    rows = []
    for cost in costs:
        for kind in ("python", "lammps"):
            times = cost.get(f"{kind}_us")
            if times is None:
                continue
            plain = times["none"]
            more = [100 * (times[str(n)] / plain - 1) for n in EVERY]
            rows.append(
                (
                    f"level {cost['level']}, {cost['parameters']} parameters",
                    {"python": "Python", "lammps": "LAMMPS"}[kind],
                    f"{plain:.2f}",
                    *(
                        f"{times[str(n)]:.2f} ({m:+.0f} %)"
                        for n, m in zip(EVERY, more, strict=True)
                    ),
                )
            )
    table = markdown_table(columns, rows)
    loaded = f"Processor time of one thread, at a load of {load:.1f} on {os.cpu_count()} cores."
    return f"Microseconds per atom and step:\n\n{table}\n\n{loaded}"


def _decision_table(found: list[dict[str, Any]]) -> str:
    columns = (
        "",
        "steps",
        "fastest change in a step",
        "largest excursion between graded steps",
        "steps graded in calm",
        "breaks of recorded grades unchanged",
        "runs unchanged",
    )
    rows = [
        (
            f"{one['system']}, level {one['level']}, N = {every}",
            f"{one['steps']:,}",
            f"{one['largest_change']:.2f}",
            f"{of['largest_excursion']:.2f}",
            f"{100 * of['graded_share']:.0f} %",
            f"{of['breaks_unchanged']} of {of['breaks']}",
            f"{of['runs_unchanged']} of {of['runs']}",
        )
        for one in found
        for every, of in one["every"].items()
    ]
    return markdown_table(columns, rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Grades at every N steps: cost and decisions.")
    parser.add_argument("--only", choices=("cost", "decisions"))
    parser.add_argument("--output", type=Path, help="folder of the page; none: only print")
    add_places(parser)
    return parser.parse_args()


def add_places(parser: argparse.ArgumentParser) -> None:
    """Declare where data, fitted potentials and LAMMPS are."""
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    parser.add_argument("--kept", type=Path, help="folder of fitted potentials, kept for next time")
    found = shutil.which("lmp")
    parser.add_argument(
        "--lammps",
        type=Path,
        default=None if found is None else Path(found),
        help="LAMMPS with the plugin; default: lmp, where there is one",
    )


if __name__ == "__main__":
    main()
