"""Thousands of small cells in one call, beside the kernel alone and beside large cells."""

from __future__ import annotations

import numpy as np
from ase import Atoms

import maxvolt
from maxvolt.neighbors.neighborhoods import iterate_neighborhoods
from maxvolt.potentials.evaluation import ATOMS_AT_ONCE
from performance.cases import bcc_crystal, mean_neighbours, random_potential
from performance.context import Context
from performance.results import Case, Findings, Measurement
from performance.timing import smallest_times

__all__ = ["measure", "small_crystals"]

_LEVELS = (8, 16, 20)
_LARGE = 2000


def small_crystals(count: int, seed: int = 0) -> list[Atoms]:
    """Strained and rattled bcc crystals of 2, 4, 8 and 12 atoms."""
    cell = bcc_crystal(_LARGE)[:2]
    cell.set_cell(bcc_crystal(_LARGE).cell.array / 10)
    repetitions = ((1, 1, 1), (2, 1, 1), (2, 2, 1), (3, 2, 1))
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        atoms = cell * repetitions[number % len(repetitions)]
        strained = atoms.cell.array @ (np.eye(3) + 0.01 * rng.normal(size=(3, 3)))
        atoms.set_cell(strained, scale_atoms=True)
        atoms.positions += 0.05 * rng.normal(size=atoms.positions.shape)
        found.append(atoms)
    return found


def measure(context: Context) -> Findings:
    """Microseconds per atom of each way; a large cell has as many neighbours."""
    structures = small_crystals(1000 if context.quick else 5000)
    dataset = maxvolt.Dataset.without_labels(structures)
    large = maxvolt.Dataset.without_labels([bcc_crystal(_LARGE)])
    found: list[Measurement] = []
    for level in _LEVELS:
        context.say(f"small cells at level {level}")
        found += _one(context, level, dataset, large)
    return Findings(tuple(found))


def _one(
    context: Context, level: int, dataset: maxvolt.Dataset, large: maxvolt.Dataset
) -> list[Measurement]:
    potential = random_potential(level)
    known = [
        where
        for _, where in iterate_neighborhoods(
            dataset, potential.species, potential.cutoff, atoms_at_once=ATOMS_AT_ONCE
        )
    ]
    known_large = potential.neighborhoods(large)

    def kernel() -> None:
        for where in known:
            potential.evaluate_neighborhoods(where, threads=1)

    ways = {
        "one call": (lambda: potential.evaluate_dataset(dataset, threads=1), dataset),
        "kernel": (kernel, dataset),
        "one call, large cell": (lambda: potential.evaluate_dataset(large, threads=1), large),
        "kernel, large cell": (
            lambda: potential.evaluate_neighborhoods(known_large, threads=1),
            large,
        ),
    }
    times = smallest_times({name: way for name, (way, _) in ways.items()}, context.seconds)
    per_atom = {name: times[name] / of.n_atoms for name, (_, of) in ways.items()}
    case: Case = {"level": level}
    neighbours = {
        "small": float(np.mean([2 * len(w.pairs.pairs) / w.n_atoms for w in known])),
        "large": mean_neighbours(potential, bcc_crystal(_LARGE)),
    }
    return [
        *(
            Measurement("time per atom", 1e6 * time, "us", {**case, "way": name})
            for name, time in per_atom.items()
        ),
        Measurement("one call / kernel", per_atom["one call"] / per_atom["kernel"], "", case),
        Measurement(
            "small / large cells, one call",
            per_atom["one call"] / per_atom["one call, large cell"],
            "",
            case,
        ),
        *(
            Measurement("neighbours", number, "", {**case, "cells": cells}, "neither")
            for cells, number in neighbours.items()
        ),
    ]
