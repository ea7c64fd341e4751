"""What a potential that was learned on crystals of 12 atoms knows of gamma-boron, with 28.

    python gamma.py boron [--output gamma_output]

The potential of the search in the folder relaxes alpha- and gamma-boron; then a campaign,
gamma.toml, begins with what the search has labelled and with displaced copies of both, and relaxes
gamma-boron under active learning. After either, both crystals as the potential has relaxed them are
labelled with the density-functional theory of the search. The best findings of the search are
relaxed with the last potential, too. Writes gamma.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from known_crystals import alpha_boron, gamma_boron

import maxvolt
from maxvolt.campaign import CampaignFolder, read_settings
from maxvolt.cli import main as command
from maxvolt.report.output import write_json
from maxvolt.sampling import Relaxation, Thresholds
from maxvolt.search.space_groups import space_group
from maxvolt.units import GPA_PER_EV_A3

SEARCH = Path(__file__).with_name("boron.toml")
FILE = Path(__file__).with_name("gamma.toml")

_FINDINGS = 5
"""Of the search, compared with alpha-boron."""


def relaxed(folder: CampaignFolder, structures: list[Atoms]) -> list[dict[str, Any]]:
    """Relax with the newest potential of a campaign, whatever its grades, and tell them."""
    (file,) = folder.potential_files(read_settings(SEARCH).stages[0].potential)
    scenario = Relaxation(
        "relaxation",
        maxvolt.Dataset.from_atoms(structures),
        force_tolerance=0.005,
        stress_tolerance=0.05 / GPA_PER_EV_A3,
        max_steps=500,
    )
    calculator = maxvolt.Calculator(file, query=file)
    rows = []
    found_all = scenario.iterate(calculator, Thresholds(select=np.inf, stop=np.inf))
    for found in sorted(found_all, key=lambda one: one.outcome.index):  # they come as they end
        atoms = found.outcome.structure
        calculator.calculate(atoms, ["energy", "grades"])
        rows.append(
            {
                "atoms": atoms,
                "energy_eV_per_atom": atoms.get_potential_energy() / len(atoms),
                "largest_grade": float(np.max(calculator.results["grades"])),
                "volume_A3_per_atom": atoms.get_volume() / len(atoms),
                "space_group": space_group(atoms),
                "end": str(found.outcome.reason),
            }
        )
    return rows


def compared(rows: list[dict[str, Any]], store: Path) -> dict[str, Any]:
    """Gamma-boron less alpha-boron with the potential and with labels of the same structures."""
    labelled = maxvolt.label(
        maxvolt.Dataset.from_atoms([row.pop("atoms") for row in rows]),
        read_settings(SEARCH).stages[0].reference.reference(),
        maxvolt.LabelStore(store),
    ).dataset
    for row, energy, atoms in zip(rows, labelled.energies, labelled, strict=True):
        row["label_eV_per_atom"] = float(energy) / len(atoms)
        row["largest_force_eV_per_A"] = float(abs(atoms.get_forces()).max())
        row["largest_stress_GPa"] = float(abs(atoms.get_stress()).max()) * GPA_PER_EV_A3
    return {
        f"gamma_less_alpha_{name}_meV_per_atom": 1000 * (rows[1][key] - rows[0][key])
        for name, key in (("potential", "energy_eV_per_atom"), ("label", "label_eV_per_atom"))
    } | dict(zip(("alpha", "gamma"), rows, strict=True))


def findings(search: CampaignFolder, learned: CampaignFolder) -> list[dict[str, Any]]:
    """The best findings of the search, relaxed with a better potential, beside alpha-boron."""
    found = maxvolt.read(search.findings_file).to_atoms()[:_FINDINGS]
    alpha, *rows = relaxed(learned, [alpha_boron(), *found])
    return [
        {
            "above_alpha_meV_per_atom": 1000
            * (row["energy_eV_per_atom"] - alpha["energy_eV_per_atom"]),
            **{key: row[key] for key in ("volume_A3_per_atom", "space_group", "largest_grade")},
        }
        for row in rows
    ]


def prepared(training: Path, output: Path) -> Path:
    """Write what the campaign needs into a folder, once; the campaign file."""
    output.mkdir(parents=True, exist_ok=True)
    file = output / FILE.name
    if not file.exists():
        alpha_boron().write(output / "alpha.xyz")
        gamma_boron().write(output / "gamma.xyz")
        shutil.copy(training, output / "training.xyz")
        reference = SEARCH.read_text(encoding="utf-8").partition("[reference]")[2]
        reference = reference.partition("[[scenario]]")[0]
        file.write_text(f"{FILE.read_text(encoding='utf-8')}\n[reference]{reference}")
    return file


def run(file: Path) -> CampaignFolder:
    """Run the campaign, or go on with it."""
    if code := command(["run", str(file)]):
        raise SystemExit(code)
    return CampaignFolder.find(file)


def main() -> None:
    """Relax, learn, relax, label, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the search: boron")
    parser.add_argument("--output", type=Path, default=Path("gamma_output"))
    options = parser.parse_args()
    crystals = [alpha_boron(), gamma_boron()]
    search, store = CampaignFolder.find(options.folder), options.output / "check.db"
    options.output.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {"after the search": compared(relaxed(search, crystals), store)}
    print(json.dumps(document, indent=1), flush=True)
    learned = run(prepared(search.training_file, options.output))
    more = len(maxvolt.read(learned.training_file)) - len(maxvolt.read(search.training_file))
    document["after learning both"] = {
        "new_calculations": more,
        **compared(relaxed(learned, crystals), store),
    }
    document["findings with the potential that learned both"] = findings(search, learned)
    print(json.dumps(document, indent=1))
    write_json(document, options.output / "gamma.json")


if __name__ == "__main__":
    main()
