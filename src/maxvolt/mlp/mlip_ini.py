"""What ``mlip.ini`` asks for, in the words of MLIP-2 and those of MLIP-3's command `run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maxvolt.errors import MaxvoltError
from maxvolt.mlp.ini import Key, Settings
from maxvolt.mlp.potentials import TypedPotential, read_trained
from maxvolt.mlp.selection import read_state
from maxvolt.sampling import Thresholds
from maxvolt.selection import ActiveSet

__all__ = ["MLIP_KEYS", "Control", "control_of", "potential_of", "thresholds_from"]

_LOG = "what is done is said on the screen"

MLIP_KEYS = (
    Key("mtp_filename", None, "the potential"),
    Key("calculate_efs", True, "calculate energies, forces and stresses"),
    Key("select", False, "grade by the active set of load_state, or select one"),
    Key("select:threshold", 1.001, "from this grade on, keep a configuration"),
    Key("select:threshold_swap", 1.001, "grade above which rows of an active set are swapped"),
    Key("select:threshold_break", 0.0, "from this grade on, stop; 0: never"),
    Key("select:threshold_init", 1e-7, "on the diagonal of the matrix in the beginning"),
    Key("select:site_en_weight", 0.0, "above 0: a row for each atom"),
    Key("select:energy_weight", 1.0, "of the row of the energy"),
    Key("select:force_weight", 0.0, "of the rows of force components"),
    Key("select:stress_weight", 0.0, "of the rows of stress components"),
    Key("select:weighting", "vibrations", "how rows depend on the number of atoms"),
    Key("select:save_selected", None, "where to write what was selected or kept"),
    Key("select:save_state", None, "where to write potential and active set (.als)"),
    Key("select:load_state", None, "file with the active set (.als)"),
    Key("select:log", None, "log of the selection", ignored=_LOG),
    Key(
        "select:efs_ignored",
        False,
        "select without labels",
        ignored="a selection never looks at labels",
    ),
    Key("fit", False, "fit the potential to the configurations"),
    Key("fit:save", None, "where to write the fitted potential"),
    Key("fit:energy_weight", 1.0, "of energies in the fit"),
    Key("fit:force_weight", 0.0, "of forces in the fit"),
    Key("fit:stress_weight", 0.0, "of stresses in the fit"),
    Key("fit:scale_by_force", 0.0, "above 0: small forces weigh more"),
    Key("fit:log", None, "log of the fit", ignored=_LOG),
    Key("write_cfgs", None, "where to write the configurations with what was calculated"),
    Key("write_cfgs:skip", 0, "configurations to leave out after each that is written"),
    Key("check_errors", None, "compare with the labels: TRUE, stdout, or a file for the report"),
    Key("log", None, "log of MLIP", ignored=_LOG),
    Key("mlip", True, "use a potential (MLIP-3)", refused="without a potential nothing is done"),
    Key("mlip:load_from", None, "the potential (MLIP-3)"),
    Key("extrapolation_control", False, "grade by the active set of the potential (MLIP-3)"),
    Key("extrapolation_control:threshold_save", 2.0, "from this grade on, keep a configuration"),
    Key("extrapolation_control:threshold_break", 10.0, "from this grade on, stop; 0: never"),
    Key("extrapolation_control:save_extrapolative_to", "preselected.cfg", "where they are kept"),
)
"""With underscores; MLIP-2 writes hyphens."""


@dataclass(frozen=True, slots=True)
class Control:
    """What happens where configurations extrapolate.

    Attributes
    ----------
    query
        Active set that grades.
    thresholds
        Grades from which a configuration is kept, and from which it stops.
    target
        File for what is kept; None: nowhere.
    """

    query: ActiveSet
    thresholds: Thresholds
    target: Path | None


def potential_of(settings: Settings, ini: str) -> TypedPotential:
    """Read the potential that a file of settings names.

    Raises
    ------
    MaxvoltError
        It names none.
    """
    name = settings["mtp_filename"] or settings["mlip:load_from"]
    if not name:
        raise MaxvoltError(f"{ini}: mtp-filename is missing: which potential?")
    return read_trained(name)


def control_of(settings: Settings, potential: TypedPotential, ini: str) -> Control | None:
    """What the settings say of extrapolation; None where they ask for no control.

    Raises
    ------
    MaxvoltError
        There is no active set, or it belongs to another potential.
    """
    if settings["extrapolation_control"]:
        key = "extrapolation_control:"
        return Control(
            active_set_of(potential.path, potential),
            thresholds_from(settings[f"{key}threshold_save"], settings[f"{key}threshold_break"]),
            Path(settings[f"{key}save_extrapolative_to"]),
        )
    if not settings["select"]:
        return None
    state = settings["select:load_state"]
    if not state:
        raise MaxvoltError(
            f"{ini}: select is TRUE without select:load-state; name an active set (.als), for "
            "example of mlp calc-grade"
        )
    target = settings["select:save_selected"]
    return Control(
        active_set_of(state, potential),
        thresholds_from(settings["select:threshold"], settings["select:threshold_break"]),
        Path(target) if target else None,
    )


def thresholds_from(save: float, stop: float) -> Thresholds:
    """Thresholds of MLIP, where a break at 0 means never.

    Raises
    ------
    DataError
        A threshold to keep that is above that to break.
    """
    return Thresholds(save, stop if stop else float("inf"))


def active_set_of(path: str | Path, potential: TypedPotential) -> ActiveSet:
    """Read the active set of a file that holds the same potential.

    Raises
    ------
    MaxvoltError
        It holds none, or that of another potential.
    """
    found = read_state(path, potential)
    if found is None:
        raise MaxvoltError(
            f"{path}: holds no active set; make one from the training set: mlp select or mlp train "
            "(MLIP-3), mlp calc-grade (MLIP-2)"
        )
    if found.potential.digest != potential.potential.digest:
        raise MaxvoltError(
            f"{path}: its active set was made for another potential than {potential.path}; make "
            "it again, for example with mlp calc-grade"
        )
    return found
