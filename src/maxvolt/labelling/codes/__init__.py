"""The codes that label structures, by their short names."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from maxvolt.errors import DataError
from maxvolt.labelling.codes.protocol import Code

__all__ = ["SHORT_NAMES", "get_code"]

# Imported when first used: some of ASE's interfaces take a second.
_HOME = {
    "emt": "maxvolt.labelling.codes.python:EMT",
    "gpaw": "maxvolt.labelling.codes.python:GPAW",
    "espresso": "maxvolt.labelling.codes.espresso:ESPRESSO",
    "vasp": "maxvolt.labelling.codes.vasp:VASP",
    "abinit": "maxvolt.labelling.codes.abinit:ABINIT",
    "cp2k": "maxvolt.labelling.codes.cp2k:CP2K",
    "gaussian": "maxvolt.labelling.codes.gaussian:GAUSSIAN",
    "dftpy": "maxvolt.labelling.codes.dftpy:DFTPY",
    "pyscf": "maxvolt.labelling.codes.pyscf:PYSCF",
    "tblite": "maxvolt.labelling.codes.tblite:TBLITE",
    "potential": "maxvolt.labelling.codes.potential:POTENTIAL",
}

SHORT_NAMES = tuple(_HOME)


@cache
def get_code(name: str) -> Code:
    """Return a code by its short name, or a calculator class by ``module:Class``.

    Raises
    ------
    DataError
        When the name is neither.
    """
    if name in _HOME:
        home, _, instance = _HOME[name].partition(":")
        code: Code = getattr(import_module(home), instance)
        return code
    module, colon, attribute = name.partition(":")
    if colon and attribute.isidentifier() and all(map(str.isidentifier, module.split("."))):
        from maxvolt.labelling.codes.python import imported

        return imported(name)
    raise DataError(
        f"unknown calculator {name!r}; expected {', '.join(SHORT_NAMES)} or the class of an ASE "
        "calculator as module:Class"
    )
