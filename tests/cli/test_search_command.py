"""`maxvolt search`: structures from elements alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import maxvolt
from maxvolt.cli import main
from maxvolt.search.searching import TOGETHER, Searching
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "search"))
from clusters import KNOWN, write_lennard_jones

CLUSTER = ["--species", "Ar", "--cluster", "--method", "hopping", "--start-distance", "2.4"]
CLUSTER += ["--volume", "20", "60", "--hop-step", "1.1", "--isolation", "9"]


@pytest.fixture(scope="module")
def potential(tmp_path_factory) -> str:
    return str(write_lennard_jones(tmp_path_factory.mktemp("lj") / "lj.eam.alloy"))


def cluster(potential: str, folder: Path, *more: str) -> list[str]:
    given = ["search", potential, "-o", str(folder), *CLUSTER]
    return [*given, "--atoms", "5", "--generations", "3", "--population", "4", *more]


def test_a_table_and_files(potential, tmp_path, capsys):
    folder = tmp_path / "new" / "clusters"
    assert main(cluster(potential, folder)) == 0
    out, err = capsys.readouterr()
    assert "Ar5" in out
    assert "12 candidates" in out
    assert "population.xyz" in err
    best = maxvolt.read(folder / "population.xyz")
    assert best.energies[0] == pytest.approx(KNOWN[5], abs=4e-6)
    assert main(cluster(potential, folder, "--json")) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["candidates"] == 12
    assert content["population"][0]["energy_eV"] == pytest.approx(KNOWN[5], abs=4e-6)
    assert len((folder / "search.jsonl").read_bytes().splitlines()) == 4


def test_crystals_by_a_code_of_ase(tmp_path, capsys):
    needs("search")
    given = ["search", "emt", "--species", "Cu,Pd", "--atoms", "2", "--formula", "CuPd"]
    given += ["--generations", "2", "--population", "6", "--force-tolerance", "0.05"]
    assert main([*given, "-o", str(tmp_path / "cupd"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["population"]
    assert {row["formula"] for row in rows} == {"CuPd"}
    assert rows[0]["space_group"] == "P4/mmm (123)"  # L1_0, or the same along bcc: CuPd of EMT
    assert rows[0]["height_eV_per_atom"] == 0.0


def test_it_goes_on_after_a_kill(potential, tmp_path, capsys):
    needs("SIGKILL")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    more = ["--atoms", "9", "--generations", "8"]
    assert main([*cluster(potential, whole), *more]) == 0
    lines = (whole / "search.jsonl").read_bytes().splitlines()
    command = [sys.executable, "-m", "maxvolt", *cluster(potential, killed), *more]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = killed / "search.jsonl"
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 3):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    left = journal.read_bytes()
    assert 3 <= left.count(b"\n") <= len(lines)
    assert (whole / "search.jsonl").read_bytes().startswith(left[: left.rfind(b"\n") + 1])
    assert main([*cluster(potential, killed), *more]) == 0
    assert journal.read_bytes().splitlines() == lines
    for name in ("population.xyz",):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    capsys.readouterr()


def test_fewer_generations_do_not_shrink_the_population(potential, tmp_path, capsys):
    assert main(cluster(potential, tmp_path)) == 0
    before = (tmp_path / "population.xyz").read_bytes()
    capsys.readouterr()
    assert main(cluster(potential, tmp_path, "--generations", "1")) == 0
    out, err = capsys.readouterr()
    assert "12 candidates" in out
    assert "has 3 generations already, more than the 1 of --generations" in err
    assert (tmp_path / "population.xyz").read_bytes() == before


def test_an_interruption_says_what_is_kept(potential, tmp_path, capsys, monkeypatch):
    made = Searching._made

    def interrupted(self, proposals):
        if self.generation == 2:
            raise KeyboardInterrupt
        return made(self, proposals)

    monkeypatch.setattr(Searching, "_made", interrupted)
    assert main(cluster(potential, tmp_path)) == 130
    told = capsys.readouterr().err
    assert f"2 generations kept in {tmp_path}: the same command goes on from there" in told


def test_structures_to_begin_with(potential, tmp_path, capsys):
    folder = tmp_path / "first"
    assert main(cluster(potential, folder)) == 0
    again = cluster(potential, tmp_path / "second", "--begin-with", str(folder / "population.xyz"))
    assert main([*again, "--generations", "1", "--json"]) == 0
    content = json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))
    assert content["population"][0]["origin"] == "seed"
    crystal = tmp_path / "crystal.xyz"
    from ase.build import bulk

    maxvolt.write(crystal, maxvolt.Dataset.from_atoms([bulk("Ar", a=5.3)]))
    assert main(cluster(potential, tmp_path / "third", "--begin-with", str(crystal))) == 2
    assert "not a cluster" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--atoms", "5-2"], "1 <= fewest <= most"),
        (["--atoms", "two"], "expected a number of atoms"),
        (["--species", "Ar,Xe"], "does not know Xe"),
        (["--species", "Qq"], "not a chemical symbol"),
        (["--formula", "Xe2"], "name the same ones"),
        (["--random-share", "3"], "random_share"),
        (["--method", "magic"], "magic"),
        (["--volume", "30", "20"], "volume"),
        (["--pressure", "1"], "a cluster has no volume"),
        (["--select", "3", "--break", "2"], "select"),
    ],
)
def test_wrong_options_are_told(more, words, potential, tmp_path, capsys):
    try:
        code = main(cluster(potential, tmp_path / "folder", *more))
    except SystemExit as error:  # of argparse
        code = error.code
    assert code == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "folder").exists()


def test_nothing_that_comes_to_rest_is_an_error(tmp_path, capsys):
    folder = tmp_path / "silicon"
    given = ["search", "emt", "--species", "Si", "--atoms", "2", "--no-symmetry", "-o", str(folder)]
    assert main([*given, "--method", "random", "--generations", "1", "--population", "2"]) == 2
    error = capsys.readouterr().err
    assert f"{folder}: none of 2 candidates came to rest" in error
    assert "Si" in error.partition("failed: ")[2]
    assert not (folder / "population.xyz").exists()


def test_help_says_what_a_process_works_on(capsys):
    with pytest.raises(SystemExit):
        main(["search", "--help"])
    assert f"each at a higher cost ({TOGETHER})" in " ".join(capsys.readouterr().out.split())


def test_enthalpies_are_called_so(tmp_path, capsys):
    given = ["search", "emt", "--species", "Al", "--atoms", "1", "--no-symmetry", "--method"]
    given += ["random", "--generations", "1", "--population", "2", "--pressure", "10"]
    assert main([*given, "--force-tolerance", "0.1", "-o", str(tmp_path / "al")]) == 0
    assert "enthalpy" in capsys.readouterr().out


def test_a_file_of_settings_that_has_changed_is_another_potential(tmp_path, capsys):
    file = tmp_path / "reference.toml"
    given = ["search", str(file), "--species", "Al", "--atoms", "1", "--no-symmetry", "--method"]
    given += ["random", "--generations", "1", "--population", "2", "-o", str(tmp_path / "al")]
    file.write_text('calculator = "emt"\n')
    assert main(given) == 0
    file.write_text('calculator = "emt"\nsettings = { asap_cutoff = true }\n')
    assert main(given) == 2
    assert "belongs to another search (potential: " in capsys.readouterr().err


def test_a_potential_that_is_not_there(tmp_path, capsys):
    assert main(cluster("nothing.mtp", tmp_path / "folder")) == 2
    assert "nothing.mtp" in capsys.readouterr().err
    assert main(cluster("no_such_code", tmp_path / "folder")) == 2
    assert "no_such_code" in capsys.readouterr().err


def test_a_damaged_journal_and_another_search(potential, tmp_path, capsys):
    folder = tmp_path / "clusters"
    assert main(cluster(potential, folder)) == 0
    assert main(cluster(potential, folder, "--seed", "5")) == 2
    assert "seed: 0 then, 5 now" in capsys.readouterr().err
    journal = folder / "search.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"hop", b"hip", 1))
    assert main(cluster(potential, folder)) == 2
    error = capsys.readouterr().err
    assert "damaged" in error
    assert "remove this line" in error


def test_without_the_library(potential, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyxtal", None)
    given = ["search", potential, "--species", "Ar", "--atoms", "2", "-o", str(tmp_path / "new")]
    assert main(given) == 2
    assert "pip install 'maxvolt[search]'" in capsys.readouterr().err
    assert main([*given, "--no-symmetry", "--method", "random", "--generations", "1"]) == 0


def test_processes_that_have_nothing_to_do_are_told(potential, tmp_path, capsys):
    assert main(cluster(potential, tmp_path / "one", "--workers", "2")) == 0
    assert "1 of 2 processes will work: 4 candidates" in (told := capsys.readouterr().err)
    assert "--together 2 lets more work" in told
    assert main(cluster(potential, tmp_path / "two", "--workers", "2", "--together", "2")) == 0
    assert "will work" not in capsys.readouterr().err
    assert main(cluster(potential, tmp_path / "three", "--workers", "5", "--together", "1")) == 0
    assert "4 of 5 processes will work" in (told := capsys.readouterr().err)
    assert "lets more work" not in told
    first, second = (
        maxvolt.read(tmp_path / name / "population.xyz").energies for name in ("one", "two")
    )
    assert second == pytest.approx(first, abs=1e-5)
