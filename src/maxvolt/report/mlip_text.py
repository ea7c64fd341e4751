"""Error reports in the words of MLIP-3, for comparison with its logs."""

from __future__ import annotations

from maxvolt.fitting.error_statistics import ErrorReport, ErrorStatistics

__all__ = ["format_mlip_errors"]


def format_mlip_errors(report: ErrorReport, *, force_vectors: bool = True) -> str:
    """Write the totals as MLIP's commands for errors and training print them.

    Forces are compared over all atoms, stresses by the Frobenius norm of each structure's tensor
    over all structures. MLIP converts to GPa with a constant that is smaller by 1e-7.

    Parameters
    ----------
    report
        Errors.
    force_vectors
        Compare forces by the norm of each atom's difference, as MLIP-3; False: by its components,
        as MLIP-2 since July 2020.
    """
    total = report.total
    forces = total.force_vectors if force_vectors else total.force_components
    sections = (
        ("Energy", total.energy, "configurations", None),
        ("Energy per atom", total.energy_per_atom, "configurations", None),
        ("Forces", forces, "atoms", "Force"),
        ("Stresses (in energy units)", total.virials, "configurations", "Stres"),
        ("Virial stresses (in pressure units)", total.stress_tensors, "configurations", "Stres"),
    )
    body = "\n\n".join(_section(*section) for section in sections)
    return f"{'_' * 17}Errors report{'_' * 17}\n{body}\n{'_' * 47}\n"


def _section(title: str, errors: ErrorStatistics, what: str, ratio: str | None) -> str:
    nothing = errors.count == 0
    lines = [
        f"{title}:",
        f"\tErrors checked for {errors.count} {what}",
        f"\tMaximal absolute difference = {0 if nothing else errors.maximum:g}",
        f"\tAverage absolute difference = {0 if nothing else errors.mae:g}",
        f"\tRMS     absolute difference = {0 if nothing else errors.rmse:g}",
    ]
    if ratio is not None:
        largest = 0 if nothing else errors.relative_maximum
        rms = 0 if nothing else errors.relative_rmse
        lines += [
            f"\tMax({ratio}Diff) / Max({ratio}) = {largest:g}",
            f"\tRMS({ratio}Diff) / RMS({ratio}) = {rms:g}",
        ]
    return "\n".join(lines)
