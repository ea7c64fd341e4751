"""Monte Carlo of an alloy at one temperature after the other: energy, heat capacity, order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.files import make_folder
from maxvolt.potentials.lattice.chain import Chain, Samples
from maxvolt.potentials.lattice.hamiltonian import Hamiltonian
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.at_temperature import AtTemperature
from maxvolt.properties.lattice.observer import Observer

__all__ = [
    "AnnealingSettings",
    "anneal",
    "annealed",
    "digest_of",
    "random_occupation",
    "temperatures_of",
]


@dataclass(frozen=True, slots=True)
class AnnealingSettings:
    """What is simulated.

    Attributes
    ----------
    temperatures : K
        In the order in which they are visited, highest first to cool down.
    equilibration, production
        Sweeps at each temperature, of as many attempts as there are sites.
    shells
        Of the short-range order.
    snapshots
        Arrangements of the production that the order is averaged over.
    chemical_potentials : eV
        Of each species, which then replace each other; None: constant composition.
    seed
        Of the random numbers.
    """

    temperatures: tuple[float, ...]
    equilibration: int = 500
    production: int = 2000
    shells: int = 2
    snapshots: int = 50
    chemical_potentials: tuple[float, ...] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.temperatures or not all(
            np.isfinite(one) and one > 0 for one in self.temperatures
        ):
            raise SettingsError("temperatures must be positive numbers of K, at least one")
        for name, least in (("equilibration", 0), ("production", 1), ("shells", 1),
                            ("snapshots", 1), ("seed", 0)):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise SettingsError(f"{name} must be a whole number from {least} on, got {value!r}")
        if self.production % min(self.snapshots, self.production):
            raise SettingsError(
                f"production must be a multiple of the {self.snapshots} snapshots, got "
                f"{self.production}"
            )

    @property
    def pieces(self) -> int:
        """Parts of the production, each of which ends with a snapshot."""
        return min(self.snapshots, self.production)

    @property
    def pieces_before(self) -> int:
        """Parts of the same length that the equilibration takes, in replica exchange."""
        return -(-self.equilibration // (self.production // self.pieces))


def random_occupation(
    parent: ParentLattice, supercell: Supercell, composition: Mapping[str, float], seed: int = 0
) -> NDArray[np.int64]:
    """Distribute species at random over the sites.

    Parameters
    ----------
    parent, supercell
        Where; all sites with a choice must allow the same species.
    composition
        Shares or numbers of the species; rounded to whole atoms.
    seed
        Of the random numbers.

    Raises
    ------
    SettingsError
        A species is unknown, a share is negative, or sites differ in what they allow.
    """
    unknown = sorted(set(composition) - set(parent.species))
    shares = np.array([float(composition.get(symbol, 0.0)) for symbol in parent.species])
    if unknown or not (np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0):
        raise SettingsError(
            f"composition gives shares of {', '.join(parent.species)}, none of them negative; got "
            f"{dict(composition)}"
        )
    if not (parent.may_have == parent.may_have[0]).all():
        raise SettingsError(
            "the sites of the lattice differ in what they allow; give the occupation of each"
        )
    n = parent.n_sites(supercell)
    exact = shares / shares.sum() * n
    counts = np.floor(exact).astype(int)
    for species in np.argsort(counts - exact)[: n - counts.sum()]:
        counts[species] += 1
    occupation = np.repeat(np.arange(len(counts)), counts)
    return np.asarray(np.random.default_rng(seed).permutation(occupation), np.int64)


def digest_of(
    potential: LowRankPotential,
    supercell: Supercell,
    occupation: NDArray[np.integer[Any]],
    *settings: object,
) -> Any:
    """Hash of all that a simulation depends on, which names its files."""
    digest = sha256(f"2 {potential.digest} {settings}".encode())  # the second form of files
    digest.update(supercell.vectors.tobytes() + np.asarray(occupation, np.int64).tobytes())
    return digest


def anneal(
    potential: LowRankPotential,
    supercell: Supercell,
    occupation: NDArray[np.integer[Any]],
    settings: AnnealingSettings,
    *,
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[AtTemperature]:
    """Simulate at all temperatures, each beginning where the one before has ended.

    Parameters
    ----------
    potential
        Energies.
    supercell, occupation
        What it begins with.
    settings
        Temperatures, lengths, order.
    folder
        Keeps each temperature when it is done; the same call goes on from there, bit for bit.
    progress
        Is told how many temperatures are done, and of how many.
    """
    return annealed(potential, supercell, occupation, settings, folder, progress, lambda: None)


def annealed(
    potential: LowRankPotential,
    supercell: Supercell,
    occupation: NDArray[np.integer[Any]],
    settings: AnnealingSettings,
    folder: str | Path | None,
    progress: Callable[[int, int], None] | None,
    check: Callable[[], None],
) -> list[AtTemperature]:
    """Do what `anneal` does, and call `check` now and then, which may raise."""
    hamiltonian = Hamiltonian.of(potential, supercell)
    seen_by = Observer(potential.parent, supercell, settings.shells, settings.chemical_potentials)
    chain = Chain(hamiltonian, occupation, settings.seed)
    digest = digest_of(potential, supercell, occupation, replace(settings, temperatures=(1.0,)))
    if folder is not None:
        make_folder(Path(folder))
    found = []
    for number, temperature in enumerate(settings.temperatures):
        digest.update(repr(float(temperature)).encode())  # of all temperatures before
        name = f"{number:04d}-{temperature:g}K-{digest.hexdigest()[:12]}.npz"
        path = None if folder is None else Path(folder) / name
        if path is not None and path.exists():
            one = AtTemperature.read(path)
            chain = Chain.in_state(hamiltonian, one.occupation, one.random_state)
        else:
            one = _at_temperature(chain, seen_by, temperature, settings, check)
            if path is not None:
                one.write(path)
        found.append(one)
        if progress is not None:
            progress(number + 1, len(settings.temperatures))
    return found


def _at_temperature(
    chain: Chain,
    seen_by: Observer,
    temperature: float,
    settings: AnnealingSettings,
    check: Callable[[], None],
) -> AtTemperature:
    n = len(chain.occupation)
    potentials = settings.chemical_potentials
    chain.run(temperature, settings.equilibration * n, chemical_potentials=potentials)
    parts: list[Samples] = []
    arrangements = []
    for _ in range(settings.pieces):
        check()
        attempts = settings.production // settings.pieces * n
        parts.append(chain.run(temperature, attempts, every=n, chemical_potentials=potentials))
        arrangements.append(chain.occupation.astype(np.uint8))
    return seen_by.at_temperature(
        temperature, parts, np.array(arrangements), chain.occupation, chain.random_state
    )


def temperatures_of(text: str) -> tuple[float, ...]:
    """Read ``2000:100:-25``, both ends included, or numbers with commas.

    Raises
    ------
    SettingsError
        It is neither.
    """
    try:
        if ":" not in text:
            return tuple(float(word) for word in text.split(","))
        first, last, step = (float(word) for word in text.split(":"))
        count = int(np.floor((last - first) / step + 1e-9)) + 1
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise SettingsError(
            f"temperatures are FIRST:LAST:STEP, or numbers with commas; got {text!r}"
        ) from error
    if count < 1:
        raise SettingsError(f"the step of {text!r} leads away from its end")
    return tuple((first + step * np.arange(count)).tolist())
