"""Train a potential for H + H2 while ring polymers explore its surface.

    python train.py --output training_output            # some minutes
    python train.py --quick --output quick              # seconds, no potential to use

Umbrella sampling from reactants to transition state runs on the potential, and every ten steps the
grades of all beads are looked at; trajectories from the transition state run as well, but are not
looked at. A bead that extrapolates too far ends the sampling. What extrapolated is offered to the
active set, what it selects is labelled by the reference surface, and the potential is fitted again,
until a whole sampling stays inside.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms
from exchange import COORDINATE, quantum, transition_state
from numpy.typing import NDArray

import maxvolt
from maxvolt.properties.reaction_rates import (
    LEPS,
    PotentialSurface,
    RateSettings,
    labelled_structures,
    reaction_rate,
)
from maxvolt.properties.reaction_rates.ring_polymers import RingPolymers, RingPolymerState
from maxvolt.report.output import write_json

SELECT, BREAK = 2.0, 10.0
"""Grades above which a bead is a candidate, and above which sampling ends."""

EVERY = 10
"""Steps between looks."""

MOST_CANDIDATES = 4000
ITERATIONS = 30

REFERENCE = LEPS()
SYMBOLS = ("H", "H", "H")


class ExtrapolatedError(Exception):
    """A bead has a grade above `BREAK`."""


class Watch:
    """Collects beads that extrapolate."""

    def __init__(self, active_set: maxvolt.ActiveSet, generator: np.random.Generator) -> None:
        self.candidates: list[NDArray[np.float64]] = []
        self.highest = 0.0
        self._active_set = active_set
        self._surface = PotentialSurface(active_set.potential, SYMBOLS)
        self._generator = generator

    def __call__(self, polymers: RingPolymers, state: RingPolymerState, step: int) -> None:
        """Look at all beads."""
        if step % EVERY:
            return
        beads = polymers.bead_positions(state).reshape(-1, 3, 3)
        grades = self._active_set.grade_neighborhoods(self._surface.neighborhoods(beads))
        found = grades.structures
        self.highest = max(self.highest, float(found.max()))
        self.candidates += list(beads[found > SELECT])
        if self.highest > BREAK:
            raise ExtrapolatedError

    def some(self) -> list[NDArray[np.float64]]:
        """Return at most so many candidates."""
        if len(self.candidates) <= MOST_CANDIDATES:
            return self.candidates
        chosen = self._generator.choice(len(self.candidates), MOST_CANDIDATES, replace=False)
        return [self.candidates[k] for k in chosen]


def main(arguments: list[str] | None = None) -> None:
    """Train, write potential, training set and what happened."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("training_output"))
    parser.add_argument("--level", type=int, default=12, help="of the potential (12)")
    parser.add_argument("--quick", action="store_true", help="seconds; no potential to use")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    train(options.output, options.level, quick=options.quick)


def sampling(iteration: int, *, quick: bool) -> RateSettings:
    """Return settings of the sampling that explores: fewer beads, shorter."""
    settings = replace(
        quantum(150.0),
        beads=16,
        replicas=2,
        equilibration_time=100.0,
        branchings=1,
        seed=1 + iteration,
    )
    return replace(settings, beads=4, sampling_time=60.0, parents=4) if quick else settings


def train(output: Path, level: int, *, quick: bool) -> None:
    """Go round until nothing extrapolates."""
    generator = np.random.default_rng(0)
    training = first_structures(generator)
    iterations = []
    start = maxvolt.MTP(
        8 if quick else level, ["H"], cutoff=4.0, min_dist=0.4, radial_basis_size=10
    )
    potential = start
    for iteration in range(2 if quick else ITERATIONS):
        potential = maxvolt.fit(potential, training, seed=iteration).potential
        active_set = maxvolt.ActiveSet.from_dataset(potential, training)
        watch = Watch(active_set, generator)
        settings = sampling(iteration, quick=quick)
        try:
            reaction_rate(potential, transition_state(), COORDINATE, settings, observer=watch)
            ended = "complete"
        except ExtrapolatedError:
            ended = "extrapolated"
        except maxvolt.MaxvoltError as error:
            ended = str(error)
        candidates = [Atoms(SYMBOLS, positions=x) for x in watch.some()]
        chosen: list[int] = []
        if candidates:
            chosen = active_set.select(candidates, threshold=SELECT).indices.tolist()
        iterations.append(
            {
                "training_structures": len(training),
                "highest_grade": watch.highest,
                "candidates": len(watch.candidates),
                "selected": len(chosen),
                "ended": ended,
                "force_rms_eV_per_A": force_error(potential, training),
            }
        )
        print(iterations[-1], flush=True)
        active_set.write(output / "trained.almtp")
        maxvolt.write(output / "training.xyz", training)
        write_json({"iterations": iterations}, output / "training.json")
        if ended == "complete" and not chosen:
            break
        positions = np.array([candidates[k].positions for k in chosen]).reshape(-1, 3, 3)
        training += labelled_structures(REFERENCE, positions, SYMBOLS)


def first_structures(generator: np.random.Generator, count: int = 60) -> list[Atoms]:
    """Return an atom at random places around a molecule, with the reference's labels."""
    found: list[NDArray[np.float64]] = []
    while len(found) < count:
        length, distance, cosine = generator.uniform((0.6, 0.9, -1.0), (1.1, 4.4, 1.0))
        atom = distance * np.array([cosine, np.sqrt(1 - cosine**2), 0.0])
        half = np.array([0.5 * length, 0.0, 0.0])
        found.append(np.array([atom, half, -half]))
    return labelled_structures(REFERENCE, np.array(found), SYMBOLS)


def force_error(potential: maxvolt.MTP, structures: list[Atoms]) -> float:
    """Root mean square error of force components, eV/Angstrom."""
    positions = np.array([atoms.positions for atoms in structures])
    found = PotentialSurface(potential, SYMBOLS)(positions)[1] - REFERENCE(positions)[1]
    return float(np.sqrt((found**2).mean()))


if __name__ == "__main__":
    main()
