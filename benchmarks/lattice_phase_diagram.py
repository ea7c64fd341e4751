r"""Ag-Pd on the fcc lattice: ground states, order on cooling, mixing, and the phase diagram.

    python benchmarks/lattice_phase_diagram.py SHARED --output docs/lattice \
        --potential docs/lattice/agpd.lattice.npz

SHARED is the folder of shared data; data/agpd_mixing has 625 fcc structures with mixing energies by
density-functional theory. Without --potential a low-rank potential is fitted to all of them (two
shells, rank 2) and written to agpd.lattice.npz. Its ground states among all cells of up to eight
atoms stand beside those of the data. Arrangements of several compositions are cooled, and the phase
diagram is made. --keep FOLDER keeps what is done. Writes agpd_phases.json, agpd_cooling.png and
agpd_phases.png. Takes about six minutes of one core. Needs icet.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lattice_alloys import LATTICE_CONSTANT, structures
from maxvolt.errors import SettingsError
from maxvolt.fitting.lattice import Arrangement, LowRankSettings, fit_low_rank
from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    Supercell,
    on_lattice,
    read_low_rank,
    write_low_rank,
)
from maxvolt.properties.lattice import (
    AnnealingSettings,
    AtTemperature,
    anneal,
    enumerated_arrangements,
    random_occupation,
)
from maxvolt.properties.lattice.phases import (
    GroundState,
    PhaseDiagram,
    PhaseDiagramSettings,
    consolute_temperature,
    ground_states,
    phase_diagram,
)
from maxvolt.properties.lattice.phases.ground_states import lower_hull
from maxvolt.report.lattice_phase_figure import draw_phase_diagram
from maxvolt.report.output import save_figure, write_json

__all__ = ["main"]

CHOSEN = LowRankSettings(shells=2, rank=2, ridge=1e-3)
LARGEST_CELL = 8
SHARES = (0.125, 0.25, 1 / 3, 0.5, 0.625, 0.75, 0.875)
COOLED = tuple(np.arange(600.0, 49.0, -25.0).tolist())
COOLED_REPEATS = [8, 8, 8]
DIAGRAM = PhaseDiagramSettings(
    temperatures=(100.0, 150.0, 200.0, 250.0, 300.0, 350.0, 375.0, 400.0, 425.0),
    repeats=(12, 12, 12),
    points=24,
    lines=7,
    equilibration=80,
    production=320,
    runs=2,
)


def labelled(shared: Path) -> tuple[list[str], list[Arrangement]]:
    """Formulas and arrangements of the data."""
    atoms, energies = structures(shared)
    parent = ParentLattice.of(bulk("Ag", "fcc", LATTICE_CONSTANT), ["Ag", "Pd"])
    mapped = [on_lattice(one, parent) for one in atoms]
    data = [
        Arrangement(one.supercell, one.occupation, energy * len(one.occupation))
        for one, energy in zip(mapped, energies, strict=True)
    ]
    return [one.get_chemical_formula() for one in atoms], data


def fitted(data: list[Arrangement], path: Path) -> LowRankPotential:
    """A potential of all data, which is written."""
    parent = ParentLattice.of(bulk("Ag", "fcc", LATTICE_CONSTANT), ["Ag", "Pd"])
    potential = fit_low_rank(parent, data, CHOSEN).potential
    write_low_rank(potential, path)
    return potential


def said_by_data(
    formulas: list[str], data: list[Arrangement], potential: LowRankPotential
) -> dict[str, Any]:
    """Ground states of the data, and the error of the potential."""
    shares, labels, predicted = columns(data, potential)
    return {
        "error on the data (meV/atom)": float(1000 * np.sqrt(np.mean((predicted - labels) ** 2))),
        "ground states of the data": [
            {
                "formula": formulas[number],
                "share of Pd": float(shares[number]),
                "mixing energy (meV/atom)": float(1000 * labels[number]),
                "of the potential (meV/atom)": float(1000 * predicted[number]),
            }
            for number in lower_hull(shares, labels)
        ],
    }


def columns(data: list[Arrangement], potential: LowRankPotential) -> NDArray[np.float64]:
    """Shares of palladium, energies of the data and of the potential, eV per site."""
    return np.array(
        [
            (
                one.occupation.mean(),
                one.energy / len(one.occupation),
                potential.energy(one.supercell, one.occupation) / len(one.occupation),
            )
            for one in data
        ]
    ).T


def ground_state_rows(
    states: list[GroundState], data: list[Arrangement], potential: LowRankPotential
) -> list[dict[str, Any]]:
    """Ground states of the potential, and how far above the hull of the data they are there.

    An arrangement of the data is the same where cell and energy of the potential are.
    """
    shares, labels, predicted = columns(data, potential)
    corners = lower_hull(shares, labels)
    rows = []
    for state in states:
        same = (np.abs(predicted - state.energy) < 1e-9) & (
            np.abs(shares - state.concentration) < 1e-9
        )
        on_hull = np.interp(state.concentration, shares[corners], labels[corners])
        rows.append(
            {
                "name": state.name,
                "atoms": len(state.occupation),
                "share of Pd": state.concentration,
                "energy (meV/atom)": 1000 * state.energy,
                "above the hull of the data (meV/atom)": (
                    float(1000 * (labels[same].min() - on_hull)) if same.any() else None
                ),
            }
        )
    return rows


def cooled(potential: LowRankPotential, keep: Path | None) -> dict[float, list[AtTemperature]]:
    """Cool arrangements of several compositions, two species exchanging their sites."""
    supercell = Supercell.of(COOLED_REPEATS)
    settings = AnnealingSettings(COOLED, equilibration=200, production=500)
    return {
        share: anneal(
            potential, supercell,
            random_occupation(potential.parent, supercell, {"Ag": 1 - share, "Pd": share}),
            settings, folder=keep,
        )
        for share in SHARES
    }  # fmt: skip


def mixing_energies(
    found: dict[float, list[AtTemperature]], states: list[GroundState]
) -> NDArray[np.float64]:
    """Less the line between the pure elements, meV per site, shape (compositions, temperatures)."""
    first, last = states[0].energy, states[-1].energy
    return np.array(
        [
            [1000 * (one.energy - (1 - share) * first - share * last) for one in rows]
            for share, rows in found.items()
        ]
    )


def draw_cooling(found: dict[float, list[AtTemperature]], states: list[GroundState]) -> Figure:
    """Heat capacity, short-range order, and energy of mixing."""
    figure = Figure(figsize=(13.0, 3.8), layout="constrained")
    capacity, order, mixing = figure.subplots(1, 3)
    for number, (share, rows) in enumerate(found.items()):
        kelvin = [one.temperature for one in rows]
        capacity.errorbar(
            kelvin, [one.heat_capacity for one in rows],
            [one.heat_capacity_error for one in rows], fmt=".-", label=f"x = {share:.3f}",
        )  # fmt: skip
        for shell, style in ((0, "-"), (1, "--")):
            values = [one.order[shell, 0, 1] for one in rows]
            order.plot(kelvin, values, style, color=f"C{number}")
    capacity.set(xlabel="temperature (K)", ylabel="heat capacity ($k_B$ per site)")
    capacity.legend(fontsize="x-small")
    order.axhline(0.0, color="0.6", linewidth=0.8)
    order.set(
        xlabel="temperature (K)", ylabel=r"order Ag-Pd, $\alpha_1$ (solid), $\alpha_2$ (dashed)"
    )
    energies = mixing_energies(found, states)
    for chosen in (600.0, 300.0, 200.0, 100.0):
        column = energies[:, COOLED.index(chosen)]
        mixing.plot([0.0, *found, 1.0], [0.0, *column, 0.0], ".-", label=f"{chosen:g} K")
    shares = np.array([one.concentration for one in states])
    energy = 1000 * np.array([one.energy for one in states])
    hull = energy - (1 - shares) * energy[0] - shares * energy[-1]
    mixing.plot(shares, hull, "k_-", label="ground states")
    mixing.set(xlabel="share of Pd", ylabel="energy of mixing (meV per site)")
    mixing.legend(fontsize="x-small")
    return figure


def gap_closes(diagram: PhaseDiagram) -> dict[str, float] | None:
    """Extrapolate where the two solutions become one, from the three hottest gaps."""
    gaps = [
        (one.temperature, two)
        for one in diagram.equilibria
        for two in one.coexistences
        if not two.left.ordered and not two.right.ordered
    ][-3:]
    try:
        kelvin, error = consolute_temperature(
            [one for one, _ in gaps],
            [two.concentrations[1] - two.concentrations[0] for _, two in gaps],
            [float(np.hypot(*two.errors)) for _, two in gaps],
        )
    except SettingsError as problem:
        print(problem)
        return None
    return {"temperature (K)": kelvin, "error (K)": error}


def main(arguments: list[str] | None = None) -> None:
    """Fit, cool, follow, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--output", type=Path, default=Path("lattice_output"))
    parser.add_argument("--potential", type=Path)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    began = time.process_time()
    seconds: dict[str, float] = {}

    def lap(name: str) -> None:
        seconds[name] = time.process_time() - began - sum(seconds.values())
        print(f"{name}: {seconds[name]:.0f} s", flush=True)

    formulas, data = labelled(options.shared)
    if options.potential is None:
        potential = fitted(data, options.output / "agpd.lattice.npz")
    else:
        potential = read_low_rank(options.potential)
    lap("potential")
    candidates = list(enumerated_arrangements(potential.parent, LARGEST_CELL))
    states = ground_states(potential, candidates)
    lap("ground states")
    by_share = cooled(potential, options.keep)
    lap("cooling")
    save_figure(draw_cooling(by_share, states), options.output / "agpd_cooling.png")
    diagram = phase_diagram(potential, candidates, DIAGRAM, folder=options.keep)
    lap("phase diagram")
    save_figure(draw_phase_diagram(diagram), options.output / "agpd_phases.png")
    document = {
        **said_by_data(formulas, data, potential),
        "arrangements tried": len(candidates),
        "ground states of the potential": ground_state_rows(states, data, potential),
        "cooling": [
            {"share of Pd": share, "temperatures": [one.to_dict() for one in rows]}
            for share, rows in by_share.items()
        ],
        "phase diagram": diagram.to_dict(),
        "gap of the solutions closes": gap_closes(diagram),
    }
    write_json(document, options.output / "agpd_phases.json")


if __name__ == "__main__":
    main()
