"""`maxvolt map`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

import maxvolt
from maxvolt.cli import main
from maxvolt.coverage import embedding
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a potential of copper and labelled structures."""
    monkeypatch.chdir(tmp_path)
    copper().write("pot.mtp")
    write("data.xyz", [labelled(number) for number in range(3)])
    return tmp_path


def labelled(number: int) -> Atoms:
    atoms = bulk("Cu", a=3.5, cubic=True) * (2, 2, 2)
    atoms.rattle(0.1, seed=number)
    reference = atoms.copy()
    reference.calc = EMT()
    atoms.calc = SinglePointCalculator(
        atoms, energy=reference.get_potential_energy(), forces=reference.get_forces()
    )
    atoms.info["iteration"] = 2 * number
    return atoms


def write(name: str, structures: list[Atoms]) -> None:
    maxvolt.write(name, maxvolt.Dataset.from_atoms(structures))


WORDS = ("map", "pot.mtp", "data.xyz", "--perplexity", "8")


def test_a_picture_a_page_and_numbers(files, capsys):
    needs("map")
    write("frame.xyz", [bulk("Cu", a=3.4)])
    for name in ("map.png", "map.pdf", "map.html"):
        words = [*WORDS, "-o", name, "--crystals", "fcc", "bcc:Cu:2.8", "--frames", "frame.xyz"]
        assert main(words) == 0
        said = capsys.readouterr()
        assert "96 of 96, in 3 structures" in said.out
        assert "fcc Cu, bcc Cu (2.8 Å), frame.xyz" in said.out
        assert f"wrote {name}" in said.err
    assert (files / "map.png").read_bytes().startswith(b"\x89PNG")
    page = (files / "map.html").read_text()
    assert page.count("<img ") == 4
    assert "perplexity 8" in page
    assert main([*WORDS, "--json", "--crystals"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["environments"] == 96
    assert document["markers"] == []
    assert set(document["values"]) == {"iteration", "force-error", "energy", "stress"}
    steps = 2 * np.array(document["structures"])
    np.testing.assert_array_equal(document["values"]["iteration"], steps)


def test_chosen_colours(files, capsys):
    needs("map")
    words = [*WORDS, "--environments", "60", "--color", "energy", "stress", "-o", "map.html"]
    assert main(words) == 0
    assert "60 of 96" in capsys.readouterr().out
    page = (files / "map.html").read_text()
    assert page.count("<img ") == 2
    assert "Environments by energy" in page


def test_what_is_refused(files, capsys, monkeypatch):
    needs("map")
    write("gold.xyz", [bulk("Au", cubic=True) * (2, 2, 2)])
    plain = labelled(0)
    plain.info.clear()
    write("plain.xyz", [plain, plain])
    (files / "empty.xyz").write_text("")
    out = ("-o", "map.png", "--crystals")
    for words, said in (
        (("pot.mtp", "data.xyz"), "-o map.png"),
        (("pot.mtp", "data.xyz", "-o", "data.xyz"), "overwrite the input"),
        (("pot.mtp", "data.xyz", "-o", "map.nothing"), "format of the figure"),
        (("pot.mtp", "absent.xyz", *out), "absent.xyz"),
        (("pot.mtp", "empty.xyz", *out), "empty.xyz"),
        (("data.xyz", "pot.mtp", *out), "the potential comes first"),
        (("pot.mtp", "gold.xyz", *out), "Au"),
        (("pot.mtp", "data.xyz", *out, "--frames", "gold.xyz"), "gold.xyz"),
        (("pot.mtp", "data.xyz", *out, "a15"), "--crystals"),
        (("pot.mtp", "data.xyz", *out, "fcc:Al"), "not Al"),
        (("pot.mtp", "data.xyz", *out, "fcc:Cu:x"), "no lattice constant"),
        (("pot.mtp", "data.xyz", *out, "--perplexity", "50"), "too few environments"),
        (("pot.mtp", "data.xyz", *out, "--perplexity", "0.5"), "at least 1"),
        (("pot.mtp", "data.xyz", *out, "--radius", "2"), "radius"),
        (
            ("pot.mtp", "plain.xyz", *out, "--perplexity", "8", "--color", "iteration"),
            "no environment can be coloured by iteration",
        ),
        (("pot.mtp", str(files), *out), "campaign"),
    ):
        assert main(["map", *words]) == 2, words
        error = capsys.readouterr().err
        assert said in error, (words, error)
        assert not (files / "map.png").exists()
    monkeypatch.setattr(embedding, "available_libraries", lambda: ())
    assert main([*WORDS, *out]) == 2
    assert "pip install 'maxvolt[map]'" in capsys.readouterr().err


def test_crystals_that_do_not_rest_are_told(files, capsys):
    needs("map")
    assert main([*WORDS, "-o", "map.png", "--crystals", "fcc", "diamond"]) == 0
    said = capsys.readouterr()
    assert "left out: diamond Cu: " in said.err
    assert "fcc Cu" in said.out
