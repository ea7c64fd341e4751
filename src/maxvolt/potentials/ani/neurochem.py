"""Published ANI potentials in the files of NeuroChem, the program of the ANI papers.

A potential is a file of constants (``rAl-7.0R_32-5.0A_a8-8.params``), energies of atoms in Hartree
(``sae_linfit.dat``), and one folder of networks for each member of an ensemble
(``train0/networks/ANN-Al.nnf``), whose outputs are in Hartree. A file ``.info`` names them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ase.units import Hartree
from numpy.typing import NDArray

from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.potentials.ani.files import Content
from maxvolt.potentials.ani.neurochem_networks import Network, file_bytes, read_network
from maxvolt.potentials.ani.settings import ANISettings
from maxvolt.species import check_species

__all__ = ["is_neurochem", "looks_like_info", "read_neurochem"]

_SELF_ENERGIES = "sae_linfit.dat"
_MOST_MEMBERS = 1000
_ALPHA = 0.1
"""Parameter of CELU, the same in all of NeuroChem."""

_SINGLE = ("Rcr", "Rca", "EtaR", "EtaA", "Zeta")
_SEVERAL = ("ShfR", "ShfA", "ShfZ")


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the parts of a potential are."""

    constants: Path
    self_energies: Path
    networks: tuple[Path, ...]


def looks_like_info(beginning: bytes) -> bool:
    """Whether a file begins as an ``.info`` file: the names of constants and of energies."""
    lines = beginning.split(b"\n")[:2]
    return len(lines) == 2 and lines[0].strip().endswith(b".params") and b".dat" in lines[1]


def is_neurochem(path: Path) -> bool:
    """Whether a potential is in files of NeuroChem, not in one of ours."""
    if path.is_dir():
        return True
    try:
        with path.open("rb") as file:
            return looks_like_info(file.read(4096))
    except OSError:
        return False  # the reader of our files says what is wrong


def read_neurochem(path: Path) -> list[Content]:
    """Read the members of a potential, with energies in eV.

    Parameters
    ----------
    path
        An ``.info`` file; the folder with ``train0``, ``train1``, ... in it, or one of these.

    Raises
    ------
    FileFormatError
        A file is missing, damaged, or has something that is not covered.
    """
    layout = _from_folder(path) if path.is_dir() else _from_info(path)
    settings, species = _constants(layout.constants)
    energies = _self_energies(layout.self_energies, species)
    n_features = settings.n_features(len(species))
    members = []
    for folder in layout.networks:
        networks = [read_network(folder / f"ANN-{symbol}.nnf", n_features) for symbol in species]
        members.append(_member(layout.constants, settings, species, energies, networks))
    return members


def _member(
    path: Path,
    settings: ANISettings,
    species: tuple[str, ...],
    energies: NDArray[np.float64],
    networks: Sequence[Network],
) -> Content:
    try:
        form = replace(settings, element_layers=tuple(network.hidden for network in networks))
    except MaxvoltError as error:
        raise FileFormatError(path, f"has networks that are not possible: {error}") from error
    weights = {
        f"{symbol}.{number}.{part}": values
        for symbol, network in zip(species, networks, strict=True)
        for number, layer in enumerate(network.layers)
        for part, values in zip(("weight", "bias"), layer, strict=True)
    }
    return Content(species, form, weights, energies, np.full(len(species), Hartree))


def _from_info(path: Path) -> _Layout:
    lines = [(n, text.strip()) for n, text in enumerate(_lines(path), 1) if text.strip()]
    if len(lines) != 4:
        raise FileFormatError(
            path,
            f"has {len(lines)} lines; expected 4: files of constants and of energies of atoms, the "
            "beginning of the names of the folders of networks, and their number",
        )
    constants, energies, prefix, count = (text for _, text in lines)
    if not (count.isdecimal() and 1 <= int(count) <= _MOST_MEMBERS):
        raise FileFormatError(
            path,
            f"expected the number of networks, 1 to {_MOST_MEMBERS}; got {count:.40}",
            line=lines[3][0],
        )
    home = path.parent
    networks = tuple(home / f"{prefix}{number}" / "networks" for number in range(int(count)))
    return _Layout(home / constants, home / energies, networks)


def _from_folder(folder: Path) -> _Layout:
    """Find the parts of a potential in a folder, or those that its members share beside it."""
    numbered: list[Path] = []
    while (folder / f"train{len(numbered)}" / "networks").is_dir():
        numbered.append(folder / f"train{len(numbered)}" / "networks")
    networks = tuple(numbered) or (folder / "networks",)
    places = [folder, *([folder / "train0"] if numbered else [folder.parent])]
    for place in places:
        found = sorted(place.glob("*.params"))
        if len(found) > 1:
            raise FileFormatError(
                place,
                f"has {len(found)} files of constants, {found[0].name} and others; name the one to "
                "use in an .info file",
            )
        if found:
            energies = next(
                (one / _SELF_ENERGIES for one in places if (one / _SELF_ENERGIES).is_file()),
                folder / _SELF_ENERGIES,
            )
            return _Layout(found[0], energies, networks)
    raise FileFormatError(folder, "has no file of constants, *.params, for its networks")


def _constants(path: Path) -> tuple[ANISettings, tuple[str, ...]]:
    """Read symmetry functions and species."""
    found: dict[str, tuple[str, ...]] = {}
    for line, text in enumerate(_lines(path), 1):
        if not text.strip():
            continue
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or name not in ("TM", "Atyp", *_SINGLE, *_SEVERAL):
            raise FileFormatError(
                path,
                f"{name or text.strip():.40} is not covered; expected NAME = VALUE with the names "
                "TM, Rcr, Rca, EtaR, ShfR, Zeta, ShfZ, EtaA, ShfA, Atyp",
                line=line,
            )
        found[name] = tuple(value.strip() for value in values.strip("[]").split(","))
    for name in ("Atyp", *_SINGLE, *_SEVERAL):
        if name not in found:
            raise FileFormatError(path, f"{name} is missing")
    if found.get("TM", ("1",)) != ("1",):
        raise FileFormatError(
            path, f"TM = {found['TM'][0]:.20}: such functions are not covered; expected 1"
        )
    numbers = {name: _numbers(path, name, found[name]) for name in (*_SINGLE, *_SEVERAL)}
    try:
        return _settings(numbers), check_species(found["Atyp"])
    except MaxvoltError as error:
        raise FileFormatError(path, str(error)) from error


def _settings(numbers: dict[str, tuple[float, ...]]) -> ANISettings:
    return ANISettings(
        radial_cutoff=numbers["Rcr"][0],
        radial_functions=len(numbers["ShfR"]),
        angular_cutoff=numbers["Rca"][0],
        angular_shells=len(numbers["ShfA"]),
        angular_sections=len(numbers["ShfZ"]),
        start=0.0,
        radial_eta=numbers["EtaR"][0],
        angular_eta=numbers["EtaA"][0],
        zeta=numbers["Zeta"][0],
        celu_alpha=_ALPHA,
        radial_shifts=numbers["ShfR"],
        angular_shifts=numbers["ShfA"],
        angular_angles=numbers["ShfZ"],
    )


def _numbers(path: Path, name: str, values: tuple[str, ...]) -> tuple[float, ...]:
    if name in _SINGLE and len(values) != 1:
        raise FileFormatError(
            path, f"{name} has {len(values)} values; functions with several are not covered"
        )
    return tuple(_number(path, name, value) for value in values)


def _number(path: Path, name: str, text: str, line: int | None = None) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FileFormatError(path, f"{name}: expected a number; got {text:.40}", line=line)
    return value


def _self_energies(path: Path, species: tuple[str, ...]) -> NDArray[np.float64]:
    """Read the energy of an atom of each species, eV; lines ``Al,0=-2.7``, in Hartree."""
    energies: dict[str, float] = {}
    for line, text in enumerate(_lines(path), 1):
        if not text.strip():
            continue
        name, equals, value = text.partition("=")
        symbol, _, number = (part.strip() for part in name.partition(","))
        if not equals or symbol not in species or number != str(species.index(symbol)):
            known = ", ".join(f"{one},{n}" for n, one in enumerate(species))
            raise FileFormatError(
                path,
                f"expected an energy of one of {known}, as {species[0]},0=-2.7; got "
                f"{text.strip():.40}",
                line=line,
            )
        energies[symbol] = _number(path, symbol, value, line)
    if missing := [symbol for symbol in species if symbol not in energies]:
        raise FileFormatError(path, f"the energy of {missing[0]} is missing")
    return Hartree * np.array([energies[symbol] for symbol in species])


def _lines(path: Path) -> list[str]:
    try:
        return file_bytes(path).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise FileFormatError(path, "is no text") from error
