"""Print the lowest versions that pyproject.toml allows, as a constraints file for pip.

python tools/lowest_versions.py > lowest.txt
PIP_CONSTRAINT=lowest.txt python -m pip install ".[test]"
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)$")


def lowest_versions(project: Path = _PROJECT) -> list[str]:
    """Return ``name==version`` of each requirement.

    Raises
    ------
    ValueError
        One does not say where it begins.
    """
    found = []
    for requirement in tomllib.loads(project.read_text(encoding="utf-8"))["project"][
        "dependencies"
    ]:
        match = _REQUIREMENT.match(requirement)
        if match is None:
            raise ValueError(f"{project.name}: expected NAME>=VERSION, got '{requirement}'")
        found.append(f"{match[1]}=={match[2]}.*")
    return found


if __name__ == "__main__":
    print("\n".join(lowest_versions()))
