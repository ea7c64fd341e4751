"""Properties of published potentials beside what others have published of them.

    python benchmarks/property_answers.py POTENTIALS --output docs/properties

POTENTIALS is the folder of potentials of LAMMPS. Writes known_answers.json, which keeps what is
computed, and known_answers.txt, the table. Numbers of lammps_answers.json in the same folder, which
lammps_answers.py computes, come into the table, too. The quasi-harmonic approximation needs
phonopy.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ase.build import bulk

from maxvolt.properties import compute_property
from maxvolt.report.output import write_json

__all__ = ["ANSWERS", "Answer", "main"]

MISHIN = "Mishin et al., Phys. Rev. B 63, 224106 (2001)"
LYSOGORSKIY = "Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021), Table 1, column EAM"
FILE = "written in the file of the potential"
GRAINS = (
    "table of grain boundaries of copper in MoDELib (G. Po et al.), file Cu.h: LAMMPS with the "
    "potential of Mishin"
)
OILAB = "comment in the examples of OILab (N. Admal et al.): LAMMPS with this file"
TUTORIAL = "README of a LAMMPS tutorial on nudged elastic bands with this file"
QUOTED = "quoted as Mendelev 2003 in the tests of a program for elastic constants"
LAMMPS = "LAMMPS's minimiser, lammps_answers.py"
DYNAMICS = "LAMMPS's molecular dynamics at constant pressure, classical, lammps_answers.py"

CU, AL, NI = "Cu_mishin1.eam.alloy", "Al_mm.eam.fs", "NiAlH_jea.eam.alloy"
MG, FE, W = "Mg_mm.eam.fs", "Fe_mm.eam.fs", "W_zhou.eam.alloy"

CRYSTALS = {
    CU: ("Cu", "fcc", 3.615),
    AL: ("Al", "fcc", 4.045),
    NI: ("Ni", "fcc", 3.52),
    MG: ("Mg", "hcp", 3.184),
    FE: ("Fe", "bcc", 2.855),
    W: ("W", "bcc", 3.157),
}


@dataclass(frozen=True)
class Answer:
    """One published number."""

    potential: str
    property: str
    value: str
    theirs: float
    source: str


ANSWERS = (
    Answer(CU, "lattice", "a", 3.615, MISHIN),
    Answer(CU, "lattice", "energy", -3.54, MISHIN),
    Answer(CU, "elastic", "C11", 169.9, MISHIN),
    Answer(CU, "elastic", "C12", 122.6, MISHIN),
    Answer(CU, "elastic", "C44", 76.2, MISHIN),
    Answer(CU, "vacancies", "vacancy", 1.27, MISHIN),
    Answer(CU, "vacancies", "vacancy", 1.28, LYSOGORSKIY),
    Answer(CU, "vacancy-migration", "vacancy migration", 0.689, MISHIN),
    Answer(CU, "vacancy-migration", "vacancy migration", 0.69, LYSOGORSKIY),
    Answer(CU, "interstitials", "<100> dumbbell", 3.12, LYSOGORSKIY),
    Answer(CU, "interstitials", "octahedral", 3.29, LYSOGORSKIY),
    Answer(CU, "interstitials", "tetrahedral", 3.63, LYSOGORSKIY),
    Answer(CU, "stacking-faults", "intrinsic stacking fault", 44.4, MISHIN),
    Answer(CU, "stacking-faults", "intrinsic stacking fault", 45, LYSOGORSKIY),
    Answer(CU, "stacking-faults", "extrinsic stacking fault", 45, LYSOGORSKIY),
    Answer(CU, "stacking-faults", "unstable stacking fault", 158, MISHIN),
    Answer(CU, "surfaces", "(111)", 1239, MISHIN),
    Answer(CU, "surfaces", "(110)", 1475, MISHIN),
    Answer(CU, "surfaces", "(100)", 1345, MISHIN),
    Answer(CU, "grain-boundaries", "Σ5(210)", 951, GRAINS),
    Answer(CU, "grain-boundaries", "Σ5(310)", 905, GRAINS),
    Answer(CU, "grain-boundaries", "Σ5(310)", 905, OILAB),
    Answer(AL, "vacancy-migration", "vacancy migration", 0.63, TUTORIAL),
    Answer(FE, "elastic", "C11", 243, QUOTED),
    Answer(FE, "elastic", "C12", 145, QUOTED),
    Answer(FE, "elastic", "C44", 116, QUOTED),
    Answer(AL, "lattice", "a", 4.04527, FILE),
    Answer(NI, "lattice", "a", 3.52, FILE),
    Answer(MG, "lattice", "a", 3.184215, FILE),
    Answer(FE, "lattice", "a", 2.855324, FILE),
    Answer(W, "lattice", "a", 3.157, FILE),
)


def of_lammps(kept: Path) -> list[Answer]:
    """Read what LAMMPS has computed, where it has."""
    found = []
    for potential, values in (json.loads(kept.read_text()) if kept.exists() else {}).items():
        for name, value in values.items():
            owner, _, key = name.partition(": ")
            if key:
                found.append(Answer(potential, owner, key, value, LAMMPS))
            elif name.startswith("volume at"):
                found.append(Answer(potential, "quasi-harmonic", name, value, DYNAMICS))
    return found


def computed(one: Answer, folder: Path) -> dict[str, Any]:
    """Compute the property of an answer."""
    species, kind, a = CRYSTALS[one.potential]
    settings = {}
    if one.property == "quasi-harmonic":
        settings = {"temperature": float(one.value.split()[2])}
    atoms = bulk(species, kind, a=a)
    found = compute_property(one.property, folder / one.potential, atoms, settings).to_dict()
    return {part: found[part] for part in ("values", "settings", "notes", "warnings")}


def main() -> None:
    """Compute what is missing, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potentials", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    kept = options.output / "known_answers.json"
    known = json.loads(kept.read_text()) if kept.exists() else {}
    answers = [*ANSWERS, *of_lammps(options.output / "lammps_answers.json")]
    answers.sort(key=lambda one: list(CRYSTALS).index(one.potential))
    for one in answers:
        key = _key(one)
        if key not in known:
            known[key] = computed(one, options.potentials)
            write_json(known, kept)
            print(key, flush=True)
    lines = ["| potential | property | ours | theirs | source |", "|---|---|---|---|---|"]
    for one in answers:
        ours = known[_key(one)]["values"][one.value]
        label = (
            one.value
            if one.property in ("vacancies", "interstitials")
            else (f"{one.property.replace('-', ' ')}: {one.value}")
        )
        lines.append(
            f"| {one.potential} | {label} ({ours['unit']}) | {ours['value']:.5g} | "
            f"{one.theirs:.6g} | {one.source} |"
        )
    (options.output / "known_answers.txt").write_text("\n".join(lines) + "\n")


def _key(one: Answer) -> str:
    """Name of what is computed once for several answers."""
    of = f" {one.value}" if one.property == "quasi-harmonic" else ""
    return f"{one.potential} {one.property}{of}"


if __name__ == "__main__":
    main()
