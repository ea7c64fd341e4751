"""What the search for boron calculated, in its order, and the crystal it found.

python figure.py boron --output boron.png     # after check.py
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from ase.visualize.plot import plot_atoms
from matplotlib.figure import Figure

import maxvolt
from maxvolt.campaign import CampaignFolder

mpl.use("Agg")


def figure_of(folder: Path) -> Figure:
    """Energies of labelled structures above alpha-boron; the lowest finding."""
    campaign = CampaignFolder.find(folder)
    labelled = maxvolt.read(campaign.training_file)
    alpha = json.loads((folder / "check.json").read_text())[0]["search_eV_per_atom"]
    above = labelled.energies / labelled.counts - alpha
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    energies, crystal = figure.subplots(1, 2, width_ratios=(3, 2))
    numbers = np.arange(1, len(above) + 1)
    energies.plot(numbers, above, "o", markersize=4)
    energies.plot(numbers, np.minimum.accumulate(above), drawstyle="steps-post")
    energies.axhline(0, color="0.6", linewidth=0.8)
    energies.set_xlabel("calculation with density-functional theory")
    energies.set_ylabel("energy above alpha-boron, eV/atom")
    found = maxvolt.read(campaign.findings_file).to_atoms()[0]
    found.calc = None
    plot_atoms(found.repeat((2, 2, 2)), crystal, radii=0.35, rotation="10x,20y")
    crystal.set_axis_off()
    crystal.set_title("the lowest of what was found")
    return figure


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the search: boron")
    parser.add_argument("--output", type=Path, default=Path("boron.png"))
    options = parser.parse_args()
    figure_of(options.folder).savefig(options.output, dpi=120)


if __name__ == "__main__":
    main()
