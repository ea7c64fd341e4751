"""An embedded-atom potential of aluminium and a moment tensor potential trained on it, on one card.

    python benchmarks/aluminium_cards.py POTENTIALS --output docs/properties/cards

POTENTIALS is the folder of potentials of LAMMPS; Al_mm.eam.fs labels everything, and
benchmarks/aluminium_training.py trains on benchmarks/aluminium_structures.py. Writes the card, its
numbers, and the table of Section III of the article on ANI-Al (Smith et al., Nat. Commun. 12, 1257,
2021) with the embedded-atom potential in the place of DFT, and pictures. What is trained and
computed lies in --work, segments of simulations too: the same command goes on from there.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from ase.build import bulk

from aluminium_structures import LATTICE_CONSTANT
from aluminium_training import CHOSEN, trained
from maxvolt.properties.evaluation import Value
from maxvolt.report.card import (
    Card,
    CardSource,
    make_card,
    published_deviations,
    write_card_page,
)
from maxvolt.report.card.deviations import without_unit
from maxvolt.report.output import write_json

__all__ = ["DYNAMIC", "main"]

STATIC: dict[str, dict[str, Any]] = {
    "lattice": {}, "elastic": {}, "equation-of-state": {},
    "cold-curves": {"smallest": 0.75, "largest": 1.9}, "paths": {}, "stacking-faults": {},
    "vacancies": {}, "vacancy-migration": {}, "interstitials": {}, "surfaces": {},
    "grain-boundaries": {}, "phonons": {}, "quasi-harmonic": {},
}  # fmt: skip
MELT = {"temperature": 1000.0, "phase": "melt", "production_time": 30.0}
DYNAMIC: dict[str, dict[str, Any]] = {
    "density:300 K": {"temperature": 300.0},
    "density:900 K": {"temperature": 900.0},
    "density:melt 1000 K": MELT,
    "structure:300 K": {"temperature": 300.0, "production_time": 10.0},
    "structure:900 K": {"temperature": 900.0, "production_time": 10.0},
    "structure:melt 1000 K": MELT,
    "elastic-at-temperature:300 K": {
        "temperature": 300.0,
        "atoms": 108,
        "production_time": 10.0,
    },
    "elastic-at-temperature:900 K": {
        "temperature": 900.0,
        "atoms": 108,
        "production_time": 10.0,
    },
    "vacancy-diffusion": {"temperature": 900.0, "size": 12.0},
    "self-diffusion": MELT,
    "viscosity": MELT,
    "heating-cooling": {"temperature": 300.0, "highest": 1600.0, "atoms": 108},
}
PICTURES = ("stacking-faults", "paths")
SECTION_III = (
    ("lattice", "a"), ("elastic", "C11"), ("elastic", "C12"), ("elastic", "C44"),
    ("cold-curves", "hcp above the lowest"), ("cold-curves", "bcc above the lowest"),
    ("cold-curves", "sc above the lowest"), ("cold-curves", "diamond above the lowest"),
    ("stacking-faults", "intrinsic stacking fault"),
    ("stacking-faults", "extrinsic stacking fault"),
    ("stacking-faults", "unstable stacking fault"), ("stacking-faults", "unstable twinning"),
    ("vacancies", "vacancy"), ("vacancy-migration", "vacancy migration"),
    ("interstitials", "<100> dumbbell"), ("interstitials", "octahedral"),
    ("interstitials", "tetrahedral"), ("surfaces", "(100)"), ("surfaces", "(110)"),
    ("surfaces", "(111)"), ("grain-boundaries", "Σ5(210)"), ("grain-boundaries", "Σ5(310)"),
    ("grain-boundaries", "Σ3(111)"), ("quasi-harmonic", "volume at 300 K"),
    ("quasi-harmonic", "linear expansion at 300 K"), ("phonons", "X 1"), ("phonons", "X 3"),
    ("phonons", "L 1"), ("phonons", "L 3"), ("phonons", "zero-point energy"),
)  # fmt: skip
AT_TEMPERATURE = (
    ("density:300 K", "volume"), ("density:900 K", "volume"),
    ("density:melt 1000 K", "volume"), ("density:melt 1000 K", "density"),
    ("structure:300 K", "first peak of g(r)"),
    ("structure:300 K", "height of the first peak of g(r)"),
    ("structure:900 K", "first peak of g(r)"),
    ("structure:900 K", "height of the first peak of g(r)"),
    ("structure:melt 1000 K", "first peak of g(r)"),
    ("structure:melt 1000 K", "height of the first peak of g(r)"),
    ("elastic-at-temperature:300 K", "C11"), ("elastic-at-temperature:300 K", "C12"),
    ("elastic-at-temperature:300 K", "C44"), ("elastic-at-temperature:900 K", "C11"),
    ("elastic-at-temperature:900 K", "C12"), ("elastic-at-temperature:900 K", "C44"),
    ("self-diffusion", "self-diffusion"), ("viscosity", "viscosity"),
    ("vacancy-diffusion", "vacancy formation"), ("vacancy-diffusion", "vacancy migration"),
    ("vacancy-diffusion", "activation energy"),
)  # fmt: skip


def known_of(name: str, key: str) -> str:
    """How far ANI-Al is from DFT in a quantity or curve of a property, as the article has it."""
    published = published_deviations("fcc Al")
    assert published is not None
    return published.texts.get((name.partition(":")[0], without_unit(key)[0]), "")


def static_rows(card: Card, label: str) -> list[str]:
    """Numbers at rest, of both potentials."""
    lines = [
        "| | trained | Al_mm.eam.fs | difference | ANI-Al and DFT |",
        "|---|---|---|---|---|",
    ]
    for name, key in SECTION_III:
        if (label, name) not in card.results:
            continue
        value = card.results[label, name].values[key]
        other = value.reference
        if other is None:
            continue
        percent = f" ({100 * (value.value / other - 1):+.1f} %)" if abs(other) > 1e-3 else ""
        known = known_of(name, key)
        lines.append(f"| {name.replace('-', ' ')}: {key} ({value.unit}) | {value.value:.5g} | "
                     f"{other:.5g} | {value.value - other:+.3g}{percent} | {known} |")  # fmt: skip
    return lines


def curve_rows(card: Card, label: str) -> list[str]:
    """How far curves are apart."""
    lines = ["| curve | root mean square difference | ANI-Al and DFT |", "|---|---|---|"]
    for name in (*STATIC, *DYNAMIC):
        result = card.results.get((label, name))
        for key, error in ({} if result is None else result.curve_errors).items():
            state = name.partition(":")[2]
            what = f"{key}, {state}" if state else key
            lines.append(f"| {what} | {error:.3g} | {known_of(name, key)} |")
    return lines


def moving_rows(card: Card, label: str) -> list[str]:
    """Numbers from dynamics with their errors, and the difference in units of its error."""
    lines = ["| | trained | Al_mm.eam.fs | difference | in errors |", "|---|---|---|---|---|"]
    for name, key in AT_TEMPERATURE:
        if (label, name) not in card.results:
            continue
        ours, theirs = (card.results[one, name].values[key] for one in (label, "reference"))
        difference = ours.value - theirs.value
        percent = 100 * difference / theirs.value
        errors = [one.statistical_error or 0.0 for one in (ours, theirs)]
        error = math.hypot(*errors)
        unit = f" ({ours.unit})" if ours.unit else ""
        lines.append(
            f"| {name.replace('-', ' ').replace(':', ', ')}: {key}{unit} | {told(ours)} | "
            f"{told(theirs)} | {difference:+.2g} ({percent:+.1f} %) | "
            f"{f'{abs(difference) / error:.1f}' if error else ''} |"
        )
    return lines


def told(value: Value) -> str:
    """Write a number with its statistical error."""
    error = value.statistical_error
    return f"{value.value:.5g}" + ("" if error is None else f" ± {error:.2g}")


def frame_rows(card: Card, label: str) -> list[str]:
    """What the embedded-atom potential says of frames of heating and cooling."""
    lines = ["| heating and cooling | trained | ANI-Al and DFT |", "|---|---|---|"]
    found = card.results.get((label, "heating-cooling"))
    if found is None:
        return []
    for key, value in found.values.items():
        unit = f" ({value.unit})" if value.unit else ""
        lines.append(f"| {key}{unit} | {told(value)} | {known_of('heating-cooling', key)} |")
    return lines


def main() -> None:
    """Train, compute, write page, numbers and table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("potentials", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/aluminium_cards"))
    parser.add_argument(
        "--without", nargs="+", default=[], choices=[*STATIC, *DYNAMIC], metavar="NAME",
        help="properties that are left out, of those that take long",
    )  # fmt: skip
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)
    reference = options.potentials / "Al_mm.eam.fs"
    label = f"level {CHOSEN.level}"
    potential, errors = trained(CHOSEN, reference, options.work)
    card = make_card(
        [CardSource(label, str(potential), ("Al",))],
        bulk("Al", a=LATTICE_CONSTANT),
        [name for name in (*STATIC, *DYNAMIC) if name not in options.without],
        options.work / "results",
        structure="fcc Al",
        settings={**STATIC, **DYNAMIC},
        reference=CardSource("reference", str(reference), ("Al",), True),
        progress=lambda what, done, total: print(f"{done}/{total} {what}", flush=True),
    )
    for (source, name), text in card.failures.items():
        print(f"not computed: {name} of {source}: {text}")
    write_card_page(card, options.output / "aluminium.html")
    for name in PICTURES:
        if (label, name) in card.results:
            card.results[label, name].plot().savefig(options.output / f"{name}.png", dpi=80)
    parts = (static_rows, curve_rows, moving_rows, frame_rows)
    text = "\n\n".join("\n".join(lines) for lines in (rows(card, label) for rows in parts) if lines)
    (options.output / "aluminium.txt").write_text(f"{text}\n")
    write_json(errors, options.output / "aluminium.json")


if __name__ == "__main__":
    main()
