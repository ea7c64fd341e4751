"""Calculate jobs in this process: ``python -m maxvolt.labelling FOLDER...``.

For folders of ``maxvolt label --manual`` whose calculator runs inside Python; their ``run.sh`` says
the same. Folders that have a result are left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from maxvolt.errors import MaxvoltError
from maxvolt.labelling.calculation import calculate
from maxvolt.labelling.jobs import Job, Status, finished_outcome, write_result
from maxvolt.labelling.limits import LabelLimits


def main(arguments: Sequence[str]) -> int:
    """Calculate the jobs of some folders; return 1 where one of them failed, 2 for a wrong one."""
    codes = [_calculated(name) for name in arguments]
    return max(codes, default=0)


def _calculated(name: str) -> int:
    """Calculate one; what is wrong with it keeps none of the others from their turn."""
    folder = Path(name).absolute()
    try:
        if finished_outcome(folder) is not None:
            return 0
        outcome = calculate(Job.read(folder), folder, LabelLimits())
        final = outcome.status in (Status.LABELLED, Status.QUARANTINED)
        if final:
            write_result(folder, outcome)
    except MaxvoltError as error:
        print(f"maxvolt.labelling: error: {error}", file=sys.stderr)
        return 2
    print(f"{name}: {outcome.status} {outcome.reason}".rstrip())
    return 0 if final else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
