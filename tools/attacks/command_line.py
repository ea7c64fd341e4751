"""Give the commands arguments, files and surroundings that make no sense: a message, no more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import maxvolt
from attacks.finding import FindingError
from attacks.potentials import labelled_aluminium

__all__ = ["COMMANDS", "SURROUNDINGS", "run", "trial"]

EXIT_CODES = (0, 1, 2, 130, 143)
_SECONDS = 300.0

COMMANDS: dict[str, tuple[str, ...]] = {
    "train": ("data.xyz", "-o", "out.mtp", "--level", "2", "--cutoff", "4", "--starts", "1"),
    "run": ("campaign.toml",),
    "status": ("campaign.toml",),
    "report": ("campaign.toml",),
    "evaluate": ("pot.mtp", "data.xyz"),
    "errors": ("pot.mtp", "data.xyz"),
    "calibrate": ("pot.mtp", "--train", "data.xyz", "-o", "pot.uncertainty"),
    "grade": ("pot.mtp", "data.xyz", "--train", "data.xyz"),
    "select": ("pot.mtp", "data.xyz", "data.xyz", "-o", "out.xyz"),
    "cut-neighborhood": ("data.xyz", "-o", "out.xyz", "--cutoff", "4"),
    "md": ("pot.mtp", "data.xyz", "--steps", "2", "--temperature", "300"),
    "relax": ("pot.mtp", "data.xyz", "-o", "out.xyz", "--max-steps", "2", "--workers", "1"),
    "search": (
        *("pot.mtp", "-o", "found", "--species", "Al", "--atoms", "2", "--no-symmetry"),
        *("--method", "hopping", "--generations", "1", "--population", "2"),
        *("--force-tolerance", "1e3", "--stress-tolerance", "1e4"),
    ),
    "i-pi": ("pot.mtp", "data.xyz", "--unix", "nobody", "--wait", "0"),
    "label": ("data.xyz", "-o", "out.xyz", "--calculator", "emt", "--workers", "1"),
    "convert": ("data.xyz", "out.cfg"),
    "mindist": ("data.xyz",),
    "phases": ("data.xyz",),
    "info": ("data.xyz",),
}
"""Arguments with which each command has something to do, or says why not."""

_VALUES = ("", "-1", "0", "1e400", "nan", "none", "Al,Xx", "é", "data.xyz", "out.xyz", "a,b", "99")
_OPTIONS = ("--json", "--threads", "--species", "--level", "--help", "--seed", "-o", "--mode")
_FILES = (
    *("data.xyz", "data.cfg", "frames.db", "frames.traj", "POSCAR", "OUTCAR", "vasprun.xml"),
    *("pot.mtp", "campaign.toml", "frames.json", "frames.lammpstrj"),
    *("missing.xyz", "folder", "nothing"),
)

SURROUNDINGS: dict[str, dict[str, str]] = {
    "plain": {},
    "ascii": {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "COLUMNS": "30"},
    "no UTF-8 mode": {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
    "no home": {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "TMPDIR": "/dev/null"},
    "terminal": {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "3"},
}


def trial(seed: int, scratch: Path) -> str:
    """Run one command line."""
    random = np.random.default_rng(seed)
    command = str(random.choice(list(COMMANDS)))
    make_files(scratch)
    damaged = str(random.choice(_FILES))
    if random.random() < 0.5:
        _damage(scratch / damaged, random)
    words = [command, *_shuffled(list(COMMANDS[command]), random)]
    surroundings = str(random.choice(list(SURROUNDINGS)))
    closed = int(random.integers(3)) if random.random() < 0.2 else None
    before = _listing(scratch)
    code, _, errors = run(words, scratch, surroundings, closed=closed)
    judge(words, code, errors)
    if code and closed != 2 and not errors.strip():
        raise FindingError(f"{words}: exit code {code} without a word")
    judge_left(scratch, before, code)
    return {0: "done", 2: "message"}.get(code, str(code))


def run(
    words: list[str], folder: Path, surroundings: str = "plain", *, closed: int | None = None
) -> tuple[int, bytes, str]:
    """Run the command line in a folder; return exit code, output and errors."""
    script = 'exec "$@"' if closed is None else f'exec "$@" {closed}{"<" if not closed else ">"}&-'
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", script, "sh", sys.executable, "-m", "maxvolt", *words],
            cwd=folder,
            env={**os.environ, **SURROUNDINGS[surroundings]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FindingError(f"hangs: {words}") from error
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def judge(words: list[str], code: int, errors: str) -> None:
    """Refuse an exit code that means nothing, and a traceback."""
    if code not in EXIT_CODES:
        raise FindingError(f"{words}: exit code {code}: {errors}")
    for sign in ("Traceback", "Exception ignored", "Fatal Python"):
        if sign in errors:
            raise FindingError(f"{words}: {errors}")


def judge_left(folder: Path, before: set[str], code: int) -> None:
    """Refuse files that are left over, and files of commands that failed."""
    new = _listing(folder) - before
    temporary = sorted(name for name in new if Path(name).name.startswith(".") and ".tmp" in name)
    outputs = sorted(name for name in new if name.startswith("out."))
    if temporary or (code and outputs):
        raise FindingError(f"exit code {code}, and there is {', '.join(temporary + outputs)}")


def make_files(folder: Path) -> None:
    """Put small files of many kinds into a folder."""
    shutil.copytree(_files(), folder, dirs_exist_ok=True)


@cache
def _files() -> Path:
    folder = Path(mkdtemp(prefix="command-line-files."))
    dataset = labelled_aluminium(3)
    for name in ("data.xyz", "data.cfg", "frames.db", "frames.traj", "frames.json"):
        maxvolt.write(folder / name, dataset)
    dataset[0].write(folder / "POSCAR", format="vasp")
    (folder / "folder").mkdir()
    (folder / "nothing").write_bytes(b"")
    for name in ("OUTCAR", "vasprun.xml", "frames.lammpstrj"):
        (folder / name).write_text("ITEM: TIMESTEP\n0\n<modeling>\n vasp.6.3.0\n")
    (folder / "campaign.toml").write_text("[campaign]\nseed = 1\n[potential]\nspecies = 3\n")
    settings = maxvolt.FitSettings(starts=1, max_iterations=2)
    start = maxvolt.MTP(level=2, species=("Al",), cutoff=4.0, min_dist=2.0)
    maxvolt.fit(start, dataset, settings=settings).potential.write(folder / "pot.mtp")
    return folder


def _damage(path: Path, random: np.random.Generator) -> None:
    """Cut a file, fill it with garbage, or change some of its bytes."""
    if not path.is_file():
        return
    content = bytearray(path.read_bytes())
    how = random.integers(3)
    if how == 0 or not content:
        content = content[: int(random.integers(len(content) + 1))]
    elif how == 1:
        content = bytearray(random.bytes(200))
    else:
        for place in random.integers(len(content), size=8):
            content[place] = random.integers(256)
    path.write_bytes(content)


def _shuffled(words: list[str], random: np.random.Generator) -> list[str]:
    """Change an argument line: other files, options, values, fewer words, another order."""
    for _ in range(int(random.integers(4))):
        place = int(random.integers(len(words) + 1))
        how = random.integers(5)
        if how == 0 and words:
            words.pop(place % len(words))
        elif how == 1:
            words.insert(place, str(random.choice(_OPTIONS)))
        elif how == 2:
            words.insert(place, str(random.choice(_VALUES)))
        elif how == 3 and words:
            words[place % len(words)] = str(random.choice(_FILES))
        else:
            random.shuffle(words)
    if random.random() < 0.1:
        words.append(os.fsdecode(b"caf\xe9.xyz"))
    return words


def _listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
