"""Do grades tell where a potential is wrong? Grade against force error on structures held out.

    python benchmarks/grade_correlation.py --output docs/grades

For each of three materials a potential is fitted to one part of the published data, and its
forces are compared with the reference on another part that differs from it: other kinds of
structures, other mixtures. Needs the reference data.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

import maxvolt
from grades_report import markdown_table, shared_folder, update_page, write_results
from maxvolt import MTP, ActiveSet, Dataset, FitSettings

THRESHOLDS = (2.0, 10.0)
BAD = 3.0
"""A structure is badly described if its force RMSE exceeds that of the training set so often."""
NO_FORCE = 1e-3
"""Root mean square force, eV/Angstrom, below which forces are taken to vanish by symmetry."""


@dataclass(frozen=True, slots=True)
class System:
    """One material: how its potential is fitted, and on what it is tried."""

    name: str
    files: tuple[str, ...]
    level: int
    cutoff: float
    min_dist: float
    training: Callable[[str, int], bool]
    held_out: Callable[[str, int], bool]


def _every(step: int, index: int) -> bool:
    return index % step == 0


def _molybdenum_training(group: str, index: int) -> bool:
    return group == "Elastic" or (group == "AIMD-NVT" and _every(6, index))


def _tungsten_training(group: str, index: int) -> bool:
    return {"slice_sample": _every(8, index), "md_bulk": _every(3, index)}.get(group, False)


def _tungsten_held_out(group: str, index: int) -> bool:
    steps = {
        "gamma_surface": 40,
        "gamma_surface_vacancy": 20,
        "vacancy": 8,
        "surface": 4,
        "dislocation_quadrupole": 8,
        "md_bulk": 2,
        "slice_sample": 40,
    }
    return _every(steps[group], index + 1)


def _alloy_training(group: str, index: int) -> bool:
    if group.endswith(("_AIMD", "_Elastic")):
        return _every(10, index)
    return group in ("NbTa_SS", "MoW_SS") and _every(16, index)


def _alloy_held_out(group: str, index: int) -> bool:
    if group.endswith("_Test"):
        return _every(3, index) or group == "Multinary_Test"
    if group.endswith("_Surface"):
        return _every(3, index + 1)
    return group.endswith("_SS") and group not in ("NbTa_SS", "MoW_SS") and _every(25, index + 1)


SYSTEMS = (
    System(
        name="Mo",
        files=("mlearn/Mo_train.xyz", "mlearn/Mo_test.xyz"),
        level=12,
        cutoff=5.2,
        min_dist=2.0,
        training=_molybdenum_training,
        held_out=lambda group, index: not _molybdenum_training(group, index),
    ),
    System(
        name="W",
        files=("tungsten/W_szlachta2014.xyz",),
        level=12,
        cutoff=5.0,
        min_dist=2.0,
        training=_tungsten_training,
        held_out=_tungsten_held_out,
    ),
    System(
        name="NbMoTaW",
        files=("nbmotaw/MoNbTaW_train.xyz", "nbmotaw/MoNbTaW_test.xyz"),
        level=8,
        cutoff=5.0,
        min_dist=2.0,
        training=_alloy_training,
        held_out=_alloy_held_out,
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Grades and errors of the structures held out.

    Attributes
    ----------
    groups : length n
    configuration_grades, neighborhood_grades : shape (n,)
    force_errors : shape (n,), eV/Angstrom
        RMSE of the force components of each structure.
    atom_grades, atom_errors : shape (N,)
        The errors are lengths of the difference of force vectors, eV/Angstrom.
    """

    groups: tuple[str, ...]
    configuration_grades: NDArray[np.float64]
    neighborhood_grades: NDArray[np.float64]
    force_errors: NDArray[np.float64]
    atom_grades: NDArray[np.float64]
    atom_errors: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of a material; correlations are Spearman's, errors in eV/Angstrom."""

    system: str
    training: int
    held_out: int
    parameters: int
    ranks: tuple[str, str]
    training_rmse: float
    held_out_median: float
    bad: int
    correlations: dict[str, float]
    misses: dict[str, tuple[float, ...]]
    false_alarms: dict[str, tuple[float, ...]]


def main() -> None:
    """Fit, grade, compare, plot."""
    options = _options()
    shared = shared_folder(options.shared)
    trials: dict[str, tuple[Finding, Trial]] = {}
    for system in SYSTEMS:
        if options.only and system.name not in options.only:
            continue
        trials[system.name] = investigate(system, shared / "data")
        print(trials[system.name][0], flush=True)
    findings = [finding for finding, _ in trials.values()]
    write_results(
        options.output / "correlation.json",
        {"systems": [asdict(finding) for finding in findings], "bad": BAD},
    )
    update_page(options.output / "README.md", "correlation", _tables(findings))
    _plot(trials, options.output / "correlation.png")


def investigate(system: System, data: Path) -> tuple[Finding, Trial]:
    """Fit a potential to the training part and try it on the part held out."""
    everything = Dataset.concatenate([maxvolt.read(data / name) for name in system.files])
    training = everything.select(chosen(everything, system.training))
    held_out = everything.select(chosen(everything, system.held_out) & with_forces(everything))
    potential = _fitted(system, training)
    of_structures = ActiveSet.from_dataset(potential, training)
    of_atoms = ActiveSet.from_dataset(potential, training, mode="neighborhood")
    grades = of_atoms.grade_dataset(held_out)
    assert grades.sites is not None
    errors = _force_errors(potential, held_out)
    trial = Trial(
        groups=held_out.groups,
        configuration_grades=of_structures.grade(held_out),
        neighborhood_grades=grades.structures,
        force_errors=_rmse_of_structures(errors, held_out),
        atom_grades=grades.sites,
        atom_errors=errors,
    )
    limit = BAD * _rmse(_force_errors(potential, training))
    return _finding(system.name, training, of_structures, of_atoms, trial, limit), trial


def chosen(dataset: Dataset, wanted: Callable[[str, int], bool]) -> NDArray[np.bool_]:
    """Ask for each structure with forces by its group and its number in the group."""
    seen: dict[str, int] = {}
    answers = []
    for group, present in zip(dataset.groups, dataset.has_forces, strict=True):
        index = seen[group] = seen.get(group, -1) + 1
        answers.append(bool(present and wanted(group, index)))
    return np.array(answers)


def with_forces(dataset: Dataset) -> NDArray[np.bool_]:
    """Mark structures whose forces do not vanish by symmetry."""
    lengths = np.linalg.norm(np.nan_to_num(dataset.forces), axis=1)
    return _rmse_of_structures(lengths, dataset) > NO_FORCE


def _fitted(system: System, training: Dataset) -> MTP:
    untrained = MTP(system.level, training.species, system.cutoff, system.min_dist)
    result = maxvolt.fit(untrained, training, settings=FitSettings(max_iterations=40, starts=2))
    assert isinstance(result.potential, MTP)
    return result.potential


def _force_errors(potential: MTP, dataset: Dataset) -> NDArray[np.float64]:
    """Length of the difference of force vectors, shape (N,), eV/Angstrom."""
    difference = potential.evaluate_dataset(dataset).forces - dataset.forces
    return np.asarray(np.linalg.norm(difference, axis=1))


def _rmse(errors: NDArray[np.float64]) -> float:
    """Of force components, eV/Angstrom."""
    return float(np.sqrt(np.mean(errors**2) / 3))


def _rmse_of_structures(errors: NDArray[np.float64], dataset: Dataset) -> NDArray[np.float64]:
    squares = np.add.reduceat(errors**2, dataset.offsets[:-1])
    return np.asarray(np.sqrt(squares / (3 * dataset.counts)))


def _finding(
    name: str,
    training: Dataset,
    of_structures: ActiveSet,
    of_atoms: ActiveSet,
    trial: Trial,
    limit: float,
) -> Finding:
    bad = trial.force_errors > limit
    grades = {
        "configuration": trial.configuration_grades,
        "neighborhood": trial.neighborhood_grades,
    }
    return Finding(
        system=name,
        training=len(training),
        held_out=len(trial.groups),
        parameters=of_structures.size,
        ranks=(of_structures.completeness, of_atoms.completeness),
        training_rmse=limit / BAD,
        held_out_median=float(np.median(trial.force_errors)),
        bad=int(bad.sum()),
        correlations={
            **{mode: _spearman(values, trial.force_errors) for mode, values in grades.items()},
            "atoms": _spearman(trial.atom_grades, trial.atom_errors),
        },
        misses={
            mode: tuple(_share(values[bad] <= t) for t in THRESHOLDS)
            for mode, values in grades.items()
        },
        false_alarms={
            mode: tuple(_share(values[~bad] > t) for t in THRESHOLDS)
            for mode, values in grades.items()
        },
    )


def _spearman(grades: NDArray[np.float64], errors: NDArray[np.float64]) -> float:
    return float(spearmanr(grades, errors).statistic)


def _share(mask: NDArray[np.bool_]) -> float:
    return float(mask.mean()) if len(mask) else float("nan")


def _tables(findings: Sequence[Finding]) -> str:
    fits = markdown_table(
        (
            "",
            "training",
            "held out",
            "parameters",
            "RMSE training",
            "median RMSE held out",
            "badly described",
        ),
        [
            (
                f.system,
                str(f.training),
                str(f.held_out),
                str(f.parameters),
                f"{f.training_rmse:.3f} eV/Å",
                f"{f.held_out_median:.3f} eV/Å",
                f"{f.bad} ({100 * f.bad / f.held_out:.0f} %)",
            )
            for f in findings
        ],
    )
    columns = ["", "rank correlation"]
    for t in THRESHOLDS:
        columns += [f"missed at {t:g}", f"false alarms at {t:g}"]
    rows = []
    for f in findings:
        for mode in ("configuration", "neighborhood"):
            cells = [f"{f.system}, {mode} mode", f"{f.correlations[mode]:.2f}"]
            for index in range(len(THRESHOLDS)):
                cells += [
                    f"{100 * f.misses[mode][index]:.0f} %",
                    f"{100 * f.false_alarms[mode][index]:.0f} %",
                ]
            rows.append(cells)
        rows.append([f"{f.system}, single atoms", f"{f.correlations['atoms']:.2f}", *[""] * 4])
    return f"{fits}\n\n{markdown_table(columns, rows)}"


def _plot(trials: Mapping[str, tuple[Finding, Trial]], path: Path) -> None:
    """One panel a material: each structure a point, coloured by its kind."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(trials), 4.4), layout="constrained")
    panels = figure.subplots(1, len(trials), squeeze=False)[0]
    for panel, (finding, trial) in zip(panels, trials.values(), strict=True):
        kinds = np.array([_kind(group) for group in trial.groups])
        for number, kind in enumerate(sorted(set(kinds))):
            of_kind = kinds == kind
            panel.loglog(
                trial.neighborhood_grades[of_kind],
                trial.force_errors[of_kind],
                ".",
                color=f"C{number}",
                alpha=0.7,
                label=kind,
            )
        for threshold in THRESHOLDS:
            panel.axvline(threshold, color="0.5", linestyle=":", linewidth=1)
        panel.axhline(BAD * finding.training_rmse, color="0.5", linestyle="--", linewidth=1)
        panel.set_title(
            f"{finding.system}: rank correlation {finding.correlations['neighborhood']:.2f}"
        )
        panel.set_xlabel("grade (largest of the atoms)")
        panel.set_ylabel("force RMSE, eV/Å")
        panel.legend(fontsize=7)
    figure.savefig(path, dpi=130)


def _kind(group: str) -> str:
    """Merge the groups of the alloy that differ by elements only."""
    if group == "Multinary_Test":
        return "three and four elements"
    if group.endswith("_Surface"):
        return "surfaces of elements"
    if group.endswith(("_SS", "_Test")):
        count = sum(letter.isupper() for letter in group.split("_")[0])
        if count == 1:
            return "elements"
        seen = group.split("_")[0] in ("NbTa", "MoW")
        return "two elements, in training" if seen else "two elements, not in training"
    return group.replace("_", " ")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Grade against force error.")
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    parser.add_argument("--only", nargs="+", choices=[system.name for system in SYSTEMS])
    parser.add_argument("--output", type=Path, default=Path("docs/grades"), help="folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
