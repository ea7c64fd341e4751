"""How a potential changes the rate of H + H2, by perturbation of the reference surface.

    python changes.py trained.almtp --output rates_output          # ten minutes
    python changes.py trained.almtp --quick --output quick         # seconds

Rates of transition state theory change by a factor that ring polymers on the reference surface,
held at reactants and transition state, give to a per cent or two: two rates, each with an error of
several per cent, tell less about their ratio. Transmission coefficients are sampled on the
potential.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from exchange import COORDINATE, classical, quantum, transition_state

import maxvolt
from maxvolt.properties.reaction_rates import (
    LEPS,
    Keeping,
    change_of_surface,
    transmission_coefficient,
)
from maxvolt.report.output import write_json


def main(arguments: list[str] | None = None) -> None:
    """Sample, print, write a JSON file for each number of beads."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("potential", type=Path)
    parser.add_argument("--output", type=Path, default=Path("rates_output"))
    parser.add_argument("--quick", action="store_true", help="seconds; no number to rely on")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    potential = maxvolt.load(options.potential)
    name = options.potential.stem
    both = {1: classical(quick=options.quick), 128: quantum(800.0, quick=options.quick)}
    for beads, settings in both.items():
        longer = settings if options.quick else replace(settings, branchings=20)
        change = change_of_surface(LEPS(), potential, transition_state(), COORDINATE, longer)
        print(f"{settings.beads} beads: {change.factor:.4f} +- {change.error:.4f}", flush=True)
        keeping = Keeping(options.output / f"{name}_{beads}")
        kept = transmission_coefficient(
            potential, transition_state(), COORDINATE, settings, keeping
        )
        found = {
            **change.to_dict(),
            "transmission": float(kept.values[-1]),
            "transmission_error": float(kept.errors[-1]),
            "transmission_times_fs": kept.times.tolist(),
            "transmission_of_time": kept.values.tolist(),
        }
        write_json(found, options.output / f"{name}_{beads}_change.json")


if __name__ == "__main__":
    main()
