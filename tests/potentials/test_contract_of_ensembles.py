"""Ensembles, of one family or of several, keep the contract of potentials."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from contract import HasMembersContract, SharesVirialsContract
from make_potentials import random_potential

import maxvolt
from embedded_atoms import Analytic
from maxvolt.errors import MaxvoltError
from maxvolt.potentials import Ensemble, Potential


def embedded_atoms(seed: int, species: tuple[str, ...] = ("Al", "Cu")) -> Potential:
    with tempfile.TemporaryDirectory() as folder:
        return maxvolt.load(Analytic(species, seed=seed).write(Path(folder) / "pot.eam.alloy"))


class TestOneFamily(SharesVirialsContract, HasMembersContract):
    suffix = ".eam.alloy"

    @classmethod
    def make(cls, seed: int) -> Ensemble:
        return Ensemble(tuple(embedded_atoms(3 * seed + member) for member in range(3)))

    def test_each_member_is_asked(self) -> None:
        potential = self.make(0)
        for atoms in self.mixture():
            each = potential.evaluate_members(atoms)
            expected = [member.evaluate(atoms) for member in potential.members]
            assert [one.energy for one in each] == [one.energy for one in expected]


class TestTwoFamilies(SharesVirialsContract, HasMembersContract):
    """With other cutoffs and another order of species."""

    @classmethod
    def make(cls, seed: int) -> Ensemble:
        tensors = random_potential(8, ["Cu", "Al"], cutoff=4.8, seed=seed)
        return Ensemble((tensors, embedded_atoms(seed)))

    def write_and_load(self, potential: Potential, folder: Path) -> Potential:
        assert isinstance(potential, Ensemble)
        files = [folder / "one.mtp", folder / "other.eam.alloy"]
        for member, path in zip(potential.members, files, strict=True):
            member.write(path)
        return maxvolt.load(files)

    def test_one_name_for_several_kinds_of_files_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(MaxvoltError, match="write each member to a file of its own"):
            self.made().write(tmp_path / "pot.mtp")
        assert not list(tmp_path.iterdir())
