"""Print the path of a wheel of this source tree, built where the cache has none.

python tools/cached_wheel.py

The cache ($MAXVOLT_CACHE, else $XDG_CACHE_HOME/maxvolt, else ~/.cache/maxvolt) keeps the last few
wheels by a digest of all that goes into one, so that a second clone need not compile again.
Only the standard library is used: it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_TREE = Path(__file__).resolve().parent.parent
_KEPT = 4
"""Wheels that stay in the cache; the oldest go."""


def main() -> None:
    """Find or build, print."""
    folder = cache() / digest(_TREE)
    found = sorted(folder.glob("*.whl"))
    if found:
        print(f"Using the wheel that was built before, {found[0]}", file=sys.stderr)
    else:
        found = [_built(folder)]
        _forget_old(folder.parent)
    print(found[0])


def cache() -> Path:
    """Folder of the wheels."""
    given = os.environ.get("MAXVOLT_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maxvolt"


def digest(tree: Path) -> str:
    """Digest of the sources, of the interpreter and of what compiles."""
    found = hashlib.sha256()
    for path in _sources(tree):
        found.update(f"{path.relative_to(tree)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    named = (sys.version, sysconfig.get_platform(), *map(os.environ.get, ("CC", "CXX", "CXXFLAGS")))
    found.update(repr(named).encode())
    return found.hexdigest()[:20]


def _sources(tree: Path) -> Iterator[Path]:
    for name in ("CMakeLists.txt", "LICENSE", "README.md", "pyproject.toml"):
        yield tree / name
    for path in sorted((tree / "src").rglob("*")):
        if path.is_file() and path.suffix not in (".pyc", ".so") and "egg-info" not in str(path):
            yield path


def _built(folder: Path) -> Path:
    """Build, and say how far it is; the wheel appears in the cache once it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        log = Path(scratch) / "build.log"
        words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", scratch]
        began = time.monotonic()
        with log.open("wb") as stream:
            build = subprocess.Popen(
                [*words, "-v", str(_TREE)], stdout=stream, stderr=subprocess.STDOUT
            )
            while build.poll() is None:
                _say(began, log)
                time.sleep(0.5 if sys.stderr.isatty() else 10)
        print(file=sys.stderr)
        if build.returncode:
            sys.stderr.write(log.read_text(encoding="utf-8", errors="replace"))
            raise SystemExit("the wheel could not be built; the messages are above")
        log.unlink()
        (wheel,) = Path(scratch).glob("*.whl")
        folder.mkdir(exist_ok=True)
        return wheel.replace(folder / wheel.name)


def _say(began: float, log: Path) -> None:
    """Say for how long it has been running, and what the compiler does."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    steps = [line.strip() for line in lines if line.lstrip().startswith("[")]
    count, _, step = (steps[-1] if steps else "preparing the build").partition(" ")
    step = step.rsplit("/", 1)[-1] if "/" in count else step
    text = f"  {time.monotonic() - began:4.0f} s  {count} {step}"[:78]
    end = "" if sys.stderr.isatty() else "\n"
    start = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{start}{text}", end=end, file=sys.stderr, flush=True)


def _forget_old(folder: Path) -> None:
    wheels = sorted(folder.glob("*/*.whl"), key=lambda path: path.stat().st_mtime)
    for wheel in wheels[:-_KEPT]:
        wheel.unlink()
        wheel.parent.rmdir()


if __name__ == "__main__":
    main()
