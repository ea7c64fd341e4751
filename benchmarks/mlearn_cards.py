"""Cards of six potentials trained on the data of Zuo et al. (J. Phys. Chem. A 124, 731, 2020).

    python benchmarks/mlearn_cards.py --output docs/properties/cards          # some minutes
    python benchmarks/mlearn_cards.py --output docs/properties/cards --only Mo

Trains a potential of level 16 for Ni, Cu, Li, Mo, Si and Ge with the cutoffs of that article's
moment tensor potentials, and writes a card of each. The reference of a card is the article's own
potential, from the folder reference/mlip3/trained of the reference data, computed by the same
commands; there is none of lithium. Potentials and results lie in --work, so that the command goes
on where it was stopped. Needs the reference data (--shared).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import maxvolt
from grades_report import shared_folder
from maxvolt.cli.crystal_options import named_crystal
from maxvolt.properties.registry import registered
from maxvolt.report.card import Card, CardSource, make_card, write_card_page
from maxvolt.report.output import write_json

__all__ = ["ELEMENTS", "Element", "main"]

LEVEL = 16
TABLE = (
    ("lattice", "a"),
    ("elastic", "C11"),
    ("elastic", "C12"),
    ("elastic", "C44"),
    ("vacancies", "vacancy"),
    ("vacancy-migration", "vacancy migration"),
    ("interstitials", "<100> dumbbell"),
    ("interstitials", "<110> dumbbell"),
    ("stacking-faults", "intrinsic stacking fault"),
    ("surfaces", "(100)"),
    ("surfaces", "(110)"),
    ("surfaces", "(111)"),
)


@dataclass(frozen=True)
class Element:
    """What a potential of it is trained with; stresses of Ni and Cu carry an offset."""

    symbol: str
    cutoff: float
    stress_weight: float = 0.001
    has_published: bool = True


ELEMENTS = (
    Element("Ni", 4.0, 0.0),
    Element("Cu", 3.9, 0.0),
    Element("Li", 5.1, has_published=False),  # the cutoff of the article is not at hand
    Element("Mo", 5.2),
    Element("Si", 4.7),
    Element("Ge", 5.1),
)


def trained(one: Element, shared: Path, work: Path) -> tuple[Path, dict[str, Any]]:
    """Train, or read what was trained: a file with an active set, and the errors."""
    path = work / f"{one.symbol}.almtp"
    kept = work / f"{one.symbol}.errors.json"
    if kept.exists():
        return path, json.loads(kept.read_text())
    files = [shared / f"data/mlearn/{one.symbol}_{part}.xyz" for part in ("train", "test")]
    training, test = (maxvolt.read(file) for file in files)
    shortest = maxvolt.minimum_distances(training).overall
    start = maxvolt.MTP(LEVEL, [one.symbol], one.cutoff, min_dist=round(0.99 * shortest, 3))
    weights = maxvolt.Weights(stress=one.stress_weight)
    began = time.process_time()
    result = maxvolt.fit(start, training, validation=test, weights=weights, threads=1)
    seconds = time.process_time() - began
    potential = result.potential
    if not isinstance(potential, maxvolt.MTP):
        raise TypeError("one potential was asked for")
    maxvolt.ActiveSet.from_dataset(potential, training).write(path)
    if result.validation_errors is None:
        raise RuntimeError("a validation set gives validation errors")
    report = result.validation_errors.total
    errors = {
        "cutoff": one.cutoff,
        "fit_processor_s": round(seconds, 1),
        "test_energy_rmse_meV": 1000 * report.energy_per_atom.rmse,
        "test_force_rmse_meV_A": 1000 * report.force_components.rmse,
    }
    write_json(errors, kept)
    return path, errors


def card_of(one: Element, potential: Path, shared: Path, work: Path) -> Card:
    """Compute the default set of a card."""
    atoms, structure = named_crystal(one.symbol, None, None)
    kind = structure.split()[0]
    names = [
        name
        for name, each in registered().items()
        if each.quick and (not each.crystals or kind in each.crystals)
    ]
    published = shared / f"reference/mlip3/trained/{one.symbol}.mtp"
    reference = None
    if one.has_published:
        reference = CardSource("reference", str(published), (one.symbol,), True)
    return make_card(
        [CardSource(f"level {LEVEL}", str(potential), (one.symbol,))],
        atoms,
        names,
        work / f"{one.symbol}_results",
        structure=structure,
        reference=reference,
        progress=lambda what, done, total: print(f"{one.symbol} {done}/{total} {what}", flush=True),
    )


def numbers_of(card: Card, errors: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a card beside its page: values and warnings, no curves."""
    document: dict[str, Any] = {"structure": card.structure, "fit": errors, "properties": {}}
    for (label, name), result in card.results.items():
        plain = result.to_dict()
        chosen = {key: plain[key] for key in ("values", "warnings", "largest_grade", "seconds")}
        chosen["values"] = {
            key: {"value": value["value"], "unit": value["unit"]}
            for key, value in plain["values"].items()
        }
        document["properties"].setdefault(name, {})[label] = chosen
    for (label, name), text in card.failures.items():
        document["properties"].setdefault(name, {})[label] = {"failed": text}
    return document


def table(cards: dict[str, dict[str, Any]]) -> str:
    """Write the numbers of all cards side by side: this potential / that of the article."""
    heads = [f"{symbol} ({document['structure'].split()[0]})" for symbol, document in cards.items()]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    for name, key in TABLE:
        units, cells = set(), []
        for document in cards.values():
            each = document["properties"].get(name, {})
            values = [
                each.get(label, {}).get("values", {}).get(key)
                for label in (f"level {LEVEL}", "reference")
            ]
            units |= {one["unit"] for one in values if one}
            cells.append(" / ".join(_short(one) for one in values))
        unit = f" ({units.pop()})" if units else ""
        lines.append(f"| {name.replace('-', ' ')}: {key}{unit} | {' | '.join(cells)} |")
    for label, key in (("test: energy (meV/atom)", "test_energy_rmse_meV"),
                       ("test: forces (meV/Å)", "test_force_rmse_meV_A")):  # fmt: skip
        cells = [f"{document['fit'][key]:.3g}" for document in cards.values()]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _short(one: dict[str, Any] | None) -> str:
    return "–" if one is None or one["value"] is None else f"{one['value']:.4g}"


def main() -> None:
    """Train, compute, write pages, numbers and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/mlearn_cards"))
    parser.add_argument("--shared", type=Path)
    parser.add_argument("--only", nargs="+", default=[one.symbol for one in ELEMENTS])
    options = parser.parse_args()
    shared = shared_folder(options.shared)
    options.work.mkdir(parents=True, exist_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)
    for one in ELEMENTS:
        if one.symbol not in options.only:
            continue
        potential, errors = trained(one, shared, options.work)
        card = card_of(one, potential, shared, options.work)
        write_card_page(card, options.output / f"{one.symbol}.html")
        write_json(numbers_of(card, errors), options.output / f"{one.symbol}.json")
    kept = {one.symbol: options.output / f"{one.symbol}.json" for one in ELEMENTS}
    cards = {name: json.loads(path.read_text()) for name, path in kept.items() if path.exists()}
    (options.output / "mlearn.txt").write_text(table(cards) + "\n")


if __name__ == "__main__":
    main()
