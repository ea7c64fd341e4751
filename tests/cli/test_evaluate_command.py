"""`maxvolt evaluate` and `maxvolt errors`, against a potential worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

import maxvolt
from maxvolt.cli import main


def energy_by_hand(length: float) -> float:
    """Energy of a Ti-Al dimer with the potential of the fixture `trained`."""
    x = (2 * length - 1.9 - 5.2) / (5.2 - 1.9)
    radial = 0.02 * (length - 5.2) ** 2 * (1.0 + 2.0 * x + 3.0 * (2 * x * x - 1))
    return -1.0 - 2.0 + 2 * (0.5 * radial + 0.25 * radial**2)


LENGTHS = (2.5, 3.0, 3.5)


def test_labels_of_the_output(trained, dimers, tmp_path, capsys):
    out = tmp_path / "out.xyz"
    assert main(["evaluate", str(trained), str(dimers), "-o", str(out)]) == 0
    assert capsys.readouterr().out == ""
    dataset = maxvolt.read(out)
    assert dataset.energies == pytest.approx([energy_by_hand(r) for r in LENGTHS], abs=1e-7)
    step = 1e-5
    slopes = [(energy_by_hand(r + step) - energy_by_hand(r - step)) / (2 * step) for r in LENGTHS]
    assert dataset.forces[::2, 0] == pytest.approx(slopes, abs=1e-6)
    assert dataset.forces[1::2, 0] == pytest.approx(np.negative(slopes), abs=1e-6)
    assert not dataset.has_stress.any()
    assert dataset.groups == ("short", "long", "long")


def test_json(trained, dimers, capsys):
    assert main(["evaluate", str(trained), str(dimers), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["structure"] for row in rows] == [0, 1, 2]
    assert [row["atoms"] for row in rows] == [2, 2, 2]
    assert rows[1]["energy_eV"] == pytest.approx(energy_by_hand(3.0), abs=1e-12)
    assert rows[1]["stress_eV_per_A3"] is None


def test_table(trained, dimers, capsys):
    assert main(["evaluate", str(trained), str(dimers), "--threads", "1"]) == 0
    assert f"{energy_by_hand(3.0):.6f}" in capsys.readouterr().out


def test_an_untrained_potential_is_refused(untrained, dimers, tmp_path, capsys):
    out = tmp_path / "out.xyz"
    arguments = ["evaluate", str(untrained), str(dimers), "-o", str(out), "--species", "Ti,Al"]
    assert main(arguments) == 2
    assert "train" in capsys.readouterr().err
    assert not out.exists()


def test_an_unknown_element_is_named(trained, dimers, capsys):
    assert main(["evaluate", str(trained), str(dimers), "--species", "Ti,Ni"]) == 2
    assert "Al" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "text", "complaint"),
    [
        ("evaluate", "", "holds no structure"),
        ("errors", "2\n\nTi 0 0 0\nAl 0 0 2.5\n", "holds no energy, force or stress"),
    ],
)
def test_nothing_to_work_on(command, text, complaint, trained, tmp_path, capsys):
    data = tmp_path / "data.xyz"
    data.write_text(text)
    assert main([command, str(trained), str(data)]) == 2
    assert complaint in capsys.readouterr().err


def test_errors_json(trained, dimers, capsys):
    assert main(["errors", str(trained), str(dimers), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    errors = document["datasets"]["dimers.xyz"]
    difference = [energy_by_hand(r) + 3 + i for i, r in enumerate(LENGTHS)]
    expected = np.sqrt(np.mean(np.square(difference))) / 2
    assert errors["total"]["energy_per_atom_eV"]["rmse"] == pytest.approx(expected, abs=1e-10)
    assert errors["groups"]["short"]["energy_per_atom_eV"]["rmse"] == pytest.approx(
        abs(difference[0]) / 2, abs=1e-10
    )
    assert errors["total"]["stress_components_GPa"]["count"] == 0
    assert errors["total"]["stress_components_GPa"]["rmse"] is None


def test_errors_table_and_plot(trained, dimers, tmp_path, capsys):
    plot = tmp_path / "parity.png"
    assert main(["errors", str(trained), str(dimers), "--plot", str(plot)]) == 0
    printed = capsys.readouterr().out
    assert "energy (meV/atom)" in printed
    assert "short" in printed
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_narrow_terminal_cuts_no_digits(trained, dimers, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what rich takes for a terminal
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["errors", str(trained), str(dimers)]) == 0
    assert "…" not in capsys.readouterr().out


def test_errors_as_mlip_prints_them(trained, dimers, capsys):
    assert main(["errors", str(trained), str(dimers), "--mlip"]) == 0
    assert "Energy per atom:" in capsys.readouterr().out


def test_two_ways_to_print_are_one_too_many(trained, dimers, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["errors", str(trained), str(dimers), "--mlip", "--json"])
    assert caught.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_errors_of_an_ensemble(trained, dimers, tmp_path, capsys):
    text = trained.read_text()
    (tmp_path / "ens.0.mtp").write_text(text)
    (tmp_path / "ens.1.mtp").write_text(text.replace("{-1.0, -2.0}", "{-1.5, -2.0}"))
    arguments = ["errors", str(tmp_path / "ens.mtp"), str(dimers)]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["members"]) == 2
    difference = [energy_by_hand(r) - 0.25 + 3 + i for i, r in enumerate(LENGTHS)]
    found = document["datasets"]["dimers.xyz"]["total"]["energy_per_atom_eV"]["mae"]
    assert found == pytest.approx(np.abs(difference).mean() / 2, abs=1e-10)
    assert main(arguments) == 0
    assert "2 sigma" in capsys.readouterr().out


@pytest.mark.parametrize(("factors", "warned"), [((1.5, 1.51), True), ((0.5, 1.5), False)])
def test_a_spread_far_below_the_error_is_warned_of(
    trained, dimers, tmp_path, capsys, factors, warned
):
    # Labels are those of the potential; the members scale what it says of interactions, so that
    # they are off by half of it and differ by a hundredth, or are right on average.
    potential = maxvolt.load(trained)
    model = potential.model
    labelled = maxvolt.read(dimers).to_atoms()
    for atoms in labelled:
        atoms.calc = maxvolt.Calculator(potential)
        atoms.get_forces()
    maxvolt.write(tmp_path / "labelled.xyz", maxvolt.Dataset.from_atoms(labelled))
    maxvolt.Ensemble(
        tuple(
            potential.with_coefficients(
                model.radial_coeffs, model.species_coeffs, factor * model.moment_coeffs
            )
            for factor in factors
        )
    ).write(tmp_path / "ens.mtp")
    arguments = ["errors", str(tmp_path / "ens.mtp"), str(tmp_path / "labelled.xyz")]
    assert main([*arguments, "--json"]) == 0
    output = capsys.readouterr()
    warnings = json.loads(output.out)["warnings"]
    assert any("their spread is no estimate" in one for one in warnings) is warned
    assert ("maxvolt: warning: the members of the ensemble" in output.err) is warned
    for remedy in ("bootstrap", "starts_apart", "maxvolt.calibrate"):
        assert (remedy in output.err) is warned


@pytest.mark.parametrize("command", ["evaluate", "errors"])
def test_foreign_elements_are_named_with_file_and_structure(trained, tmp_path, capsys, command):
    structures = [Atoms(symbol, cell=[3, 3, 3], pbc=True) for symbol in ("Ti", "Cu", "Cu")]
    for atoms in structures:
        atoms.calc = SinglePointCalculator(atoms, energy=0.0)
    path = tmp_path / "mixed.xyz"
    maxvolt.write(path, maxvolt.Dataset.from_atoms(structures))
    assert main([command, str(trained), str(path)]) == 2
    message = capsys.readouterr().err
    assert f"{path}, structure 1 (and 1 more) of 3, counted from 0: contains Cu" in message
    assert "knows only Ti, Al" in message
