"""Which structures make a training set: those to start with, and those that are added to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.campaign.record.history import CampaignState
from maxvolt.campaign.record.storage import StepResult
from maxvolt.campaign.settings.comparison import same_reference
from maxvolt.campaign.settings.stages import Settings
from maxvolt.campaign.steps.first_structures import first_candidates
from maxvolt.campaign.steps.grading import row_weights_of
from maxvolt.campaign.steps.structures import Structures
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError
from maxvolt.potentials import ParameterGradients, load
from maxvolt.potentials.ensemble import members_of
from maxvolt.selection import sparsify

__all__ = ["known", "merged", "opening_candidates", "validation_candidates"]


def opening_candidates(
    settings: Settings, state: CampaignState, root: Path, *, threads: int | None
) -> StepResult:
    """Structures carried over from the stage before, and those that the file gives.

    Where neither has any, the first candidates of the scenarios take their place. The array
    ``keep`` says which structures keep their labels; the others are to be labelled.
    """
    before = state.past[-1].settings if state.past else None
    carried, dropped = state.training, 0
    new_stage = before is None or before.stage.name != settings.stage.name
    if new_stage and settings.stage.sparsify and len(carried):
        carried = _sparsified(settings, state, threads)
        dropped = len(state.training) - len(carried)
    keep = [before is not None and same_reference(before, settings)] * len(carried)
    parts = [carried]
    if new_stage or (before is not None and before.training != settings.training):
        seed = derived_seed(settings.campaign.seed, "training", settings.stage.name)
        given, kept = Structures.of(settings, root).of_sources(settings.training, seed)
        new = ~known(given, carried)
        parts.append(given.select(new))
        keep += [value for value, is_new in zip(kept, new, strict=True) if is_new]
    structures = Dataset.concatenate(parts)
    if not len(structures) and not settings.training:
        structures = first_candidates(settings, Structures.of(settings, root))
        keep = [False] * len(structures)
    if not len(structures):
        raise CampaignError(
            "the sources of [[training]] hold no structure to start with; correct them, or leave "
            "[[training]] out: the first candidates of the scenarios are then labelled"
        )
    record = {
        "n_structures": len(structures),
        "n_carried": len(carried),
        "n_dropped": dropped,
    }
    return StepResult(record, {"structures": structures}, {"keep": np.array(keep, np.bool_)})


def validation_candidates(settings: Settings, root: Path) -> tuple[Dataset, NDArray[np.bool_]]:
    """Structures of [[validation]], and which keep the labels of their file."""
    seed = derived_seed(settings.campaign.seed, "validation")
    structures, keep = Structures.of(settings, root).of_sources(settings.validation, seed)
    return structures, np.array(keep, np.bool_)


def merged(training: Dataset, labelled: Dataset) -> Dataset:
    """Add structures to a training set, each once."""
    return Dataset.concatenate([training, labelled.select(~known(labelled, training))])


def _sparsified(settings: Settings, state: CampaignState, threads: int | None) -> Dataset:
    """Structures of the training set with respect to which all others interpolate."""
    potential = load(state.potential_files)
    single = members_of(potential)[0]
    assert isinstance(single, ParameterGradients)
    return sparsify(
        single,
        state.training,
        weights=row_weights_of(settings.selection),
        threshold=settings.selection.swap,
        threads=threads,
    ).structures


def known(structures: Dataset, others: Dataset) -> NDArray[np.bool_]:
    """Say which structures are among others, or earlier in the same set."""
    seen = set(others.digests)
    found = np.zeros(len(structures), np.bool_)
    for index, digest in enumerate(structures.digests):
        found[index] = digest in seen
        seen.add(digest)
    return found
