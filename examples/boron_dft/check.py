"""What boron.toml has found, beside the known structure, both with the same DFT.

    python check.py --known     # label alpha-boron and one random crystal: a minute
    python check.py boron       # alpha-boron and the five best findings: some minutes each

They are relaxed with the reference of the campaign; their energies are then calculated with more
k-points, higher cutoffs and another pseudopotential, those of the first row of convergence.py.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from known_crystals import alpha_boron

import maxvolt
from maxvolt.campaign import CampaignFolder, read_settings
from maxvolt.properties.reference_calculator import ReferenceCalculator
from maxvolt.report.output import write_json
from maxvolt.sampling import Relaxation, Thresholds
from maxvolt.search.random_candidates import new_candidate
from maxvolt.search.space_groups import space_group
from maxvolt.units import GPA_PER_EV_A3

FILE = Path(__file__).with_name("boron.toml")

ACCURATE = {
    "pseudopotentials": {"B": "B.pbe-n-kjpaw_psl.1.0.0.UPF"},
    "kspacing": 0.06,
    "input_data": {
        "system": {
            "ecutwfc": 45,
            "ecutrho": 330,
            "occupations": "smearing",
            "smearing": "mv",
            "degauss": 0.01,
        },
        "electrons": {"conv_thr": 1e-7, "mixing_beta": 0.7},
    },
}
"""Settings of the energies that are told."""


def label_known(output: Path) -> None:
    """Label the known structure and the first random crystal of the search."""
    settings = read_settings(FILE).stages[0]
    wanted = settings.scenario[0].settings(settings.potential.species)
    random, origin = new_candidate(wanted, (12,), [0])
    structures = maxvolt.Dataset.from_atoms([alpha_boron(), random])
    found = maxvolt.label(
        structures, settings.reference.reference(), maxvolt.LabelStore(output / "check.db")
    )
    rows = [
        {"structure": name, "volume_A3_per_atom": volume, "energy_eV_per_atom": energy}
        for name, volume, energy in zip(
            ("alpha-boron, experimental cell", origin),
            [atoms.get_volume() / 12 for atoms in found.dataset],
            found.dataset.energies / 12,
            strict=True,
        )
    ]
    write_json(rows, output / "known.json")
    print(json.dumps(rows, indent=1))


def relax_findings(folder: Path, count: int) -> None:
    """Relax with the DFT, calculate energies with an accurate one, and write a table."""
    settings = read_settings(FILE).stages[0]
    structures = maxvolt.read(CampaignFolder.find(folder).findings_file).to_atoms()[:count]
    scenario = Relaxation(
        "check",
        maxvolt.Dataset.from_atoms([alpha_boron(), *structures]),
        force_tolerance=0.01,
        stress_tolerance=0.1 / GPA_PER_EV_A3,
        max_steps=60,
    )
    calculator = ReferenceCalculator(settings.reference.reference())
    accurate = ReferenceCalculator(maxvolt.Reference("espresso", ACCURATE))
    rows = []
    for relaxed in scenario.iterate(calculator, Thresholds()):
        outcome = relaxed.outcome
        rows.append(
            {
                "structure": "alpha-boron" if outcome.index == 0 else f"finding {outcome.index}",
                "space_group": space_group(outcome.structure),
                "search_eV_per_atom": outcome.structure.get_potential_energy() / 12,
                "accurate_eV_per_atom": accurate.get_potential_energy(outcome.structure) / 12,
                "volume_A3_per_atom": outcome.structure.get_volume() / 12,
                "end": str(outcome.reason),
                "steps": outcome.steps,
            }
        )
        print(json.dumps(rows[-1]), flush=True)
        write_json(rows, folder / "check.json")


def main() -> None:
    """Read the arguments and do it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("boron"))
    parser.add_argument("--known", action="store_true")
    parser.add_argument("--count", type=int, default=5)
    options = parser.parse_args()
    if options.known:
        label_known(Path.cwd())
    else:
        relax_findings(options.folder, options.count)


if __name__ == "__main__":
    main()
