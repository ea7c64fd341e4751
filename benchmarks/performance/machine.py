"""The machine and the programs that take part."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from maxvolt.potentials.mtp.binding import kernels
from maxvolt.threads import thread_count
from performance.results import Machine

__all__ = ["compiler", "describe_machine", "load_average", "program_versions", "source_version"]

_PACKAGES = ("maxvolt", "motep", "numpy", "scipy", "ase", "vesin")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def compiler() -> str | None:
    """Path of the machine's C++ compiler: $CXX, or the first known one that is there."""
    names = [os.environ["CXX"]] if "CXX" in os.environ else ["c++", "g++", "clang++"]
    return next((path for name in names if (path := shutil.which(name))), None)


def describe_machine() -> Machine:
    """Describe this computer."""
    return Machine(
        processor=_processor(),
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        compiler=_compiler_version(),
        cores=thread_count(None),
        memory=_memory(),
        caches=_caches(),
        instruction_sets=kernels.instruction_sets(),
    )


def program_versions() -> dict[str, str]:
    """Version of Python and of each package that is installed."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def source_version() -> str:
    """What git calls the sources; "" where they are no checkout."""
    try:
        return _first_line(
            ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
        )
    except (OSError, subprocess.CalledProcessError):
        return ""


def load_average() -> float:
    """Mean number of processes that wanted a core in the last minute; 0 where it is not told."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _caches() -> dict[str, str]:
    """Sizes of the caches of the first core, such as {"L1 data": "48K"}; empty if unknown."""
    found = {}
    for folder in sorted(_CACHES.glob("index*")):
        level, kind, size = (
            (folder / name).read_text().strip() for name in ("level", "type", "size")
        )
        found[f"L{level}" if kind == "Unified" else f"L{level} {kind.lower()}"] = size
    return found


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def _compiler_version() -> str:
    path = compiler()
    if path is None:
        return "none"
    try:
        return _first_line([path, "--version"])
    except (OSError, subprocess.CalledProcessError):
        return path


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return (done.stdout.splitlines() or [""])[0]
