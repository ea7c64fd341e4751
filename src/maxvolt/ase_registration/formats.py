"""The format ``mlip-cfg`` of ``ase.io``, and the calculator ``maxvolt`` of ASE's tools.

ASE reads the entry points of the group ``ase.ioformats`` when ``ase.io`` is first imported, and
looks for calculators by name in its package ``ase.calculators``. That package is given one more
folder here, so that ``get_calculator_class("maxvolt")`` and ``ase run maxvolt`` find this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ase.calculators
from ase import Atoms
from ase.utils.plugins import ExternalIOFormat

__all__ = ["mlip_cfg", "read_mlip_cfg", "write_mlip_cfg"]

mlip_cfg = ExternalIOFormat(
    desc="MLIP configurations (moment tensor potentials)",
    code="+S",
    module=__name__,
    magic_regex=rb"\s*BEGIN_CFG\s",
)

_FOLDER = str(Path(__file__).parent / "calculators")

if _FOLDER not in ase.calculators.__path__:
    ase.calculators.__path__.append(_FOLDER)


def read_mlip_cfg(
    filename: str, index: int | slice = -1, *, species: Sequence[str] | None = None
) -> list[Atoms]:
    """Read configurations for `ase.io.read`, text or binary.

    Parameters
    ----------
    filename
        The file.
    index
        Which structures.
    species
        Symbols of the elements of types 0, 1 and so on, for files that do not name them.
    """
    from maxvolt.io import read

    return read(filename, format="cfg", species=species, index=index).to_atoms()


def write_mlip_cfg(
    filename: str,
    images: Sequence[Atoms],
    *,
    species: Sequence[str] | None = None,
    append: bool = False,
) -> None:
    """Write configurations for `ase.io.write`, as text with all digits.

    Parameters
    ----------
    filename
        The file.
    images
        Structures, with results that a calculator already holds as labels.
    species
        Symbols of the elements of types 0, 1 and so on; None: by atomic number.
    append
        Add to an existing file.
    """
    from maxvolt.dataset import Dataset
    from maxvolt.io import write

    write(filename, Dataset.from_atoms(images), format="cfg", species=species, append=append)
