"""Draw how the campaign went, and set its numbers beside those of the MLIP paper.

    python figures.py aluminium --output docs/campaigns/aluminium_melting

Reads the folder of the campaign alone, also while it runs. Writes figures.png, numbers.json,
journal.jsonl and, once there is a melting point, melting.json; prints the table.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from maxvolt.campaign import CampaignFolder, summarize

PAPER = {
    "structures to begin with": "10",
    "1a: structures added": "225",
    "1a: iterations": "58",
    "after sparsifying": "78",
    "after 1b": "202",
    "cheap calculations": "359",
    "accurate calculations": "186 + N",
}
"""Novikov, Gubaev, Podryabinkin, Shapeev, Mach. Learn.: Sci. Technol. 2, 025002 (2021)."""

Row = Mapping[str, Any]


def numbers(rows: Sequence[Row]) -> dict[str, float | int | None]:
    """Give what the paper tells, of our run; None for what has not come yet."""
    by_stage = {name: [row for row in rows if row["stage"] == name] for name in ("1a", "1b", "2")}
    first, second, accurate = by_stage.values()
    is_done = {name: any(row["is_clean"] for row in found) for name, found in by_stage.items()}
    begin = first[0]["n_training"] if first else None
    cheap = second[-1] if second else first[-1] if first else None
    melted = [row["melting"] for row in rows if row.get("melting") is not None]
    return {
        "structures to begin with": begin,
        "1a: structures added": first[-1]["n_training"] - begin if is_done["1a"] else None,
        "1a: iterations": sum(row["kind"] == "sampling" for row in first)
        if is_done["1a"]
        else None,
        "after sparsifying": second[0]["n_training"] if second else None,
        "after 1b": second[-1]["n_training"] if is_done["1b"] else None,
        "1b: iterations": sum(row["kind"] == "sampling" for row in second)
        if is_done["1b"]
        else None,
        "cheap calculations": cheap["n_labels_total"] if is_done["1b"] and cheap else None,
        "accurate calculations": sum(row["n_new_labels"] for row in accurate)
        if is_done["2"]
        else None,
        "melting point, K": melted[-1]["melting_point_K"] if melted else None,
        "its error, K": melted[-1]["error_K"] if melted else None,
    }


def draw(rows: Sequence[Row]) -> plt.Figure:
    """Draw reliability against structures (1a, 1b), structures and errors against iterations."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
    _reliability(axes[0, 0], [row for row in rows if row["stage"] == "1a"], rows)
    axes[0, 0].set_title("1a: one trajectory at 900 K")
    _reliability(axes[0, 1], [row for row in rows if row["stage"] == "1b"], rows)
    axes[0, 1].set_title("1b: 60 trajectories")
    for stage in dict.fromkeys(row["stage"] for row in rows):
        found = [row for row in rows if row["stage"] == stage]
        counted = [row for row in found if row["n_training"] is not None]
        at = [row["iteration"] for row in counted]
        axes[1, 0].step(at, [row["n_training"] for row in counted], where="post", label=stage)
        fitted = [row for row in counted if row["training"] and row["n_labelled"]]
        axes[1, 1].semilogy(
            [row["iteration"] for row in fitted],
            [1e3 * row["training"]["force_rmse"] for row in fitted],
            ".-",
            label=stage,
        )
    axes[1, 0].set(xlabel="iteration", ylabel="structures in the training set")
    axes[1, 1].set(xlabel="iteration", ylabel="force error, training, meV/Å")
    for one in axes[1]:
        one.legend(title="stage")
    return figure


def _reliability(axes: Axes, of_stage: Sequence[Row], rows: Sequence[Row]) -> None:
    """Share of the time steps that are done before a break, by kind of trajectory."""
    sampled = [row for row in of_stage if row.get("reliability") is not None]
    before = {row["iteration"]: row["n_training"] for row in rows}
    at = [before[row["iteration"] - 1] for row in sampled]
    kinds = dict.fromkeys(one["scenario"].split()[0] for row in sampled for one in row["scenarios"])
    for kind in kinds:
        share = []
        for row in sampled:
            parts = [one for one in row["scenarios"] if one["scenario"].startswith(kind)]
            share.append(sum(one["steps"] for one in parts) / sum(p["total_steps"] for p in parts))
        axes.plot(at, [100 * value for value in share], ".-", label=kind)
    axes.set(xlabel="structures in the training set", ylabel="reliability, %", ylim=(-3, 103))
    if kinds:
        axes.legend()


def main(arguments: list[str] | None = None) -> None:
    """Write the figure, the numbers and the journal; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("campaign", type=Path, help="campaign file or folder")
    parser.add_argument("--output", type=Path, default=Path())
    options = parser.parse_args(arguments)
    folder = CampaignFolder.find(options.campaign)
    rows = summarize(folder).iterations
    found = numbers(rows)
    options.output.mkdir(parents=True, exist_ok=True)
    figure = draw(rows)
    figure.savefig(options.output / "figures.png", dpi=110)
    plt.close(figure)
    (options.output / "numbers.json").write_text(json.dumps(found, indent=1) + "\n")
    target = options.output / "journal.jsonl"
    if target.resolve() != folder.journal_file.resolve():
        shutil.copyfile(folder.journal_file, target)
    for melted in folder.path.glob("melting/*/melting.json"):
        shutil.copyfile(melted, options.output / "melting.json")
    print("| | here | paper |\n|---|---|---|")
    for name, value in found.items():
        shown = "" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)
        print(f"| {name} | {shown} | {PAPER.get(name, '')} |")


if __name__ == "__main__":
    main()
