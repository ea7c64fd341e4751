"""Moment tensor potentials keep the contract of potentials."""

from __future__ import annotations

import numpy as np
from contract import ParameterGradientsContract, SharesVirialsContract
from make_potentials import random_potential

from maxvolt.potentials import MTP, Potential
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.reduction import reduced


class MomentTensorContract(SharesVirialsContract, ParameterGradientsContract):
    """What all of them share."""

    suffix = ".mtp"
    has_single_precision = True

    @classmethod
    def with_step(cls, potential: Potential, parameter: int, step: float) -> MTP:
        assert isinstance(potential, MTP)
        model = potential.model
        values = model.parameters.copy()
        values[parameter] += step
        c = len(model.species_coeffs)
        radial, rest = values[: model.n_radial], values[model.n_radial :]
        return potential.with_coefficients(radial, rest[:c], rest[c:], scaling=model.scaling)


class TestOneSpecies(MomentTensorContract):
    @classmethod
    def make(cls, seed: int) -> MTP:
        return random_potential(12, ["Mo"], seed=seed)


class TestThreeSpecies(MomentTensorContract):
    @classmethod
    def make(cls, seed: int) -> MTP:
        return random_potential(8, ["Mo", "W", "O"], seed=seed)


class TestPruned(MomentTensorContract):
    """Scalars of four, three, two factors and one; a radial function is left out."""

    suffix = ".almtp"

    @classmethod
    def make(cls, seed: int) -> MTP:
        potential = random_potential(10, ["Mo", "W"], seed=seed)
        return reduced(potential, np.array([0, 3, 4, 7, 9, 12, 15]))


class TestWithRepulsion(MomentTensorContract):
    suffix = ".almtp"

    @classmethod
    def make(cls, seed: int) -> MTP:
        return random_potential(8, ["W", "Mo"], repulsion=ZBL(0.9, 1.9), seed=seed)


class TestShapeevBasis(MomentTensorContract):
    @classmethod
    def make(cls, seed: int) -> MTP:
        return random_potential(10, ["Mo", "W"], kind="RBShapeev", seed=seed)


class TestRepulsiveBasis(MomentTensorContract):
    @classmethod
    def make(cls, seed: int) -> MTP:
        return random_potential(8, ["Mo"], kind="RBChebyshev_repuls", seed=seed)


class TestWithoutPlan(MomentTensorContract):
    """Moments are multiplied product by product, where five of them are in a scalar."""

    has_single_precision = False

    @classmethod
    def make(cls, seed: int) -> MTP:
        return random_potential(10, ["Mo", "W"], max_vertices=5, seed=seed)

    def test_it_has_no_plan(self) -> None:
        potential = self.made()
        assert isinstance(potential, MTP)
        assert not potential.core.has_plan
