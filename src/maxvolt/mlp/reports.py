"""Errors of a potential as MLIP reports them."""

from __future__ import annotations

import sys
from pathlib import Path

from maxvolt.files import replacing
from maxvolt.fitting.error_statistics import ErrorReport
from maxvolt.report import format_mlip_errors

__all__ = ["print_or_write", "report_of"]


def report_of(errors: ErrorReport, version: int) -> str:
    """Errors in the form of a version of MLIP: forces by components in 2, by vectors in 3."""
    return format_mlip_errors(errors, force_vectors=version == 3)


def print_or_write(errors: ErrorReport, version: int, target: Path) -> None:
    """Give a report to stdout, stderr or a file."""
    text = report_of(errors, version) + "\n"
    if str(target) in ("stdout", "stderr"):
        print(text, end="", file=sys.stdout if str(target) == "stdout" else sys.stderr)
        return
    with replacing(target) as stream:
        stream.write(text.encode())
