"""The bytes of a .mtp file as a `PotentialFile`.

Keys may come in any order, since MLIP-2, MLIP-3 and motep do not agree on one. Comment lines before
the first word (``# DATE: ... UNITS: metal CONTRIBUTOR: ...``) are skipped: MLIP reads no file that
has them, so they are not written again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.mtp.files.active_set import parse_active_set
from maxvolt.potentials.mtp.files.fields import InvalidPotentialError
from maxvolt.potentials.mtp.files.record import VERSION, PotentialFile
from maxvolt.potentials.mtp.files.rules import split_tag
from maxvolt.potentials.mtp.files.tokens import MtpScanner

__all__ = ["looks_like_potential", "parse_potential"]

_START = re.compile(rb"(?>(?:[ \t]*+(?>(?:#[^\n]*+)?)\r?+\n)*)MTP(?=\s)")
"""The first word, after comment lines as potentials that come with LAMMPS carry them."""

# Other spellings of a key: MLIP-3 and motep.
_SPELLINGS = {
    "min_val": "min_dist",
    "min": "min_dist",
    "max_val": "max_dist",
    "max": "max_dist",
    "basis_size": "radial_basis_size",
    "size": "radial_basis_size",
}
_READERS: dict[str, Callable[[MtpScanner, str], Any]] = {
    "version": lambda scanner, key: scanner.text(),
    "potential_name": lambda scanner, key: scanner.text(),
    "potential_tag": lambda scanner, key: scanner.text(),
    "scaling": MtpScanner.real,
    "species_count": MtpScanner.integer,
    "radial_basis_type": lambda scanner, key: scanner.text(),
    "min_dist": MtpScanner.real,
    "max_dist": MtpScanner.real,
    "radial_basis_size": MtpScanner.integer,
    "radial_funcs_count": MtpScanner.integer,
    "alpha_moments_count": MtpScanner.integer,
    "alpha_index_basic_count": MtpScanner.integer,
    "alpha_index_basic": MtpScanner.rows,
    "alpha_index_times_count": MtpScanner.integer,
    "alpha_index_times": MtpScanner.rows,
    "alpha_scalar_moments": MtpScanner.integer,
    "alpha_moment_mapping": MtpScanner.integers,
    "species_coeffs": MtpScanner.reals,
    "moment_coeffs": MtpScanner.reals,
}
_OPTIONAL = {
    "potential_name",
    "potential_tag",
    "scaling",
    "species_count",
    "species_coeffs",
    "moment_coeffs",
}
# Where to point at when a field of PotentialFile is wrong and has another name in the file.
_KEYS = {
    "name": "potential_name",
    "tag": "potential_tag",
    "species": "potential_tag",
    "species_labels": "radial_coeffs",
}
_UNITS = re.compile(rb"UNITS:[ \t]*+([^\s]++)")
_MAGNETIC = re.compile(r"magnetic_|.*_mag$|mag_")


def parse_potential(data: bytes, path: str | Path = "<bytes>") -> PotentialFile:
    """Read a potential from the bytes of a file.

    Parameters
    ----------
    data
        Contents of the file.
    path
        Name used in error messages.
    """
    scanner = MtpScanner(data, path)
    start = _START.match(data)
    if start is not None:
        _check_units(scanner, start[0])
    if start is None:
        scanner.fail(
            "not a moment tensor potential: the first line, after comments that begin with '#', "
            "must be 'MTP'"
        )
    scanner.position = start.end()
    return _Parser(scanner).potential()


def looks_like_potential(head: bytes) -> bool:
    """Say whether the first bytes of a file are those of a potential."""
    return _START.match(head) is not None


def _check_units(scanner: MtpScanner, comments: bytes) -> None:
    """Refuse a potential whose comments say that it is in other units than eV and Angstrom."""
    found = _UNITS.search(comments)
    if found is not None and found[1] != b"metal":
        scanner.fail(
            f"the comment says UNITS: {found[1][:40].decode('ascii', 'backslashreplace')}; "
            "moment tensor potentials have metal units, eV and Angstrom: correct the comment, or "
            "convert the coefficients",
            found.start(),
        )


@dataclass(frozen=True, slots=True)
class _RadialBlock:
    """The coefficients of one pair of species."""

    pair: tuple[int, int]
    rows: list[NDArray[np.float64]]
    position: int

    @property
    def name(self) -> str:
        return f"{self.pair[0]}-{self.pair[1]}"


class _Parser:
    """Collects the values of a file by key, with the position of each key."""

    def __init__(self, scanner: MtpScanner) -> None:
        self.scanner = scanner
        self.values: dict[str, Any] = {}
        self.positions: dict[str, int] = {}
        self.labels: tuple[int, ...] | None = None

    def potential(self) -> PotentialFile:
        """Read everything and build the potential."""
        end = self.scanner.position
        while (word := self.scanner.word()) is not None:
            self._entry(_SPELLINGS.get(word, word))
            end = self.scanner.position
        rest = self.scanner.data[end:]
        self.positions["active_set"] = end + (len(rest) - len(rest.lstrip()))
        self._check_required()
        self._check_counts()
        try:
            potential = self._assemble()
            if not rest.strip():
                return potential
            record = parse_active_set(rest, potential.n_parameters, self.scanner.path, offset=end)
            return replace(potential, active_set=record)
        except InvalidPotentialError as error:
            key = _KEYS.get(error.field, error.field)
            self.scanner.fail(error.message, self.positions.get(key, 0))

    def _entry(self, key: str) -> None:
        """Read the value that belongs to a key just read."""
        scanner = self.scanner
        at = scanner.position
        if _MAGNETIC.match(key):
            scanner.fail(
                "magnetic potentials are not supported; use a potential without magnetic_basis_type"
            )
        if key == "scaling" and "radial_basis_type" in self.values:
            key = "radial_scaling"
        if key in self.values:
            scanner.fail(f"'{key}' occurs here a second time")
        if key == "radial_coeffs":
            self.values[key] = self._radial_blocks()
        elif key == "radial_scaling":
            scanner.equals("scaling")
            self.values[key] = scanner.real("scaling")
        elif key in _READERS:
            scanner.equals(key)
            self.values[key] = _READERS[key](scanner, key)
        else:
            scanner.fail(f"unknown key '{key[:40]}'")
        self.positions[key] = at
        if key == "version" and self.values[key] != VERSION:
            scanner.fail(f"version {VERSION} is expected, found {self.values[key][:40]!r}", at)

    def _radial_blocks(self) -> list[_RadialBlock]:
        """Read the blocks after 'radial_coeffs'."""
        blocks = []
        while (pair := self.scanner.labels()) is not None:
            at = self.scanner.position
            rows = []
            while self.scanner.at_brace():
                rows.append(self.scanner.reals("radial_coeffs"))
            blocks.append(_RadialBlock(pair, rows, at))
        if not blocks:
            self.scanner.fail("expected the label of a pair of species, such as 0-0")
        return blocks

    def _check_required(self) -> None:
        missing = [key for key in _READERS if key not in self.values and key not in _OPTIONAL]
        if missing:
            self.scanner.skip_space()
            self.scanner.fail(
                f"'{missing[0]}' is missing; what begins here is not part of the potential"
            )

    def _check_counts(self) -> None:
        """Compare the counts a file states with what it holds."""
        stated = {
            "alpha_index_basic_count": len(self.values["alpha_index_basic"]),
            "alpha_index_times_count": len(self.values["alpha_index_times"]),
            "alpha_scalar_moments": len(self.values["alpha_moment_mapping"]),
        }
        basic = self.values["alpha_index_basic"]
        if len(basic):
            stated["radial_funcs_count"] = int(basic[:, 0].max()) + 1
        for key, found in stated.items():
            if self.values[key] != found:
                self.scanner.fail(
                    f"{key} = {self.values[key]}, but the tables have {found}", self.positions[key]
                )

    def _assemble(self) -> PotentialFile:
        values = dict(self.values)
        for key in ("version", "alpha_index_basic_count", "alpha_index_times_count"):
            del values[key]
        blocks = values.pop("radial_coeffs", None)
        funcs_count = values.pop("radial_funcs_count")
        del values["alpha_scalar_moments"]
        if blocks is not None:
            values.update(self._radial_fields(blocks, funcs_count))
        values["scaling"] = values.get("scaling", 1.0) * values.pop("radial_scaling", 1.0)
        values["name"] = values.pop("potential_name", "")
        values["tag"], values["species"] = split_tag(values.pop("potential_tag", ""))
        return PotentialFile(**values)

    def _radial_fields(self, blocks: list[_RadialBlock], funcs_count: int) -> dict[str, Any]:
        """Put the radial blocks at the places their labels say."""
        labels = list(dict.fromkeys(label for block in blocks for label in block.pair))
        count, size = len(labels), self.values["radial_basis_size"]
        stated = self.values.get("species_count", count)
        if stated != count or len(blocks) != count**2:
            self.scanner.fail(
                f"expected one block for each pair of species, found {len(blocks)} blocks with "
                f"{count} different labels and species_count = {stated}",
                self.positions["radial_coeffs"],
            )
        coeffs: dict[tuple[int, int], NDArray[np.float64]] = {}
        for block in blocks:
            if block.pair in coeffs:
                self.scanner.fail(f"{block.name} occurs here a second time", block.position)
            if len(block.rows) != funcs_count or any(len(row) != size for row in block.rows):
                self.scanner.fail(
                    f"the block {block.name} must have {funcs_count} rows of {size} numbers "
                    "(radial_funcs_count, radial_basis_size)",
                    block.position,
                )
            coeffs[block.pair] = np.array(block.rows)
        return {
            "radial_coeffs": np.array([[coeffs[a, b] for b in labels] for a in labels]),
            "species_labels": tuple(labels),
            "species_count": count,
        }
