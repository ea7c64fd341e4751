"""What a screening took, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["print_table"]

PARTS = {
    "first screen": ("screen1", "relaxed1", "held_out1"),
    "second screen": ("near1", "screen2", "relaxed2", "held_out2"),
    "last relaxations, with the reference": ("near2", "final"),
}


def print_table(numbers: Mapping[str, Any]) -> None:
    """Print times and numbers of calculations, and what was found."""
    seconds = {part: sum(numbers[n]["seconds"] for n in names) for part, names in PARTS.items()}
    total = sum(seconds.values())
    count = numbers["candidates"]["structures"]
    single = sum(
        numbers[name]["calculations"] for name in ("screen1", "held_out1", "screen2", "held_out2")
    )
    print(f"\ncandidates: {count}")
    for part, value in seconds.items():
        print(f"{part}: {value:.0f} s, {100 * value / total:.1f} %")
    print(f"all: {total:.0f} s, {1000 * total / count:.1f} ms per candidate")
    once = numbers["relaxed1"]["processor_seconds"]
    print(f"to relax once with the first potential: {1000 * once / count:.2f} ms per candidate")
    print(f"calculations for learning and errors: {single}")
    steps = numbers["final"]["evaluations"]
    print(f"last relaxations: {numbers['final']['structures']}, {steps} calculations")
    if "recall" in numbers:
        everything = numbers["all"]
        print(
            f"relaxing everything: {everything['evaluations']} calculations, "
            f"{everything['seconds']:.0f} s"
        )
        print(f"ground states found: {numbers['recall']['found']} of {numbers['recall']['of']}")
        for row in numbers["recall"]["ground_states"]:
            print(f"  {row}")
        if "relaxed_energies" in numbers["recall"]:  # not in folders of earlier versions
            print(f"relaxed energies apart: {numbers['recall']['relaxed_energies']}")
