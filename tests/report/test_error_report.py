"""Tables, JSON, MLIP's wording and parity plots of one known set of errors."""

import dataclasses
import io
import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from matplotlib.figure import Figure
from rich.console import Console

from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.fitting.prediction_errors import Comparison, compute_ensemble_errors
from maxvolt.report import (
    ensemble_error_table,
    error_table,
    errors_document,
    format_mlip_errors,
    group_error_table,
    parity_figure,
    print_errors,
    save_parity_plot,
    write_errors_json,
)


def structure(group, energy, shift):
    atoms = Atoms("Mo2", [[0, 0, 0], [1.5, 1.5, 1.5]], cell=[3.1, 3.1, 3.1], pbc=True)
    atoms.info["config_type"] = group
    forces = np.array([[1.0, 2.0, 2.0], [-1.0, -2.0, -2.0]]) + shift
    atoms.calc = SinglePointCalculator(
        atoms, energy=energy, forces=forces, stress=np.array([0.1, 0.1, 0.1, 0, 0, 0])
    )
    return atoms


@pytest.fixture
def comparison():
    dataset = Dataset.from_atoms([structure("bulk", -20.0, 0.0), structure("[slab]", -22.0, 0.5)])
    return Comparison(
        dataset,
        dataset.energies + np.array([0.02, -0.02]),
        dataset.forces + np.array([0.3, 0.0, 0.4]),
        dataset.stresses + np.array([0.01, 0, 0, 0, 0, 0]),
    )


@pytest.fixture
def unlabelled():
    dataset = Dataset.from_atoms([Atoms("Mo", cell=[3, 3, 3], pbc=True)])
    return Comparison(dataset, np.zeros(1), np.zeros((1, 3)), np.zeros((1, 6)))


def printed(renderable, width=160):
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(renderable)
    return stream.getvalue()


def cells(text, start):
    [line] = [line for line in text.splitlines() if line.strip().startswith(start)]
    return line.split()


def test_table_shows_the_units_it_names_and_what_it_counts(comparison):
    text = printed(error_table({"training": comparison.errors()}))
    assert cells(text, "training") == ["training"]
    # 0.02 eV over two atoms is 10 meV/atom; the references, -10 and -11, have deviation 0.5.
    energy = cells(text, "energy")
    assert energy == ["energy", "(meV/atom)", "2", "structures", *["10.00", "2.00", *["10.00"] * 3]]
    vectors = cells(text, "force vectors")
    assert vectors[2:5] == ["(meV/Å)", "4", "atoms"]
    assert vectors[5] == vectors[7] == vectors[8] == "500.0"
    assert cells(text, "stress tensors")[-1] == "1.602"


def test_groups_stand_above_their_total_and_brackets_are_text(comparison):
    text = printed(group_error_table({"test": comparison.errors()}))
    names = [line.split()[:4] for line in text.splitlines() if line.strip()]
    assert ["bulk", "energy", "(meV/atom)", "1"] in names
    assert ["[slab]", "energy", "(meV/atom)", "1"] in names
    assert ["total", "energy", "(meV/atom)", "2"] in names


@pytest.mark.parametrize("width", [80, 60, 20])
def test_tables_fit_into_80_columns_and_no_number_is_ever_cut(comparison, unlabelled, width):
    large = dataclasses.replace(comparison, energies=comparison.energies + 123456.789)
    errors = large.errors()
    reports = {"training": errors, "a file with a long name" * 6: errors, "x": unlabelled.errors()}
    stream = io.StringIO()
    print_errors(reports, Console(file=stream, width=width, color_system=None))
    text = stream.getvalue()
    assert "…" not in text
    assert text.count("61730000") >= 4  # half of 123456.789 eV, in meV: RMSE, MAE and largest
    if width == 80:
        assert max(map(len, text.splitlines())) <= 80
        usual = printed(error_table({"x": comparison.errors()}), 80)
        assert "force components (meV/Å)" in usual


def test_print_shows_groups_only_where_there_are_several(comparison, unlabelled):
    for compared, expected in ((comparison, True), (unlabelled, False)):
        stream = io.StringIO()
        print_errors(compared.errors(), Console(file=stream, width=160, color_system=None))
        assert ("Errors by group" in stream.getvalue()) is expected


def test_what_has_no_label_is_a_dash(unlabelled):
    row = cells(printed(error_table({"x": unlabelled.errors()})), "force components")
    counted = ["0", "of", "1", "atom"]
    assert row == ["force", "components", "(meV/Å)", *counted, "-", "-", "-", "-", "-"]


def test_ensemble_table_has_mean_and_two_sigma(comparison):
    class Member:
        def __init__(self, factor):
            self.factor = factor

        def evaluate_dataset(self, dataset, threads=None):
            moved = np.array([0.02, -0.02]) * self.factor
            return Comparison(
                dataset, dataset.energies + moved, comparison.forces, comparison.stresses
            )

    errors = compute_ensemble_errors([Member(1.0), Member(2.0)], comparison.dataset)
    row = cells(printed(ensemble_error_table({"training": errors})), "energy")
    # 10 and 20 meV/atom: mean 15, twice the deviation 2 * sqrt(50).
    assert row[2:] == ["15.00", "+-", "14.14", "3.00", "15.00"]


def test_json_file_follows_the_schema(comparison, unlabelled, tmp_path):
    path = tmp_path / "errors.json"
    write_errors_json({"training": comparison.errors(), "test": unlabelled.errors()}, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["schema"] == "maxvolt-errors/1"
    training = document["datasets"]["training"]
    assert list(training["groups"]) == ["bulk", "[slab]"]
    assert training["total"]["energy_per_atom_eV"]["rmse"] == pytest.approx(0.01)
    assert training["total"]["force_vectors_eV_per_A"]["max"] == pytest.approx(0.5)
    # A number that does not exist is null, not NaN, which is not JSON.
    nothing = document["datasets"]["test"]["total"]["stress_components_GPa"]
    assert nothing["rmse"] is None
    assert nothing["missing"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["errors.json"]


def test_schema_keys_are_stable(comparison):
    total = errors_document({"x": comparison.errors()})["datasets"]["x"]["total"]
    quantity = ["count", "missing", "rmse", "mae", "max", "rmse_percent"]
    quantity += ["rmse_over_structures", "reference_rms", "reference_max"]
    assert all(list(value) == quantity for value in total.values() if isinstance(value, dict))


def test_folder_that_does_not_exist_is_named(comparison, tmp_path):
    path = tmp_path / "absent" / "errors.json"
    with pytest.raises(MaxvoltError, match=r"absent/errors\.json: cannot be written"):
        write_errors_json({"x": comparison.errors()}, path)


def test_mlip_wording(comparison):
    text = format_mlip_errors(comparison.errors())
    forces = text.partition("Forces:\n")[2].partition("\n\n")[0].splitlines()
    assert forces == [
        "\tErrors checked for 4 atoms",
        "\tMaximal absolute difference = 0.5",
        "\tAverage absolute difference = 0.5",
        "\tRMS     absolute difference = 0.5",
        f"\tMax(ForceDiff) / Max(Force) = {0.5 / np.linalg.norm([1.5, 2.5, 2.5]):g}",
        f"\tRMS(ForceDiff) / RMS(Force) = {0.5 / np.sqrt((9 + 9 + 14.75 + 4.75) / 4):g}",
    ]
    assert text.startswith("_________________Errors report_________________\nEnergy:\n")


def test_mlip_wording_without_labels_has_zeros(unlabelled):
    text = format_mlip_errors(unlabelled.errors())
    assert "nan" not in text
    assert "Errors checked for 0 atoms\n\tMaximal absolute difference = 0\n" in text


def test_parity_draws_every_label_coloured_by_group(comparison):
    figure = parity_figure(comparison)
    assert isinstance(figure, Figure)
    energy, force, stress = figure.axes
    assert [c.get_label() for c in energy.collections] == ["bulk", "[slab]"]
    assert [len(c.get_offsets()) for c in force.collections] == [6, 6]
    drawn = np.concatenate([np.asarray(c.get_offsets()) for c in stress.collections])
    assert drawn[0] == pytest.approx(np.array([0.1, 0.11]) * 160.2176634)
    assert "10 meV/atom" in energy.get_title()
    # Energies near -10 eV/atom must not be squeezed by an axis that reaches to zero.
    assert energy.get_xlim()[1] < -9.5


def test_parity_of_several_datasets_is_coloured_by_dataset(comparison):
    figure = parity_figure({"training": comparison, "validation": comparison})
    assert [c.get_label() for c in figure.axes[0].collections] == ["training", "validation"]


def test_parity_leaves_out_what_has_no_labels(unlabelled):
    assert parity_figure(unlabelled).axes == []


def test_parity_is_written_as_image(comparison, tmp_path):
    save_parity_plot(comparison, tmp_path / "parity.png")
    assert (tmp_path / "parity.png").read_bytes().startswith(b"\x89PNG")
    save_parity_plot(comparison, tmp_path / "parity.pdf")
    assert (tmp_path / "parity.pdf").read_bytes().startswith(b"%PDF")
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(MaxvoltError, match=r"end the name with one of .*png"):
        save_parity_plot(comparison, tmp_path / "parity.xyz")
