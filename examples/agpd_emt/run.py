"""Convex hull by two screens, from candidates by enumeration and an empty training set.

    python examples/agpd_emt/run.py output              # small: up to 5 atoms, minutes
    python examples/agpd_emt/run.py output --elements Cu,Pd --atoms 12 --level 16 --check

EMT stands in for the reference, so that all candidates can be relaxed with it, too (--check): which
of its ground states were found, and with how many calculations. What is done is kept, also of a
step that was interrupted; a run that was killed goes on where it was. Needs icet: pip install
'maxvolt[enumeration]'.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.emt import EMT
from clock import Clock
from emt_tables import write_tables
from relaxing import relax_in_parts
from table import print_table

import maxvolt
from maxvolt.campaign import Campaign, CampaignFolder, summarize
from maxvolt.cli import main as maxvolt_command
from maxvolt.files import replacing
from maxvolt.properties import convex_hull, same_crystals
from maxvolt.properties.convex_hull import SAME_ENERGY

HERE = Path(__file__).parent
SIGMAS = 4.0
HELD_OUT = 40
"""Labels by which the error is measured; half of them near the hull, half of all."""
TOLERANCES = {"force_tolerance": 1e-3, "stress_tolerance": 0.01 / 160.2}


class Screening:
    """The steps, each made once; what it took is kept beside their files."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.folder: Path = options.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._numbers = self.folder / "numbers.json"
        self.clock = Clock(self.folder / "clock.json")
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
        """Make a step, or read what it gave; the seconds of all tries are among its numbers."""
        if name not in self.numbers:
            print(f"{name} ...", flush=True)
            with self.clock.running(name):
                made = make()
            tries = self.clock.tries(name)
            self.numbers[name] = {"seconds": sum(tries), "tries": len(tries), **made}
            self.keep()
        print(f"{name}: {self.numbers[name]}", flush=True)
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
        self.step("final", partial(self._relax, "emt", "near2", "final"))
        if self.options.check:
            self.step("all", self._relax_everything)
            self.step("recall", self._recall)
        print_table(self.numbers)

    def read(self, name: str) -> maxvolt.Dataset:
        """Structures of a step."""
        return maxvolt.read(self.folder / f"{name}.xyz")

    def _write(self, name: str, structures: maxvolt.Dataset) -> None:
        maxvolt.write(self.folder / f"{name}.xyz", structures)

    def _enumerate(self) -> dict[str, Any]:
        elements, atoms = ",".join(self.options.elements), str(self.options.atoms)
        file = self.folder / "candidates.xyz"
        command = ["enumerate", elements, "--atoms", atoms, "-o", str(file)]
        if maxvolt_command(command):
            raise SystemExit("no candidates")
        return {"structures": len(maxvolt.read(file))}

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

    def _calculator(self, screen: str) -> Callable[[], Any]:
        if screen == "emt":
            return EMT
        file = self.folder / screen / "potential.almtp"
        if screen == "tables":
            file = self.folder / "emt.eam.alloy"
            if not file.exists():
                write_tables(file, self.options.elements)
        return partial(maxvolt.Calculator, maxvolt.load(file), threads=1)

    def _relax(self, screen: str, given: str, name: str) -> dict[str, Any]:
        """Relax with the potential of a screen, or with the reference."""
        found, seconds = relax_in_parts(
            self.read(given),
            self._calculator(screen),
            self.folder / name,
            workers=self.options.workers,
            **TOLERANCES,
        )
        ended = [s for s, info in enumerate(found.infos) if info["status"] == "relaxed"]
        self._write(name, found.select(ended))
        return {
            "structures": len(found),
            "not_relaxed": len(found) - len(ended),
            "evaluations": sum(int(info["steps"]) for info in found.infos),
            "processor_seconds": seconds,
        }

    def _relax_everything(self) -> dict[str, Any]:
        """Relax all candidates with the tables of EMT, and see how well these agree with it."""
        numbers = self._relax("tables", "candidates", "all")
        everything = self.read("all")
        chosen = np.random.default_rng(0).permutation(len(everything))[:100]
        some = everything.select(np.sort(chosen))
        apart = (self._labelled(some).energies - some.energies) / np.diff(some.offsets)
        crystals = same_crystals(everything).representatives
        return {
            **numbers,
            "crystals": len(crystals),
            "tables_off_by_meV_per_atom": 1000 * float(abs(apart).max()),
        }

    def _labelled(self, structures: maxvolt.Dataset) -> maxvolt.Dataset:
        labelled = []
        for atoms in structures:
            atoms.calc = EMT()
            atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
            labelled.append(atoms)
        return maxvolt.Dataset.from_atoms(labelled)

    def _held_out(self, screen: str, given: str, name: str) -> dict[str, Any]:
        """Measure the error of the energies where they count: on relaxed structures."""
        structures = self.read(given)
        trained = set(maxvolt.read(self.folder / screen / "training.xyz").digests)
        new = np.array([d not in trained for d in structures.digests])
        new[np.setdiff1d(np.arange(len(new)), same_crystals(structures).representatives)] = False
        generator = np.random.default_rng(self.options.seed)
        near = np.flatnonzero(new)[convex_hull(structures).distances[new].argsort()]
        near = near[: HELD_OUT // 2]
        others = generator.permutation(np.setdiff1d(np.flatnonzero(new), near))
        chosen = np.concatenate([near, others[: HELD_OUT - HELD_OUT // 2]])
        labelled = self._labelled(structures.select(chosen))
        errors = structures.energies[chosen] - labelled.energies
        errors *= 1000 / np.diff(labelled.offsets)
        self._write(name, labelled)
        of_near, of_others = errors[: len(near)], errors[len(near) :]
        return {
            "calculations": len(chosen),
            "sigma_meV_per_atom": _root_mean_square(errors),
            "sigma_near_meV_per_atom": _root_mean_square(of_near),
            "sigma_others_meV_per_atom": _root_mean_square(of_others),
            "spread_near_meV_per_atom": float(of_near.std()) if len(near) else None,
        }

    def _near(self, given: str, held_out: str, name: str) -> dict[str, Any]:
        """Keep what may be a ground state, as far as the measured error allows to say."""
        structures = self.read(given)
        sigma = self.numbers[held_out]["sigma_meV_per_atom"] / 1000
        near = structures.select(convex_hull(structures, errors=sigma).near(sigmas=SIGMAS))
        crystals = same_crystals(near).representatives
        self._write(name, near.select(np.sort(crystals)))
        return {"structures": len(crystals), "near": len(near), "of": len(structures)}

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
        by_potential = self.read("relaxed1")
        convex_hull(by_potential).plot(truth).savefig(self.folder / "hull.png", dpi=120)
        return {
            "ground_states": rows,
            "found": sum(row["found"] for row in rows),
            "of": len(rows),
            "relaxed_energies": _differences(by_potential, everything),
        }


def _differences(by_potential: maxvolt.Dataset, by_reference: maxvolt.Dataset) -> dict[str, Any]:
    """How far relaxed energies of the same candidates are apart."""
    energies = [
        {
            info["candidate"]: energy
            for info, energy in zip(one.infos, one.energies / one.counts, strict=True)
        }
        for one in (by_potential, by_reference)
    ]
    both = energies[0].keys() & energies[1].keys()
    apart = 1000 * np.abs([energies[0][k] - energies[1][k] for k in both])
    return {
        "of": len(both),
        "median_meV_per_atom": float(np.median(apart)),
        "largest_meV_per_atom": float(apart.max()),
        "more_than_1_meV_per_atom": int((apart > 1).sum()),
    }


def _root_mean_square(values: np.ndarray) -> float | None:
    return float(np.sqrt(np.mean(values**2))) if len(values) else None


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
