"""How many independent rows a potential can have, equation (40)."""

from __future__ import annotations

import numpy as np

from maxvolt.potentials.mtp.basis.plan import evaluation_plan
from maxvolt.potentials.mtp.model import Model

__all__ = ["largest_rank"]


def largest_rank(model: Model, *, of_sites: bool) -> int:
    """Number of independent gradients that structures can have.

    It is less than the number of parameters, because some changes of parameters change no energy:

    - Adding to a radial function a multiple of itself, or of one with a smaller mu, is undone by
      other linear coefficients: all scalars with the smaller mu in its place are there as well.
    - From level 16 on some scalars are combinations of others.
    - Where a radial function enters only as a sum over pairs of atoms, the energy of a whole
      structure tells the coefficients of A-B from those of B-A no more than a pair has a direction.

    Parameters
    ----------
    model
        With all scalars of its level, as MLIP's levels have them; a basis that lacks some may have
        a few more.
    of_sites
        Whether gradients are of atoms or of structures.
    """
    species, _, functions, size = model.radial_coeffs.shape
    redundant = functions * (functions + 1) // 2 + _dependent_scalars(model)
    if not of_sites:
        redundant += _pair_functions(model) * size * (species * (species - 1) // 2)
    return int(model.n_parameters - redundant)


def _dependent_scalars(model: Model) -> int:
    """How many scalars are combinations of others: the plan has independent ones only."""
    plan = evaluation_plan(model.table)
    scalars = len(model.table.scalars)
    return 0 if plan is None else max(0, scalars - len(plan.invariants))


def _pair_functions(model: Model) -> int:
    """Number of radial functions of which only the moment of rank 0 occurs, and in no product."""
    table = model.table
    in_products = np.unique(table.products[:, :2])
    mu, ranks = table.basic[:, 0], table.basic[:, 1:].sum(axis=1)
    count = 0
    for function in np.unique(mu):
        of_function = np.flatnonzero(mu == function)
        alone = len(of_function) == 1 and not ranks[of_function].any()
        count += bool(alone and not np.isin(of_function, in_products).any())
    return count
