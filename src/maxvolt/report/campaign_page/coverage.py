"""The map of a campaign's training set, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maxvolt.campaign import CampaignFolder
from maxvolt.campaign.record.origins import training_with_iterations
from maxvolt.coverage import CoverageMap, available_libraries, coverage_map, perfect_crystals
from maxvolt.errors import CampaignError, MaxvoltError
from maxvolt.potentials import load

__all__ = ["CampaignCoverage", "campaign_coverage"]

_ENVIRONMENTS = 600
"""Of the map in a page: made in seconds. `maxvolt map` draws more."""

_PERPLEXITY = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class CampaignCoverage:
    """The map, and what is to be said of it.

    Attributes
    ----------
    map
        None where it could not be made.
    left_out
        Why it, or a crystal, is missing.
    """

    map: CoverageMap | None
    left_out: tuple[str, ...]


def campaign_coverage(folder: CampaignFolder, potential: Sequence[Path]) -> CampaignCoverage | None:
    """Map the training set by the newest potential; None where there is no potential yet.

    Raises
    ------
    CampaignError
        A file of the campaign is damaged.
    """
    if not potential:
        return None
    if not available_libraries():
        return CampaignCoverage(
            None, ("the map of local environments needs openTSNE: pip install 'maxvolt[map]'",)
        )
    training, iterations = training_with_iterations(folder)
    try:
        loaded = load(list(potential))
        crystals, notes = perfect_crystals(loaded)
        found = coverage_map(
            loaded,
            training,
            environments=_ENVIRONMENTS,
            iterations=iterations,
            crystals=crystals,
            perplexity=_PERPLEXITY,
        )
    except CampaignError:
        raise
    except MaxvoltError as error:
        return CampaignCoverage(None, (f"the map of local environments: {error}",))
    return CampaignCoverage(found, notes)
