"""Find circles: files of the package that import each other, directly or by way of others.

    python tools/circles.py     # exit status 1 where there is one

Imports inside functions and for type checking count; ``__init__`` files are left aside, since they
import what they offer. The layers of pyproject.toml keep packages apart, this keeps files apart.
"""

from __future__ import annotations

import sys

import grimp
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def main() -> int:
    """Print the circles."""
    found = circles("maxvolt")
    for modules in found:
        print("circle: " + ", ".join(sorted(modules)))
    print(f"{len(found)} circles between files")
    return 1 if found else 0


def circles(package: str) -> list[list[str]]:
    """List groups of modules each of which reaches all others of its group."""
    graph = grimp.build_graph(package)
    modules = sorted(module for module in graph.modules if not graph.find_children(module))
    number = {module: index for index, module in enumerate(modules)}
    imports = [
        (number[module], number[imported])
        for module in modules
        for imported in graph.find_modules_directly_imported_by(module)
        if imported in number
    ]
    sources, targets = np.array(imports).T
    shape = (len(modules), len(modules))
    matrix = coo_array((np.ones(len(imports)), (sources, targets)), shape=shape)
    _, labels = connected_components(matrix, directed=True, connection="strong")
    groups = [
        [m for m, label in zip(modules, labels, strict=True) if label == group]
        for group in np.unique(labels)
    ]
    return [group for group in groups if len(group) > 1]


if __name__ == "__main__":
    sys.exit(main())
