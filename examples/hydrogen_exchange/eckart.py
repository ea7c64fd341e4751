"""Rates over a one-dimensional Eckart barrier, classical and by ring polymers, beside exact ones.

python eckart.py --output rates_output                  # five minutes
python eckart.py --quick --output quick                 # seconds, no number to rely on
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase import units

from maxvolt.properties.reaction_rates import (
    EckartBarrier,
    Keeping,
    Line,
    Particles,
    RateSettings,
    reaction_rate,
)
from maxvolt.report.output import write_json

MASS = 1061 * units._me / units._amu
BARRIER = EckartBarrier(0.425, 0.734 * units.Bohr)
"""Models H + H2; barrier and mass of Craig and Manolopoulos, J. Chem. Phys. 122, 084106 (2005)."""

TO_M_PER_S = units.fs * 1e5


def main(arguments: list[str] | None = None) -> None:
    """Sample, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("rates_output"))
    parser.add_argument("--quick", action="store_true", help="seconds; no number to rely on")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    rows = [
        row(temperature, beads, options.output, quick=options.quick)
        for temperature, beads in ((500.0, 1), (300.0, 1), (500.0, 32), (300.0, 64))
    ]
    write_json({"unit": "m/s", "rates": rows}, options.output / "eckart.json")


def row(temperature: float, beads: int, output: Path, *, quick: bool) -> dict[str, float]:
    """Sample one rate, or go on with it."""
    settings = RateSettings(
        temperature=temperature,
        beads=2 if quick and beads > 1 else beads,
        timestep=0.4 if beads == 1 else 0.25,
        far_width=0.06,
        width=0.03,
        replicas=4 if quick else 64 if beads == 1 else 16,
        sampling_time=100.0 if quick else 3000.0,
        parents=64,
    )
    found = reaction_rate(
        BARRIER,
        Particles(np.zeros((1, 1)), np.array([MASS])),
        Line(-1.8),
        settings,
        Keeping(output / f"eckart_{temperature:g}_{beads}"),
    )
    classical = BARRIER.classical_rate(MASS, temperature) * TO_M_PER_S
    exact = classical if beads == 1 else BARRIER.exact_rate(MASS, temperature) * TO_M_PER_S
    print(
        f"{temperature:g} K, {settings.beads} beads: {found.value:.4g} +- {found.error:.2g} m/s, "
        f"exact {exact:.4g}, transmission {found.transmission.values[-1]:.3f}",
        flush=True,
    )
    return {
        "temperature_K": temperature,
        "beads": settings.beads,
        "rate": found.value,
        "error": found.error,
        "exact": exact,
        "exact_quantum_over_classical": BARRIER.exact_rate(MASS, temperature)
        * TO_M_PER_S
        / classical,
        "transmission": float(found.transmission.values[-1]),
    }


if __name__ == "__main__":
    main()
