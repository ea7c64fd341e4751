"""Write docs/from_mlip_options.md: every option of `mlp`, from the declarations of its commands.

python tools/mlp_options.py            # write the page
python tools/mlp_options.py --check    # exit status 1 where it is not up to date
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from maxvolt.mlp.command import OWN, Command, Option
from maxvolt.mlp.commands import COMMANDS
from maxvolt.mlp.ini import Key
from maxvolt.mlp.mlip_ini import MLIP_KEYS

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "from_mlip_options.md"

_HEAD = """\
# Options of MLIP-2 and MLIP-3

What `mlp` does with every option of MLIP-2 and MLIP-3: *supported*; *makes no difference*, and why;
or *refused*, and why. `mlp help COMMAND` prints the same. What the commands do is in [From
MLIP](from_mlip.md).

Defaults are MLIP's. A refused option is accepted where it is given its default value. `python
tools/mlp_options.py` writes this page from the declarations of the commands.
"""

_KEYS_HEAD = """\
## Keys of `mlip.ini`

MLIP-2 writes them with hyphens (`mtp-filename`), MLIP-3 with underscores or by sections
(`mlip:load_from`). In LAMMPS, `pair_style mlip mlip.ini` reads the same file. A key that is none of
these is named in a warning and does nothing.
"""

_TAIL = """\
## Next

- [From MLIP](from_mlip.md): the commands, and how scripts move
- [Formulation](formulation.md): the loss and the grades that the options are about
"""


def main(arguments: Sequence[str]) -> int:
    """Write the page, or say whether it is what would be written."""
    if "--check" in arguments:
        same = PAGE.exists() and PAGE.read_text() == page()
        print(f"{PAGE.name} is {'up to date' if same else 'not up to date'}")
        return 0 if same else 1
    PAGE.write_text(page())
    print(f"wrote {PAGE}")
    return 0


def page() -> str:
    """The page as text."""
    parts = [_HEAD, *map(_section, COMMANDS), _KEYS_HEAD + "\n" + _keys(MLIP_KEYS), _TAIL]
    return "\n".join(parts)


def _section(command: Command) -> str:
    names = dict.fromkeys(name for _, name in sorted(command.names.items()))
    lines = [f"## {', '.join(f'`{name}`' for name in names)}", "", _sentence(command.summary), ""]
    for version, name in sorted(command.names.items()):
        which = "" if version == OWN else f"MLIP-{version}: "
        lines.append(f"- {which}`{f'mlp {name} {command.files[version]}'.rstrip()}`")
    lines.append("")
    if command.options:
        head = ("Option", "MLIP", "Default", "What it is", "Here")
        lines += [*_table(head, map(_row, command.options)), ""]
    else:
        lines += ["It has no options.", ""]
    return "\n".join(lines)


def _row(option: Option) -> tuple[str, ...]:
    versions = ", ".join(str(version) for version in option.versions if version != OWN) or "-"
    short = f", `-{option.short}`" if option.short else ""
    name = f"`--{option.name}`{short}"
    return name, versions, _value(option.default), _sentence(option.help), _status(option)


def _keys(keys: Iterable[Key]) -> str:
    rows = [
        (f"`{key.name}`", _value(key.default), _sentence(key.help), _status(key)) for key in keys
    ]
    return "\n".join([*_table(("Key", "Default", "What it is", "Here"), rows), ""])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [
        *lines,
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in r) + " |" for r in rows),
    ]


def _value(default: bool | int | float | str | None) -> str:
    if default is None or default == "":
        return "-"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _status(option: Option | Key) -> str:
    if option.refused:
        return f"refused: {option.refused}"
    if option.ignored:
        return f"makes no difference: {option.ignored}"
    differs = getattr(option, "differs", "")
    if differs:
        return f"supported; {differs}"
    return "supported"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
