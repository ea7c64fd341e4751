"""How the command line names potentials and ensembles."""

from __future__ import annotations

from pathlib import Path

import pytest

from maxvolt.cli.potentials import check_potential_output, member_path, save_potential
from maxvolt.errors import MaxvoltError


class FakePotential:
    """Writes its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def write(self, path: Path) -> None:
        path.write_text(self.text)


class FakeEnsemble:
    """Has members."""

    members = (FakePotential("a"), FakePotential("b"))


def test_one_potential_goes_to_the_file_named(tmp_path):
    assert save_potential(tmp_path / "pot.mtp", FakePotential("a")) == [tmp_path / "pot.mtp"]
    assert (tmp_path / "pot.mtp").read_text() == "a"


def test_members_go_to_numbered_files(tmp_path):
    files = save_potential(tmp_path / "pot.v2.mtp", FakeEnsemble())
    assert files == [tmp_path / "pot.v2.0.mtp", tmp_path / "pot.v2.1.mtp"]
    assert [file.read_text() for file in files] == ["a", "b"]


def test_old_files_that_would_be_taken_for_members_are_refused(tmp_path):
    path = tmp_path / "pot.mtp"
    check_potential_output(path, 2)
    save_potential(path, FakeEnsemble())
    check_potential_output(path, 2)
    member_path(path, 2).write_text("old")
    with pytest.raises(MaxvoltError, match=r"pot\.2\.mtp of an earlier training"):
        check_potential_output(path, 2)
    check_potential_output(path, 3)
    check_potential_output(path, 1)
    path.write_text("old")
    with pytest.raises(MaxvoltError, match=r"pot\.mtp of an earlier training"):
        check_potential_output(path, 3)
