"""The reference: which calculator, with which settings, gives the labels."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from maxvolt.errors import DataError, FileFormatError
from maxvolt.files import reading
from maxvolt.labelling.codes import SHORT_NAMES, get_code
from maxvolt.labelling.codes.protocol import Code, ReadsFiles, unknown_machine_keys
from maxvolt.labelling.content import plain_json, settings_hash

__all__ = ["Reference", "with_files"]

_TABLES = ("calculator", "settings", "machine")


@dataclass(frozen=True, slots=True)
class Reference:
    """A calculator and its settings.

    Parameters
    ----------
    calculator
        A short name ("emt", "gpaw", "espresso", "vasp", "abinit", "cp2k", "gaussian", "dftpy",
        "pyscf", "tblite", "potential") or the class of an ASE calculator as ``module:Class``.
    settings
        What decides the result, as the calculator's ASE keywords; what is left open has defaults
        (`complete_settings`). JSON values only. Together with the structure, the complete settings
        are the key under which a label is kept.
    machine
        How it runs here: ``command``, folders of pseudopotentials, and ``environment``, a table of
        environment variables (``OMP_NUM_THREADS`` is 1 if not given). Not part of the key.

    Raises
    ------
    DataError
        When the calculator is unknown or a setting is not a JSON value.
    """

    calculator: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        code = get_code(self.calculator)
        for name in ("settings", "machine"):
            given = getattr(self, name)
            if not isinstance(given, Mapping):
                raise DataError(f"{name} of the reference: expected a table, not {given!r}")
            try:
                plain = plain_json(given)
            except (TypeError, ValueError) as error:
                raise DataError(
                    f"{name} of the reference: {error}; expected numbers, strings, lists, tables"
                ) from error
            object.__setattr__(self, name, plain)
        if isinstance(code, ReadsFiles):
            for name, value in zip(
                ("settings", "machine"),
                code.located(self.settings, self.machine, Path()),
                strict=True,
            ):
                object.__setattr__(self, name, value)
        unknown = unknown_machine_keys(code, self.machine)
        if unknown:
            known = ", ".join(["environment", *sorted(code.machine_keys)])
            raise DataError(f"machine of the reference: unknown {', '.join(unknown)}; use {known}")
        environment = self.machine.get("environment", {})
        if not isinstance(environment, Mapping):
            raise DataError(
                f"environment in machine of the reference: expected a table, not {environment!r}"
            )

    @classmethod
    def from_file(cls, path: str | Path, calculator: str | None = None) -> Self:
        """Read a TOML file with ``calculator`` and the tables ``[settings]`` and ``[machine]``.

        Parameters
        ----------
        path
            The file.
        calculator
            The calculator where the file names none; both must agree where both name one.
        """
        with reading(path) as stream:
            try:
                document = tomllib.load(stream)
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise FileFormatError(path, f"is not valid TOML: {error}") from error
        unknown = sorted(set(document) - set(_TABLES))
        if unknown:
            raise FileFormatError(
                path, f"unknown {', '.join(unknown)} at the top; expected {', '.join(_TABLES)}"
            )
        named = document.get("calculator", calculator)
        if named is None:
            raise FileFormatError(
                path, 'names no calculator; add a line such as calculator = "emt"'
            )
        if calculator not in (None, named):
            raise FileFormatError(path, f"is for {named}, not for {calculator}")
        located = with_files({"calculator": named, **document}, Path(path).parent)
        try:
            return cls(named, located.get("settings", {}), located.get("machine", {}))
        except DataError as error:
            raise FileFormatError(path, str(error)) from error

    @property
    def code(self) -> Code:
        """The code that the name stands for."""
        return get_code(self.calculator)

    @property
    def complete_settings(self) -> dict[str, Any]:
        """The settings with all defaults filled in."""
        return self.code.complete(self.settings)

    @property
    def key(self) -> str:
        """Hash of the calculator and the complete settings, 32 hexadecimal digits."""
        return settings_hash(self.calculator, self.complete_settings)


def with_files(section: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Find the files that a reference names, relative to a folder, and note what is in them.

    Parameters
    ----------
    section
        ``calculator``, ``settings`` and ``machine``, as a file of settings has them.
    folder
        The folder of that file.

    Raises
    ------
    MaxvoltError
        A file cannot be read.
    """
    settings, machine = section.get("settings", {}), section.get("machine", {})
    code = get_code(name) if (name := section.get("calculator")) in SHORT_NAMES else None
    tables = isinstance(settings, dict) and isinstance(machine, dict)
    if not (tables and isinstance(code, ReadsFiles)):
        return dict(section)  # what is wrong with it is said where it is used
    settings, machine = code.located(settings, machine, folder)
    return {**section, "settings": settings, "machine": machine}
