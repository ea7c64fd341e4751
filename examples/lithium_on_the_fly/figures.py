"""Draw reference calculations and errors of the campaigns, and print their table.

    python figures.py lithium_output --output docs/campaigns/lithium

Reads the folders of the campaigns alone, also while they run. Writes on_the_fly.png and
numbers.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from maxvolt.campaign import CampaignFolder, read_settings, summarize

__all__ = ["course", "draw", "main"]

Course = Mapping[str, Any]
"""Of one campaign: what it came to after each iteration."""


def course(file: Path) -> Course:
    """Read a campaign.

    Returns
    -------
    course
        The thresholds; whether the campaign is finished; and for each iteration the time steps
        simulated so far, the reference calculations so far, the longest trajectory in it, and the
        errors on the validation set: of energies in meV/atom, of force components in meV/Angstrom.
    """
    (settings,) = read_settings(file).stages
    summary = summarize(CampaignFolder.find(file))
    columns: dict[str, list[float]] = {
        name: [] for name in ("steps", "calculations", "longest", "energy_error", "force_error")
    }
    steps = 0
    for row in summary.iterations:
        parts = row.get("scenarios", ())
        steps += sum(one["steps"] for one in parts)
        columns["steps"].append(steps)
        columns["calculations"].append(row["n_labels_total"])
        columns["longest"].append(max((one["steps"] for one in parts), default=0))
        errors = row["validation"]
        columns["energy_error"].append(1e3 * errors["energy_rmse"])
        columns["force_error"].append(1e3 * errors["force_rmse"])
    return {
        "threshold": settings.selection.select,
        "timestep_fs": settings.scenario[0].timestep_fs,
        "status": summary.status,
        "runs": summary.runs,
        **columns,
    }


def table(conditions: Mapping[str, Sequence[Course]]) -> str:
    """Give a row for each campaign, as of its last iteration."""
    lines = [
        "| | grade | calculations | simulated, ps | energy, meV/atom | force, meV/Å | status |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, courses in conditions.items():
        for one in courses:
            time = one["steps"][-1] * one["timestep_fs"] / 1000
            lines.append(
                f"| {name} | {one['threshold']:g} | {one['calculations'][-1]} | {time:.1f} "
                f"| {one['energy_error'][-1]:.2f} | {one['force_error'][-1]:.1f} "
                f"| {one['status']} |"
            )
    return "\n".join(lines)


def draw(conditions: Mapping[str, Sequence[Course]]) -> plt.Figure:
    """Draw calculations against time, error against calculations, and the ends of all courses."""
    figure, axes = plt.subplots(
        len(conditions), 3, figsize=(13, 3.9 * len(conditions)), layout="constrained", squeeze=False
    )
    for row, (name, courses) in zip(axes, conditions.items(), strict=True):
        for one in courses:
            label = f"{one['threshold']:g}"
            time = [max(value, 1) * one["timestep_fs"] / 1000 for value in one["steps"]]
            row[0].step(time, one["calculations"], where="post", label=label)
            row[1].plot(one["calculations"], one["force_error"], ".-", label=label)
        row[0].set(
            xscale="log", xlabel="time simulated so far, ps", ylabel="reference calculations"
        )
        row[0].set_title(name.replace("_", " "))
        row[1].set(yscale="log", xlabel="reference calculations", ylabel="force error, meV/Å")
        row[1].legend(title="grade")
        _ends(row[2], courses)
    return figure


def _ends(axes: Axes, courses: Sequence[Course]) -> None:
    """Calculations and error of the finished campaigns."""
    done = [one for one in courses if one["status"] == "finished"]
    for k, one in enumerate(done):
        at = (one["calculations"][-1], one["force_error"][-1])
        axes.plot(*at, "o", color="C0")
        where = {"xytext": (0, 8 if k % 2 else -16), "textcoords": "offset points", "ha": "center"}
        axes.annotate(f"grade {one['threshold']:g}", at, **where)
    axes.set(xlabel="reference calculations in all", ylabel="force error at the end, meV/Å")
    axes.margins(0.2)
    if done:
        axes.set_ylim(0, 1.4 * max(one["force_error"][-1] for one in done))


def find(folder: Path) -> dict[str, list[Course]]:
    """Read all campaigns below a folder that have come to a potential, by condition."""
    found: dict[str, list[Course]] = {}
    for file in sorted(folder.glob("*/*.toml")):
        if not file.with_suffix("").is_dir():
            continue
        one = course(file)
        if one["calculations"]:
            found.setdefault(file.parent.name, []).append(one)
    if not found:
        raise SystemExit(f"{folder}: no campaign here has an iteration; run run.py first")
    return {name: sorted(all_, key=lambda one: one["threshold"]) for name, all_ in found.items()}


def main(arguments: list[str] | None = None) -> None:
    """Write the figure and the numbers; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what run.py has filled")
    parser.add_argument("--output", type=Path, default=Path())
    options = parser.parse_args(arguments)
    found = find(options.folder)
    options.output.mkdir(parents=True, exist_ok=True)
    figure = draw(found)
    figure.savefig(options.output / "on_the_fly.png", dpi=110)
    plt.close(figure)
    (options.output / "numbers.json").write_text(json.dumps(_rounded(found)) + "\n")
    print(table(found))


def _rounded(value: Any) -> Any:
    """Five digits, to keep the file small."""
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
