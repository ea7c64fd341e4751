"""How the command line names potentials and ensembles."""

from __future__ import annotations

import pytest

from maxvolt.cli.potentials import check_potential_output, load
from maxvolt.errors import MaxvoltError


def test_a_name_without_a_file_is_an_ensemble(trained, tmp_path):
    from maxvolt import MTP, Ensemble

    for member in (0, 1):
        (tmp_path / f"pot.v2.{member}.mtp").write_text(trained.read_text())
    found = load(tmp_path / "pot.v2.mtp", None)
    assert isinstance(found, Ensemble)
    assert len(found.members) == 2
    assert isinstance(load(tmp_path / "pot.v2.1.mtp", None), MTP)


def test_a_missing_potential_is_named(tmp_path):
    with pytest.raises(MaxvoltError, match=r"none\.mtp"):
        load(tmp_path / "none.mtp", None)


def test_old_files_that_would_be_taken_for_members_are_refused(tmp_path):
    path = tmp_path / "pot.mtp"
    for member in (0, 1):
        (tmp_path / f"pot.{member}.mtp").write_text("old")
    check_potential_output(path, 2)
    (tmp_path / "pot.2.mtp").write_text("old")
    with pytest.raises(MaxvoltError, match=r"pot\.2\.mtp of an earlier training"):
        check_potential_output(path, 2)
    check_potential_output(path, 3)
    check_potential_output(path, 1)
    path.write_text("old")
    with pytest.raises(MaxvoltError, match=r"pot\.mtp of an earlier training"):
        check_potential_output(path, 3)
