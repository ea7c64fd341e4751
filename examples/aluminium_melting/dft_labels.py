"""Structures that DFT labels, and labels that are kept: small files beside aluminium_dft.toml.

python dft_labels.py choose small_output     # of a campaign with 32 atoms: what is to be labelled
python dft_labels.py keep dft_output         # of a campaign with DFT: what has been labelled
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ase import Atoms
from ase.io import read, write

from maxvolt.labelling import LabelStore

HERE = Path(__file__).parent
LABELLED, TO_LABEL = HERE / "dft_labels.xyz", HERE / "dft_start.xyz"


def choose(output: Path) -> None:
    """Take the training set without its labels; none is labelled by DFT yet."""
    training = read(output / "aluminium" / "training.xyz", index=":")
    write(LABELLED, [], format="extxyz")
    write_bare(training)


def keep(output: Path) -> None:
    """Take all labels of a campaign, and leave the others to be labelled."""
    before = read(LABELLED, index=":") if LABELLED.stat().st_size else []
    found = LabelStore(output / "aluminium_dft" / "labels.db").labelled().to_atoms()
    known = {fingerprint(atoms) for atoms in before}
    new = [atoms for atoms in found if fingerprint(atoms) not in known]
    known |= {fingerprint(atoms) for atoms in new}
    write(LABELLED, [*before, *new], format="extxyz")
    write_bare([one for one in read(TO_LABEL, index=":") if fingerprint(one) not in known])
    print(f"{len(new)} labels more, {len(before) + len(new)} in all")


def fingerprint(atoms: Atoms) -> bytes:
    """Tell structures apart by what a file keeps of them."""
    return b"".join(
        (array.round(6) + 0.0).tobytes() for array in (atoms.cell.array, atoms.positions)
    )


def write_bare(structures: Sequence[Atoms]) -> None:
    """Write structures without labels."""
    bare = [Atoms(one.numbers, one.positions, cell=one.cell, pbc=True) for one in structures]
    write(TO_LABEL, bare, format="extxyz")


def main() -> None:
    """Choose or keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("choose", "keep"))
    parser.add_argument("output", type=Path, help="folder of run.py")
    options = parser.parse_args()
    (choose if options.what == "choose" else keep)(options.output)


if __name__ == "__main__":
    main()
