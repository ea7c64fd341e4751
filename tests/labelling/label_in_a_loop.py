"""Label structures, as a program that tests start, kill and start again.

python label_in_a_loop.py DATABASE LOG STRUCTURES SECONDS WORKERS
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from labelling_data import make_structures

from maxvolt.labelling import LabelLimits, LabelStore, Reference, label


def main() -> None:
    database, log, structures, seconds, workers = sys.argv[1:]
    reference = Reference("faulty_calculator:Faulty", {"log": log, "seconds": float(seconds)})
    result = label(
        make_structures(int(structures)),
        reference,
        LabelStore(Path(database)),
        limits=LabelLimits(timeout=60.0),
        workers=int(workers),
    )
    print(len(result.dataset), len(result.quarantined), result.calculated, result.reused)


if __name__ == "__main__":
    main()
