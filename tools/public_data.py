"""Read other projects' test data with maxvolt and with ASE, and compare what they found.

    python -m pip download --no-deps --no-binary phonopy -d sdists phonopy
    tar -xzf sdists/phonopy-*.tar.gz -C unpacked
    python tools/public_data.py unpacked                 # a table, and the files that differ
    python tools/public_data.py unpacked --json found.json

Nothing is downloaded here: give folders, such as unpacked source distributions from PyPI. Every
OUTCAR, vasprun.xml, POSCAR, XDATCAR, LAMMPS dump and data file, extended XYZ and MLIP .cfg below
them is read, unconverged steps included. Of each structure that both have read, elements, cells,
positions, free energies, forces and stresses are compared; and so are the OUTCAR and the
vasprun.xml of one folder, with what each says of convergence. Exit status 1 when something differs.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from maxvolt import io
from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError, SpeciesError
from maxvolt.files import COMPRESSED, reading
from maxvolt.io.read_report import UNCONVERGED, ReadReport

FORMATS = (
    "vasp-out",
    "vasp-xml",
    "vasp",
    "vasp-xdatcar",
    "lammps-dump-text",
    "lammps-data",
    "extxyz",
    "cfg",
)
VASP_OUTPUT = ("vasp-out", "vasp-xml")
# Half of the last digit that VASP prints, twice, as both readers convert: a stress is printed in
# kB with five digits behind the point and in eV, and ASE takes one line and maxvolt the other.
TOLERANCES = {
    "cell_A": 1e-6,
    "positions_A": 1e-5,
    "energy_eV": 1e-6,
    "forces_eV_per_A": 1e-6,
    "stress_eV_per_A3": 1e-5,
}
CONVERGED = "VASP"


@dataclass
class Finding:
    """What was found in one file: counts of structures, and the largest differences."""

    path: str
    format: str
    structures: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    refused: str = ""
    only_types: bool = False
    ase_structures: int = 0
    ase_refused: str = ""
    compared: int = 0
    differences: dict[str, float] = field(default_factory=dict)
    labels_missing: dict[str, int] = field(default_factory=dict)

    def beyond(self) -> dict[str, float]:
        """Return the differences that the printed digits do not explain."""
        return {
            name: value
            for name, value in self.differences.items()
            if not value <= TOLERANCES.get(name, 0.0)
        }


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", help="unpacked packages, or any folders")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all findings there")
    options = parser.parse_args()
    logging.getLogger("maxvolt").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    datasets: dict[Path, Dataset] = {}
    findings = [
        examined(path, kind, folder, datasets)
        for folder in options.folders
        for path, kind in files(folder)
    ]
    pairs = list(compared_pairs(datasets))
    print(table(findings))
    print("\n".join(remarks(findings, pairs)))
    if options.json is not None:
        document = {"files": [asdict(one) for one in findings], "pairs": pairs}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 1 if any(one.beyond() for one in findings) or any(p["differs"] for p in pairs) else 0


def files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files that hold structures, with their formats."""
    for path in sorted(folder.rglob("*")):
        kind = io.guess_format(path)
        if kind not in FORMATS or not path.is_file() or path.suffix in (".py", ".pyc", ".rst"):
            continue
        if kind == "cfg" and not begins_a_configuration(path):
            continue  # of some program: a file of settings
        yield path, kind


def begins_a_configuration(path: Path) -> bool:
    """Whether a .cfg is one of MLIP."""
    with reading(path) as stream:
        return any(line.strip() == b"BEGIN_CFG" for line in stream)


def examined(path: Path, kind: str, folder: Path, datasets: dict[Path, Dataset]) -> Finding:
    """Read a file with maxvolt and with ASE, and compare."""
    finding = Finding(str(path.relative_to(folder)), kind)
    dataset = None
    try:
        dataset, report, finding.only_types = read(path, kind)
    except MaxvoltError as error:
        finding.refused = str(error).replace(str(path), path.name)
    else:
        finding.structures, finding.dropped = len(dataset), dict(report.dropped)
        unconverged = sum(info.get("EFS_by") == "VASP_not_converged" for info in dataset.infos)
        if unconverged:
            finding.dropped[UNCONVERGED] = unconverged
        if kind in VASP_OUTPUT:
            datasets[path] = dataset
    theirs: list[Atoms] = []
    if kind != "cfg":  # ASE does not read MLIP's
        try:
            theirs = read_with_ase(path, kind)
            finding.ase_structures = len(theirs)
        except Exception as error:  # noqa: BLE001 - ASE's readers raise whatever went wrong inside
            finding.ase_refused = f"{type(error).__name__}: {error}"[:160]
    for ours, other in matched(dataset, theirs):
        finding.compared += 1
        compare(ours, other, finding)
    return finding


def read(path: Path, kind: str) -> tuple[Dataset, ReadReport, bool]:
    """Read with maxvolt; say whether a LAMMPS file tells only types, then H, He ..."""
    try:
        return *io.read_with_report(path, format=kind, keep_unconverged=True), False
    except SpeciesError:
        if not kind.startswith("lammps"):
            raise
        return *io.read_with_report(path, format=kind, species=chemical_symbols[1:]), True


def read_with_ase(path: Path, kind: str) -> list[Atoms]:
    """Read with ASE; compressed files, which not all of its readers take, are unpacked first."""
    if path.suffix not in COMPRESSED:
        found = ase.io.read(path, index=":", format=kind)
        return found if isinstance(found, list) else [found]
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / path.stem
        with reading(path) as stream, plain.open("wb") as copy:
            shutil.copyfileobj(stream, copy)
        return read_with_ase(plain, kind)


def matched(ours: Iterable[Atoms] | None, theirs: Sequence[Atoms]) -> Iterator[tuple[Atoms, Atoms]]:
    """Pair structures of equal positions, in their order: either may have left some out."""
    start = 0
    for one in ours or ():
        for index in range(start, len(theirs)):
            other = theirs[index]
            if len(one) == len(other) and same_places(one, other):
                start = index + 1
                yield one, other
                break


def same_places(one: Atoms, other: Atoms) -> bool:
    """Whether the atoms stand at the same places."""
    return bool(np.abs(one.positions - other.positions).max() <= 1e-4)


def compare(ours: Atoms, theirs: Atoms, finding: Finding) -> None:
    """Note by how much two structures differ, and which labels only one of them has."""
    one, other = labels(ours), labels(theirs)
    one["cell_A"], other["cell_A"] = ours.cell.array, theirs.cell.array
    one["positions_A"], other["positions_A"] = ours.positions, theirs.positions
    differs = 0.0 if finding.only_types else float((ours.numbers != theirs.numbers).any())
    finding.differences["species"] = max(finding.differences.get("species", 0.0), differs)
    for name in TOLERANCES:
        if (name in one) != (name in other):
            whose = f"{name} only in {'maxvolt' if name in one else 'ASE'}"
            finding.labels_missing[whose] = finding.labels_missing.get(whose, 0) + 1
        elif name in one:
            value = float(np.abs(np.asarray(one[name]) - np.asarray(other[name])).max())
            finding.differences[name] = max(finding.differences.get(name, 0.0), value)


def labels(atoms: Atoms) -> dict[str, object]:
    """Return the labels of a structure as its reader left them, without its constraints."""
    results: Mapping[str, object] = {} if atoms.calc is None else atoms.calc.results
    names = {"energy_eV": "free_energy", "forces_eV_per_A": "forces", "stress_eV_per_A3": "stress"}
    found = {unit: results[name] for unit, name in names.items() if results.get(name) is not None}
    if "energy_eV" not in found and results.get("energy") is not None:
        found["energy_eV"] = results["energy"]
    return found


def compared_pairs(datasets: Mapping[Path, Dataset]) -> Iterator[dict[str, object]]:
    """Compare the OUTCAR and the vasprun.xml of one folder: both are of one run."""
    folders: dict[Path, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in datasets:
        folders[path.parent][str(io.guess_format(path))].append(path)
    for folder, of_kind in sorted(folders.items()):
        if any(len(of_kind[kind]) != 1 for kind in VASP_OUTPUT):
            continue
        outcar, vasprun = (datasets[of_kind[kind][0]] for kind in VASP_OUTPUT)
        pair: dict[str, object] = {
            "folder": "/".join(folder.parts[-4:]),
            "OUTCAR": convergence(outcar),
            "vasprun": convergence(vasprun),
        }
        same = len(outcar) == len(vasprun)
        if same and len(outcar):
            difference = np.abs(outcar.energies - vasprun.energies).max()
            pair["energy_eV"] = float(difference)
            same = bool(difference <= 1e-5)
        pair["differs"] = not same or pair["OUTCAR"] != pair["vasprun"]
        yield pair


def convergence(dataset: Dataset) -> dict[str, int]:
    """Count what a file says of its steps."""
    return dict(Counter(str(info["EFS_by"]) for info in dataset.infos))


# ------------------------------------------------------------------ what is printed


def table(findings: Sequence[Finding]) -> str:
    """Return the counts by format."""
    head = "| format | files | read | structures | unconverged | other steps left out | "
    head += "files ASE reads | structures compared | structures that differ |"
    rows = [head, "|---" * 9 + "|"]
    for kind in FORMATS:
        of_kind = [one for one in findings if one.format == kind]
        if not of_kind:
            continue
        dropped: Counter[str] = Counter()
        for one in of_kind:
            dropped.update(one.dropped)
        unconverged = dropped.pop(UNCONVERGED, 0)
        counts = (
            len(of_kind),
            sum(not one.refused for one in of_kind),
            sum(one.structures for one in of_kind),
            unconverged,
            dropped.total(),
            sum(not one.ase_refused for one in of_kind) if kind != "cfg" else 0,
            sum(one.compared for one in of_kind),
            sum(bool(one.beyond()) for one in of_kind),
        )
        rows.append(f"| {kind} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(rows).replace("structures that differ", "files that differ")


def remarks(findings: Sequence[Finding], pairs: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Name what differs, what is refused and by whom."""
    apart = [pair for pair in pairs if pair["differs"]]
    yield f"\nfolders with OUTCAR and vasprun.xml: {len(pairs)}, that differ: {len(apart)}"
    yield from (f"  {json.dumps(pair)}" for pair in apart)
    for title, chosen in (
        ("labels differ", [(one, one.beyond()) for one in findings if one.beyond()]),
        ("types without elements", [(f, "named by ASE") for f in findings if f.only_types]),
        ("labels of one reader", [(f, f.labels_missing) for f in findings if f.labels_missing]),
        ("refused by maxvolt", [(one, one.refused) for one in findings if one.refused]),
        ("refused by ASE", [(one, one.ase_refused) for one in findings if one.ase_refused]),
        (
            "numbers of structures differ",
            [
                (one, f"{one.structures} in maxvolt, {one.ase_structures} in ASE, {one.dropped}")
                for one in findings
                if not one.refused
                and not one.ase_refused
                and one.format != "cfg"
                and one.structures != one.ase_structures
            ],
        ),
    ):
        yield f"\n{title}: {len(chosen)} files"
        yield from (f"  {one.path}: {what}" for one, what in chosen)


if __name__ == "__main__":
    sys.exit(main())
