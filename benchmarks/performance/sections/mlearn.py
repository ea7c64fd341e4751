"""Errors of potentials trained on the six elements of Zuo et al. 2020, beside the published ones.

Levels are the published ones. Stresses of Cu and Ni carry a constant offset and are not fitted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import maxvolt
from performance.context import Context
from performance.results import Better, Findings, Measurement

__all__ = ["measure"]

_QUANTITIES = (
    ("energy RMSE", "train", "meV/atom"),
    ("energy RMSE", "test", "meV/atom"),
    ("force RMSE", "train", "eV/A"),
    ("force RMSE", "test", "eV/A"),
)
Errors = tuple[float, float, float, float]
"""In the order of `_QUANTITIES`; forces by component."""


@dataclass(frozen=True, slots=True)
class Case:
    """One element: published level and errors, and how it is trained here."""

    level: int
    published: Errors
    cutoff: float
    radial_basis_size: int
    weights: maxvolt.Weights


CASES = {
    "Ni": Case(20, (0.664, 0.746, 0.0231, 0.0269), 5.2, 10, maxvolt.Weights(1, 0.01, 0)),
    "Cu": Case(20, (0.517, 0.516, 0.0114, 0.0135), 5.2, 10, maxvolt.Weights(1, 0.01, 0)),
    "Li": Case(16, (0.726, 0.660, 0.0127, 0.0132), 5.2, 8, maxvolt.Weights(1, 0.01, 0.001)),
    "Mo": Case(20, (3.570, 3.978, 0.1389, 0.1514), 5.2, 10, maxvolt.Weights(1, 0.003, 0.001)),
    "Si": Case(24, (3.278, 3.026, 0.0725, 0.0881), 5.0, 12, maxvolt.Weights(1, 0.006, 0.001)),
    "Ge": Case(24, (4.514, 3.684, 0.0636, 0.0703), 5.3, 12, maxvolt.Weights(1, 0.011, 0.001)),
}


def measure(context: Context) -> Findings:
    """Train each element on all cores and measure its errors; Li alone in the quick form."""
    found: list[Measurement] = []
    missing = ("five of six elements: left out of the quick form",) if context.quick else ()
    for element in ("Li",) if context.quick else CASES:
        context.say(f"training {element}")
        errors, seconds = _train(context, element, CASES[element])
        found.append(Measurement("time", seconds, "s", {"element": element}))
        found += _rows(element, "here", errors, "lower")
        found += _rows(element, "published", CASES[element].published, "neither")
    return Findings(tuple(found), not_measured=missing)


def _rows(element: str, source: str, errors: Errors, better: Better) -> list[Measurement]:
    return [
        Measurement(
            quantity, value, unit, {"element": element, "set": part, "source": source}, better
        )
        for (quantity, part, unit), value in zip(_QUANTITIES, errors, strict=True)
    ]


def _train(context: Context, element: str, case: Case) -> tuple[Errors, float]:
    """Errors of a potential trained for one element, and the time it took, s."""
    training, test = (
        maxvolt.read(context.reference(f"data/mlearn/{element}_{part}.xyz"))
        for part in ("train", "test")
    )
    shortest = maxvolt.minimum_distances(training).overall
    potential = maxvolt.MTP(
        level=case.level,
        species=[element],
        cutoff=case.cutoff,
        min_dist=round(0.99 * shortest, 3),
        radial_basis_size=case.radial_basis_size,
    )
    began = time.perf_counter()
    result = maxvolt.fit(potential, training, validation=test, weights=case.weights)
    seconds = time.perf_counter() - began
    if result.validation_errors is None:
        raise RuntimeError("a validation set gives validation errors")
    found = (result.training_errors.total, result.validation_errors.total)
    energies = [1e3 * errors.energy_per_atom.rmse for errors in found]
    forces = [errors.force_components.rmse for errors in found]
    return (energies[0], energies[1], forces[0], forces[1]), seconds
