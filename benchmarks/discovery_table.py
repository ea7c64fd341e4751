"""Table I of the article on ANI-Al: a model of what was discovered, and one of fcc and its melt.

    python benchmarks/discovery_table.py CAMPAIGN REFERENCE --output docs/campaigns/discovery

CAMPAIGN is the folder of a campaign that began with disorder, finished or running, or its file;
it is read, never written. REFERENCE is the potential that labelled it. A tenth of its structures is
held out, before anything is trained; structures of the same box, which come from the same run, stay
together. The other model is trained on snapshots of fcc crystals and of melts around the melting
point, at no pressure, from dynamics with the reference: as many atoms; its held-out snapshots are
of runs of their own. Both are trained alike, with the settings of the campaign and the range of
radial functions of the first, and tested on both held-out sets (J. S. Smith et al., Nat. Commun.
12, 1257, 2021). Writes discovery_table.json and .txt; what was simulated and trained lies in
--work, and the same command goes on from there.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk

import maxvolt
from aluminium_structures import labelled
from maxvolt.campaign import CampaignFolder, Settings
from maxvolt.fitting.families import training_named
from maxvolt.properties import Keeping
from maxvolt.properties.dynamic.preparation import prepared
from maxvolt.properties.dynamic.settings import PhaseSettings
from maxvolt.properties.dynamic.simulation import Plan, simulate
from maxvolt.report.output import write_json
from maxvolt.report.phase_record import batches_of_campaign

__all__ = ["Sets", "discovered", "main", "near_equilibrium", "table_text"]

DISCOVERED, NEAR = "actively learned", "fcc and melt"
STATES = (
    *(("solid", share) for share in (0.8, 0.9, 1.0)),
    *(("melt", share) for share in (1.0, 1.1, 1.2)),
)
"""Phases, and temperatures over the melting point."""

FRAME_TIME = 200.0
"""fs, from a snapshot to the next: about a period of vibrations."""

VALUE_EVERY = 10


@dataclass(frozen=True)
class Sets:
    """Structures to train on, and those that are held out."""

    training: maxvolt.Dataset
    held_out: maxvolt.Dataset


def discovered(folder: CampaignFolder, share: float, seed: int) -> Sets:
    """Split what a campaign has labelled; structures of one box stay together."""
    whole = maxvolt.Dataset.concatenate([found for _, found in batches_of_campaign(folder)])
    boxes = [(len(atoms), *np.round(atoms.cell.array.ravel(), 6)) for atoms in whole]
    _, box_of = np.unique(np.array(boxes), axis=0, return_inverse=True)
    box_of = box_of.ravel()
    order = np.random.default_rng(seed).permutation(box_of.max() + 1)
    chosen = order[: max(1, round(share * len(order)))]
    test = np.isin(box_of, chosen)
    if test.all():
        raise SystemExit("the campaign has labelled structures of one box only: nothing is left")
    return Sets(whole.select(~test), whole.select(test))


def near_equilibrium(
    reference: Path,
    like: Sets,
    options: argparse.Namespace,
) -> Sets:
    """Snapshots of crystals and melts with as many atoms as other sets have."""
    keeping = Keeping(options.work / "simulations")
    calculator = maxvolt.Calculator(reference, threads=1)
    sets = []
    for seed, wanted in ((1, like.training.n_atoms), (2, like.held_out.n_atoms)):
        count = math.ceil(wanted / options.atoms / len(STATES))
        frames: list[Atoms] = []
        for phase, share in STATES:
            settings = PhaseSettings(
                temperature=round(share * options.melting_point),
                phase=phase,  # type: ignore[arg-type]
                atoms=options.atoms,
                equilibration_time=options.equilibration_time,
                seed=10 * seed,
            )
            frames += snapshots(calculator, settings, count, keeping)
        sets.append(maxvolt.Dataset.from_atoms([labelled(one, calculator) for one in frames]))
    return Sets(*sets)


def snapshots(
    calculator: Any, settings: PhaseSettings, count: int, keeping: Keeping
) -> list[Atoms]:
    """Simulate at constant temperature and pressure, and take so many frames."""
    begin = prepared(calculator, bulk("Al"), settings, keeping, "snapshots")
    every = VALUE_EVERY * max(1, round(FRAME_TIME / begin.timestep / VALUE_EVERY))
    plan = Plan(
        "snapshots", count * every, begin.timestep, settings.temperature, "npt",
        bulk_modulus=begin.bulk_modulus, shape=begin.shape, value_every=VALUE_EVERY,
        frame_every=every, seed=settings.seed + 1,
    )  # fmt: skip
    found = simulate(calculator, begin.atoms, plan, keeping, "snapshots")
    frames = []
    for cell, positions in zip(found.frame_cells, found.frames, strict=True):
        one = found.last.copy()
        one.set_cell(cell)
        one.positions = positions
        one.wrap()
        frames.append(one)
    return frames[-count:]


def with_range_of(settings: Settings, path: Path) -> Settings:
    """Settings with the radial range of a trained potential, where one is to be chosen by data.

    Else distances of one set lie outside the range of a model of the other, whose errors are then
    of any size.
    """
    potential = maxvolt.load(path)
    if not isinstance(potential, maxvolt.MTP):
        return settings
    section = settings.potential.model_copy(update={"min_dist": potential.min_dist})
    return settings.model_copy(update={"potential": section})


def trained(settings: Settings, training: maxvolt.Dataset, path: Path) -> dict[str, Any]:
    """Train as the campaign does, from the beginning; return what is known of the fit."""
    start_of_fit = training_named(settings.potential.family).start_of_fit
    if start_of_fit is None:
        raise SystemExit(f"potentials of the family {settings.potential.family} are not trained")
    checkpoint = path.with_suffix(".checkpoint")
    resumed = checkpoint.exists()
    began = time.process_time()
    result = maxvolt.fit(
        start_of_fit(settings.potential, training, None), training, settings.fit.settings(1),
        threads=1, progress=False, checkpoint=checkpoint, restart=resumed,
    )  # fmt: skip
    seconds = time.process_time() - began
    result.potential.write(path)
    return {
        "structures": len(training),
        "atoms": training.n_atoms,
        "iterations": len(result.members[0].losses) - 1,
        "seconds": None if resumed else seconds,
    }


def errors(path: Path, held_out: maxvolt.Dataset) -> dict[str, float]:
    """Errors of energies (meV/atom) and of components of forces (meV/A)."""
    total = maxvolt.compute_errors(path, held_out, threads=1).total
    return {
        "energy_rmse_meV_per_atom": 1e3 * total.energy_per_atom.rmse,
        "energy_mae_meV_per_atom": 1e3 * total.energy_per_atom.mae,
        "force_rmse_meV_per_A": 1e3 * total.force_components.rmse,
        "force_mae_meV_per_A": 1e3 * total.force_components.mae,
    }


def table_text(document: Mapping[str, Any]) -> str:
    """Two by two: trained on, tested on; root mean square and mean absolute errors."""
    tested = list(document["held_out"])
    heads = [f"{name}: {what}" for name in tested for what in ("meV/atom", "meV/Å")]
    lines = [
        f"| trained on | structures | atoms | {' | '.join(heads)} |",
        f"|---|---|---|{'---|' * len(heads)}",
    ]
    for name, found in document["trained"].items():
        cells = []
        for other in tested:
            one = found["errors"][other]
            for kind in ("energy", "force"):
                unit = "meV_per_atom" if kind == "energy" else "meV_per_A"
                rmse, mae = (one[f"{kind}_{which}_{unit}"] for which in ("rmse", "mae"))
                cells.append(f"{rmse:.3g} / {mae:.3g}")
        counts = f"{found['structures']} | {found['atoms']}"
        lines.append(f"| {name} | {counts} | {' | '.join(cells)} |")
    held = ", ".join(f"{one['structures']} of {name}" for name, one in document["held_out"].items())
    lines += ["", f"Root mean square / mean absolute errors on held-out structures: {held}."]
    return "\n".join(lines) + "\n"


def compared(
    folder: CampaignFolder, settings: Settings, options: argparse.Namespace
) -> dict[str, Any]:
    """Train on each set, test on both."""
    sets = {DISCOVERED: discovered(folder, options.held_out, options.seed)}
    sets[NEAR] = near_equilibrium(options.reference, sets[DISCOVERED], options)
    document: dict[str, Any] = {
        "iterations_of_the_campaign": len(folder.iterations()),
        "reference": options.reference.name,
        "potential": settings.potential.model_dump(mode="json"),
        "held_out": {
            name: {"structures": len(one.held_out), "atoms": one.held_out.n_atoms}
            for name, one in sets.items()
        },
        "trained": {},
    }
    suffix = training_named(settings.potential.family).suffix
    for name, one in sets.items():
        path = options.work / f"{name.replace(' ', '_')}{suffix}"
        found = trained(settings, one.training, path)
        settings = with_range_of(settings, path)
        found["errors"] = {other: errors(path, another.held_out) for other, another in sets.items()}
        document["trained"][name] = found
        print(f"trained on {name}: {found}", flush=True)
    return document


def main(arguments: list[str] | None = None) -> None:
    """Split, simulate, train, test, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("campaign", type=Path)
    add("reference", type=Path)
    add("--output", type=Path, required=True)
    add("--work", type=Path, default=Path("build/discovery_table"))
    add("--held-out", type=float, default=0.1, help="share of the boxes")
    add("--atoms", type=int, default=108, help="of a snapshot, about")
    add("--melting-point", type=float, default=926.0, help="of the reference, K")
    add("--equilibration-time", type=float, default=5.0, help="ps")
    add("--iterations", type=int, help="of a fit, at most (default: the campaign's)")
    add("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    for made in (options.work, options.output):
        made.mkdir(parents=True, exist_ok=True)
    folder = CampaignFolder.find(options.campaign)
    settings = folder.iterations()[-1].settings()
    if options.iterations is not None:
        fit = settings.fit.model_copy(update={"max_iterations": options.iterations})
        settings = settings.model_copy(update={"fit": fit})
    document = compared(folder, settings, options)
    write_json(document, options.output / "discovery_table.json")
    text = table_text(document)
    (options.output / "discovery_table.txt").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
