"""What a file of a moment tensor potential holds, for `maxvolt info`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maxvolt.errors import SpeciesError
from maxvolt.potentials.families import Description
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.binding.plan_report import PlanReport, plan_report
from maxvolt.potentials.mtp.conversion import table_of_file
from maxvolt.potentials.mtp.files.access import read_potential_file
from maxvolt.potentials.mtp.files.record import PotentialFile
from maxvolt.potentials.mtp.potential import read_potential

__all__ = ["describe", "level_of"]


def describe(path: str | Path, species: Sequence[str] | None = None) -> Description:
    """Describe a file; `species` are those of a file that names none.

    Raises
    ------
    FileFormatError
        The file is no valid potential.
    SpeciesError
        The file has another number of species.
    """
    path = Path(path)
    file = read_potential_file(path)
    # An untrained template of one species serves any number of them.
    is_template = file.species_count == 1 and not file.is_trained
    if species is not None and len(species) != file.species_count and not is_template:
        raise SpeciesError(
            f"{path}: has {file.species_count} species, --species names {len(species)}"
        )
    # Only this package notes a repulsion, behind the tag, and its files name their species.
    has_note = "zbl:" in file.tag
    repulsion = read_potential(path, species).model.repulsion if has_note else None
    plan = plan_report(table_of_file(path, file))
    facts = _facts(file, tuple(species or file.species or ()) or None, repulsion, plan)
    return Description(facts, _lines(facts))


def _facts(
    file: PotentialFile,
    species: tuple[str, ...] | None,
    zbl: ZBL | None,
    plan: PlanReport | None,
) -> dict[str, Any]:
    scalars = len(file.alpha_moment_mapping)
    radial = file.species_count**2 * file.radial_funcs_count * file.radial_basis_size
    return {
        "name": file.name,
        "tag": file.tag,
        "level": level_of(file),
        "species": species,
        "species_count": file.species_count,
        "trained": file.is_trained,
        "radial_basis": file.radial_basis_type,
        "radial_basis_size": file.radial_basis_size,
        "radial_functions": file.radial_funcs_count,
        "min_dist_A": file.min_dist,
        "cutoff_A": file.max_dist,
        "repulsion": None
        if zbl is None
        else {"kind": "ZBL", "inner_A": zbl.inner, "outer_A": zbl.outer},
        "scaling": file.scaling,
        "moments": file.alpha_moments_count,
        "basic_moments": len(file.alpha_index_basic),
        "products": len(file.alpha_index_times),
        "plan": _plan_facts(plan),
        "basis_functions": scalars,
        "parameters": radial + file.species_count + scalars,
        "active_set": file.active_set is not None,
    }


def _lines(facts: dict[str, Any]) -> dict[str, str]:
    """For people: names and values."""
    zbl, plan = facts["repulsion"], facts["plan"]
    return {
        "potential": f"moment tensor potential of level {facts['level']}, {facts['name']}",
        "species": " ".join(facts["species"] or ()) or f"{facts['species_count']}, not named",
        "state": "trained" if facts["trained"] else "untrained",
        "radial basis": f"{facts['radial_basis']}, size {facts['radial_basis_size']}, "
        f"{facts['radial_functions']} functions for each pair",
        "distances": f"{facts['min_dist_A']:g} to {facts['cutoff_A']:g} A",
        "repulsion": "none" if zbl is None else f"ZBL, {zbl['inner_A']:g} to {zbl['outer_A']:g} A",
        "moments": f"{facts['moments']} ({facts['basic_moments']} basic), "
        f"{facts['products']} products",
        "evaluation": "product by product"
        if plan is None
        else f"by plan: invariants {plan['invariants']}, products {plan['products']}, "
        f"basic moments {plan['independent_basic_moments']}; {plan['operations']} operations per "
        f"atom instead of {plan['operations_product_by_product']}",
        "parameters": f"{facts['parameters']}, {facts['basis_functions']} of them "
        "coefficients of basis functions",
        "active set": "in the same file, after the potential" if facts["active_set"] else "none",
    }


def _plan_facts(plan: PlanReport | None) -> dict[str, int] | None:
    """Return a plan for JSON; operations are those of one atom, forward and reverse."""
    if plan is None:
        return None
    return {
        "invariants": plan.invariants,
        "independent_basic_moments": plan.independent_basic_moments,
        "products": plan.plan.products,
        "operations": plan.plan.operations,
        "operations_product_by_product": plan.table.operations,
    }


def level_of(file: PotentialFile) -> int:
    """Return the largest level of a basis function, eq. (4) of docs/formulation.md."""
    basic = file.alpha_index_basic
    levels: list[int] = (2 + 4 * basic[:, 0] + basic[:, 1:].sum(axis=1)).tolist()
    levels += [0] * (file.alpha_moments_count - len(levels))
    for first, second, _, product in file.alpha_index_times.tolist():
        levels[product] = max(levels[product], levels[first] + levels[second])
    scalars: list[int] = file.alpha_moment_mapping.tolist()
    return max(levels[scalar] for scalar in scalars)
