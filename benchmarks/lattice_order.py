"""Order on a body-centred cubic lattice by annealing, replica exchange and Wang-Landau.

    python benchmarks/lattice_order.py --output docs/lattice

Pairs of unlike neighbours are preferred, strongly in the first shell and less in the second, in an
alloy of three Fe to one Al: D0_3, B2 and disorder follow one another. Writes order.json and
order.png. Takes a minute of one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase.build import bulk
from matplotlib.figure import Figure

from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    Supercell,
    TensorTrain,
    environments_of,
)
from maxvolt.properties.lattice import (
    AnnealingSettings,
    AtTemperature,
    ReplicaExchange,
    anneal_chains,
    mean_of_chains,
    random_occupation,
    replica_exchange,
)
from maxvolt.properties.lattice.flat_histogram import (
    Thermodynamics,
    WangLandauSettings,
    thermodynamics,
    wang_landau,
)
from maxvolt.report.output import save_figure, write_json

__all__ = ["main", "pair_model"]

PAIRS = (0.040, 0.012)
"""eV: energy of equal neighbours of the first and of the second shell, minus that of unlike."""

COMPOSITION = {"Fe": 3, "Al": 1}
SUPERCELL = Supercell.of([8, 8, 4])
TEMPERATURES = tuple(np.arange(800.0, 199.0, -25.0).tolist())
CHAINS, WALKS = 4, 3


def pair_model(shells: tuple[float, ...]) -> LowRankPotential:
    """Energy J s s' / 2 of each pair of a shell, s = 1 or -1, as a tensor train of rank 2.

    A row (sum, s_0) goes through the environment; each neighbour adds s_0 s_k J / 4 to the sum.
    """
    parent = ParentLattice.of(bulk("Fe", "bcc", a=2.9), ["Al", "Fe"])
    (environment,) = environments_of(parent, len(shells))
    centre = np.zeros((2, 1, 2))
    centre[:, 0, 1] = 1.0, -1.0
    cores = [centre]
    for shell in environment.shells[1:]:
        strength = shells[shell - 1] / 4
        cores.append(np.array([[[1.0, 0.0], [spin * strength, 1.0]] for spin in (1.0, -1.0)]))
    cores[-1] = np.ascontiguousarray(cores[-1][:, :, :1])
    return LowRankPotential(
        parent, len(shells), False, np.zeros((1, 2)), (TensorTrain(tuple(cores)),)
    )


def draw(
    annealed: list[AtTemperature], exchange: ReplicaExchange, density: list[Thermodynamics]
) -> Figure:
    """Heat capacities of all methods, and shares of the stars of waves."""
    figure = Figure(figsize=(10.0, 3.8), layout="constrained")
    capacity, peaks = figure.subplots(1, 2)
    for found, label, style in (
        (annealed, f"annealing, {CHAINS} chains", "o"),
        (exchange.temperatures, "replica exchange", "s"),
        (density, f"Wang-Landau, {WALKS} walks", "-"),
    ):
        capacity.errorbar(
            [one.temperature for one in found],
            [one.heat_capacity for one in found],
            [one.heat_capacity_error for one in found],
            fmt=style, markersize=4, capsize=2, label=label,
        )  # fmt: skip
    capacity.set(xlabel="temperature (K)", ylabel="heat capacity ($k_B$ per site)")
    capacity.legend(fontsize="small")
    for star in ("(1 0 0)", "(1/2 1/2 1/2)"):
        shares = [
            next(peak.shares[0] for peak in one.state.peaks if peak.star == star)
            for one in exchange.temperatures
            if one.state is not None
        ]
        peaks.plot(TEMPERATURES, shares, ".-", label=star)
    before = ""
    for one in reversed(exchange.temperatures):
        name = "" if one.state is None else one.state.structures[0].replace("D0_3", "D0$_3$")
        if name != before:
            peaks.annotate(name, (one.temperature, 0.97), fontsize="small", va="top")
            peaks.axvline(one.temperature - 12.5, color="0.7", linewidth=0.8)
            before = name
    peaks.set(xlabel="temperature (K)", ylabel="share of the star", ylim=(0.0, 1.0))
    peaks.legend(fontsize="small", loc="center right")
    return figure


def main() -> None:
    """Simulate three times, write numbers and picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    folder = parser.parse_args().output
    potential = pair_model(PAIRS)
    begin = [
        random_occupation(potential.parent, SUPERCELL, COMPOSITION, seed) for seed in range(CHAINS)
    ]
    settings = AnnealingSettings(TEMPERATURES, equilibration=200, production=800, snapshots=40)
    annealed = mean_of_chains(anneal_chains(potential, SUPERCELL, begin, settings))
    exchange = replica_exchange(potential, SUPERCELL, begin[0], settings, every=2)
    walks = WangLandauSettings(bins=400, chains=WALKS, final_step=4e-5)
    density = thermodynamics(wang_landau(potential, SUPERCELL, begin[0], walks), TEMPERATURES)
    document = {
        "annealing": [one.to_dict() for one in annealed],
        "replica exchange": exchange.to_dict(),
        "Wang-Landau": [one.to_dict() for one in density],
    }
    write_json(document, folder / "order.json")
    save_figure(draw(annealed, exchange, density), folder / "order.png")
    for one, two, three in zip(annealed, exchange.temperatures, density, strict=True):
        state = "" if two.state is None else two.state.text
        print(
            f"{one.temperature:5.0f} K {state:16s}"
            + "".join(
                f"  {found.heat_capacity:.3f} +- {found.heat_capacity_error:.3f}"
                for found in (one, two, three)
            )
        )
    print("exchanged:", " ".join(f"{share:.2f}" for share in exchange.exchanged))
    print("round trips:", exchange.round_trips)


if __name__ == "__main__":
    main()
