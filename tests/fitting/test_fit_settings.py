"""Settings of fits: one set of defaults, and the forms that `fit` takes them in."""

from __future__ import annotations

import argparse
import inspect
import tomllib
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from training_data import crystals, known_potential, labelled

from maxvolt.campaign.settings import settings_of as campaign_settings_of
from maxvolt.campaign.settings.sections import FitSection, General
from maxvolt.cli import train_options
from maxvolt.errors import FitError
from maxvolt.fitting import FitResult, FitSettings, SolverSettings, Weights, fit
from maxvolt.fitting.network_settings import NetworkSettings
from maxvolt.fitting.settings import FitChanges, settings_with
from maxvolt.fitting.variable_projection import new_potential
from maxvolt.fitting.variable_projection.training import MomentTensorSection
from maxvolt.potentials import MTP

CAMPAIGN = """
[potential]
species = ["Al"]
{potential}
[reference]
calculator = "emt"
[structures.fcc]
crystal = "fcc"
species = "Al"
a = 4.05
[[scenario]]
name = "warm"
kind = "md"
structure = "fcc"
temperature = 300
steps = 10
[fit]
{fit}
"""


def of_campaign(fit: str = "", potential: str = "") -> FitSettings:
    """Settings of the fits of a campaign file."""
    document = tomllib.loads(CAMPAIGN.format(fit=fit, potential=potential))
    (settings,) = campaign_settings_of(document, Path("al.toml")).stages
    return settings.fit.settings(settings.potential.members)


def of_command_line(*arguments: str) -> FitSettings:
    """Settings of the fit of `maxvolt train`."""
    parser = argparse.ArgumentParser()
    train_options.add_arguments(parser)
    return train_options.settings_of(parser.parse_args(["train.xyz", "-o", "p.mtp", *arguments]))


# --------------------------------------------------------------------- one set of defaults


@pytest.mark.parametrize("name", [field.name for field in fields(FitSettings)])
def test_python_campaign_files_and_the_command_line_have_the_same_defaults(name: str) -> None:
    default = getattr(FitSettings(), name)
    assert getattr(of_campaign(), name) == default
    assert getattr(of_command_line(), name) == default


def test_the_described_number_of_starts_is_the_default() -> None:
    alone, several = FitSettings().n_starts, FitSettings(ensemble=2).n_starts
    text = f"by default {alone}, or {several} for each of several members"
    assert text in str(FitSection.model_fields["starts"].description)
    assert f"({alone}; {several} in an ensemble)" in " ".join(help_of_train().split())


def test_the_seed_of_a_campaign_is_that_of_a_fit() -> None:
    assert General().seed == FitSettings().seed


EVERYWHERE: dict[str, tuple[str, list[str], Any]] = {
    "max_iterations": ("max_iterations = 7", ["--max-iterations", "7"], 7),
    "tolerance": ("tolerance = 1e-3", ["--tolerance", "1e-3"], 1e-3),
    "starts": ("starts = 3", ["--starts", "3"], 3),
    "resampling": ('resampling = "bootstrap"', ["--resampling", "bootstrap"], "bootstrap"),
    "starts_apart": ("starts_apart = true", ["--starts-apart"], True),
    "robust": ("robust = true", ["--robust"], True),
    "scaling": ('scaling = "structures"', ["--scaling", "structures"], "structures"),
    "isolated_energies": (
        "isolated_energies = { Al = -1.5 }",
        ["--isolated-energies", "Al=-1.5"],
        {"Al": -1.5},
    ),
    "weights": (
        "energy_weight = 2.0\nforce_weight = 0.5\nstress_weight = 0.25",
        ["--energy-weight", "2", "--force-weight", "0.5", "--stress-weight", "0.25"],
        Weights(2.0, 0.5, 0.25),
    ),
}


@pytest.mark.parametrize("name", EVERYWHERE)
def test_each_setting_arrives(name: str) -> None:
    line, arguments, value = EVERYWHERE[name]
    expected = settings_with(FitSettings(), {name: value})
    assert expected != FitSettings()
    assert of_campaign(line) == expected
    assert of_command_line(*arguments) == expected


def test_settings_of_a_campaign_alone_arrive() -> None:
    line = "start_iterations = 5\nridge = 1e-8\nrestart = false"
    assert of_campaign(line) == FitSettings(
        start_iterations=5, ridge=1e-8, restart_from_potential=False
    )
    assert of_campaign(potential="members = 4").ensemble == 4
    assert of_command_line("--ensemble", "4", "--seed", "9") == FitSettings(ensemble=4, seed=9)


def test_every_key_of_the_section_is_a_setting() -> None:
    """A key that nobody reads would change nothing."""
    renamed = {"energy_weight", "force_weight", "stress_weight", "restart"}
    several = {"best_of"}  # fits, of which the campaign keeps one
    names = {field.name for field in fields(FitSettings)}
    assert set(FitSection.model_fields) - names == renamed | several
    assert names - set(FitSection.model_fields) == {
        "weights",
        "restart_from_potential",
        "ensemble",
        "seed",
    }


def test_a_new_potential_is_the_same_everywhere() -> None:
    section = MomentTensorSection(species=("Al",))
    given = inspect.signature(MTP).parameters
    assert section.level == new_potential.LEVEL
    assert section.cutoff == new_potential.CUTOFF
    assert section.radial_basis_size == new_potential.RADIAL_BASIS_SIZE
    assert section.radial_basis_size == given["radial_basis_size"].default
    assert section.radial_basis == given["radial_basis"].default
    help_text = " ".join(help_of_train().split())
    for option, value in (("even, 2 to 32", section.level), ("in Angstrom", section.cutoff)):
        assert f"{option} ({value})" in help_text


def help_of_train() -> str:
    parser = argparse.ArgumentParser()
    train_options.add_arguments(parser)
    return parser.format_help()


# --------------------------------------------------------------------- forms that `fit` takes


def test_keywords_of_fit_are_the_fields_of_its_settings() -> None:
    hints, keywords = get_type_hints(FitSettings), get_type_hints(FitChanges)
    assert list(keywords) == [field.name for field in fields(FitSettings)]
    for name, kind in (("weights", Weights), ("network", NetworkSettings)):
        assert hints.pop(name) is kind
        assert kind in keywords.pop(name).__args__
    assert keywords == hints


def test_settings_of_the_solver_come_first() -> None:
    names = [field.name for field in fields(FitSettings)]
    assert names[:6] == [field.name for field in fields(SolverSettings)]
    assert all(field.default is not MISSING for field in fields(FitSettings))


def run(**options: Any) -> FitResult:
    data = labelled(known_potential(4, ["Mo"]), crystals(["Mo"], 6))
    return fit(MTP(4, ["Mo"], 4.5, 2.0, 3), data, threads=1, **options)


def test_settings_may_be_an_object_a_mapping_or_keywords() -> None:
    chosen = {"max_iterations": 3, "starts": 2, "seed": 4, "weights": Weights(forces=0.2)}
    results = [
        run(settings=FitSettings(**chosen)),  # type: ignore[arg-type]
        run(settings={**chosen, "weights": {"forces": 0.2}}),
        run(**{**chosen, "weights": {"forces": 0.2}}),
        run(settings=FitSettings(max_iterations=3, seed=8), **{**chosen, "max_iterations": 3}),
    ]
    assert len({result.members for result in results}) == 1
    assert results[0].members != run(max_iterations=3, starts=2, seed=4).members


def test_keywords_count_more_than_settings() -> None:
    settings = settings_with(FitSettings(seed=1, starts=2), {"seed": 5})
    assert (settings.seed, settings.starts) == (5, 2)
    assert asdict(settings) == {**asdict(FitSettings()), "seed": 5, "starts": 2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ensembel": 3}, r"fit: there is no argument 'ensembel'; did you mean 'ensemble'\?"),
        ({"max_iteration": 3}, r"'max_iteration'; did you mean 'max_iterations'\?"),
        ({"thread": 3}, r"'thread'; did you mean 'threads'\?"),
        ({"validation_set": 3}, r"'validation_set'; did you mean 'validation'\?"),
        ({"qqq": 3}, r"there is no argument 'qqq'; the fields of the settings are max_iter"),
        ({"settings": {"seeed": 3}}, r"settings: there is no 'seeed' .*did you mean 'seed'\?"),
        ({"settings": 3}, "settings: expected maxvolt.FitSettings or a dict with max_iterations"),
        ({"weights": {"forces": "high"}}, "weights: expected numbers"),
        ({"weights": {"force": 1.0}}, r"weights: there is no 'force' .*did you mean 'forces'"),
        ({"weights": 3.0}, "weights: expected maxvolt.Weights or a dict with energy, forces"),
        ({"seed": "one"}, "fit: expected numbers"),
    ],
)
def test_names_and_values_that_do_not_exist(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FitError, match=message):
        run(**options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": {"energy": 1.0}}, "weights: expected maxvolt.Weights"),
        ({"scaling": "atoms"}, "scaling must be one of vibrations"),
        ({"resampling": "all"}, "resampling must be one of auto"),
        ({"starts_apart": "yes"}, "starts_apart must be True or False; got 'yes'"),
        ({"isolated_energies": 1.0}, "isolated_energies must be 'fit'"),
        ({"seed": -1}, "a seed must be 0 or more"),
        ({"ensemble": 0}, "ensemble must lie between 1 and 1000"),
    ],
)
def test_settings_check_themselves(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FitError, match=message):
        FitSettings(**changes)


def test_energies_of_atoms_are_kept_as_they_were() -> None:
    energies = {"Mo": -1.0}
    settings = FitSettings(isolated_energies=energies)
    energies["Mo"] = 5.0
    assert settings.isolated_energies == {"Mo": -1.0}
