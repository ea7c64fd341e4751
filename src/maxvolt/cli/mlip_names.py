"""Commands of MLIP by name, and what does their work in maxvolt."""

from __future__ import annotations

from maxvolt.errors import MaxvoltError

__all__ = ["MLIP_NAMES", "refuse_mlip_name"]

MLIP_NAMES = {
    "calc-efs": "evaluate",
    "calculate_efs": "evaluate",
    "calc-errors": "errors",
    "check_errors": "errors",
    "calc-grade": "grade",
    "calculate_grade": "grade",
    "select-add": "select",
    "select_add": "select",
    "convert-cfg": "convert",
    "cut_extrapolative_nbh": "cut-neighborhood",
    "mindist_filter": "mindist",
    "sample": "md",
    "untrained": "train",
    "add_species": "train",
    "self-test": "info",
    "test": "info",
    "make-cell-square": None,
    "make_cell_square": None,
    "replicate-cell": None,
    "replicate_cell": None,
    "add-from-outcar": "convert",
    "add-from-outcar-dyn": "convert",
    "add-from-outcar-last": "convert",
    "add_from_outcar": "convert",
    "add_from_outcar_dyn": "convert",
    "add_from_outcar_last": "convert",
    "to-poscar": "convert",
    "to-bin": "convert",
    "to_bin": "convert",
    "from-bin": "convert",
    "from_bin": "convert",
    "fix-lattice": None,
    "fix_lattice": None,
    "fix_mindist": None,
    "subsample": "convert",
    "fix-cfg": None,
    "fix_cfg": None,
    "filter-nonconv": "convert",
    "filter_nonconv": "convert",
    "remap_species": None,
    "extract_nbhs": "cut-neighborhood",
    "invert-stress": None,
    "invert_stress": None,
    "recognize": "info",
}
"""Those that maxvolt has not itself; None: only `mlp` does this."""


def refuse_mlip_name(name: str) -> None:
    """Say which command to use instead of one of MLIP.

    Raises
    ------
    MaxvoltError
        The name is one of MLIP's.
    """
    if name not in MLIP_NAMES:
        return
    own = MLIP_NAMES[name]
    instead = "" if own is None else f", or 'maxvolt {own}', which has options of its own"
    raise MaxvoltError(
        f"'{name}' is a command of MLIP: use 'mlp {name}', which takes MLIP's files and "
        f"options{instead}"
    )
