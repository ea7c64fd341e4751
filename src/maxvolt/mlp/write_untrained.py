"""What ``untrained`` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maxvolt.cli.console import note, progress_bar
from maxvolt.errors import MaxvoltError
from maxvolt.files import make_folder
from maxvolt.mlp.command import Call
from maxvolt.mlp.configurations import check_outputs
from maxvolt.mlp.untrained import LEVELS, untrained_potential
from maxvolt.potentials.mtp.files.access import write_potential_file

__all__ = ["write_untrained"]

_ENDINGS = ("mtp", "almtp")


def write_untrained(call: Call) -> None:
    """Write the untrained potential of a level, or those of all levels to a folder."""
    options = call.options
    if options["all"]:
        if call.files or "output" in call.given:
            raise MaxvoltError("--all=FOLDER writes every level: leave out the level and -o")
        _write_all(call, Path(options["all"]))
        return
    if len(call.files) != 1:
        raise MaxvoltError("expected a level, such as 16, or --all=FOLDER")
    level = _level(call.files[0])
    target = options["output"] or f"{level:02d}.{_ending(call)}"
    check_outputs(target)
    write_potential_file(target, untrained_potential(level, **_form(call)))
    note(f"{target}: untrained potential of level {level}")


def _write_all(call: Call, folder: Path) -> None:
    ending, form = _ending(call), _form(call)
    make_folder(folder)
    with progress_bar("potentials", len(LEVELS)) as advance:
        for level in LEVELS:
            target = folder / f"{level:02d}.{ending}"
            check_outputs(target)
            write_potential_file(target, untrained_potential(level, **form))
            advance(1)
    note(f"{folder}: untrained potentials of levels {LEVELS[0]} to {LEVELS[-1]}, .{ending}")


def _level(text: str) -> int:
    name = text.removesuffix(".mtp").removesuffix(".almtp")
    if not name.isdigit():
        raise MaxvoltError(f"'{text}': expected a level, an even number from 2 to {LEVELS[-1]}")
    return int(name)


def _ending(call: Call) -> str:
    ending = str(call.options["suffix"]).removeprefix(".")
    if ending not in _ENDINGS:
        raise MaxvoltError(f"--suffix: expected mtp (MLIP-2) or almtp (MLIP-3), got '{ending}'")
    return ending


def _form(call: Call) -> dict[str, Any]:
    return {name.replace("-", "_"): call.options[name] for name in _FORM}


_FORM = ("species-count", "min-dist", "max-dist", "radial-basis-size", "radial-basis-type")
