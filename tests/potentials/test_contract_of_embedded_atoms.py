"""Embedded-atom potentials keep the contract of potentials."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import ClassVar

from contract import SharesVirialsContract

import maxvolt
from embedded_atoms import Analytic
from maxvolt.potentials import Potential


class EmbeddedAtomContract(SharesVirialsContract):
    """What both forms share."""

    species: ClassVar[tuple[str, ...]]

    @classmethod
    def make(cls, seed: int) -> Potential:
        analytic = Analytic(cls.species, cls.suffix.rpartition(".")[2], seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            return maxvolt.load(analytic.write(Path(folder) / f"pot{cls.suffix}"))


class TestAlloyOfOneElement(EmbeddedAtomContract):
    suffix, species = ".eam.alloy", ("Al",)


class TestAlloyOfTwoElements(EmbeddedAtomContract):
    suffix, species = ".eam.alloy", ("Al", "Cu")


class TestFinnisSinclairOfOneElement(EmbeddedAtomContract):
    suffix, species = ".eam.fs", ("Fe",)


class TestFinnisSinclairOfTwoElements(EmbeddedAtomContract):
    suffix, species = ".eam.fs", ("Cu", "Al")
