"""Run a command with the compiled core built with address and undefined-behaviour sanitizers.

    python tools/sanitized.py -- python tools/attack.py fuzz_evaluation --minutes 10

The core is built into a folder outside the source tree (--build), once, and again where a source
is newer. The command's Python takes it in place of the installed one; a report of a sanitizer ends
the command with a status other than 0.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -O1"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = Path(tempfile.gettempdir()) / f"maxvolt-sanitized-{os.getuid()}"
    parser.add_argument("--build", type=Path, default=default, help="folder (%(default)s)")
    parser.add_argument("command", nargs="+", help="behind --")
    options = parser.parse_args()
    folder = build(options.build.resolve())
    surroundings = environment(folder)
    check(folder, surroundings)
    return subprocess.run(options.command, env=surroundings, check=False).returncode


def build(folder: Path) -> Path:
    """Build the core; return the folder that holds it."""
    configure = [
        "cmake", "-S", str(ROOT), "-B", str(folder), f"-DCMAKE_CXX_FLAGS={FLAGS}",
        "-DCMAKE_BUILD_TYPE=None", f"-DPython_EXECUTABLE={sys.executable}", "-DSKBUILD=2",
        "-DSKBUILD_PROJECT_NAME=maxvolt", "-DSKBUILD_PROJECT_VERSION=0",
        "-DMAXVOLT_SANITIZERS=address,undefined",
    ]  # fmt: skip
    subprocess.run(configure, check=True, stdout=sys.stderr)
    subprocess.run(["cmake", "--build", str(folder)], check=True, stdout=sys.stderr)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Have Python load the sanitizers first, and the core from the folder."""
    hook = folder / "hook"
    hook.mkdir(exist_ok=True)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    (found,) = (path for path in folder.rglob("_core*.so") if suffix in path.name or path.suffix)
    # Not usercustomize, which virtual environments leave out.
    (hook / "sitecustomize.py").write_text(HOOK.format(path=str(found)))
    libraries = [_library(name) for name in ("libasan.so", "libstdc++.so")]
    inherited = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(hook), *([inherited] if inherited else [])]),
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
    }


def check(folder: Path, surroundings: dict[str, str]) -> None:
    """End where Python takes another core than that of the folder, which would find nothing."""
    program = "from maxvolt.compiled import _core; print(_core.__file__)"
    asked = subprocess.run(
        [sys.executable, "-c", program],
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = asked.stdout.strip()
    if not loaded or folder not in Path(loaded).parents:
        sys.exit(
            f"sanitized.py: Python does not load the core of {folder} but {loaded or 'none'} "
            f"{asked.stderr.strip()}"
        )


HOOK = '''"""Find the sanitized core before the installed one."""

import importlib.util
import sys


class Finder:
    """Finds maxvolt.compiled._core in its build folder."""

    def find_spec(self, name, path=None, target=None):
        if name == "maxvolt.compiled._core":
            return importlib.util.spec_from_file_location(name, {path!r})
        return None


sys.meta_path.insert(0, Finder())
'''


def _library(name: str) -> str:
    compiler = os.environ.get("CXX", "g++")
    asked = subprocess.run(
        [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
