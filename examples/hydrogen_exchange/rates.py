"""Rates of H + H2, classical and with 128 beads, of one surface.

    python rates.py leps --output rates_output                  # a minute and some more
    python rates.py trained.almtp --output rates_output
    python rates.py leps --beads 1 --quick --output quick       # seconds, no number to rely on

Run it again after an interruption: it goes on; with a longer --time it adds to what there is.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from exchange import COORDINATE, classical, quantum, transition_state

import maxvolt
from maxvolt.properties.reaction_rates import LEPS, Keeping, ReactionRate, reaction_rate
from maxvolt.report.output import write_json


def main(arguments: list[str] | None = None) -> None:
    """Sample, print, write a JSON file for each number of beads."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("surface", help='"leps", or the file of a potential')
    parser.add_argument("--output", type=Path, default=Path("rates_output"))
    parser.add_argument("--beads", type=int, nargs="+", choices=(1, 128), default=[1, 128])
    parser.add_argument("--time", type=float, default=800.0, help="of 128 beads, fs (800)")
    parser.add_argument("--quick", action="store_true", help="seconds; no number to rely on")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    for beads in options.beads:
        found = sample(options.surface, beads, options.time, options.output, quick=options.quick)
        print(
            f"{options.surface}, {found.settings.beads} beads: {found.value:.4g} +- "
            f"{found.error:.2g} {found.unit}"
        )


def sample(surface: str, beads: int, time: float, output: Path, *, quick: bool) -> ReactionRate:
    """Sample one rate, or go on with it."""
    interaction: Any = LEPS() if surface == "leps" else maxvolt.load(surface)
    settings = classical(quick=quick) if beads == 1 else quantum(time, quick=quick)
    name = f"{Path(surface).stem}_{beads}"
    found = reaction_rate(
        interaction, transition_state(), COORDINATE, settings, Keeping(output / name)
    )
    write_json(found.to_dict(), output / f"{name}.json")
    return found


if __name__ == "__main__":
    main()
