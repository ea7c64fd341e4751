"""Which family is fitted: by a potential, and by the section of a campaign file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from toy_training import ToySection
from training_data import crystals, known_potential, labelled

from maxvolt.campaign.settings import settings_of
from maxvolt.campaign.settings.messages import describe_errors
from maxvolt.errors import FitError, MaxvoltError, SettingsError
from maxvolt.fitting import FitResult, fit
from maxvolt.fitting.families import potential_sections, training_named, training_of
from maxvolt.fitting.variable_projection.training import TRAINING, MomentTensorSection
from maxvolt.potentials import MTP, Ensemble, load
from maxvolt.potentials.families import FAMILIES, Family
from maxvolt.sections import Section

TOY = Family("toy", "toy potential", (".toy",), "toy_training", training="toy_training")


def run(potential: Any, ensemble: int = 1) -> FitResult:
    data = labelled(known_potential(4, ["Mo"]), crystals(["Mo"], 6))
    return fit(potential, data, threads=1, max_iterations=2, starts=1, ensemble=ensemble)


@pytest.fixture
def eam_file(tmp_path: Path) -> Path:
    """A tiny `.eam.alloy` file: a pair repulsion that falls to zero at the cutoff."""
    points = 8
    rows = [" ".join(["0.0"] * points), " ".join(["0.0"] * points)]
    pair = " ".join(f"{float(points - 1 - k):.1f}" for k in range(points))
    lines = ["a", "b", "c", "1 Mo", f"{points} 0.1 {points} 0.5 3.5", "42 95.95 3.15 bcc"]
    path = tmp_path / "Mo.eam.alloy"
    path.write_text("\n".join([*lines, *rows, pair]) + "\n")
    return path


def test_a_moment_tensor_potential_is_fitted_also_from_its_file(tmp_path: Path) -> None:
    potential = MTP(4, ["Mo"], 4.5, 2.0, 3)
    potential.write(tmp_path / "p.mtp")
    assert training_of(potential) is TRAINING is training_named("mtp")
    assert run(potential).members == run(tmp_path / "p.mtp").members


def test_what_cannot_be_fitted_is_named(eam_file: Path, tmp_path: Path) -> None:
    expected = (
        r"potential: expected a moment tensor potential, for example maxvolt\.MTP\(16, .* got "
    )
    for given in (load(eam_file), eam_file):
        with pytest.raises(FitError, match=expected + "EmbeddedAtom"):
            run(given)
    with pytest.raises(FitError, match=expected + "int 3"):
        run(3)
    members = (known_potential(4, ["Mo"]),) * 2
    Ensemble(members).write(tmp_path / "e.mtp")
    for ensemble in (Ensemble(members), tmp_path / "e.mtp"):
        with pytest.raises(FitError, match=r"an ensemble of 2, and ensemble=1 .* give ensemble=2"):
            run(ensemble)
    others = (known_potential(6, ["Mo"]), MTP(4, ["Mo"], 4.5, 1.9, 3), load(eam_file))
    for other in others:
        with pytest.raises(FitError, match=r"of one form; member 1, .* is not of that of member 0"):
            run(Ensemble((members[0], other)), ensemble=2)


def test_families_that_cannot_be_trained() -> None:
    with pytest.raises(MaxvoltError, match=r"'eam' \(embedded-atom .*read from files .*'mtp'"):
        training_named("eam")
    with pytest.raises(MaxvoltError, match=r"'ann' is no family .* expected one of 'mtp'"):
        training_named("ann")


def test_files_of_a_family_are_recognised_as_its_own() -> None:
    for family in FAMILIES:
        if family.training is not None:
            training = training_named(family.name)
            assert {training.suffix, training.suffix_with_active_set} <= set(family.suffixes)
            if training.section is not None:
                section = training.section(species=("Mo",), family=family.name)
                assert section.family == family.name


# --------------------------------------------------------------------- campaign files


def campaign(family: str | None) -> Any:
    potential = {"species": ["Al"], **({} if family is None else {"family": family})}
    document = {
        "potential": potential,
        "reference": {"calculator": "emt"},
        "structures": {"fcc": {"crystal": "fcc", "species": "Al", "a": 4.05}},
        "scenario": [
            {"name": "warm", "kind": "md", "structure": "fcc", "temperature": 300, "steps": 10}
        ],
    }
    (settings,) = settings_of(document, Path("al.toml")).stages
    return settings.potential


def test_a_campaign_file_without_family_means_moment_tensor_potentials() -> None:
    assert campaign(None) == campaign("mtp")
    assert isinstance(campaign(None), MomentTensorSection)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("eam", r"\[potential\] family: 'eam' .* cannot be trained; expected one of 'mtp'"),
        ("ann", r"\[potential\] family: 'ann' is no family .* expected one of 'mtp'"),
    ],
)
def test_other_families_are_an_error_with_those_that_can(family: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        campaign(family)


class TwoFamilies(Section):
    """Settings where there are two families that can be trained."""

    potential: potential_sections((*FAMILIES, TOY))  # type: ignore[valid-type]


def two(**potential: Any) -> TwoFamilies:
    return TwoFamilies.model_validate_json(json.dumps({"potential": potential}))


def test_of_several_families_the_key_tells_which() -> None:
    assert isinstance(two(species=["Al"]).potential, MomentTensorSection)
    assert two(species=["Al"], level=8).potential.level == 8
    toy = two(family="toy", species=["Al"], size=7)
    assert isinstance(toy.potential, ToySection)
    assert toy.potential.size == 7
    assert TwoFamilies.model_validate_json(toy.model_dump_json()) == toy


@pytest.mark.parametrize(
    ("potential", "message"),
    [
        (
            {"family": "toy", "level": 8},
            "[potential] level: unknown key; it goes with family = 'mtp', not with 'toy'",
        ),
        ({"family": "toy", "lvl": 8}, "[potential] lvl: unknown key; remove it, or use one"),
        ({"size": 8}, "[potential] size: unknown key"),
        ({"family": "toy", "size": "big"}, "[potential] size: expected a whole number"),
        ({"family": "ann"}, "[potential] family: 'ann' is no family of potentials"),
    ],
)
def test_messages_name_the_key_whatever_the_family(potential: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        two(species=["Al"], **potential)
    (found,) = describe_errors(caught.value, None, set(), TwoFamilies)
    assert found.startswith(message)
