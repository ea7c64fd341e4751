"""Potentials for tests: with random coefficients, and one that holds a crystal together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.basis.repulsion import ZBL


def random_potential(
    level: int,
    species: Sequence[str],
    *,
    seed: int = 0,
    cutoff: float = 4.5,
    min_dist: float = 1.8,
    size: int = 4,
    kind: str = "RBChebyshev",
    repulsion: ZBL | None = None,
    scaling: float = 0.8,
    max_vertices: int = 4,
) -> MTP:
    """Coefficients drawn at random."""
    untrained = MTP(
        level,
        species,
        cutoff,
        min_dist,
        size,
        radial_basis=kind,
        repulsion=repulsion,
        max_vertices=max_vertices,
    )
    generator = np.random.default_rng([seed, level, len(species)])
    model = untrained.model
    return untrained.with_coefficients(
        0.2 * generator.normal(size=model.radial_coeffs.shape),
        generator.normal(size=model.species_coeffs.shape),
        0.2 * generator.normal(size=model.moment_coeffs.shape),
        scaling=scaling,
    )


def copper() -> MTP:
    """Level 4: a Morse pair potential with a weak embedding; fcc with a = 3.6 A is stable."""
    untrained = MTP(4, ["Cu"], cutoff=5.0, min_dist=2.0, radial_basis_size=12)
    r = np.linspace(2.0, 5.0, 400)
    phi, _ = untrained.model.radial.evaluate(r)
    decay = np.exp(-1.6 * (r - 2.65))
    pair = 0.35 * (decay**2 - 2.0 * decay)
    radial = np.asarray(np.linalg.lstsq(phi, 0.5 * pair, rcond=None)[0], dtype=np.float64)
    # Scalars of level 4: the sum of pair energies and its square.
    coefficients = np.array([1.0, 0.01])
    return untrained.with_coefficients(radial[None, None, None], np.array([-1.0]), coefficients)
