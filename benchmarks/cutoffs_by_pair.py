"""Would a cutoff for each pair of species lower errors at equal time? An experiment.

    python benchmarks/cutoffs_by_pair.py TRAIN TEST --cutoffs 3 4 5 5,H-H=3 5,H-H=2.5,C-H=3.5 \
        [--level 16] [--structures 500] [--iterations 40] [--output JSON] [--page PAGE]

A table of cutoffs is a number, the cutoff of all pairs, and perhaps others for some pairs. For each
table a potential is fitted from the same random starts to the same energies and forces, radial
coefficients included; its neighbours are counted, and its time is that of the kernels with the
neighbours inside the cutoffs (a table in the kernels would cost a little more). Each potential with
several cutoffs stands beside what one cutoff for all reaches at the same time, interpolated.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

import maxvolt
from coefficients_by_species import chosen_structures
from grades_report import markdown_table, update_page
from maxvolt.fitting.settings import SolverSettings
from maxvolt.fitting.variable_projection.levenberg_marquardt import FitState, first_state, iterate
from maxvolt.fitting.variable_projection.new_potential import FINAL_SET
from maxvolt.fitting.variable_projection.random_starts import random_radial_coeffs
from maxvolt.neighbors import minimum_distances
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import compile_model
from maxvolt.report.output import write_json
from pair_cutoffs import CutoffTable, PairCutoffProblem, kept_neighbors, structures_of
from performance.machine import describe_machine

Array = NDArray[np.float64]
Results = dict[str, Any]

_ROUNDS = 200
"""Of timings, one of each table in turn; the least counts."""
_TIMED_ATOMS = 4000
_LARGEST = 6.0
"""Angstrom; the shortest distance is sought within."""


@dataclass(frozen=True, slots=True)
class FitPlan:
    """How each potential is fitted.

    Attributes
    ----------
    level, radial_basis_size : int
    starts, part_iterations : int
        So many random starts are fitted to a part of the training structures, with so many
        iterations.
    part : float
        Share of the training structures.
    finalists, iterations : int
        So many of them, the best, go on with all; the one with the lowest loss counts.
    """

    level: int
    radial_basis_size: int = 8
    starts: int = 6
    part: float = 0.2
    part_iterations: int = 15
    finalists: int = 2
    iterations: int = 40


@dataclass(frozen=True, slots=True)
class Fitted:
    """Where one start came to."""

    start: int
    loss: float
    finished: str
    training: dict[str, float]
    test: dict[str, float]


def table_of(text: str, species: tuple[str, ...], min_dist: float) -> CutoffTable:
    """Read a table such as ``5,H-H=3``."""
    general, *special = text.split(",")
    try:
        cutoffs = np.full((len(species), len(species)), float(general))
        for entry in special:
            pair, value = entry.split("=")
            i, j = (species.index(symbol) for symbol in pair.split("-"))
            cutoffs[i, j] = cutoffs[j, i] = float(value)
    except ValueError as error:
        raise SystemExit(
            f"--cutoffs: expected for example 5,H-H=3 with the species {', '.join(species)}; "
            f"got {text!r} ({error})"
        ) from error
    if cutoffs.min() <= min_dist:
        raise SystemExit(f"--cutoffs {text}: cutoffs must be above min_dist = {min_dist:.2f} A")
    return CutoffTable(cutoffs, min_dist)


def best_state(problem: PairCutoffProblem, radial: Array, iterations: int) -> FitState:
    """Levenberg-Marquardt from given radial coefficients."""
    settings = SolverSettings(max_iterations=iterations)
    state = first_state(problem, radial, settings.ridge)
    for state in iterate(problem, state, settings):  # noqa: B007, B020 (the last counts)
        pass
    return state


def fits_of(
    potential: maxvolt.MTP,
    table: CutoffTable,
    training: maxvolt.Dataset,
    test: maxvolt.Dataset,
    plan: FitPlan,
) -> list[Fitted]:
    """The finalists, best first."""
    spread = np.linspace(0, len(training) - 1, round(plan.part * len(training)))
    part = training.select(spread.astype(np.int64))
    few = PairCutoffProblem(potential, structures_of(potential, part, table))
    every = PairCutoffProblem(potential, structures_of(potential, training, table))
    tested = structures_of(potential, test, table)
    states: dict[int, FitState] = {}
    for start in range(plan.starts):
        rng = np.random.default_rng([0, start])
        radial = random_radial_coeffs(potential.model.radial_coeffs.shape, rng).ravel()
        states[start] = best_state(few, radial, plan.part_iterations)
    found = []
    for start in sorted(states, key=lambda start: states[start].loss)[: plan.finalists]:
        state = best_state(every, states[start].radial, plan.iterations)
        found.append(
            Fitted(
                start,
                state.loss,
                state.finished,
                every.errors(every.portions, state.radial, state.linear),
                every.errors(tested, state.radial, state.linear),
            )
        )
    return sorted(found, key=lambda one: one.loss)


def potential_of(table: CutoffTable, species: tuple[str, ...], plan: FitPlan) -> maxvolt.MTP:
    """Potential that is evaluated for a table."""
    return maxvolt.MTP(plan.level, species, table.largest, table.min_dist, plan.radial_basis_size)


def neighbors_per_atom(near: Neighborhoods) -> float:
    """Mean over all atoms."""
    return 2 * len(near.pairs.pairs) / near.n_atoms


def times_of(
    tables: list[CutoffTable], species: tuple[str, ...], dataset: maxvolt.Dataset, plan: FitPlan
) -> tuple[list[float], list[float]]:
    """Neighbours and microseconds per atom, neighbours inside the cutoffs being known."""
    part = dataset.select(np.flatnonzero(np.cumsum(dataset.counts) <= _TIMED_ATOMS))
    rng, prepared = np.random.default_rng(0), []
    for table in tables:
        potential = potential_of(table, species, plan)
        shape = potential.model.radial_coeffs.shape
        trained = potential.with_coefficients(
            random_radial_coeffs(shape, rng),
            np.zeros(len(species)),
            rng.normal(size=len(potential.model.moment_coeffs)),
        )
        near = kept_neighbors(potential.neighborhoods(part), table)
        prepared.append((compile_model(trained.model), near))
    least = np.full(len(tables), np.inf)
    for _ in range(_ROUNDS):
        for number, (core, near) in enumerate(prepared):
            began = process_time()
            kernels.evaluate(core, near, threads=1)
            least[number] = min(least[number], process_time() - began)
    neighbors = [neighbors_per_atom(near) for _, near in prepared]
    return neighbors, (1e6 * least / part.n_atoms).tolist()


def add_comparison(rows: dict[str, dict[str, Any]]) -> None:
    """Add to each table with several cutoffs what one cutoff for all does.

    Errors relative to those at the same time, time relative to that at the same force error;
    logarithms are interpolated between single cutoffs that no other one beats. Beyond the slowest
    of these its error counts; None where there is nothing to compare with.
    """
    single = [row for name, row in rows.items() if "=" not in name]
    for name, row in rows.items():
        if "=" not in name:
            continue
        for quantity in ("energy_meV_per_atom", "force_meV_per_A"):
            times, errors = np.log(front_of(single, quantity)).T
            time, error = np.log([row["microseconds"], _error(row, quantity)])
            there = np.interp(time, times, errors, left=np.nan)
            row[f"relative_{quantity}"] = _number(np.exp(error - there))
        # The last quantity is the force.
        there = np.interp(error, errors[::-1], times[::-1], left=np.nan, right=np.nan)
        row["relative_time"] = _number(np.exp(time - there))


def front_of(single: list[dict[str, Any]], quantity: str) -> list[tuple[float, float]]:
    """Times and errors of those that are better than all faster ones; ascending in time."""
    found: list[tuple[float, float]] = []
    for time, error in sorted((row["microseconds"], _error(row, quantity)) for row in single):
        if not found or error < found[-1][1]:
            found.append((time, error))
    return found


def _error(row: dict[str, Any], quantity: str) -> float:
    return float(row["fits"][0]["test"][quantity])


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def results(
    options: argparse.Namespace, training: maxvolt.Dataset, test: maxvolt.Dataset, known: Results
) -> Iterator[Results]:
    """Fit the tables that are not known yet, each a step, then time all."""
    species = tuple(chemical_symbols[z] for z in np.unique(training.numbers))
    plan = FitPlan(options.level, iterations=options.iterations)
    min_dist = FINAL_SET * minimum_distances(training, search_radius=_LARGEST).overall
    setting = {
        "plan": asdict(plan),
        "structures": {"training": len(training), "test": len(test)},
        "min_dist": min_dist,
    }
    rows: dict[str, dict[str, Any]] = {}
    if all(known.get(key) == value for key, value in setting.items()):
        rows.update(known["tables"])
    tables = {name: table_of(name, species, min_dist) for name in (*rows, *options.cutoffs)}
    for name, table in tables.items():
        if name not in rows:
            fits = fits_of(potential_of(table, species, plan), table, training, test, plan)
            rows[name] = {"fits": [asdict(one) for one in fits]}
            print(name, fits[0].test, flush=True)
            yield {**setting, "tables": rows}
    times = times_of(list(tables.values()), species, test, plan)
    for name, neighbors, microseconds in zip(tables, *times, strict=True):
        rows[name] |= {"neighbors": neighbors, "microseconds": microseconds}
    add_comparison(rows)
    yield {**setting, "processor": describe_machine().processor, "tables": rows}


def markdown(everything: Results) -> str:
    """All results as a table, fastest first."""
    rows = [
        [f"{name}: {table.replace(',', ', ')}", *_numbers(row)]
        for name, found in everything.items()
        for table, row in sorted(found["tables"].items(), key=lambda item: item[1]["microseconds"])
    ]
    heads = ["cutoffs, Å", "neighbours", "µs/atom", "force error, training / test, meV/Å"]
    heads += ["energy error, test, meV/atom", "force error, relative"]
    return markdown_table(heads, rows)


def _numbers(row: dict[str, Any]) -> list[str]:
    best = row["fits"][0]
    force, relative = "force_meV_per_A", row.get("relative_force_meV_per_A")
    return [
        f"{row['neighbors']:.1f}",
        f"{row['microseconds']:.2f}",
        f"{best['training'][force]:.1f} / {best['test'][force]:.1f}",
        f"{best['test']['energy_meV_per_atom']:.2f}",
        "" if relative is None else f"{relative:.2f}",
    ]


def main() -> None:
    """Fit, time, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("training", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--cutoffs", nargs="+", required=True, help="tables, see above")
    parser.add_argument("--level", type=int, default=16)
    parser.add_argument("--structures", type=int, default=500, help="of both sets at most")
    parser.add_argument("--iterations", type=int, default=40, help="with all structures, at most")
    parser.add_argument("--name", default="", help="of the results; default: file and level")
    parser.add_argument("--output", type=Path, help="add the numbers to this file")
    parser.add_argument("--page", type=Path, help="write all of them into this page")
    options = parser.parse_args()
    if options.page is not None and options.output is None:
        parser.error("--page needs --output, the results that are shown")
    training, test = (
        chosen_structures(path, options.structures) for path in (options.training, options.test)
    )
    name = options.name or f"{options.training.stem}, level {options.level}"
    path, everything = options.output, {}
    if path is not None and path.exists():
        everything = json.loads(path.read_text(encoding="utf-8"))
    for found in results(options, training, test, everything.get(name, {})):
        if path is not None:
            write_json({**everything, name: found}, path)
    if options.page is not None:
        update_page(options.page, "cutoffs by pair", markdown({**everything, name: found}))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
