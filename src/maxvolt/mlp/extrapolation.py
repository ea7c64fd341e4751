"""Configurations that extrapolate, picked out of a file one after the other as MLIP does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from maxvolt.dataset import Dataset
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.configurations import with_features
from maxvolt.mlp.potentials import TypedPotential
from maxvolt.parallel.ranks import Ranks
from maxvolt.sampling import Thresholds
from maxvolt.selection import ActiveSet, Grades

__all__ = ["Sampled", "sampled", "with_grade"]


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was kept, and where it ended.

    Attributes
    ----------
    kept
        Configurations from the threshold on, up to the one that broke it off.
    grades
        Of all configurations, in their order.
    broken_at
        Number, from 0, of the configuration at which it was broken off; None: at the end.
    """

    kept: list[CfgConfiguration]
    grades: list[float]
    broken_at: int | None


def with_grade(one: CfgConfiguration, grades: Grades, dataset: Dataset, s: int) -> CfgConfiguration:
    """Note the grade of structure `s` as MV_grade and, where there are some, those of its atoms."""
    if grades.sites is not None:
        one = replace(one, nbh_grades=grades.sites[dataset.atoms_of(s)])
    return with_features(one, {"MV_grade": f"{grades.structures[s]:.6f}"})


def sampled(
    configurations: Sequence[CfgConfiguration],
    path: str | Path,
    potential: TypedPotential,
    query: ActiveSet,
    thresholds: Thresholds,
    ranks: Ranks,
    *,
    note_grades: bool = True,
) -> Sampled:
    """Grade configurations and keep those from a threshold on.

    Parameters
    ----------
    configurations, path
        As they stand in a file.
    potential, query
        The potential and its active set.
    thresholds
        From which grade a configuration is kept, and from which nothing after it is looked at.
    ranks
        Processes that share the work.
    note_grades
        Whether grades become features (MV_grade) and columns (nbh_grades).
    """
    filled = [number for number, one in enumerate(configurations) if len(one)]
    dataset = potential.dataset([configurations[number] for number in filled], path)
    grades = query.grade_dataset(dataset, ranks=ranks)
    kept: list[CfgConfiguration] = []
    for s, number in enumerate(filled):
        grade = float(grades.structures[s])
        one = configurations[number]
        if note_grades:
            one = with_grade(one, grades, dataset, s)
        if thresholds.keeps(grade):
            kept.append(one)
        if thresholds.check(grade) is not None:
            return Sampled(kept, grades.structures[: s + 1].tolist(), number)
    return Sampled(kept, grades.structures.tolist(), None)
