"""Numbers that describe a file of a potential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from maxvolt.cli.console import counted
from maxvolt.errors import SpeciesError
from maxvolt.potentials import read_potential
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.binding.plan_report import PlanReport, plan_report
from maxvolt.potentials.mtp.conversion import table_of_file
from maxvolt.potentials.mtp.files.access import read_potential_file
from maxvolt.potentials.mtp.files.record import PotentialFile

__all__ = ["PotentialSummary", "level_of"]


@dataclass(frozen=True, slots=True)
class PotentialSummary:
    """What a file of a potential holds.

    Attributes
    ----------
    file
        The file; of an ensemble, that of its first member.
    species
        The symbols that the file names or was given.
    repulsion
        What is added to the potential at short distances.
    plan
        How its basis functions are evaluated; None: product by product, as the file says.
    members
        The files of an ensemble; empty for a single potential.
    """

    file: PotentialFile
    species: tuple[str, ...] | None
    repulsion: ZBL | None
    plan: PlanReport | None
    members: tuple[Path, ...] = ()

    @classmethod
    def of_files(cls, files: Sequence[Path], species: tuple[str, ...] | None) -> Self:
        """Read a potential, or the first member of an ensemble, and summarise it."""
        path = files[0]
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
        members = tuple(files) if len(files) > 1 else ()
        plan = plan_report(table_of_file(path, file))
        return cls(file, species or file.species, repulsion, plan, members)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary for JSON, units in the names."""
        file = self.file
        scalars = len(file.alpha_moment_mapping)
        pairs = file.species_count**2
        radial = pairs * file.radial_funcs_count * file.radial_basis_size
        zbl = self.repulsion
        ensemble = {"members": [str(path) for path in self.members]} if self.members else {}
        return {
            "kind": "ensemble" if self.members else "potential",
            **ensemble,
            "name": file.name,
            "tag": file.tag,
            "level": level_of(file),
            "species": self.species,
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
            "plan": _plan_facts(self.plan),
            "basis_functions": scalars,
            "parameters": radial + file.species_count + scalars,
            "active_set": file.active_set is not None,
        }

    def to_text(self) -> dict[str, str]:
        """Return the summary for people: names and values."""
        facts = self.to_dict()
        species = " ".join(self.species or ()) or f"{self.file.species_count}, not named"
        zbl, plan, members = self.repulsion, self.plan, self.members
        ensemble = f"{len(members)} potentials, {members[0]} to {members[-1]}" if members else ""
        return {
            **({"ensemble": f"{ensemble}; below, the first"} if members else {}),
            "potential": f"moment tensor potential of level {facts['level']}, {facts['name']}",
            "species": species,
            "state": "trained" if self.file.is_trained else "untrained",
            "radial basis": f"{facts['radial_basis']}, size {facts['radial_basis_size']}, "
            f"{facts['radial_functions']} functions for each pair",
            "distances": f"{facts['min_dist_A']:g} to {facts['cutoff_A']:g} A",
            "repulsion": "none" if zbl is None else f"ZBL, {zbl.inner:g} to {zbl.outer:g} A",
            "moments": f"{facts['moments']} ({facts['basic_moments']} basic), "
            f"{facts['products']} products",
            "evaluation": "product by product"
            if plan is None
            else f"by {counted(plan.invariants, 'invariant')}, "
            f"{counted(plan.plan.products, 'product')} and "
            f"{counted(plan.independent_basic_moments, 'basic moment')}; "
            f"{plan.plan.operations} operations per atom instead of {plan.table.operations}",
            "parameters": f"{facts['parameters']}, {facts['basis_functions']} of them "
            "coefficients of basis functions",
            "active set": "in the same file, after the potential"
            if facts["active_set"]
            else "none",
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
