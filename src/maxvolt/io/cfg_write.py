"""Write MLIP text configurations, laid out as MLIP-2 and MLIP-3 do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.io.cfg_record import ATOM_FIELDS, AtomField, CfgConfiguration
from maxvolt.io.cfg_text import unescape

__all__ = ["text_bytes"]

_ESCAPES = {" ": r"\_", "\t": r"\t", "\n": r"\n", "\r": r"\r"}

_HEADERS = {
    "site_energies": "            site_en",
    "forces": "           fx          fy          fz",
    "charges": "      charge",
    "magmoms": "      magmom_x     magmom_y     magmom_z",
    "magmom_derivatives": "      en_der_mx     en_der_my     en_der_mz",
    "ghost": "     ghost",
    "nbh_grades": "       nbh_grades",
}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Formats of the numbers; the wider gap before charges is the format's own."""

    index: str
    atom_type: str
    length: str
    energy: str
    stress: str
    fields: dict[str, str]


_FULL = _Layout(
    index="%d",
    atom_type="%d",
    length="%.16e",
    energy="%.16e",
    stress="%.16e",
    fields=dict.fromkeys(_HEADERS, "%.16e"),
)
_ORDINARY = _Layout(
    index="%10d",
    atom_type="%4d",
    length="%13.6f",
    energy="%20.12f",
    stress="%11.5f",
    fields={
        "site_energies": "%17.12f",
        "forces": "%11.6f",
        "charges": "%8.4f",
        "magmoms": "%12.6f",
        "magmom_derivatives": "%13.5f",
        "nbh_grades": "%15.5f",
    },
)


def text_bytes(
    configuration: CfgConfiguration, *, full_precision: bool = True, direct: bool = False
) -> bytes:
    """Return one configuration as text.

    Parameters
    ----------
    configuration
        What to write.
    full_precision
        True for all 17 digits, so that reading returns the same numbers; False for MLIP's ordinary
        precision (positions to 1e-6 Angstrom).
    direct
        True for fractional instead of Cartesian positions.
    """
    layout = _FULL if full_precision else _ORDINARY
    parts = [f"BEGIN_CFG\n Size\n    {len(configuration)}\n", _cell_text(configuration, layout)]
    if len(configuration):
        parts.append(_atoms_text(configuration, layout, direct))
    if configuration.energy is not None:
        parts.append(f" Energy\n    {layout.energy % configuration.energy}\n")
    if configuration.plus_stress is not None:
        values = " ".join(layout.stress % value for value in configuration.plus_stress)
        labels = "xx          yy          zz          yz          xz          xy"
        parts.append(f" PlusStress:  {labels}\n     {values}\n")
    parts += [_feature_text(name, value) for name, value in configuration.features.items()]
    parts.append("END_CFG\n\n")
    return "".join(parts).encode("utf-8", "surrogateescape")


def _cell_text(configuration: CfgConfiguration, layout: _Layout) -> str:
    """Write the lattice vectors up to the last one that is not zero."""
    used = np.flatnonzero(configuration.cell.any(axis=1))
    if not len(used):
        return ""
    rows = configuration.cell[: used[-1] + 1]
    lines = ("    " + " ".join(layout.length % value for value in row) + "\n" for row in rows)
    return " Supercell\n" + "".join(lines)


def _atoms_text(configuration: CfgConfiguration, layout: _Layout, direct: bool) -> str:
    positions = _direct(configuration) if direct else configuration.positions
    names = ("direct" if direct else "cartes",) * 3
    header = " AtomData:  id type" + "       {}_x      {}_y      {}_z".format(*names)
    row = f"    {layout.index} {layout.atom_type}  " + " ".join([layout.length] * 3)
    columns: list[list[object]] = [
        list(range(1, len(configuration) + 1)),
        configuration.types.tolist(),
        *positions.T.tolist(),
    ]
    for field in ATOM_FIELDS:
        values = getattr(configuration, field.attribute)
        if values is None:
            continue
        header += _HEADERS[field.attribute]
        row += _row_format(field, layout)
        if field.attribute == "ghost":
            columns.append(["true " if ghost else "false" for ghost in values])
        else:
            columns += np.atleast_2d(values.T).tolist()
    row += "\n"
    return header + "\n" + "".join([row % line for line in zip(*columns, strict=True)])


def _direct(configuration: CfgConfiguration) -> NDArray[np.float64]:
    if not configuration.volume > 0:
        raise DataError("direct coordinates need a cell of three lattice vectors")
    return np.asarray(np.linalg.solve(configuration.cell.T, configuration.positions.T).T)


def _row_format(field: AtomField, layout: _Layout) -> str:
    if field.attribute == "ghost":
        return "     %s"
    gap = "    " if field.attribute == "charges" else "  "
    return gap + " ".join([layout.fields[field.attribute]] * len(field.columns))


def _feature_text(name: str, value: str) -> str:
    escaped = name
    for character, escape in _ESCAPES.items():
        escaped = escaped.replace(character, escape)
    encoded = escaped.encode("utf-8", "surrogateescape")
    back = unescape(encoded).decode("utf-8", "surrogateescape")
    if back != name or encoded.split() != [encoded]:
        raise DataError(f"the name {name!r} of a feature cannot be written to a .cfg; rename it")
    return "".join(f" Feature   {escaped}\t{line}\n" for line in value.split("\n"))
