"""Active sets and selections as MLIP has them, and the configurations that stand for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maxvolt.errors import MaxvoltError
from maxvolt.io.cfg_dataset import cfg_from_dataset
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_types import with_labels
from maxvolt.mlp.command import Call
from maxvolt.mlp.configurations import with_features
from maxvolt.mlp.potentials import TypedPotential
from maxvolt.parallel.ranks import Ranks
from maxvolt.selection import ActiveSet, RowWeights, read_active_set
from maxvolt.selection.active_set import ActiveSelection
from maxvolt.selection.mlip_files import has_active_set, write_active_set
from maxvolt.selection.mlip_order import Algorithm

__all__ = [
    "EQUATIONS",
    "Settings",
    "read_state",
    "scaling_of",
    "selected_of",
    "settings_of",
    "write_state",
]

EQUATIONS = "selected_eqn_inds"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a selection is done.

    Attributes
    ----------
    weights
        Which gradients make rows; None: as a file says, or one row for each configuration.
    threshold
        Grade above which rows are swapped.
    entry
        Grade above which a configuration is considered; None: the threshold.
    initial_value
        On the diagonal of the matrix before anything is selected.
    limit
        Most new configurations; 0: no limit.
    """

    weights: RowWeights | None
    threshold: float
    entry: float | None
    initial_value: float
    limit: int = 0

    @property
    def algorithm(self) -> Algorithm:
        """MLIP's order, which has no limit."""
        return "stream" if self.limit else "mlip"

    def empty(self, potential: TypedPotential) -> ActiveSet:
        """Return a set from which nothing is selected yet."""
        return ActiveSet.empty(
            potential.potential, weights=self.weights, initial_value=self.initial_value
        )

    def select(
        self,
        start: ActiveSet,
        potential: TypedPotential,
        files: Mapping[str, Sequence[CfgConfiguration]],
        ranks: Ranks,
    ) -> ActiveSelection:
        """Select from the files in their order; the last holds the candidates.

        Parameters
        ----------
        start
            What has been selected before.
        potential
            Makes structures of configurations.
        files
            Configurations by the name of their file.
        ranks
            Processes that compute rows.
        """
        *known, last = (potential.dataset(found, path) for path, found in files.items())
        if known:
            start = start.select(
                known[0],
                threshold=self.threshold,
                entry=self.entry,
                algorithm=self.algorithm,
                ranks=ranks,
            ).active_set
        return start.select(
            last,
            threshold=self.threshold,
            entry=self.entry,
            limit=self.limit or None,
            training=known[0] if known else None,
            algorithm=self.algorithm,
            ranks=ranks,
        )


def read_state(path: str | Path, potential: TypedPotential) -> ActiveSet | None:
    """Read the active set in a file of a potential; None where it holds none."""
    return read_active_set(path, potential.potential.species) if has_active_set(path) else None


def write_state(path: str | Path, active_set: ActiveSet, version: int) -> None:
    """Write potential and active set as a version of MLIP does, whatever the name of the file."""
    mlip_2 = version == 2 and Path(path).suffix != ".almtp"
    write_active_set(path, active_set, "MLIP-2" if mlip_2 else "MLIP-3")


def selected_of(
    active_set: ActiveSet,
    files: Mapping[str, Sequence[CfgConfiguration]],
    potential: TypedPotential,
) -> list[CfgConfiguration]:
    """Configurations of an active set as they stand in the files, with the rows they have in it.

    Those that come from elsewhere, such as a file of a potential, are made of what is known.
    """
    found = []
    for number, origin in enumerate(active_set.structures.origins):
        if origin is not None and origin[0] in files:
            one = files[origin[0]][origin[1]]
        else:
            single = active_set.structures.select([number])
            made = cfg_from_dataset(single, active_set.species)
            one = with_labels(made, potential.labels)[0]
        rows = np.sort(active_set.origins[active_set.origins[:, 0] == number, 1])
        found.append(with_features(one, {EQUATIONS: ",".join(map(str, rows.tolist()))}))
    return found


_SCALINGS = {"vibrations": 2, "structures": 2, "molecules": 0}

_WEIGHTS = ("energy_weight", "force_weight", "stress_weight", "site_en_weight", "weight_scaling")


def scaling_of(weighting: str, where: str) -> int:
    """How rows depend on the number of atoms with a weighting of MLIP-2.

    Raises
    ------
    MaxvoltError
        There is no such weighting; the message begins with `where`.
    """
    if weighting not in _SCALINGS:
        raise MaxvoltError(f"{where}: expected {', '.join(_SCALINGS)}, got '{weighting}'")
    return _SCALINGS[weighting]


def settings_of(call: Call) -> Settings:
    """How the options of a line want a selection done.

    In MLIP-3 weights are those of the active set in the file, unless some are given.
    """
    return _settings_2(call) if call.version == 2 else _settings_3(call)


def _settings_2(call: Call) -> Settings:
    options = call.options
    weighting = options.get("weighting", "vibrations")
    scaling = scaling_of(weighting, "--weighting")
    if scaling != 2 and not options["als-filename"].endswith(".almtp"):
        raise MaxvoltError(
            f"--weighting={weighting}: an .als file cannot tell that rows are not divided by the "
            "number of atoms; give --als-filename=state.almtp"
        )
    weights = RowWeights(
        energy=options["energy-weight"],
        force=options["force-weight"],
        stress=options["stress-weight"],
        site_energy=options["nbh-weight"],
        scaling=scaling,
    )
    return Settings(
        weights=weights,
        threshold=options["swap-threshold"],
        entry=max(options["select-threshold"], options["swap-threshold"]),
        initial_value=options["init-threshold"],
        limit=_limit("selection-limit", options.get("selection-limit", 0)),
    )


def _settings_3(call: Call) -> Settings:
    options = call.options
    weights = None
    if call.given.intersection(_WEIGHTS):
        weights = RowWeights(
            energy=options["energy_weight"],
            force=options["force_weight"],
            stress=options["stress_weight"],
            site_energy=options["site_en_weight"],
            scaling=options["weight_scaling"],
        )
    return Settings(
        weights=weights,
        threshold=options["threshold"],
        entry=None,
        initial_value=options["init_value"],
        limit=_limit("swap_limit", options.get("swap_limit", 0)),
    )


def _limit(name: str, value: int) -> int:
    if value < 0:
        raise MaxvoltError(f"--{name}: expected 0 (no limit) or more, got {value}")
    return value
