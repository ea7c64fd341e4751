"""How long the relaxation of candidates takes with a potential of some level, with its grades.

    maxvolt enumerate Ag,Pd --atoms 12 -o candidates.xyz
    python examples/agpd_emt/throughput.py agpd/screen2/training.xyz candidates.xyz --every 10

The potential is fitted to the training set of a campaign in a few iterations: its errors do not
matter here. One process; the time is that of the processor, which other programs do not lengthen.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

import maxvolt
from maxvolt.sampling import Relaxation, Thresholds, run_scenarios


def main() -> None:
    """Fit, relax, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("training", type=Path)
    parser.add_argument("candidates", type=Path)
    parser.add_argument("--level", type=int, default=16)
    parser.add_argument("--every", type=int, default=1, help="take one of so many candidates")
    options = parser.parse_args()
    training = maxvolt.read(options.training)
    shortest = maxvolt.minimum_distances(training).overall
    untrained = maxvolt.MTP(options.level, training.species, cutoff=5.0, min_dist=0.95 * shortest)
    fitted = maxvolt.fit(untrained, training, starts=1, max_iterations=15, threads=1)
    potential = fitted.potential
    grades = maxvolt.ActiveSet.from_dataset(potential, training, mode="neighborhood")
    candidates = maxvolt.read(options.candidates, index=f"::{options.every}")
    for name, query in (("without grades", None), ("with grades", grades)):
        factory = partial(maxvolt.Calculator, potential, query=query, threads=1)
        scenario = Relaxation(
            "relaxation", candidates, force_tolerance=0.01, stress_tolerance=0.1 / 160.2
        )
        began = time.process_time()
        parts = run_scenarios([scenario], factory, Thresholds(1e9, 1e9), seed=0)
        seconds = time.process_time() - began
        ends = [end for part in parts for end in part.candidates]
        print(
            f"level {options.level}, {name}: {len(ends)} candidates, "
            f"{sum(end.status == 'relaxed' for end in ends)} relaxed, "
            f"{sum(end.steps for end in ends)} evaluations, "
            f"{1000 * seconds / len(ends):.2f} ms per candidate"
        )


if __name__ == "__main__":
    main()
