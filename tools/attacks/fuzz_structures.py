"""Damaged files of structures are read, or refused by an error that names the file.

OUTCAR, vasprun.xml, POSCAR, extended XYZ, LAMMPS dumps and data, as small as they may be.
"""

from __future__ import annotations

import logging
import random
import warnings
from io import StringIO
from pathlib import Path

import ase.io
from ase.build import bulk

from attacks.finding import FindingError
from attacks.mutations import mutations, survive
from maxvolt import io
from maxvolt.errors import MaxvoltError

__all__ = ["trial"]

INPUTS = 25
"""Of each format in a trial."""

OUTCAR = b""" vasp.6.3.0 18Jan22
   VRHFIN =Ni: d9s1
   ions per type =               1
   NELM   =     60;   NELMIN=  2; NELMDL= -5
   EDIFF  = 0.1E-05   stopping-criterion for ELM
---------------------- Iteration      1(   1)  ----------------------
-------- aborting loop because EDIFF is reached ----------------------
  FORCE on cell =-STRESS in cart. coord.  units (eV):
  Total       0.10000     0.20000     0.30000     0.01000     0.02000     0.03000
  in kB       1.0 2.0 3.0 0.1 0.2 0.3
      direct lattice vectors                 reciprocal lattice vectors
     3.520000000  0.000000000  0.000000000     0.284090909  0.000000000  0.000000000
     0.000000000  3.520000000  0.000000000     0.000000000  0.284090909  0.000000000
     0.000000000  0.000000000  3.520000000     0.000000000  0.000000000  0.284090909
 POSITION                                       TOTAL-FORCE (eV/Angst)
 -----------------------------------------------------------------------------------
      0.00000      0.00000      0.00000         0.010000      0.020000      0.030000
 -----------------------------------------------------------------------------------
  free  energy   TOTEN  =        -5.50000000 eV
"""
VASPRUN = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <parameters><i type="int" name="NELM">    60</i></parameters>
 <atominfo><atoms>       1 </atoms><array name="atoms">
  <set><rc><c>Ni</c><c>   1</c></rc></set></array></atominfo>
 <calculation>
  <scstep><energy><i name="e_fr_energy">  -5.50000000 </i></energy></scstep>
  <structure><crystal><varray name="basis">
   <v>3.52 0.0 0.0</v><v>0.0 3.52 0.0</v><v>0.0 0.0 3.52</v></varray></crystal>
   <varray name="positions"><v>0.0 0.0 0.0</v></varray></structure>
  <varray name="forces"><v>0.01 0.02 0.03</v></varray>
  <varray name="stress"><v>1.0 0.1 0.2</v><v>0.1 2.0 0.3</v><v>0.2 0.3 3.0</v></varray>
  <energy><i name="e_fr_energy">  -5.50000000 </i></energy>
 </calculation>
</modeling>
"""
BOMB = b"<!DOCTYPE x [%s]>" % b"".join(
    b'<!ENTITY e%d "%s">' % (i, b"&e%d;" % (i - 1) * 10 if i else b"x" * 50) for i in range(12)
)
DUMP = b"""ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0.0 4.0
0.0 4.0
0.0 4.0
ITEM: ATOMS id type element x y z fx fy fz
1 1 Al 0.0 0.0 0.0 0.1 0.2 0.3
2 1 Al 2.0 2.0 0.0 -0.1 -0.2 -0.3
"""
DATA = b"""made by hand

2 atoms
1 atom types

0.0 4.0 xlo xhi
0.0 4.0 ylo yhi
0.0 4.0 zlo zhi

Masses

1 26.98

Atoms # atomic

1 1 0.0 0.0 0.0
2 1 2.0 2.0 0.0
"""
XYZ = (
    b"""2
Lattice="4 0 0 0 4 0 0 0 4" %s energy=-1.5 stress="1 0 0 0 1 0 0 0 1" pbc="T T T"
Al 0.0 0.0 0.0 0.1 0.2 0.3
Cu 2.0 2.0 0.0 -0.1 -0.2 -0.3
"""
    % b"Properties=species:S:1:pos:R:3:forces:R:3"
)
TOKENS = [
    b"999999999999", b"2147483648", b"1e308", b"ITEM: ATOMS", b"ITEM: UNITS\nreal\n", b"<v>",
    b"</v>", b"&e11;", BOMB, b"<c>", b"Lattice=", b'"', b"_JSON",
    b"Properties=species:S:1:pos:R:99999999",
    b"ions per type = 99999999 ", b"Atoms # full\n", b"xy xz yz", b"<i name=",
    b"<set>" * 500,
]  # fmt: skip


def seeds() -> dict[str, bytes]:
    """Give a small whole file of each format, by name."""
    poscar = StringIO()
    ase.io.write(poscar, bulk("NaCl", "rocksalt", 5.6), format="vasp")
    return {
        "OUTCAR": OUTCAR,
        "vasprun.xml": VASPRUN,
        "POSCAR": poscar.getvalue().encode(),
        "atoms.dump": DUMP,
        "atoms.lammps-data": DATA,
        "atoms.xyz": XYZ,
    }


def trial(seed: int, scratch: Path, count: int = INPUTS) -> str:
    """Read some damaged files of each format."""
    logging.disable()
    try:
        for name, whole in seeds().items():
            _read_all(scratch / name, whole, random.Random(f"{name} {seed}"), count)
    finally:
        logging.disable(logging.NOTSET)
    return "held"


def _read_all(path: Path, whole: bytes, generator: random.Random, count: int) -> None:
    def check(data: bytes) -> str:
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ASE's readers
            try:
                io.read(path, species=["Al"] if path.name.startswith("atoms.") else None)
            except MaxvoltError as error:
                if path.name not in str(error):
                    raise FindingError(f"the file is not named: {error}") from error
                return "refused"
        return "read"

    if check(whole) != "read":
        raise FindingError(f"{path.name}: the whole file is refused")
    bombs = iter([whole.replace(b"<modeling>", BOMB + b"<modeling>&e11;")])
    survive(bombs, check, path.with_suffix(".input"), count=1)
    survive(mutations([whole], generator, TOKENS), check, path.with_suffix(".input"), count=count)
