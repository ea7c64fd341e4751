"""Stages of a pruning on disk: a kill loses the one in progress."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from maxvolt.errors import FitError
from maxvolt.files import make_folder, replacing
from maxvolt.fitting.pruning.stage import PruningStage, StageNumbers
from maxvolt.potentials.mtp.potential import MTP, read_potential

__all__ = ["KeptStages"]


class KeptStages:
    """A folder with the potential and the numbers of each stage.

    Parameters
    ----------
    folder
        Where; None: stages are not kept.
    signature
        Of all that the numbers depend on: stages of another pruning are refused.
    """

    def __init__(self, folder: Path | None, signature: str) -> None:
        self._folder = folder
        self._signature = signature
        if folder is not None:
            make_folder(folder)

    def read(self) -> list[PruningStage]:
        """Stages that are there already, in order.

        Raises
        ------
        FitError
            They belong to another pruning, or a file is damaged.
        """
        found: list[PruningStage] = []
        while self._folder is not None and (path := self._numbers(len(found))).exists():
            signature, step, numbers = _kept(path)
            if signature != self._signature:
                raise FitError(
                    f"{path}: belongs to a pruning of another potential, with other data or other "
                    "settings; name another folder, or remove this one"
                )
            potential = read_potential(path.with_suffix(".mtp"))
            assert isinstance(potential, MTP)
            found.append(PruningStage(potential, numbers, step))
        return found

    def add(self, number: int, stage: PruningStage) -> None:
        """Write a stage; its numbers last, so that a stage counts when all of it is there."""
        if self._folder is None:
            return
        path = self._numbers(number)
        stage.potential.write(path.with_suffix(".mtp"))
        numbers = asdict(stage.numbers)
        document = {"signature": self._signature, "step": stage.step, "numbers": numbers}
        with replacing(path) as file:
            file.write((json.dumps(document, indent=1) + "\n").encode())

    def _numbers(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"stage_{number:03d}.json"


def _kept(path: Path) -> tuple[str, float, StageNumbers]:
    """Signature, step and numbers of a stage."""
    try:
        document = json.loads(path.read_bytes())
        numbers = StageNumbers(**document["numbers"])
        return document["signature"], float(document["step"]), numbers
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FitError(f"{path}: not the numbers of a stage ({error}); remove the file") from error
