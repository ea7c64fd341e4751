"""Options of grades and selections."""

from __future__ import annotations

from maxvolt.mlp.command import Option

__all__ = ["GRADE_OPTIONS", "SELECT_OPTIONS", "STATE_OPTIONS"]

_LIMIT = (
    "at most so many candidates are selected, those that enlarge the active set most; MLIP counts "
    "swaps of rows, of which a configuration may take several"
)

STATE_OPTIONS = (
    Option("log", "stdout", "where MLIP writes what it does", (3,), ignored="notes go to stderr"),
)

GRADE_OPTIONS = (
    Option(
        "init-threshold", 1e-5, "on the diagonal of the matrix before anything is selected", (2,)
    ),
    Option("select-threshold", 1.1, "grade above which a configuration is selected", (2,)),
    Option("swap-threshold", 1.0000001, "grade above which rows are swapped", (2,)),
    Option("als-filename", "state.als", "file for the potential with its active set", (2,)),
    Option("energy-weight", 1.0, "of the rows of energies", (2,)),
    Option("force-weight", 0.0, "of the rows of force components", (2,)),
    Option("stress-weight", 0.0, "of the rows of stress components", (2,)),
    Option("nbh-weight", 0.0, "above 0: a row for each atom, and grades of atoms", (2,)),
)

SELECT_OPTIONS = (
    *GRADE_OPTIONS,
    Option("selected-filename", "selected.cfg", "file for all of the active set", (2,)),
    Option(
        "selection-limit", 0, "most configurations to select; 0: no limit", (2,), differs=_LIMIT
    ),
    Option(
        "weighting",
        "vibrations",
        "vibrations and structures: rows per atom; molecules: rows per configuration",
        (2,),
        differs="an .als file cannot tell rows per configuration: with molecules, name the file "
        "--als-filename=state.almtp",
    ),
    Option("swap_limit", 0, "most configurations to select; 0: no limit", (3,), differs=_LIMIT),
    *STATE_OPTIONS,
    Option("energy_weight", 1.0, "of the rows of energies", (3,)),
    Option("force_weight", 0.0, "of the rows of force components", (3,)),
    Option("stress_weight", 0.0, "of the rows of stress components", (3,)),
    Option("site_en_weight", 0.0, "above 0: a row for each atom", (3,)),
    Option("weight_scaling", 2, "rows are divided by N^(scaling/2): 0, 1 or 2", (3,)),
    Option(
        "batch_size",
        9999,
        "configurations whose rows are offered at once",
        (3,),
        ignored="it is always 9999",
    ),
    Option("save_to", "", "file for the potential with its new active set", (3,)),
    Option("save_selected_to", "", "file for all of the active set", (3,)),
    Option("threshold", 1.001, "grade above which rows are swapped", (3,)),
    Option("init_value", 1e-6, "on the diagonal of the matrix before anything is selected", (3,)),
)
