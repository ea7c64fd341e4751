"""Where the files of a campaign are; see docs/campaigns for what they hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from maxvolt.campaign.record.journal import read_journal
from maxvolt.campaign.record.storage import DamagedError, read_document, write_document
from maxvolt.campaign.settings.scenario_sections import file_name, part_name
from maxvolt.campaign.settings.stages import Settings, read_settings
from maxvolt.errors import CampaignError
from maxvolt.fitting.contract import PotentialSection
from maxvolt.fitting.families import training_named, trainings
from maxvolt.potentials import member_paths
from maxvolt.sections import Section

__all__ = [
    "CampaignFolder",
    "IterationFolder",
    "committee_file",
    "errors_file",
    "potential_files",
]

_POTENTIAL = "potential"
_SETTINGS = "settings"
"""Key of the settings in an outcome."""

S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class IterationFolder:
    """The files of one iteration.

    Attributes
    ----------
    path : Path
    number : int
        Counted through all stages, from 0.
    """

    path: Path
    number: int

    @property
    def settings_file(self) -> Path:
        """The settings it used."""
        return self.path / "settings.json"

    def settings(self) -> Settings:
        """Read the settings it used, of a campaign of interatomic potentials.

        Raises
        ------
        DamagedError
            They are lost.
        CampaignError
            They are of another version.
        """
        return self.settings_as(Settings)

    def settings_as(self, kind: type[S]) -> S:
        """Read the settings it used, of a campaign of any kind.

        Parameters
        ----------
        kind
            What they are.

        Raises
        ------
        DamagedError
            They are lost.
        CampaignError
            They are of another version.
        """
        try:
            return kind.model_validate_json(json.dumps(self.settings_document()))
        except ValidationError as error:
            raise CampaignError(
                f"{self.settings_file}: cannot be used ({error}); was it written by another "
                "version of maxvolt? Go on with that version"
            ) from error

    def settings_document(self) -> dict[str, Any]:
        """Read the settings as they stand there; a complete iteration has them in its outcome, too.

        Raises
        ------
        DamagedError
            They are in neither.
        """
        try:
            return read_document(self.settings_file)
        except DamagedError as damage:
            kept = self._settings_of_outcome()
            if kept is None:
                raise damage from None
            return kept

    def write_settings(self, settings: Section) -> None:
        """Write down the settings that it uses."""
        write_document(self.settings_file, _plain(settings))

    def _settings_of_outcome(self) -> dict[str, Any] | None:
        try:
            found = read_document(self.outcome_file).get(_SETTINGS)
        except DamagedError:
            return None
        return found if isinstance(found, dict) else None

    @property
    def outcome_file(self) -> Path:
        """The last file of an iteration."""
        return self.path / "outcome.json"

    @property
    def is_started(self) -> bool:
        """Whether it has settings, in a file of their own or in its outcome."""
        return self.settings_file.exists() or self.outcome_file.exists()

    @property
    def is_complete(self) -> bool:
        """Whether it came to its end."""
        return self.outcome_file.exists()

    def outcome(self) -> Mapping[str, Any]:
        """Read the table row of a complete iteration.

        Raises
        ------
        DamagedError
            The file is missing or damaged.
        """
        row = read_document(self.outcome_file)
        row.pop(_SETTINGS, None)
        return row

    def write_outcome(self, row: Mapping[str, Any], settings: Section) -> None:
        """Write the table row, and once more the settings, with which it is complete."""
        write_document(self.outcome_file, {**row, _SETTINGS: _plain(settings)})

    def remove_steps(self) -> None:
        """Remove results of steps that new settings have made stale; scenarios judge their own."""
        for path in self.path.iterdir():
            if path in (self.settings_file, self.sampling):
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def step_file(self, step: str) -> Path:
        """File of a step: candidates, selection, labels, validation, training or fit."""
        return self.path / f"{step}.npz"

    @property
    def sampling(self) -> Path:
        """Folder of the results of scenarios."""
        return self.path / "sampling"

    def part_file(self, scenario: str, part: int) -> Path:
        """Result of a part of a scenario."""
        return self.sampling / f"{part_name(scenario, part)}.npz"

    def potential_files(self, potential: PotentialSection) -> list[Path]:
        """Files of the potential fitted in this iteration, see `potential_files`."""
        return potential_files(self.path, potential)


@dataclass(frozen=True, slots=True)
class CampaignFolder:
    """The folder of a campaign.

    Attributes
    ----------
    path : Path
    """

    path: Path

    @classmethod
    def find(cls, path: str | Path) -> CampaignFolder:
        """Find the folder by its own name or by that of the campaign file.

        Raises
        ------
        CampaignError, SettingsError
            There is none.
        """
        path = Path(path)
        folder = path if path.is_dir() else read_settings(path).folder
        found = cls(folder).begun()
        if found.kind:
            raise CampaignError(
                f"{folder}: is a campaign of kind {found.kind!r}, which 'maxvolt run' and 'maxvolt "
                "status' know; this is for campaigns of interatomic potentials"
            )
        return found

    @property
    def kind(self) -> str:
        """What its journal says: "" for campaigns of interatomic potentials, or "lattice"."""
        return next((str(one.get("kind", "")) for one in self.journal()), "")

    def begun(self) -> CampaignFolder:
        """Return this folder, where a campaign was started.

        Raises
        ------
        CampaignError
            None was.
        """
        if not self.journal_file.exists():
            raise CampaignError(
                f"{self.path}: no campaign was started there; start one with 'maxvolt run "
                "FILE.toml'"
            )
        return self

    @property
    def journal_file(self) -> Path:
        """History of the campaign."""
        return self.path / "journal.jsonl"

    @property
    def labels(self) -> Path:
        """Label store."""
        return self.path / "labels.db"

    @property
    def jobs(self) -> Path:
        """Inputs of a manual reference."""
        return self.path / "jobs"

    @property
    def lock_file(self) -> Path:
        """Held while a process works on the campaign."""
        return self.path / ".lock"

    def melting(self, stage: str) -> Path:
        """Folder of the simulations of a stage that finds a melting point."""
        return self.path / "melting" / file_name(stage)

    def potential_files(self, potential: PotentialSection) -> list[Path]:
        """Files of the newest potential, see `potential_files`."""
        return potential_files(self.path, potential)

    def remove_other_potentials(self, kept: Sequence[Path]) -> None:
        """Remove files that a campaign wrote for a potential of another number of members.

        Names that only a campaign gives: those of one member without an active set are not, since
        such a file may be what somebody has converted.
        """
        for training in trainings():
            single = self.path / f"{_POTENTIAL}{training.suffix_with_active_set}"
            members = self.path.glob(f"{_POTENTIAL}.[0-9]*{training.suffix}")
            for stale in {single, *members} - set(kept):
                stale.unlink(missing_ok=True)

    @property
    def training_file(self) -> Path:
        """The newest training set, extended XYZ."""
        return self.path / "training.xyz"

    @property
    def findings_file(self) -> Path:
        """What searches found last, extended XYZ; the energies are those by the potential."""
        return self.path / "findings.xyz"

    def remove_temporary_files(self) -> None:
        """Remove files that a kill has left half written; nothing refers to them."""
        for pattern in (".*.tmp*", "iterations/**/.*.tmp*"):
            for path in self.path.glob(pattern):
                path.unlink(missing_ok=True)

    def journal(self) -> Iterator[Mapping[str, Any]]:
        """Yield the events of the journal."""
        return read_journal(self.journal_file)

    def iteration(self, number: int) -> IterationFolder:
        """Return an iteration, which need not exist yet."""
        return IterationFolder(self.path / "iterations" / f"{number:04d}", number)

    def iterations(self) -> list[IterationFolder]:
        """Return the iterations that were started, in order."""
        found: list[IterationFolder] = []
        while (following := self.iteration(len(found))).is_started:
            found.append(following)
        return found


def potential_files(folder: Path, potential: PotentialSection) -> list[Path]:
    """Files of a potential in a folder: one with its active set, or one for each member."""
    training = training_named(potential.family)
    single = potential.members == 1
    suffix = training.suffix_with_active_set if single else training.suffix
    return member_paths(folder / f"{_POTENTIAL}{suffix}", potential.members)


def committee_file(files: Sequence[Path]) -> Path:
    """File of the scales of a committee, beside those of its potentials."""
    return files[0].with_name("committee.json")


def errors_file(files: Sequence[Path]) -> Path:
    """File of the expected errors of a potential, beside its own."""
    return files[0].with_name(f"{_POTENTIAL}.uncertainty")


def _plain(settings: Section) -> dict[str, Any]:
    return dict(json.loads(settings.model_dump_json(by_alias=True)))
