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
from maxvolt.labelling.jobs import Job, Status, read_result, write_result
from maxvolt.labelling.limits import LabelLimits


def main(arguments: Sequence[str]) -> int:
    """Calculate the jobs of some folders; return 1 where one of them failed."""
    failed = False
    for name in arguments:
        folder = Path(name).absolute()
        try:
            if read_result(folder) is not None:
                continue
            outcome = calculate(Job.read(folder), folder, LabelLimits())
            if outcome.status in (Status.LABELLED, Status.QUARANTINED):
                write_result(folder, outcome)
            else:
                failed = True
        except MaxvoltError as error:
            print(f"maxvolt.labelling: error: {error}", file=sys.stderr)
            return 2
        print(f"{name}: {outcome.status} {outcome.reason}".rstrip())
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
