"""Files that relaxations fill, portion by portion, so that the end of a long run loses little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maxvolt.cli.console import counted, note
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.configurations import write_configurations
from maxvolt.mlp.outputs import give
from maxvolt.mlp.relaxation import Ends
from maxvolt.mlp.relaxation_log import log_of

__all__ = ["Outputs", "portions"]

_ATOMS = 200_000
"""Of a portion: enough for the processes of a large machine, minutes for a small one."""


def portions(
    configurations: Sequence[CfgConfiguration], atoms: int = _ATOMS
) -> Iterator[dict[int, CfgConfiguration]]:
    """Cut a file into parts of so many atoms, or of one configuration.

    Parameters
    ----------
    configurations
        Those without atoms are passed over.
    atoms
        After which a part ends.

    Yields
    ------
    part
        Configurations by their number in the file, from 0; one without any where there are none.
    """
    part: dict[int, CfgConfiguration] = {}
    size = 0
    for number, one in enumerate(configurations):
        if len(one):
            part[number] = one
            size += len(one)
        if size >= atoms:
            yield part
            part, size = {}, 0
    if part or not any(map(len, configurations)):
        yield part


@dataclass(slots=True)
class Outputs:
    """Where a relaxation writes; the first portion replaces files, later ones are added.

    Attributes
    ----------
    relaxed, unrelaxed
        What was relaxed, and as they were those that failed; both may be one file.
    kept
        What extrapolated.
    keeps_older
        Whether what a file of these holds already stays, as in MLIP-2.
    log
        A file, or one of `outputs.STREAMS`.
    pressure : GPa
    written
        Configurations in each file.
    begun
        Whether a portion has been written.
    """

    relaxed: Path | None
    unrelaxed: Path | None
    kept: Path | None
    keeps_older: bool
    log: Path | None
    pressure: float
    written: dict[Path, int] = field(default_factory=dict)
    begun: bool = False

    def write(self, originals: Mapping[int, CfgConfiguration], ends: Ends) -> None:
        """Write what became of a portion."""
        failed = {number: end.message for number, end in ends.each.items() if end.message}
        for number, message in failed.items():
            note(f"mlp: warning: relaxation of cfg#{number + 1} failed: {message}")
        self._write_log(ends, append=self.begun)
        self.begun = True
        unrelaxed = {number: originals[number] for number in failed}
        relaxed = {n: end.configuration for n, end in ends.each.items() if end.configuration}
        if self.relaxed is not None and self.relaxed == self.unrelaxed:
            relaxed, unrelaxed = dict(sorted((relaxed | unrelaxed).items())), {}
        self._add(self.relaxed, list(relaxed.values()))
        if self.unrelaxed != self.relaxed:
            self._add(self.unrelaxed, list(unrelaxed.values()))
        if ends.extrapolative or not self.keeps_older:
            self._add(self.kept, ends.extrapolative, keeps_older=self.keeps_older)

    def _add(
        self, path: Path | None, found: Sequence[CfgConfiguration], *, keeps_older: bool = False
    ) -> None:
        if path is None:
            return
        write_configurations(path, found, append=keeps_older or path in self.written)
        self.written[path] = self.written.get(path, 0) + len(found)

    def _write_log(self, ends: Ends, *, append: bool) -> None:
        if self.log is None:
            return
        give(log_of(ends.each, self.pressure), str(self.log), append=append)

    def say(self) -> None:
        """Say what is in the files."""
        for path, number in self.written.items():
            note(f"{path}: {counted(number, 'configuration')}")
