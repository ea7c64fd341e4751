"""What the searches of a campaign have found, and which of it has no label yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from maxvolt.campaign.record.iteration_summary import FINDINGS, OF_SEARCH
from maxvolt.campaign.record.storage import StepResult, read_result
from maxvolt.campaign.settings.scenario_sections import SearchSection
from maxvolt.campaign.settings.stages import Settings
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.campaign.steps.structures import bare
from maxvolt.dataset import Dataset
from maxvolt.search.likeness import is_known, lowest
from maxvolt.search.space_groups import space_group

__all__ = ["UNLABELLED", "earlier_findings", "keep_findings"]

UNLABELLED = "unlabelled"
"""Name of the structures that are to be labelled."""


def keep_findings(
    runner: StepRunner, found: Mapping[str, Dataset], inputs: list[str]
) -> StepResult | None:
    """Keep what searches have found; None where there is no search.

    Parameters
    ----------
    runner
        Of the iteration.
    found
        Structures with energies by the names of the searches, of all their copies.
    inputs
        Fingerprints of the results that they are from.
    """
    searches = Settings.searches(runner.settings.active_scenarios)
    if not searches:
        return None
    species = runner.settings.potential.species
    training = runner.state.training

    def make() -> StepResult:
        kept, rows, missing = {}, [], []
        for search in searches:
            best = lowest(found[search.name], search.population, species)
            known = is_known(best, training)
            kept[OF_SEARCH + search.name] = best
            first = np.arange(len(best)) < search.label_best
            missing.append(best.select(first & ~known))
            rows += [
                _row(search, best, k, labelled=bool(known[k]))
                for k in np.flatnonzero(first).tolist()
            ]
        unlabelled = bare(Dataset.concatenate(missing))
        return StepResult({FINDINGS: rows}, {**kept, UNLABELLED: unlabelled})

    on = [(search.name, search.population, search.label_best) for search in searches]
    return runner.step(FINDINGS, (inputs, on, training), make)


def earlier_findings(runner: StepRunner, name: str) -> Dataset | None:
    """What a search of the same name found in the iterations before; None where there was none."""
    for number in range(runner.folder.number - 1, -1, -1):
        path = runner.context.folder.iteration(number).step_file(FINDINGS)
        if path.exists():
            found = read_result(path).datasets.get(OF_SEARCH + name)
            if found is not None and len(found):
                return bare(found)
    return None


def _row(search: SearchSection, best: Dataset, index: int, *, labelled: bool) -> dict[str, Any]:
    atoms = best[index]
    return {
        "scenario": search.name,
        "formula": atoms.get_chemical_formula("metal"),
        "space_group": space_group(atoms),
        "atoms": len(atoms),
        "energy_eV_per_atom": float(best.energies[index]) / len(atoms),
        "height_eV_per_atom": float(best.infos[index]["height"]),
        "labelled": labelled,
    }
