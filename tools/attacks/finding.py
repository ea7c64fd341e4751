"""What an attack raises when the package did something that it must not do."""

from __future__ import annotations

__all__ = ["FindingError"]


class FindingError(Exception):
    """The package did something that it must not do; the message says what."""
