"""Plain and pruned potentials at equal time: held-out errors of the elements of Zuo et al. 2020.

    python benchmarks/pruning.py Mo Cu           # some elements; others stay as they are
    python benchmarks/pruning.py                 # all six; hours on one core
    python benchmarks/pruning.py --report        # the figure and table of docs/pruning.md only

Levels 8 to 20 are fitted to the published training set, then the potentials of the higher levels
are pruned; errors are of the published test set, which chooses nothing here. What ends is kept in
a folder, and is not repeated: the command goes on where it was stopped. Times are of one thread,
neighbours known. motep's C engine, an independent program, evaluates each file as well.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from ase import Atoms
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import maxvolt
from grades_report import markdown_table, shared_folder, update_page
from maxvolt.files import replacing
from maxvolt.fitting.tuning import SearchSpace, Tried, TuningLimits, tune
from maxvolt.report.logarithmic_axes import make_logarithmic
from maxvolt.report.output import write_json
from performance import motep_engine
from performance.machine import describe_machine
from performance.timing import smallest_times

ELEMENTS = ("Mo", "Si", "Cu", "Ge", "Li", "Ni")
NO_STRESSES = ("Cu", "Ni")  # they carry an offset in these data
CUTOFF = 5.2
LEVELS = (8, 12, 16, 20)
STARTS, ITERATIONS = 2, 25

_ATOMS_OF_MOTEP = 200

Point = dict[str, Any]


def main() -> None:
    """Measure what is asked for, then write figure and table."""
    options = _options()
    path = options.output / "pruning.json"
    found = json.loads(path.read_text(encoding="utf-8"))["elements"] if path.exists() else {}
    if not options.report:
        motep_engine.require_motep()
    for element in () if options.report else options.elements or ELEMENTS:
        data = shared_folder(options.shared) / "data" / "mlearn"
        found[element] = measure(element, data, options.folder, options.levels)
        document = {
            "maxvolt": maxvolt.__version__,
            "command": "python benchmarks/pruning.py",
            "machine": asdict(describe_machine()),
            "settings": {"cutoff_A": CUTOFF, "starts": STARTS, "max_iterations": ITERATIONS},
            "elements": found,
        }
        write_json(document, path)
    write_report(found, options.output)


def measure(element: str, data: Path, folder: Path, levels: tuple[int, ...]) -> dict[str, Any]:
    """Fit and prune potentials of an element; all errors and times."""
    weights = {"stress": 0.0} if element in NO_STRESSES else {}
    settings: dict[str, Any] = {
        "starts": STARTS, "max_iterations": ITERATIONS, "weights": weights,
    }  # fmt: skip
    found = tune(
        data / f"{element}_train.xyz",
        folder / element,
        SearchSpace(
            levels=levels, cutoffs=(CUTOFF,), radial_basis_sizes=(8,), force_weights=(0.01,)
        ),
        settings,
        TuningLimits(energy_share=0.0),
        validation=data / f"{element}_test.xyz",
        refit=False,
        threads=1,
        progress=_tell,
    )
    crystal = _repeated(maxvolt.read(data / f"{element}_train.xyz")[0])
    points = [{**_point(one), **_by_motep(one, crystal)} for one in found.tried]
    return {"points": points, "finished": found.finished}


def _repeated(atoms: Atoms) -> Atoms:
    repeats = int(np.ceil((_ATOMS_OF_MOTEP / len(atoms)) ** (1 / 3)))
    larger: Atoms = atoms * (repeats, repeats, repeats)
    return larger


def _by_motep(one: Tried, atoms: Atoms) -> Point:
    """What an independent program makes of the file: its time, and how far its energy is off."""
    potential = maxvolt.read_potential(one.file)
    moved = [motep_engine.typed_copy(atoms, potential.species) for _ in range(2)]
    moved[1].positions[0, 0] += 1e-6
    theirs = motep_engine.calculator(one.file)
    turns = iter(range(10**9))
    theirs.calculate(moved[0], ["forces"])
    difference = theirs.results["energy"] - potential.evaluate(atoms).energy
    work = {"motep": lambda: theirs.calculate(moved[next(turns) % 2], ["forces"])}
    return {
        "motep_us_per_atom": round(1e6 * smallest_times(work, 0.3)["motep"] / len(atoms), 2),
        "motep_energy_difference_eV_per_atom": abs(difference) / len(atoms),
    }


def _tell(one: Tried) -> None:
    now = _point(one)
    print(now, flush=True)


def _point(one: Tried) -> Point:
    return {
        "level": one.candidate.level,
        "stage": one.candidate.stage,
        "scalars": one.scalars,
        "us_per_atom": round(one.microseconds, 3),
        "force_meV_per_A": round(1000 * one.errors.force, 2),
        "energy_meV_per_atom": round(1000 * one.errors.energy, 3),
    }


def faster_at_equal_error(points: list[Point], time: str = "us_per_atom") -> dict[int, float]:
    """How much faster the front of pruned potentials is than each plain one, at its force error.

    Between two pruned potentials the time is interpolated, in logarithms.

    Parameters
    ----------
    points
        Plain and pruned potentials.
    time
        Which time: ours, or ``motep_us_per_atom``.
    """
    found = {}
    for plain in (one for one in points if one["stage"] == 0):
        pruned = _time_of(_front(points, time, pruned=True), time, plain["force_meV_per_A"])
        if pruned is not None:
            found[plain["level"]] = plain[time] / pruned
    return found


def better_at_equal_time(points: list[Point]) -> dict[int, float]:
    """Force error of the pruned front relative to that of each plain potential, at its time."""
    found = {}
    front = _front(points, pruned=True)
    for plain in (one for one in points if one["stage"] == 0):
        able = [one for one in front if one["us_per_atom"] <= 1.02 * plain["us_per_atom"]]
        if able:
            best = min(one["force_meV_per_A"] for one in able)
            found[plain["level"]] = best / plain["force_meV_per_A"]
    return found


def _front(points: list[Point], time: str = "us_per_atom", *, pruned: bool) -> list[Point]:
    """From the cheapest up, those that nothing cheaper of their kind is better than."""
    found: list[Point] = []
    for one in sorted(points, key=lambda one: one[time]):
        best = found[-1]["force_meV_per_A"] if found else np.inf
        if (one["stage"] > 0) == pruned and one["force_meV_per_A"] < best:
            found.append(one)
    return found


def _time_of(front: list[Point], time: str, error: float) -> float | None:
    """Time at which a front has an error; None beyond its ends."""
    errors = np.log([one["force_meV_per_A"] for one in front])[::-1]
    times = np.log([one[time] for one in front])[::-1]
    if len(front) == 0 or not errors[0] <= np.log(error) <= errors[-1]:
        return None
    return float(np.exp(np.interp(np.log(error), errors, times)))


def _figure(found: dict[str, Any]) -> Figure:
    columns = min(len(found), 3)
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (element, one) in zip(panels, found.items(), strict=False):
        _draw(axes, element, one["points"])
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    return figure


def _draw(axes: Axes, element: str, points: list[Point]) -> None:
    for pruned, name, style in ((False, "all scalars of a level", "o-"), (True, "pruned", "s-")):
        front = _front(points, pruned=pruned)
        axes.plot(
            [one["us_per_atom"] for one in front], [one["force_meV_per_A"] for one in front],
            style, markersize=4, label=name,
        )  # fmt: skip
    for one in points:
        if one["stage"] == 0:
            axes.annotate(
                str(one["level"]), (one["us_per_atom"], one["force_meV_per_A"]),
                textcoords="offset points", xytext=(4, 4), fontsize="x-small",
            )  # fmt: skip
    axes.set(
        title=element, xlabel="time (µs/atom)", ylabel="force error, test (meV/Å)"
    )  # fmt: skip
    make_logarithmic(axes)
    axes.tick_params(which="both", labelsize="x-small")
    axes.legend(fontsize="x-small")


def write_report(found: dict[str, Any], folder: Path) -> None:
    """Draw the figure into the folder, put a table into the page beside it."""
    with (
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "maxvolt"}),
        replacing(folder / "pruning.svg") as stream,
    ):
        _figure(found).savefig(stream, format="svg", metadata={"Date": None})
    page = folder.with_suffix(".md")
    head = ["", "level", "time, µs/atom", "force error, test, meV/Å", "pruned: time at this error",
            "with motep", "pruned: error at this time"]  # fmt: skip
    rows = [[element, *row] for element, one in found.items() for row in _gains(one["points"])]
    update_page(page, "gains", markdown_table(head, rows))


def _gains(points: list[Point]) -> list[list[str]]:
    """A row for each plain potential."""
    faster, better = faster_at_equal_error(points), better_at_equal_time(points)
    with_motep = faster_at_equal_error(points, "motep_us_per_atom")
    rows = []
    for plain in sorted((one for one in points if one["stage"] == 0), key=lambda one: one["level"]):
        level, time, error = (plain[k] for k in ("level", "us_per_atom", "force_meV_per_A"))
        at_error = (
            f"{time / faster[level]:.2f} ({faster[level]:.1f} times)" if level in faster else ""
        )
        at_time = (
            f"{error * better[level]:.1f} ({better[level] - 1:+.0%})" if level in better else ""
        )
        of_motep = f"{with_motep[level]:.1f} times" if level in with_motep else ""
        rows.append([str(level), f"{time:.2f}", f"{error:.1f}", at_error, of_motep, at_time])
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Plain and pruned potentials at equal time.")
    parser.add_argument("elements", nargs="*", choices=[*ELEMENTS, []], help="(all six)")
    parser.add_argument("--levels", type=_numbers, default=LEVELS, help="(8,12,16,20)")
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    parser.add_argument("--folder", type=Path, default=Path("build/pruning"), help="what is kept")
    parser.add_argument("--report", action="store_true", help="only figure and table")
    parser.add_argument("--output", type=Path, default=Path("docs/pruning"), help="folder")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    main()
