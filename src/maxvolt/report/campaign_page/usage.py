"""How to use the potential of a campaign, with the names of its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maxvolt.potentials.families import file_suffix
from maxvolt.report.campaign_page.data import CampaignData
from maxvolt.report.campaign_page.markup import Markup, element

__all__ = ["command_lines", "error_lines", "python_lines", "usage_section_parts"]


def python_lines(files: Sequence[Path]) -> str:
    """A script that computes energy, forces and, where there is an active set, the grade."""
    names = [path.name for path in files]
    lines = ["import maxvolt", "from ase.io import read", ""]
    lines.append('atoms = read("structure.xyz")')
    if len(names) == 1:
        lines.append(f'atoms.calc = maxvolt.Calculator("{names[0]}", query="{names[0]}")')
    else:
        listed = ", ".join(f'"{name}"' for name in names)
        lines.append(f"atoms.calc = maxvolt.Calculator(maxvolt.load([{listed}]))")
    lines.append("print(atoms.get_potential_energy(), atoms.get_forces())")
    if len(names) == 1:
        lines.append(
            'print(atoms.calc.get_property("grade", atoms))  # above 10: not to be trusted'
        )
    else:
        lines.append(
            'print(atoms.calc.get_property("energy_std", atoms))  # spread of the ensemble'
        )
    return "\n".join(lines) + "\n"


def error_lines(files: Sequence[Path], uncertainty: str) -> str:
    """A script that tells which force errors are to be expected."""
    return (
        f'uncertainty = "{uncertainty}"\n'
        f'atoms.calc = maxvolt.Calculator("{files[0].name}", uncertainty=uncertainty)\n'
        "print(atoms.get_forces())\n"
        'print(atoms.calc.results["force_errors"])  # eV/Å, expected for each atom\n'
    )


def command_lines(files: Sequence[Path], training: Path | None) -> str:
    """Commands that evaluate, grade and run the potential."""
    single = len(files) == 1
    name = files[0].name if single else _ensemble_name(files[0])
    lines = [f"maxvolt evaluate {name} structures.xyz -o evaluated.xyz"]
    if single:
        lines.append(f"maxvolt grade {name} structures.xyz")
        lines.append(f"maxvolt md {name} structure.xyz --temperature 300 --steps 10000")
    if training is not None:
        lines.append(f"maxvolt errors {name} {training.name}")
    return "\n".join(lines) + "\n"


def _ensemble_name(member: Path) -> str:
    """Name that the members of an ensemble share, without the number of one of them."""
    suffix = file_suffix(member)
    stem = member.name.removesuffix(suffix).rpartition(".")[0]
    return f"{stem}{suffix}"


def usage_section_parts(data: CampaignData) -> list[Markup]:
    """Return what the section about using the potential holds; nothing without a potential."""
    if not data.potential:
        return []
    names = ", ".join(path.name for path in data.potential)
    return [
        element(
            "p",
            f"Download {names} above, or work in the folder of the campaign, {data.folder}. "
            f"It describes {', '.join(data.species)}; units are eV and Å.",
            class_="muted",
        ),
        element("h3", "Python"),
        element("pre", python_lines(data.potential), tabindex="0", id="use-python"),
        *_expected_errors(data),
        element("h3", "Command line"),
        element("pre", command_lines(data.potential, data.training), tabindex="0", id="use-shell"),
    ]


def _expected_errors(data: CampaignData) -> list[Markup]:
    if data.expected_errors is None:
        return []
    lines = error_lines(data.potential, data.expected_errors.file)
    return [
        element("h3", "Expected errors, in the folder of the campaign"),
        element("pre", lines, tabindex="0", id="use-errors"),
    ]
