"""Rates of H + H2 and over the Eckart barrier in one table, and their picture.

    python table.py rates_output --potential trained.almtp --output ../../docs/properties

Reads what rates.py, changes.py and eckart.py have written.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from exchange import COORDINATE, MASS, TEMPERATURE
from matplotlib.figure import Figure

import maxvolt
from maxvolt.properties.reaction_rates import (
    LEPS,
    PotentialSurface,
    Surface,
    classical_exchange_rate,
)
from maxvolt.report.output import save_figure, write_json

UNIT = "cm3_per_s"

BOTTOM = -4.7
"""eV, near the energy of the molecule: keeps exponentials in range."""


def main(arguments: list[str] | None = None) -> None:
    """Gather, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--potential", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path())
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    rows = exchange_rows(options.folder, options.potential)
    eckart = read(options.folder / "eckart.json")
    density = density_at_infinity(LEPS())
    told = {"exchange": rows, "eckart": eckart, "density_at_infinity": density}
    write_json(told, options.output / "reaction_rates.json")
    print(f"density of reactants at {COORDINATE.infinity:g} A: {density:.4f}\n")
    lines = ["| surface | how | rate (cm³/s) | over the reference's |", "|---|---|---|---|"]
    lines += [
        f"| {row['surface']} | {row['how']} | {_told(row['rate'], row['error'], '.4g')} | "
        f"{_told(row['ratio'], row['ratio_error'], '.3f')} |"
        for row in rows
    ]
    lines += ["", "| T (K) | beads | rate (m/s) | exact (m/s) | ratio |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['temperature_K']:g} | {row['beads']} | {row['rate']:.4g} ± {row['error']:.2g} | "
        f"{row['exact']:.4g} | {row['rate'] / row['exact']:.2f} |"
        for row in eckart["rates"]
    ]
    print("\n".join(lines))
    save_figure(picture(options.folder), options.output / "reaction_rates.png")


def density_at_infinity(surface: Surface) -> float:
    """Classical density of reactants at the distance that counts as infinite, over that beyond.

    What it lacks of 1 makes sampled rates too fast by as much.
    """
    kt = units.kB * TEMPERATURE
    cosine, weights = np.polynomial.legendre.leggauss(20)
    length = np.linspace(0.6, 0.95, 200)
    x = np.zeros((len(length), len(cosine), 3, 3))
    x[..., 1, 0], x[..., 2, 0] = 0.5 * length[:, None], -0.5 * length[:, None]
    sums = []
    for distance in (1000.0, COORDINATE.infinity):
        x[..., 0, 0] = distance * cosine
        x[..., 0, 1] = distance * np.sqrt(1 - cosine**2)
        energies = surface(x.reshape(-1, 3, 3))[0].reshape(x.shape[:2])
        sums.append((length[:, None] ** 2 * weights * np.exp((BOTTOM - energies) / kt)).sum())
    return float(sums[1] / sums[0])


def _told(value: float, error: float, digits: str) -> str:
    return f"{value:{digits}}" + (f" ± {error:.1g}" if error > 0 else "")


def exchange_rows(folder: Path, potential: Path) -> list[dict[str, Any]]:
    """Rows of H + H2: quadrature, sampled, by perturbation of the reference."""
    trained = PotentialSurface(maxvolt.load(potential), ("H", "H", "H"))
    exact = [classical_exchange_rate(one, MASS, TEMPERATURE) for one in (LEPS(), trained)]
    rows = [
        _row("reference", "classical, transition state theory, quadrature", exact[0]),
        _row("potential", "classical, transition state theory, quadrature", exact[1], of=exact[0]),
    ]
    for beads in (1, 128):
        of = _read_rate(folder / f"leps_{beads}.json")
        how = f"{beads} bead{'s' if beads > 1 else ''}"
        rows.append(_row("reference", how, *of))
        direct = folder / f"{potential.stem}_{beads}.json"
        if direct.is_file():
            rows.append(_row("potential", f"{how}, sampled", *_read_rate(direct), *of))
        change = read(folder / f"{potential.stem}_{beads}_change.json")
        reference = read(folder / f"leps_{beads}.json")
        ratio = change["factor"] * change["transmission"] / reference["transmission"]
        relative = sum(
            (error / value) ** 2
            for value, error in (
                (change["factor"], change["factor_error"]),
                (change["transmission"], change["transmission_error"]),
                (reference["transmission"], reference["transmission_error"]),
            )
        )
        rows.append(
            {
                "surface": "potential",
                "how": f"{how}, by perturbation of the reference",
                "rate": ratio * of[0],
                "error": ratio * (of[1] ** 2 + relative * of[0] ** 2) ** 0.5,
                "ratio": ratio,
                "ratio_error": ratio * relative**0.5,
            }
        )
    return rows


def _row(
    surface: str,
    how: str,
    rate: float,
    error: float = 0.0,
    of: float | None = None,
    of_error: float = 0.0,
) -> dict[str, Any]:
    """One row; of: the reference's rate, None for the reference itself."""
    ratio = 1.0 if of is None else rate / of
    relative = 0.0 if of is None else ((error / rate) ** 2 + (of_error / of) ** 2) ** 0.5
    return {
        "surface": surface,
        "how": how,
        "rate": rate,
        "error": error,
        "ratio": ratio,
        "ratio_error": ratio * relative,
    }


def _read_rate(path: Path) -> tuple[float, float]:
    found = read(path)
    return found[f"rate_{UNIT}"], found[f"rate_error_{UNIT}"]


def read(path: Path) -> Any:
    """Read JSON."""
    return json.loads(path.read_text())


def picture(folder: Path) -> Figure:
    """Free energies and transmission coefficients of all rates there are."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = {"leps": "reference", "trained": "potential"}
    for stem, label in names.items():
        for beads in (1, 128):
            path = folder / f"{stem}_{beads}.json"
            if not path.is_file():
                continue
            found = read(path)
            style = "-" if stem == "leps" else "--"
            color = "C0" if beads == 1 else "C3"
            text = f"{label}, {beads} bead{'s' if beads > 1 else ''}"
            left.plot(found["coordinate"], found["free_energy_eV"], style, color=color, label=text)
            right.plot(
                found["transmission_times_fs"], found["transmission_of_time"], style, color=color
            )
    left.set_xlabel("reaction coordinate")
    left.set_ylabel("free energy (eV)")
    left.legend(fontsize=8, frameon=False)
    right.set_xlabel("time (fs)")
    right.set_ylabel("transmission coefficient")
    right.set_ylim(0.6, 1.02)
    return figure


if __name__ == "__main__":
    main()
