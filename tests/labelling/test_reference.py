"""References: names, defaults, files."""

from __future__ import annotations

import pickle

import pytest

from maxvolt.errors import DataError, FileFormatError
from maxvolt.labelling import SHORT_NAMES, Reference


@pytest.mark.parametrize("name", SHORT_NAMES)
def test_complete_settings_are_complete(name):
    """What has all defaults gets no more of them: a job's settings can be completed again."""
    needed = {"digest": "0123456789abcdef"} if name == "potential" else {}
    reference = Reference(name, needed)
    again = Reference(name, reference.complete_settings)
    assert again.complete_settings == reference.complete_settings
    assert again.key == reference.key


def test_defaults_are_part_of_the_key():
    default = Reference("gpaw").complete_settings
    assert Reference("gpaw", {"xc": default["xc"]}).key == Reference("gpaw").key
    assert Reference("gpaw", {"xc": "LDA"}).key != Reference("gpaw").key


def test_the_machine_is_not_part_of_the_key():
    here = Reference("espresso", machine={"command": "mpirun -n 4 pw.x"})
    there = Reference("espresso", machine={"environment": {"OMP_NUM_THREADS": 8}})
    assert here.key == there.key == Reference("espresso").key


def test_one_of_two_ways_to_say_it_replaces_the_default_of_the_other():
    assert "kspacing" not in Reference("espresso", {"kpts": [2, 2, 2]}).complete_settings
    assert "tsmear" not in Reference("abinit", {"smearing": ["gaussian", 0.1]}).complete_settings
    assert "kspacing" not in Reference("vasp", {"kpts": [2, 2, 2]}).complete_settings


def test_none_removes_a_default():
    assert "xc" in Reference("gpaw").complete_settings
    assert "xc" not in Reference("gpaw", {"xc": None}).complete_settings


def test_espresso_input_is_merged_by_section():
    flat = Reference("espresso", {"input_data": {"ecutwfc": 30}}).complete_settings["input_data"]
    nested = {"input_data": {"system": {"ecutwfc": 30}}}
    assert flat == Reference("espresso", nested).complete_settings["input_data"]
    assert flat["system"]["ecutwfc"] == 30
    assert flat["system"]["smearing"] == "mv"
    assert flat["control"]["tstress"] is True


def test_a_reference_travels():
    reference = Reference(
        "gpaw", {"mode": {"name": "pw", "ecut": 300}}, {"environment": {"A": "1"}}
    )
    assert pickle.loads(pickle.dumps(reference)) == reference


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("no such code",), "unknown calculator 'no such code'; expected emt, gpaw"),
        (("module:",), "unknown calculator"),
        (("emt", {"a": {1, 2}}), "settings of the reference"),
        (("emt", [1]), "expected a table"),
        (("emt", {}, {"comand": "x"}), "unknown comand; use environment$"),
        (("espresso", {}, {"pp_path": "x"}), "use environment, command, pseudo_dir"),
    ],
)
def test_what_cannot_be_a_reference(arguments, complaint):
    with pytest.raises(DataError, match=complaint):
        Reference(*arguments)


def test_file(tmp_path):
    path = tmp_path / "al.toml"
    path.write_text(
        'calculator = "gpaw"\n[settings]\nxc = "LDA"\n[machine.environment]\nOMP_NUM_THREADS = 2\n'
    )
    reference = Reference.from_file(path)
    assert reference == Reference("gpaw", {"xc": "LDA"}, {"environment": {"OMP_NUM_THREADS": 2}})
    assert Reference.from_file(path, "gpaw") == reference
    with pytest.raises(FileFormatError, match="is for gpaw, not for emt"):
        Reference.from_file(path, "emt")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[settings]\na = 1\n", "names no calculator"),
        ('calculator = "emt"\n[setings]\na = 1\n', "unknown setings"),
        ("calculator = \n", "is not valid TOML"),
        ('calculator = "em"\n', "unknown calculator 'em'"),
        ('calculator = "emt"\nsettings = 3\n', "settings of the reference: expected a table"),
    ],
)
def test_files_that_cannot_be_used(text, complaint, tmp_path):
    path = tmp_path / "reference.toml"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=complaint) as caught:
        Reference.from_file(path)
    assert "reference.toml" in str(caught.value)
