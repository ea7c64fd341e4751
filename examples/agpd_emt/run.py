"""Convex hull by two screens, from candidates by enumeration and an empty training set.

    python examples/agpd_emt/run.py output              # small: up to 5 atoms, minutes
    python examples/agpd_emt/run.py output --atoms 12 --level 16   # 27,477 candidates

EMT stands in for the reference, so that all candidates can be relaxed with it, too (--check): which
of its ground states were found, and with how many calculations. Every step writes its file last; a
run that was killed goes on where it was. Needs icet: pip install 'maxvolt[enumeration]'.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.emt import EMT

import maxvolt
from maxvolt.campaign import Campaign, CampaignFolder, summarize
from maxvolt.files import replacing
from maxvolt.properties import ConvexHull, convex_hull
from maxvolt.properties.convex_hull import SAME_ENERGY
from maxvolt.sampling import (
    Enumeration,
    Relaxation,
    Thresholds,
    enumerated_structures,
    iterate_scenarios,
)

HERE = Path(__file__).parent
SIGMAS = 4.0
HELD_OUT = 40
FEW = 200
"""Relaxed in this process: to start others takes longer."""
TOLERANCES = {"force_tolerance": 1e-3, "stress_tolerance": 0.01 / 160.2}
NEVER = Thresholds(1e9, 1e9)
"""The last relaxations go to their ends: the campaigns have seen to it that none extrapolates."""


class Screening:
    """The steps, each made once; what it took is kept beside their files."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.folder: Path = options.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._numbers = self.folder / "numbers.json"
        self.numbers: dict[str, Any] = {}
        if self._numbers.exists():
            self.numbers = json.loads(self._numbers.read_text())
        given = {name: getattr(options, name) for name in ("elements", "atoms", "level", "seed")}
        if self.numbers.setdefault("options", given) != given:
            raise SystemExit(
                f"{self.folder} has results of other options, {self.numbers['options']}; give "
                "these, or another folder"
            )
        self.keep()

    def keep(self) -> None:
        """Write down what is known."""
        with replacing(self._numbers) as file:
            file.write((json.dumps(self.numbers, indent=2) + "\n").encode())

    def step(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Make a step, or read what it gave; the seconds it took are among its numbers."""
        if name not in self.numbers:
            print(f"{name} ...", flush=True)
            began = time.perf_counter()
            made = make()
            self.numbers[name] = {"seconds": time.perf_counter() - began, **made}
            self.keep()
        shown = {key: value for key, value in self.numbers[name].items() if key != "steps"}
        print(f"{name}: {shown}", flush=True)
        return self.numbers[name]

    def run(self) -> None:
        """Make all steps, and the table at the end."""
        self.step("candidates", self._enumerate)
        self.step("screen1", partial(self._campaign, "screen1"))
        self.step("relaxed1", partial(self._relax, "screen1", "candidates", "relaxed1"))
        self.step("held_out1", partial(self._held_out, "screen1", "relaxed1", "held_out1"))
        self.step("near1", partial(self._near, "relaxed1", "held_out1", "near1"))
        self.step("screen2", partial(self._campaign, "screen2"))
        self.step("relaxed2", partial(self._relax, "screen2", "near1", "relaxed2"))
        self.step("held_out2", partial(self._held_out, "screen2", "relaxed2", "held_out2"))
        self.step("near2", partial(self._near, "relaxed2", "held_out2", "near2"))
        self.step("final", partial(self._relax, None, "near2", "final"))
        if self.options.check:
            self.step("all", partial(self._relax, None, "candidates", "all"))
            self.step("recall", self._recall)
        self._report()

    def read(self, name: str) -> maxvolt.Dataset:
        """Structures of a step."""
        return maxvolt.read(self.folder / f"{name}.xyz")

    def _write(self, name: str, structures: maxvolt.Dataset) -> None:
        maxvolt.write(self.folder / f"{name}.xyz", structures)

    def _enumerate(self) -> dict[str, Any]:
        wanted = Enumeration(tuple(self.options.elements), self.options.atoms)
        structures = maxvolt.Dataset.from_atoms(list(enumerated_structures(wanted)))
        self._write("candidates", structures)
        return {"structures": len(structures)}

    def _campaign(self, name: str) -> dict[str, Any]:
        """Run a campaign; its own folder says how far it is."""
        text = (HERE / f"{name}.toml").read_text()
        level = self.options.level + (2 if name == "screen2" else 0)
        species = "species = " + json.dumps(self.options.elements)
        new = {"level =": f"level = {level}", "species =": species}
        lines = ["[campaign]", f"seed = {self.options.seed}"]
        lines += [f"workers = {self.options.workers}"]
        for line in text.splitlines():
            lines += [next((value for key, value in new.items() if line.startswith(key)), line)]
        file = self.folder / f"{name}.toml"
        file.write_text("\n".join(lines) + "\n")
        result = Campaign(file).run()
        if result.status != "finished":
            raise SystemExit(f"{name}: {result.status}: {result.reason}")
        rows = summarize(CampaignFolder(result.folder)).iterations
        spent: dict[str, float] = {}
        for row in rows:
            for step, seconds in row["seconds"].items():
                spent[step] = spent.get(step, 0.0) + seconds
        last = rows[-1]
        return {
            "iterations": len(rows),
            "calculations": last["n_labels_total"],
            "training": last["n_training"],
            "level": level,
            "spent": spent,
        }

    def _relax(self, screen: str | None, given: str, name: str) -> dict[str, Any]:
        """Relax with the potential of a screen, or with the reference."""
        structures = self.read(given)
        factory: Callable[[], Any] = EMT
        if screen is not None:
            potential = maxvolt.load(self.folder / screen / "potential.almtp")
            factory = partial(maxvolt.Calculator, potential, threads=1)
        scenario = Relaxation("relaxation", structures, **TOLERANCES)
        workers = None if len(structures) < 2 * FEW else self.options.workers
        parts = list(iterate_scenarios([scenario], factory, NEVER, seed=0, executor=workers))
        ends = sorted((end for part in parts for end in part.candidates), key=lambda end: end.index)
        relaxed = []
        for end in ends:
            end.structure.info |= structures.infos[end.index]
            end.structure.info.setdefault("candidate", end.index)
            if end.status == "relaxed":
                relaxed.append(end.structure)
        self._write(name, maxvolt.Dataset.from_atoms(relaxed))
        return {
            "structures": len(ends),
            "not_relaxed": len(ends) - len(relaxed),
            "evaluations": sum(end.steps for end in ends),
        }

    def _held_out(self, screen: str, given: str, name: str) -> dict[str, Any]:
        """Measure the error of the energies where they count: on relaxed structures."""
        structures = self.read(given)
        trained = set(maxvolt.read(self.folder / screen / "training.xyz").digests)
        new = [s for s, digest in enumerate(structures.digests) if digest not in trained]
        generator = np.random.default_rng(self.options.seed)
        chosen = np.sort(generator.permutation(new)[:HELD_OUT])
        labelled = []
        for atoms in structures.select(chosen):
            atoms.calc = EMT()
            atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
            labelled.append(atoms)
        dataset = maxvolt.Dataset.from_atoms(labelled)
        counts = np.diff(dataset.offsets)
        errors = (structures.energies[chosen] - dataset.energies) / counts
        self._write(name, dataset)
        return {
            "calculations": len(chosen),
            "sigma_meV_per_atom": 1000 * float(np.sqrt(np.mean(errors**2))),
        }

    def _near(self, given: str, held_out: str, name: str) -> dict[str, Any]:
        """Keep what may be a ground state, as far as the measured error allows to say."""
        structures = self.read(given)
        sigma = self.numbers[held_out]["sigma_meV_per_atom"] / 1000
        hull = convex_hull(structures, errors=sigma)
        near = hull.near(sigmas=SIGMAS)
        self._write(name, structures.select(near))
        return {"structures": len(near), "of": len(structures)}

    def _recall(self) -> dict[str, Any]:
        """Which ground states of the reference were found, and how far the others were missed."""
        everything, final = self.read("all"), self.read("final")
        truth, found = convex_hull(everything), convex_hull(final)
        energies = final.energies / np.diff(final.offsets)
        true_energies = everything.energies / np.diff(everything.offsets)
        rows = []
        for s, margin in zip(truth.ground_states, truth.margins, strict=True):
            same = (abs(found.compositions - truth.compositions[s]) < 1e-9).all(axis=1)
            above = (energies[same] - true_energies[s]).min(initial=np.inf)
            rows.append(
                {
                    "structure": everything[s].symbols.formula.format("metal"),
                    "lattice": everything.infos[s]["parent_lattice"],
                    "formation_meV_per_atom": 1000 * float(truth.formation_energies[s]),
                    "below_the_others_meV_per_atom": 1000 * float(margin),
                    "found": bool(above < SAME_ENERGY),
                    "missed_by_meV_per_atom": None if np.isinf(above) else 1000 * float(above),
                }
            )
        self._draw(truth, found)
        return {"ground_states": rows, "found": sum(row["found"] for row in rows), "of": len(rows)}

    def _draw(self, truth: ConvexHull, found: ConvexHull) -> None:
        by_potential = convex_hull(self.read("relaxed1"))
        by_potential.plot(truth).savefig(self.folder / "hull.png", dpi=120)

    def _report(self) -> None:
        numbers = self.numbers
        potential = sum(numbers[name]["seconds"] for name in ("relaxed1", "relaxed2"))
        parts = {
            "first screen": ("screen1", "relaxed1", "held_out1"),
            "second screen": ("near1", "screen2", "relaxed2", "held_out2"),
            "last relaxations, with the reference": ("near2", "final"),
        }
        seconds = {part: sum(numbers[n]["seconds"] for n in names) for part, names in parts.items()}
        total = sum(seconds.values())
        count = numbers["candidates"]["structures"]
        single = sum(
            numbers[name]["calculations"]
            for name in ("screen1", "held_out1", "screen2", "held_out2")
        )
        print(f"\ncandidates: {count}")
        for part, value in seconds.items():
            print(f"{part}: {value:.0f} s, {100 * value / total:.0f} %")
        print(f"relaxed with the potentials: {1000 * potential / count:.1f} ms per candidate")
        print(f"calculations for learning and errors: {single}")
        steps = numbers["final"]["evaluations"]
        print(f"last relaxations: {numbers['final']['structures']}, {steps} calculations")
        if "recall" in numbers:
            everything = numbers["all"]
            print(
                f"relaxing everything: {everything['evaluations']} calculations, "
                f"{everything['seconds']:.0f} s"
            )
            print(f"ground states found: {numbers['recall']['found']} of {numbers['recall']['of']}")
            for row in numbers["recall"]["ground_states"]:
                print(f"  {row}")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--elements", type=lambda text: text.split(","), default=["Ag", "Pd"])
    parser.add_argument("--atoms", type=int, default=5, help="most atoms of a candidate (5)")
    parser.add_argument("--level", type=int, default=8, help="level of the first potential (8)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--check", action="store_true", help="relax everything with EMT, compare")
    Screening(parser.parse_args()).run()


if __name__ == "__main__":
    main()
