"""What the searches of a campaign have found, and which of it has no label yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.record.iteration_summary import FINDINGS, OF_SEARCH, REFERENCE_ENERGY
from maxvolt.campaign.record.storage import StepResult, read_result
from maxvolt.campaign.settings.scenario_sections import SearchSection
from maxvolt.campaign.settings.stages import Settings
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.campaign.steps.structures import bare
from maxvolt.dataset import Dataset
from maxvolt.search.likeness import is_known, likes, lowest
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
    training, refused = runner.state.training, _refused(runner)

    def make() -> StepResult:
        kept, rows, missing = {}, [], []
        for search in searches:
            best = lowest(found[search.name], search.population, species)
            best, known = _with_reference(best, training)
            hopeless = ~known & is_known(best, refused)
            kept[OF_SEARCH + search.name] = best
            first = np.arange(len(best)) < search.label_best
            missing.append(best.select(first & ~known & ~hopeless))
            rows += [
                _row(search, best, k, labelled=bool(known[k]), refused=bool(hopeless[k]))
                for k in np.flatnonzero(first).tolist()
            ]
        unlabelled = bare(Dataset.concatenate(missing))
        return StepResult({FINDINGS: rows}, {**kept, UNLABELLED: unlabelled})

    on = [(search.name, search.population, search.label_best) for search in searches]
    others = (refused,) if len(refused) else ()
    return runner.step(FINDINGS, (inputs, on, training, *others), make)


def earlier_findings(runner: StepRunner, name: str) -> Dataset | None:
    """What a search of the same name found in the iterations before; None where there was none."""
    for number in range(runner.folder.number - 1, -1, -1):
        path = runner.context.folder.iteration(number).step_file(FINDINGS)
        if path.exists():
            found = read_result(path).datasets.get(OF_SEARCH + name)
            if found is not None and len(found):
                return bare(found)
    return None


def _refused(runner: StepRunner) -> Dataset:
    """Findings of earlier iterations to which the same reference gave no label.

    With ``--retry`` those of earlier runs are tried again, once.
    """
    found: list[Dataset] = []
    first = runner.context.iterations_before if runner.context.retry else 0
    key = runner.settings.reference.reference().key
    for number, one in enumerate(runner.state.past):
        row = one.outcome
        of_findings = row.get(FINDINGS) is not None and not row["n_candidates"]
        same = one.settings.reference.reference().key == key
        if of_findings and row["n_quarantined"] and same and number >= first:
            folder = runner.context.folder.iteration(number)
            indices = [
                refusal["index"]
                for refusal in read_result(folder.step_file("labels")).record["quarantined"]
            ]
            asked = read_result(folder.step_file(FINDINGS)).datasets[UNLABELLED]
            found.append(asked.select(indices))
    return Dataset.concatenate(found) if found else Dataset.from_atoms([])


def _with_reference(best: Dataset, training: Dataset) -> tuple[Dataset, NDArray[np.bool_]]:
    """Write the reference's energy of the labelled structure that resembles each into its infos."""
    like, atoms = likes(best, training), best.to_atoms()
    for one, index in zip(atoms, like.tolist(), strict=True):
        if index >= 0:
            energy = float(training.energies[index]) / int(training.counts[index])
            one.info[REFERENCE_ENERGY] = energy
    return (Dataset.from_atoms(atoms) if atoms else best), like >= 0


def _row(
    search: SearchSection, best: Dataset, index: int, *, labelled: bool, refused: bool
) -> dict[str, Any]:
    atoms = best[index]
    return {
        "scenario": search.name,
        "formula": atoms.get_chemical_formula("metal"),
        "space_group": space_group(atoms),
        "atoms": len(atoms),
        "energy_eV_per_atom": float(best.energies[index]) / len(atoms),
        "height_eV_per_atom": float(best.infos[index]["height"]),
        REFERENCE_ENERGY: best.infos[index].get(REFERENCE_ENERGY),
        "labelled": labelled,
        "refused": refused,
    }
