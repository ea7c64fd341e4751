"""Defaults of options that are those of settings, which are not imported before help shows them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

__all__ = ["OfSettings", "default_text", "given"]


@dataclass(frozen=True)
class OfSettings:
    """The default of a setting, looked up where help shows it: its module takes seconds to import.

    Where an option is not given this is its value, and the settings have theirs.

    Parameters
    ----------
    where
        The dataclass of the settings, as ``module:Class``.
    name
        Of the setting.
    """

    where: str
    name: str

    def __str__(self) -> str:
        module, _, kind = self.where.partition(":")
        every = fields(getattr(import_module(module), kind))
        return default_text(next(one.default for one in every if one.name == self.name))


def given(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Options of these names that a command line has given a value."""
    asked = {name: getattr(options, name) for name in names if hasattr(options, name)}
    return {name: value for name, value in asked.items() if not isinstance(value, OfSettings)}


def default_text(value: Any) -> str:
    """Write a default as it would be read: numbers of a tuple side by side."""
    if isinstance(value, tuple):
        several = ("x".join(map(str, one)) if isinstance(one, tuple) else str(one) for one in value)
        return " ".join(several)
    return f"{value:g}" if isinstance(value, float) else str(value)
