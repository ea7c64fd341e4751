"""Formulas of ANI in NumPy, by loops over atoms, for clusters without a cell."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

import maxvolt

__all__ = ["features", "output"]


def cut(r: float, cutoff: float) -> float:
    """Equation (163)."""
    return 0.5 * (1.0 + np.cos(np.pi * r / cutoff)) if r < cutoff else 0.0


def features(
    form: maxvolt.ANISettings, atoms: Atoms, i: int, species: tuple[str, ...]
) -> NDArray[np.float64]:
    """Equations (164) and (165), by loops over atoms."""
    eta, angular_eta, zeta = form.exponents
    kinds = [species.index(symbol) for symbol in atoms.symbols]
    radial = np.zeros((len(species), form.radial_functions))
    pairs = [(a, b) for a in range(len(species)) for b in range(a, len(species))]
    angular = np.zeros((len(pairs), form.angular_shells, form.angular_sections))
    others = [j for j in range(len(atoms)) if j != i]
    vector = {j: atoms.positions[j] - atoms.positions[i] for j in others}
    r = {j: float(np.linalg.norm(vector[j])) for j in others}
    for j in others:
        for m, center in enumerate(form.radial_centers):
            value = 0.25 * np.exp(-eta * (r[j] - center) ** 2) * cut(r[j], form.radial_cutoff)
            radial[kinds[j], m] += value
        for k in others:
            if k <= j:
                continue
            angle = np.arccos(0.95 * (vector[j] @ vector[k]) / (r[j] * r[k]))
            both = cut(r[j], form.angular_cutoff) * cut(r[k], form.angular_cutoff)
            row = pairs.index((min(kinds[j], kinds[k]), max(kinds[j], kinds[k])))
            for s, shell in enumerate(form.shell_centers):
                gauss = np.exp(-angular_eta * (0.5 * (r[j] + r[k]) - shell) ** 2)
                for t, section in enumerate(form.section_centers):
                    around = 2.0 ** (1.0 - zeta) * (1.0 + np.cos(angle - section)) ** zeta
                    angular[row, s, t] += around * gauss * both
    return np.concatenate([radial.ravel(), angular.ravel()])


def output(potential: maxvolt.ANI, symbol: str, values: NDArray[np.float64]) -> float:
    """Equation (167)."""
    alpha = potential.settings.celu_alpha
    layers = sum(name.startswith(f"{symbol}.") for name in potential.weights) // 2
    for number in range(layers):
        weight = potential.weights[f"{symbol}.{number}.weight"]
        values = weight @ values + potential.weights[f"{symbol}.{number}.bias"]
        if number < layers - 1:
            below = alpha * np.expm1(np.minimum(values, 0.0) / alpha)
            values = np.maximum(values, 0.0) + below
    return float(values[0])
