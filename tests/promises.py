"""What some tests need of the machine, and which of it has been promised.

A test says what it needs with `needs`. Where that is missing, the test is skipped and says why; it
fails where the environment variable MAXVOLT_PROMISED (names separated by blanks) promises it, as CI
does, so that no comparison is left out unnoticed. Tests are skipped in no other way.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

__all__ = [
    "NEEDS",
    "find_chromium",
    "find_mpiexec",
    "needs",
    "promised",
    "pytest_configure",
    "pytest_terminal_summary",
    "shared",
]

VARIABLE = "MAXVOLT_PROMISED"


def _shared_folder() -> Path:
    beside = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("MAXVOLT_SHARED", beside))


def find_chromium() -> str | None:
    """Path of the browser, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def find_mpiexec() -> str | None:
    """Path of MPI's launcher, that of this environment first, or None."""
    here = str(Path(sys.executable).parent)
    return shutil.which("mpiexec", path=here) or shutil.which("mpiexec")


def _shared() -> str | None:
    folder = _shared_folder()
    if (folder / "reference").is_dir():
        return None
    return f"no reference data in {folder}; set MAXVOLT_SHARED to the folder that has it"


def _chromium() -> str | None:
    return None if find_chromium() else "no chromium here; on Debian: apt-get install chromium"


def _program(program: str, pseudopotential: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        if shutil.which(program) is None:
            return f"the program {program} is not installed"
        if not Path(pseudopotential).is_file():
            return f"the pseudopotential {pseudopotential} is not installed"
        return None

    return missing


def _cp2k() -> str | None:
    if shutil.which("cp2k.psmp") is None:
        return "the program cp2k.psmp is not installed; on Debian: apt-get install cp2k"
    return None


def _extra(name: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        if importlib.util.find_spec(name) is None:
            return f"{name} is not installed: pip install maxvolt[{name}]"
        return None

    return missing


def _lammps() -> str | None:
    if importlib.util.find_spec("maxvolt_lammps") is None:
        return "the LAMMPS plugin is not installed: pip install ./lammps"
    return None


def _i_pi() -> str | None:
    if importlib.util.find_spec("ipi") is None:
        return "i-PI is not installed: pip install maxvolt[i-pi]"
    return None


def _mpi4py() -> str | None:
    if importlib.util.find_spec("mpi4py") is None:
        return "mpi4py is not installed: pip install maxvolt[mpi]"
    return None if find_mpiexec() else "no mpiexec here: pip install mpich"


def _site() -> str | None:
    for module in ("mkdocs", "material", "mkdocstrings", "mathjax"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed: pip install maxvolt[docs]"
    return None


def _dask() -> str | None:
    for module in ("distributed", "dask_jobqueue", "cryptography"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed: pip install maxvolt[dask]"
    return None


def _package(module: str, extra: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed: pip install maxvolt[{extra}]"
        return None

    return missing


def _search() -> str | None:
    for module in ("pyxtal", "ase_ga"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed: pip install maxvolt[search]"
    return None


def _ani() -> str | None:
    for module in ("torch", "torchani", "safetensors"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed: pip install maxvolt[ani]"
    return None


def _slurm() -> str | None:
    if shutil.which("sbatch") is None or shutil.which("sinfo") is None:
        return "SLURM is not installed"
    try:
        command = ["sinfo", "--noheader", "--responding", "--states", "idle,mixed,allocated"]
        nodes = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return "SLURM does not answer"
    if nodes.returncode != 0 or not nodes.stdout.strip():
        return f"SLURM has no node here: {nodes.stderr.strip() or 'none is up'}"
    return _dask()


def _fork() -> str | None:
    return None if hasattr(os, "fork") else "this system has no fork"


def _kill() -> str | None:
    return None if os.name == "posix" else "this system has no SIGKILL"


NEEDS: dict[str, Callable[[], str | None]] = {
    "shared": _shared,
    "chromium": _chromium,
    "espresso": _program("pw.x", "/usr/share/espresso/pseudo/Al.pz-vbc.UPF"),
    "abinit": _program("abinit", "/usr/share/abinit/psp/Al.psp8"),
    "cp2k": _cp2k,
    "gpaw": _extra("gpaw"),
    "dftpy": _extra("dftpy"),
    "pyscf": _extra("pyscf"),
    "tblite": _extra("tblite"),
    "lammps": _lammps,
    "i-pi": _i_pi,
    "mpi4py": _mpi4py,
    "dask": _dask,
    "mkdocs": _site,
    "slurm": _slurm,
    "enumeration": _package("icet", "enumeration"),
    "lattice": _package("spglib", "lattice"),
    "search": _search,
    "phonopy": _package("phonopy", "phonopy"),
    "phono3py": _package("phono3py", "phono3py"),
    "pymatgen": _package("pymatgen", "pymatgen"),
    "matcalc": _package("matcalc", "matcalc"),
    "janus": _package("janus_core", "janus"),
    "ovito": _package("ovito", "ovito"),
    "free-energy": _package("calphy", "free-energy"),
    "kinisi": _package("kinisi", "kinisi"),
    "quacc": _package("quacc", "quacc"),
    "ani": _ani,
    "map": _package("openTSNE", "map"),
    "motep": _package("motep", "bench"),
    "fork": _fork,
    "SIGKILL": _kill,
}
"""Everything a test may need, and what says why it is missing (None: it is there)."""


def promised() -> set[str]:
    """Names in MAXVOLT_PROMISED; pytest ends where one of them is unknown."""
    names = set(os.environ.get(VARIABLE, "").split())
    if unknown := names - set(NEEDS):
        raise pytest.UsageError(
            f"{VARIABLE} promises {', '.join(sorted(unknown))}; known are {', '.join(NEEDS)}"
        )
    return names


def needs(name: str) -> None:
    """Skip the test, or fail it where `name` was promised, unless `name` is there."""
    missing = NEEDS[name]()
    if missing is None:
        return
    if name in promised():
        pytest.fail(f"{VARIABLE} promises {name}, but: {missing}", pytrace=False)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with data and reference output that is not part of the repository.

    It lies beside the repository, or where MAXVOLT_SHARED says.
    """
    needs("shared")
    return _shared_folder()


def pytest_configure() -> None:
    """Refuse promises that nobody knows before any test runs."""
    promised()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were skipped and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section(f"{reasons.total()} tests skipped")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count}: {reason}")
