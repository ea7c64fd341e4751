"""Files that a message offers in place of a pseudopotential that lacks."""

from __future__ import annotations

from pathlib import Path

from maxvolt.labelling.codes.pseudopotentials import files_for


def test_files_of_an_element_are_listed(tmp_path: Path) -> None:
    for name in ("Al.upf", "al_gga.UPF", "Al-pbe.psp8", "Alx.upf", "Ag.upf", "Al.txt"):
        (tmp_path / name).touch()
    assert files_for("Al", tmp_path, (".upf",)) == "Al.upf, al_gga.UPF"
    assert files_for("Al", tmp_path, (".upf", ".psp8")) == "Al-pbe.psp8, Al.upf, al_gga.UPF"
    assert files_for("Mo", tmp_path, (".upf",)) == "none for it"
    assert files_for("Al", tmp_path / "none", (".upf",)) == "nothing: it is no folder"
