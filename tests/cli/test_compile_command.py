"""`maxvolt compile`: each file is read once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

import maxvolt
from maxvolt.cli import main
from maxvolt.potentials.mtp.files import access


def trained() -> maxvolt.MTP:
    untrained = maxvolt.MTP(6, ["Cu"], 4.5, 1.9, 4)
    generator, model = np.random.default_rng(0), untrained.model
    return untrained.with_coefficients(
        0.1 * generator.normal(size=model.radial_coeffs.shape),
        generator.normal(size=model.species_coeffs.shape),
        0.1 * generator.normal(size=model.moment_coeffs.shape),
    )


def active_set(potential: maxvolt.MTP) -> maxvolt.ActiveSet:
    training = []
    for seed in range(5):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.1, seed=seed)
        training.append(atoms)
    return maxvolt.ActiveSet.from_dataset(potential, training, mode="neighborhood")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often each file is parsed."""
    counts: Counter[str] = Counter()
    parse = access.parse_potential

    def counting(data: bytes, path: str | Path = "?") -> object:
        counts[Path(path).name] += 1
        return parse(data, path)

    monkeypatch.setattr(access, "parse_potential", counting)
    return counts


def test_each_file_is_read_once(tmp_path: Path, read: Counter[str]) -> None:
    potential = trained()
    plain, graded = tmp_path / "pot.mtp", tmp_path / "pot.almtp"
    potential.write(plain)
    active_set(potential).write(graded)
    out = tmp_path / "out.maxvolt"
    read.clear()
    assert main(["compile", str(plain), "-o", str(out)]) == 0
    assert read == {"pot.mtp": 1}
    without = out.read_bytes()
    read.clear()
    assert main(["compile", str(graded), "-o", str(out)]) == 0
    assert read == {"pot.almtp": 1}
    with_set = out.read_bytes()
    read.clear()
    arguments = ["compile", str(plain), "--active-set", str(graded), "-o", str(out)]
    assert main(arguments) == 0
    assert read == {"pot.mtp": 1, "pot.almtp": 1}
    assert out.read_bytes() == with_set
    assert len(without) < len(with_set)


def test_an_ensemble_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    maxvolt.Ensemble((trained(), trained())).write(tmp_path / "pot.mtp")
    assert main(["compile", str(tmp_path / "pot.mtp"), "-o", str(tmp_path / "out.maxvolt")]) == 2
    assert "made of one moment tensor potential, not of Ensemble" in capsys.readouterr().err
    assert not (tmp_path / "out.maxvolt").exists()


def test_the_active_set_of_another_potential_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    potential = trained()
    other = potential.with_coefficients(
        potential.model.radial_coeffs,
        potential.model.species_coeffs,
        2 * potential.model.moment_coeffs,
    )
    potential.write(tmp_path / "pot.mtp")
    active_set(other).write(tmp_path / "other.almtp")
    arguments = ["compile", str(tmp_path / "pot.mtp"), "-o", str(tmp_path / "out.maxvolt")]
    assert main([*arguments, "--active-set", str(tmp_path / "other.almtp")]) == 2
    assert "belongs to another potential" in capsys.readouterr().err
