"""The melting point of the potential that a campaign has trained."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from maxvolt.campaign.record.iteration_summary import MELTING
from maxvolt.campaign.record.storage import StepResult, write_bytes
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.errors import CampaignError
from maxvolt.executors.kinds import Kind
from maxvolt.properties.melting import MeltingSettings, melting_point
from maxvolt.properties.melting.stages import Progress

__all__ = ["find_melting_point"]

_RESULT = "melting.json"
_OF_THE_ROW = (
    "melting_point_K",
    "error_K",
    "pressure_GPa",
    "heat_of_fusion_eV_per_atom",
    "volume_of_fusion_A3_per_atom",
    "warnings",
)


def find_melting_point(runner: StepRunner) -> dict[str, Any]:
    """Simulate crystal and liquid side by side; return what the row of the iteration holds.

    All simulations are kept in a folder of the campaign under digests of what they depend on, so
    that those that are done are never run again, neither after a kill nor for a longer production.
    """
    section = runner.settings.stage.melting
    if section is None or not runner.state.potential_files:
        raise CampaignError(
            f"stage {runner.settings.stage.name!r} asks for a melting point, but no stage before "
            "it has trained a potential; put such a stage first"
        )
    settings = section.settings(runner.settings.potential.species)
    potential = runner.state.potential_files[0]
    folder = runner.context.folder.melting(runner.settings.stage.name)
    here = runner.context.executors.of(Kind.FITTING) is None
    progress = (lambda *news: runner.progress(MELTING, *news)) if here else None
    on = (section.model_copy(update={"ranks": 1, "command": None}), runner.state.numbers)
    found = runner.step(
        MELTING,
        on,
        lambda: runner.context.compute(
            _melt, potential, settings, folder, section.ranks, section.command, progress
        ),
    )
    row = {name: found.record[name] for name in _OF_THE_ROW}
    value, error = row["melting_point_K"], row["error_K"]
    return {"is_clean": True, "melting": row, "reason": f"melts at {value:.1f} +- {error:.1f} K"}


def _melt(
    potential: Path,
    settings: MeltingSettings,
    folder: Path,
    ranks: int,
    command: str | None,
    progress: Progress | None,
) -> StepResult:
    began = time.perf_counter()
    point = melting_point(
        potential, settings, folder, ranks=ranks, command=command, progress=progress
    ).to_dict()
    write_bytes(folder / _RESULT, (json.dumps(point, indent=1) + "\n").encode())
    row = {name: point[name] for name in _OF_THE_ROW}
    return StepResult({**row, "seconds": time.perf_counter() - began})
