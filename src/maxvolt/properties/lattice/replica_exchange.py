"""Replica exchange: chains at all temperatures at once, which change places: equation (226)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase.units import kB
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.files import make_folder
from maxvolt.potentials.lattice.chain import Chain, Samples
from maxvolt.potentials.lattice.hamiltonian import Hamiltonian
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.processors import thread_count
from maxvolt.properties.lattice.annealing import AnnealingSettings, digest_of
from maxvolt.properties.lattice.at_temperature import AtTemperature
from maxvolt.properties.lattice.exchange_piece import ExchangePiece
from maxvolt.properties.lattice.observer import Observer
from maxvolt.properties.lattice.seeds import seed_of_chain

__all__ = ["ReplicaExchange", "replica_exchange", "round_trips"]

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ReplicaExchange:
    """What replica exchange has found.

    Attributes
    ----------
    temperatures
        Results at each, in the order of the settings.
    exchanged : shape (n - 1,)
        Share of the attempts of neighbouring temperatures to change places that were accepted.
    round_trips
        How often a replica went from the first temperature to the last and back, all together.
    """

    temperatures: tuple[AtTemperature, ...]
    exchanged: NDArray[np.float64]
    round_trips: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "temperatures": [one.to_dict() for one in self.temperatures],
            "exchanged": self.exchanged.tolist(),
            "round_trips": self.round_trips,
        }


def replica_exchange(
    potential: LowRankPotential,
    supercell: Supercell,
    occupation: NDArray[np.integer[Any]],
    settings: AnnealingSettings,
    *,
    every: int = 10,
    threads: int | None = None,
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ReplicaExchange:
    """Simulate at all temperatures at once; neighbours try to change places again and again.

    The result is the same whatever the number of threads.

    Parameters
    ----------
    potential
        Energies.
    supercell, occupation
        What all chains begin with.
    settings
        Temperatures, neighbours beside each other; lengths, order. Equilibration and production
        are pieces as long as production / snapshots.
    every
        Sweeps between attempts to exchange.
    threads
        None: `OMP_NUM_THREADS`, or all cores.
    folder
        Keeps each piece when it is done; the same call goes on from there, bit for bit.
    progress
        Is told how many pieces are done, and of how many.

    Raises
    ------
    SettingsError
        There is one temperature, or a piece is not made of whole numbers of `every` sweeps.
    """
    length = settings.production // settings.pieces
    if len(settings.temperatures) < 2:
        raise SettingsError("replica exchange needs two temperatures or more")
    if not isinstance(every, int) or every < 1 or length % every:
        raise SettingsError(
            f"production must be a multiple of {settings.pieces} snapshots times the {every} "
            f"sweeps between exchanges, got {settings.production}"
        )
    count = settings.pieces_before + settings.pieces
    digest = digest_of(potential, supercell, occupation, settings, every).hexdigest()[:12]
    if folder is not None:
        make_folder(Path(folder))
    hamiltonian = Hamiltonian.of(potential, supercell)
    replicas = [
        Chain(hamiltonian, occupation, seed_of_chain(settings.seed, one))
        for one in range(len(settings.temperatures))
    ]
    places = np.arange(len(replicas))
    pieces: list[ExchangePiece] = []
    with ThreadPoolExecutor(thread_count(threads)) as pool:
        for number in range(count):
            path = None if folder is None else Path(folder) / f"exchange-{digest}-{number:04d}.npz"
            if path is not None and path.exists():
                piece = ExchangePiece.read(path)
                replicas = [
                    Chain.in_state(hamiltonian, one.astype(np.int64), state)
                    for one, state in zip(piece.occupations, piece.random_states, strict=True)
                ]
            else:
                piece = _piece(replicas, places, number, length // every, every, settings, pool)
                if path is not None:
                    piece.write(path)
            places = piece.places[-1]
            pieces.append(piece)
            if progress is not None:
                progress(number + 1, count)
    seen_by = Observer(potential.parent, supercell, settings.shells, settings.chemical_potentials)
    return _result(seen_by, pieces, settings)


def _piece(
    replicas: list[Chain],
    places: Integers,
    number: int,
    rounds: int,
    every: int,
    settings: AnnealingSettings,
    pool: ThreadPoolExecutor,
) -> ExchangePiece:
    """Run rounds of sweeps, each followed by attempts to exchange."""
    hamiltonian = replicas[0].hamiltonian
    n, betas = len(replicas[0].occupation), 1.0 / (kB * np.array(settings.temperatures))
    potentials = np.array(
        settings.chemical_potentials or np.zeros(len(hamiltonian.potential.species))
    )
    generator = np.random.default_rng((settings.seed, number))
    parts: list[list[Samples]] = [[] for _ in betas]
    exchanges, followed = np.zeros((2, len(betas) - 1), np.int64), []
    places = places.copy()

    def sweep(replica: int) -> Samples:
        beta = float(betas[places[replica]])
        return replicas[replica].run_at(beta, every * n, n, settings.chemical_potentials)

    for turn in range(rounds):
        found = list(pool.map(sweep, range(len(replicas))))
        for replica, place in enumerate(places):
            parts[place].append(found[replica])
        heights = np.array([one.energies[-1] - potentials @ one.counts[-1] for one in found])
        exchanges += _exchange(places, heights, betas, (number * rounds + turn) % 2, generator)
        followed.append(places.copy())
    return ExchangePiece(
        places=np.array(followed),
        occupations=np.array([one.occupation for one in replicas], np.uint8),
        random_states=np.array([one.random_state for one in replicas]),
        energies=np.array([np.concatenate([one.energies for one in row]) for row in parts]),
        counts=np.array([np.concatenate([one.counts for one in row]) for row in parts]),
        accepted=np.array([np.mean([one.accepted for one in row]) for row in parts]),
        exchanges=exchanges,
    )


def _exchange(
    places: Integers,
    heights: NDArray[np.float64],
    betas: NDArray[np.float64],
    first: int,
    generator: np.random.Generator,
) -> Integers:
    """Let every other pair of neighbours try; changes `places`.

    Parameters
    ----------
    places : shape (n,)
        Number of the temperature of each replica.
    heights : shape (n,), eV
        Energies of the replicas, less what chemical potentials give.
    betas : shape (n,), 1/eV
    first
        The first pair that tries.
    generator
        Of random numbers.

    Returns
    -------
    exchanges : shape (2, n - 1)
        Attempts of each pair of neighbours, and how many were accepted.
    """
    exchanges = np.zeros((2, len(betas) - 1), np.int64)
    replica_at = np.argsort(places)
    for pair in range(first, len(betas) - 1, 2):
        low, high = replica_at[pair], replica_at[pair + 1]
        exponent = (betas[pair] - betas[pair + 1]) * (heights[low] - heights[high])
        exchanges[0, pair] += 1
        if generator.random() < np.exp(min(0.0, exponent)):
            places[low], places[high] = pair + 1, pair
            exchanges[1, pair] += 1
    return exchanges


def _result(
    seen_by: Observer,
    pieces: list[ExchangePiece],
    settings: AnnealingSettings,
) -> ReplicaExchange:
    production, last = pieces[settings.pieces_before :], pieces[-1]
    snapshots = np.array([one.occupations[np.argsort(one.places[-1])] for one in production])
    replica_at = np.argsort(last.places[-1])
    found = [
        seen_by.at_temperature(
            temperature,
            [Samples(one.energies[place], one.counts[place], float(one.accepted[place]))
             for one in production],
            snapshots[:, place],
            last.occupations[replica_at[place]].astype(np.int64),
            last.random_states[replica_at[place]],
        )
        for place, temperature in enumerate(settings.temperatures)
    ]  # fmt: skip
    tried, exchanged = np.sum([one.exchanges for one in production], axis=0)
    with np.errstate(invalid="ignore"):
        shares = exchanged / tried
    return ReplicaExchange(
        tuple(found), shares, round_trips(np.concatenate([one.places for one in production]))
    )


def round_trips(places: Integers) -> int:
    """Count ways from the first temperature to the last and back.

    Parameters
    ----------
    places : shape (rounds, n)
        Number of the temperature of each replica.
    """
    last, count = places.max(), 0
    for of_replica in places.T:
        ends = of_replica[(of_replica == 0) | (of_replica == last)]
        visits = ends[np.flatnonzero(np.diff(ends, prepend=-1))]  # one after the other
        at_first = int((visits == 0).sum())
        count += max(at_first - 1, 0)
    return count
