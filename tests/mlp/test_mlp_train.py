"""train, untrained and add_species."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from mlip_files import configurations, labelled, random_potential

import maxvolt
from maxvolt.fitting.objective import equation_weights
from maxvolt.fitting.settings import FitSettings, SizeScaling, Weights
from maxvolt.fitting.variable_projection.training import with_min_dist
from maxvolt.io.cfg import read_cfg, write_cfg
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp import main
from maxvolt.mlp.commands.train import COMMANDS as TRAIN
from maxvolt.mlp.potentials import read_typed
from maxvolt.mlp.train import settings_of
from maxvolt.mlp.words import read_call
from maxvolt.potentials.mtp.files.access import read_potential_file
from maxvolt.selection import RowWeights
from maxvolt.unnamed_types import stand_ins

FORM = ["--max-dist=4", "--radial-basis-size=4"]


@pytest.fixture
def start(folder: Path) -> Path:
    """The folder, with untrained small.mtp and small.almtp of the form of pot.mtp."""
    assert main(["untrained", "4", "-o", "small.mtp", "--species-count=2", *FORM]) == 0
    assert main(["untrained", "4", "-o", "small.almtp", *FORM]) == 0
    labelled(folder / "train.cfg", read_typed("pot.mtp"), configurations(20))
    return folder


def settings(line: str) -> FitSettings:
    return settings_of(read_call(TRAIN[0], "train", ["pot", "train.cfg", *line.split()]))


# ------------------------------------------------------------------ options


def test_settings_without_options_are_those_of_mlip() -> None:
    for line in ("--max-iter=1000", "--iteration_limit=1000"):
        found = settings(line)
        assert found.weights == Weights(1.0, 0.01, 0.001)
        assert found.scaling == SizeScaling(1, 0, 0.0)
        assert found.max_iterations == 1000
        assert found.tolerance == FitSettings().tolerance
        assert found.n_starts == 8


def test_settings_of_mlip_2() -> None:
    line = "--energy-weight=2 --force-weight=0.5 --stress-weight=0 --scale-by-force=0.3"
    found = settings(line + " --weighting=structures --max-iter=7 --bfgs-conv-tol=1e-5")
    assert found.weights == Weights(2.0, 0.5, 0.0)
    assert found.scaling == SizeScaling(2, 1, 0.3)
    assert (found.max_iterations, found.tolerance) == (7, 1e-5)
    assert settings("--weighting=molecules").scaling == SizeScaling(0, 0)
    assert settings("--skip-preinit").n_starts == 1
    assert settings("--max-iter=0").max_iterations == 1


def test_settings_of_mlip_3() -> None:
    line = "--energy_weight=2 --force_weight=0.5 --stress_weight=0 --scale_by_force=0.3"
    more = " --weight_scaling=2 --weight_scaling_forces=0 --iteration_limit=7 --tolerance=1e-5"
    found = settings(line + more)
    assert found.weights == Weights(2.0, 0.5, 0.0)
    assert found.scaling == SizeScaling(2, 0, 0.3)
    assert (found.max_iterations, found.tolerance) == (7, 1e-5)
    assert settings("--skip_preinit=TRUE").n_starts == 1


@pytest.mark.parametrize("powers", [(0, 0), (1, 0), (2, 1), (2, 0), (0, 2)])
@pytest.mark.parametrize("softening", [0.0, 0.2])
def test_the_loss_is_that_of_mlip(powers: tuple[int, int], softening: float, folder: Path) -> None:
    """Written out as MLIP does it: an average over configurations of sums over their atoms."""
    mixed = [*configurations(3), *doubled(configurations(2, seed=4))]
    labelled(folder / "mixed.cfg", read_typed("pot.mtp"), mixed)
    other = random_potential(folder / "other.mtp", seed=8)
    records = read_cfg("mixed.cfg")
    dataset = other.dataset(records, "mixed.cfg")
    weights = Weights(2.0, 0.3, 0.05)
    predicted = other.potential.evaluate_dataset(dataset)
    loss = 0.0
    for index, one in enumerate(records):
        n, atoms = len(one), dataset.atoms_of(index)
        energy = (predicted.energies[index] - dataset.energies[index]) ** 2
        squares = ((predicted.forces[atoms] - dataset.forces[atoms]) ** 2).sum(axis=1)
        factor = np.ones(n)
        if softening:
            norms = (dataset.forces[atoms] ** 2).sum(axis=1)
            factor = softening / (norms + softening)
        virial = (predicted.stresses[index] - dataset.stresses[index]) * dataset.volumes[index]
        nine = (virial[:3] ** 2).sum() + 2 * (virial[3:] ** 2).sum()
        loss += weights.energy * energy / n ** powers[0]
        loss += weights.forces * (factor * squares).sum() / n ** powers[1]
        loss += weights.stress * nine / n ** powers[0]
    found = equation_weights(dataset, weights, SizeScaling(*powers, softening))
    virials = (predicted.stresses - dataset.stresses) * dataset.volumes[:, None]
    ours = (found.energies * (predicted.energies - dataset.energies) ** 2).sum()
    ours += (found.forces[:, None] * (predicted.forces - dataset.forces) ** 2).sum()
    ours += (found.virials * virials**2).sum()
    assert ours == pytest.approx(loss / len(records), rel=1e-12)


def doubled(given: list[CfgConfiguration]) -> list[CfgConfiguration]:
    """Cells of eight atoms."""
    twice = []
    for one in given:
        cell = one.cell * np.array([[2], [1], [1]])
        positions = np.concatenate([one.positions, one.positions + one.cell[0]])
        positions += 0.05 * np.random.default_rng(0).normal(size=positions.shape)
        twice.append(CfgConfiguration(np.tile(one.types, 2), positions, cell))
    return twice


@pytest.mark.parametrize("name", ["vibrations", "molecules", "structures"])
def test_named_scalings_are_powers(name: str, folder: Path) -> None:
    potential = read_typed("pot.mtp")
    dataset = potential.dataset(read_cfg("train.cfg"), "train.cfg")
    powers = {"vibrations": (1, 0), "molecules": (0, 0), "structures": (2, 1)}[name]
    one = equation_weights(dataset, Weights(), name)  # type: ignore[arg-type]
    other = equation_weights(dataset, Weights(), SizeScaling(*powers))
    for part in ("energies", "forces", "virials"):
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--weighting=atoms", "--weighting: expected vibrations, molecules, structures"),
        ("--max-iter=-1", "the limit of iterations is -1; expected 0 or more"),
        ("--weight_scaling=3", "energy_power must be 0, 1 or 2; got 3"),
        ("--scale_by_force=-1", "softening must be 0 or more; got -1"),
        ("--energy-weight=-1", "expected weights >= 0"),
        ("--al_mode=atoms", "--al_mode: expected cfg or nbh, got 'atoms'"),
        ("--auto-minmax-magmom", "magnetic potentials are not supported"),
        ("--select_factor=2", "--select_factor is not available here"),
        ("--valid-cfgs=nothing.cfg", "nothing.cfg: no such file"),
        ("--trained-pot-name=no/where.mtp", "the folder no does not exist"),
        ("--save_to=train.cfg", "the output would overwrite the input train.cfg"),
        ("--log=no/where.txt --al_mode=cfg", "the folder no does not exist"),
    ],
)
def test_errors(line: str, message: str, start: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in start.iterdir())
    assert main(["train", "small.mtp", "train.cfg", *line.split()]) == 2
    said = capsys.readouterr().err
    assert re.search(r"^mlp train: error: .*" + re.escape(message), said, re.MULTILINE), said
    assert sorted(path.name for path in start.iterdir()) == before


# ------------------------------------------------------------------ MLIP-2


def test_train_of_mlip_2(start: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("small.mtp").read_bytes()
    line = ["train", "small.mtp", "train.cfg", "--valid-cfgs=in.cfg", "--curr-pot-name=c.mtp"]
    capsys.readouterr()
    assert main([*line, "--init-params=same"]) == 0
    printed = capsys.readouterr()
    assert Path("small.mtp").read_bytes() == before
    found, file = read_typed("Trained.mtp_"), read_potential_file("Trained.mtp_")
    assert found.potential.is_trained
    assert (file.species, file.min_dist, file.active_set) == (None, 2.0, None)
    assert "Rf" not in Path("Trained.mtp_").read_bytes().decode()
    parts = printed.out.split("* * * VALIDATION ERRORS * * *")
    assert "* * * TRAIN ERRORS * * *" in parts[0]
    assert main(["calc-errors", "Trained.mtp_", "train.cfg"]) == 0
    assert capsys.readouterr().out in parts[0]
    assert main(["calc-errors", "Trained.mtp_", "in.cfg"]) == 0
    assert capsys.readouterr().out in parts[1]
    assert "--curr-pot-name makes no difference here" in printed.err
    assert "--init-params makes no difference here" in printed.err
    assert not list(start.glob("*.checkpoint"))
    assert rmse(found.path) < 1e-3  # the labels are those of a potential of the same form


def rmse(path: Path, data: str = "train.cfg") -> float:
    """Of force components, eV/Angstrom."""
    found = read_typed(path)
    dataset = found.dataset(read_cfg(data), data)
    return maxvolt.compute_errors(found.potential, dataset).total.force_components.rmse


def test_types_that_the_file_does_not_count_are_refused_in_mlip_2(
    start: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["untrained", "4", "-o", "one.mtp", *FORM]) == 0
    assert main(["train", "one.mtp", "train.cfg", "--max-iter=1"]) == 2
    said = capsys.readouterr().err
    assert "has atoms of type 1, but one.mtp is made for 1 types" in said
    assert "--species-count=2" in said
    assert not Path("Trained.mtp_").exists()


def test_a_trained_potential_is_continued(start: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = random_potential(start / "p8.mtp", level=8, types=1)
    labelled(start / "train.cfg", truth, configurations(20, [0]))
    assert main(["untrained", "8", "-o", "new.mtp", *FORM]) == 0
    assert main(["train", "new.mtp", "train.cfg", "--max-iter=1", "--skip-preinit"]) == 0
    first = rmse(Path("Trained.mtp_"))
    Path("Trained.mtp_").rename("start.mtp")
    capsys.readouterr()
    assert main(["train", "start.mtp", "train.cfg", "--max-iter=30"]) == 0
    assert rmse(Path("Trained.mtp_")) <= 1.01 * first
    assert "start 1 of" not in capsys.readouterr().err


def test_files_of_levels_are_made_where_they_are_missing(
    start: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled(
        start / "one.cfg", random_potential(start / "p1.mtp", types=1), configurations(12, [0])
    )
    line = ["train", "untrained_mtps/04.mtp", "one.cfg", "--max-iter=2", "--trained-pot-name=t.mtp"]
    assert main(line) == 0
    assert "untrained_mtps/04.mtp does not exist; taking the untrained" in capsys.readouterr().err
    assert not Path("untrained_mtps").exists()
    assert read_typed("t.mtp").potential.cutoff == 5.0
    assert main(["train", "05.mtp", "one.cfg"]) == 2
    assert "05.mtp: no such file" in capsys.readouterr().err


# ------------------------------------------------------------------ MLIP-3


def test_train_of_mlip_3_overwrites_the_potential(
    start: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "small.almtp", "train.cfg"]) == 0
    printed = capsys.readouterr()
    file = read_potential_file("small.almtp")
    shortest = maxvolt.neighbors.minimum_distances(
        read_typed("pot.mtp").dataset(read_cfg("train.cfg"), "train.cfg")
    ).overall
    assert file.min_dist == pytest.approx(0.99 * shortest, rel=1e-14)
    assert (file.species_count, file.species, file.is_trained) == (2, None, True)
    assert "types of the potential: 0, 1" in printed.err
    assert rmse(Path("small.almtp")) < 1e-3
    active_set = maxvolt.read_active_set("small.almtp", stand_ins(2))
    assert active_set.weights == RowWeights()
    assert active_set.rank > 0
    assert main(["check_errors", "small.almtp", "train.cfg"]) == 0
    assert printed.out == capsys.readouterr().out


def test_options_of_mlip_3(start: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("small.almtp").read_bytes()
    line = ["train", "small.almtp", "train.cfg", "--save_to=new.almtp", "--iteration_limit=2"]
    assert main([*line, "--no_mindist_update", "--al_mode=nbh", "--log=log.txt"]) == 0
    assert Path("small.almtp").read_bytes() == before
    assert read_potential_file("new.almtp").min_dist == 2.0
    assert maxvolt.read_active_set("new.almtp", stand_ins(2)).mode == "neighborhood"
    assert re.search(r"full fit, iteration \d of 2: loss", Path("log.txt").read_text())
    assert "full fit" not in capsys.readouterr().err
    again = ["train", "new.almtp", "train.cfg", "--iteration_limit=1", "--log=none"]
    assert main([*again, "--init_random", "--penalty_weight=1e-5"]) == 0
    said = capsys.readouterr().err
    assert "--init_random makes no difference here" in said
    assert "--penalty_weight makes no difference here" in said
    assert "full fit" not in said
    # The rows are those of the active set that the file had.
    assert maxvolt.read_active_set("new.almtp", stand_ins(2)).mode == "neighborhood"
    assert main([*again, "--al_mode=cfg"]) == 0
    assert maxvolt.read_active_set("new.almtp", stand_ins(2)).mode == "configuration"


def test_types_come_from_the_training_set_in_mlip_3(start: Path) -> None:
    """Types 13 and 28, and then a third one for the trained potential."""
    names = np.array([13, 28], np.int32)
    records = read_cfg("train.cfg")
    renamed = [
        CfgConfiguration(names[c.types], c.positions, c.cell, c.energy, c.forces, c.plus_stress)
        for c in records
    ]
    write_cfg("numbered.cfg", renamed)
    line = ["train", "small.almtp", "numbered.cfg", "--iteration_limit=2"]
    assert main(line) == 0
    assert read_potential_file("small.almtp").species_labels == (13, 28)
    before = read_typed("small.almtp").potential.model
    one = renamed[0]
    third = CfgConfiguration(
        np.array([13, 28, 7, 7], np.int32), one.positions + 0.02, one.cell, -1.0, one.forces
    )
    write_cfg("more.cfg", [*renamed, third])
    assert main(["train", "small.almtp", "more.cfg", "--iteration_limit=1"]) == 0
    file = read_potential_file("small.almtp")
    assert file.species_labels == (13, 28, 7)
    after = read_typed("small.almtp").potential.model
    assert after.radial_coeffs.shape[:2] == (3, 3)
    assert before.radial_coeffs.shape[:2] == (2, 2)


def test_names_in_the_training_set_become_those_of_the_potential(start: Path) -> None:
    named = [
        CfgConfiguration(
            c.types, c.positions, c.cell, c.energy, c.forces, features={"species": "Ti Al"}
        )
        for c in read_cfg("train.cfg")
    ]
    write_cfg("named.cfg", named)
    assert main(["train", "small.almtp", "named.cfg", "--iteration_limit=1"]) == 0
    assert maxvolt.read_potential("small.almtp").species == ("Ti", "Al")


def test_another_min_dist_leaves_the_radial_functions_as_they_are(folder: Path) -> None:
    """The same polynomials over another range: energies and forces agree to rounding."""
    potential = read_typed("pot.mtp")
    dataset = potential.dataset(read_cfg("in.cfg"), "in.cfg")
    moved = with_min_dist(potential.potential, 1.7)
    assert moved.min_dist == 1.7
    assert not np.array_equal(moved.model.radial_coeffs, potential.potential.model.radial_coeffs)
    before = potential.potential.evaluate_dataset(dataset)
    after = moved.evaluate_dataset(dataset)
    np.testing.assert_allclose(after.energies, before.energies, rtol=1e-11)
    np.testing.assert_allclose(after.forces, before.forces, atol=1e-10)


# ------------------------------------------------------------------ interruptions


def test_an_interrupted_training_goes_on_bit_for_bit(
    start: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["train", "small.mtp", "train.cfg", "--max-iter=12"]
    assert main(line) == 0
    whole = Path("Trained.mtp_").read_bytes()
    Path("Trained.mtp_").unlink()
    assert interrupted(line, monkeypatch) == 130
    checkpoint = Path("Trained.mtp_.checkpoint")
    assert checkpoint.exists()
    assert not Path("Trained.mtp_").exists()
    capsys.readouterr()
    assert main(line) == 0
    assert "going on with the fit that was interrupted" in capsys.readouterr().err
    assert Path("Trained.mtp_").read_bytes() == whole
    assert not checkpoint.exists()


def test_a_checkpoint_of_another_training_is_put_away(
    start: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert interrupted(["train", "small.mtp", "train.cfg", "--max-iter=12"], monkeypatch) == 130
    assert main(["train", "small.mtp", "train.cfg", "--max-iter=3", "--force-weight=1"]) == 0
    assert (
        "beginning anew: Trained.mtp_.checkpoint: the checkpoint belongs to a fit with other"
        in (capsys.readouterr().err)
    )


def interrupted(line: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Press Ctrl-C at the third line of progress."""
    from maxvolt.cli import fit_progress

    calls = []

    def report(self: object, progress: object) -> None:
        calls.append(progress)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fit_progress.LogReporter, "__call__", report)
        return main(line)


# ------------------------------------------------------------------ untrained, add_species


@pytest.mark.parametrize(
    ("level", "radial", "basic", "scalars"),
    [(2, 1, 1, 1), (6, 2, 5, 5), (8, 2, 11, 9), (12, 3, 46, 29), (16, 4, 130, 92)],
)
def test_untrained_potentials_have_the_counts_of_mlip(
    level: int, radial: int, basic: int, scalars: int, folder: Path
) -> None:
    assert main(["untrained", str(level)]) == 0
    text = Path(f"{level:02d}.mtp").read_text()
    head = (
        "MTP\nversion = 1.1.0\npotential_name = MTP1m\nspecies_count = 1\npotential_tag = \n"
        "radial_basis_type = RBChebyshev\n"
    )
    assert text.startswith(head)
    file = read_potential_file(f"{level:02d}.mtp")
    assert (file.min_dist, file.max_dist, file.radial_basis_size) == (2.0, 5.0, 8)
    assert file.radial_funcs_count == radial
    assert len(file.alpha_index_basic) == basic
    assert len(file.alpha_moment_mapping) == scalars
    assert not file.is_trained


def test_options_of_untrained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    form = ["--species-count=3", "--min-dist=1.5", "--max-dist=6", "--radial-basis-size=10"]
    line = ["untrained", "6.mtp", "--output=a.mtp", *form, "--radial-basis-type=RBShapeev"]
    assert main(line) == 0
    file = read_potential_file("a.mtp")
    assert (file.species_count, file.min_dist, file.max_dist) == (3, 1.5, 6.0)
    assert (file.radial_basis_size, file.radial_basis_type) == (10, "RBShapeev")
    for words, message in (
        (["7"], "level 7: expected an even number from 2 to 28"),
        (["30"], "level 30: expected"),
        (["x"], "'x': expected a level"),
        ([], "expected a level, such as 16, or --all=FOLDER"),
        (["6", "--all=f"], "leave out the level"),
        (["6", "--min-dist=5"], "expected 0 <= min_dist < max_dist"),
        (["6", "--radial-basis-type=Bessel"], "radial basis 'Bessel': expected RBChebyshev"),
        (["6", "--species-count=0"], "species_count is 0; expected 1 to"),
        (["6", "--suffix=txt"], "--suffix: expected mtp (MLIP-2) or almtp (MLIP-3), got 'txt'"),
    ):
        assert main(["untrained", *words]) == 2
        assert message in capsys.readouterr().err


def test_a_folder_of_untrained_potentials(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from maxvolt.mlp import write_untrained as untrained

    monkeypatch.setattr(untrained, "LEVELS", (2, 4, 6))  # the largest takes a minute
    assert main(["untrained", "--all=MTP_templates", "--suffix=almtp"]) == 0
    names = sorted(path.name for path in Path("MTP_templates").iterdir())
    assert names == ["02.almtp", "04.almtp", "06.almtp"]


def test_types_are_added_to_a_potential(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_typed("pot.mtp")
    assert main(["add_species", "pot.mtp", "5", "--save_to=three.mtp"]) == 0
    after = read_typed("three.mtp")
    assert after.labels == (0, 1, 5)
    data = read_cfg("in.cfg")
    one = before.potential.evaluate_dataset(before.dataset(data, "in.cfg"))
    other = after.potential.evaluate_dataset(after.dataset(data, "in.cfg"))
    np.testing.assert_allclose(one.energies, other.energies, rtol=1e-13)
    assert main(["untrained", "4"]) == 0
    assert main(["add_species", "04.mtp", "train.cfg"]) == 0
    file = read_potential_file("04.mtp")
    assert (file.species_count, file.is_trained) == (2, False)
    assert main(["add_species", "04.mtp", "nothing"]) == 2
    assert "nothing: expected a type, such as 1, or a file" in capsys.readouterr().err
