"""A reference to compare with, as an ASE calculator: a potential, or a code that labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from maxvolt.errors import DataError
from maxvolt.labelling.codes.protocol import MisconfiguredError
from maxvolt.labelling.reference import Reference
from maxvolt.potentials.families import family_of_file
from maxvolt.potentials.loading import potential_files
from maxvolt.properties.arguments import calculators_of

__all__ = ["ReferenceCalculator", "names_code", "reference_calculator"]


class ReferenceCalculator(Calculator):
    """ASE calculator of a code that labels, with complete settings and a folder of its own.

    Parameters
    ----------
    reference
        Code, settings, machine.
    """

    implemented_properties: list[str] = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, reference: Reference) -> None:
        Calculator.__init__(self)
        self.reference = reference
        try:
            reference.code.prepare(reference.machine)
        except MisconfiguredError as error:
            raise DataError(f"{reference.calculator}: {error}") from error

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Run the code once.

        Raises
        ------
        DataError
            The code cannot calculate these elements, or lacks a setting.
        """
        Calculator.calculate(self, atoms, properties, system_changes)
        structure = self.atoms
        if not isinstance(structure, Atoms):
            raise DataError("a reference needs a structure: none was given, now or before")
        code, machine = self.reference.code, self.reference.machine
        settings = self.reference.complete_settings
        try:
            code.check(settings, machine, sorted(set(structure.get_chemical_symbols())))
            with TemporaryDirectory(prefix="maxvolt-reference.") as folder:
                found = code.run(structure, settings, machine, Path(folder))
        except MisconfiguredError as error:
            raise DataError(f"{self.reference.calculator}: {error}") from error
        known = {name: value for name, value in found.items() if value is not None}
        energy = known.get("free_energy", known.get("energy"))
        self.results = {**known, "energy": energy, "free_energy": energy}
        if "stress" in known:
            self.results["stress"] = np.asarray(known["stress"], dtype=float)
        for name in properties:
            if name not in self.results:
                raise PropertyNotImplementedError(
                    f"{self.reference.calculator} gives no {name} of this structure"
                )


def names_code(given: str) -> bool:
    """Whether a command line names a code, a class or a TOML file where a potential may stand.

    Anything else is the file of a potential, or the name of an ensemble, be it there or not.
    """
    path = Path(given)
    if path.suffix == ".toml":
        return True
    return family_of_file(path) is None and not potential_files(path)[0].exists()


def reference_calculator(given: str, species: Sequence[str] | None = None) -> Any:
    """Make a calculator of what a command line calls a reference.

    Parameters
    ----------
    given
        The file of a potential; a TOML file with ``calculator`` and ``[settings]``; or the name of
        a code, as 'maxvolt label' has them, or of a class as ``module:Class``.
    species
        Elements of type 0, 1, ... for a potential that names none.

    Raises
    ------
    DataError
        None of these.
    """
    path = Path(given)
    if path.suffix == ".toml":
        return ReferenceCalculator(Reference.from_file(path))
    if path.exists():
        from maxvolt.potentials.loading import load

        return calculators_of(load(path, None if species is None else tuple(species)))[0]
    if "/" in given or (path.suffix and ":" not in given):
        raise DataError(f"{given}: there is no such file; expected a potential, a TOML file with a "
                        "calculator, or the name of a code such as emt")  # fmt: skip
    return ReferenceCalculator(Reference(given))
