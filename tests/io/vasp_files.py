"""Make small OUTCAR and vasprun.xml files for the tests, laid out as VASP does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

NELM = 5
EDIFF = 1e-5
KB_PER_EV_A3 = 1602.17733  # as VASP has it


@dataclass
class Step:
    """One ionic step: atoms with labels (energy, forces, stress) and how the electrons fared."""

    atoms: Atoms
    energy: float
    forces: np.ndarray
    stress: np.ndarray | None
    electronic_steps: int = 3
    last_change: float = 0.0


def _tensor(stress: np.ndarray) -> np.ndarray:
    xx, yy, zz, yz, xz, xy = stress
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def _blocks(symbols: Sequence[str]) -> tuple[list[str], list[int]]:
    names = list(dict.fromkeys(symbols))
    return names, [list(symbols).count(name) for name in names]


def outcar(steps: Sequence[Step]) -> str:
    """Return an OUTCAR; atoms must be grouped by element."""
    names, counts = _blocks(steps[0].atoms.get_chemical_symbols())
    text = " vasp.6.4.2\n"
    text += "".join(f"   VRHFIN ={name}: 4s1\n" for name in names)
    text += f"   ions per type = {' '.join(f'{count:5d}' for count in counts)}\n"
    text += f"   NELM   = {NELM:6d};   NELMIN=  2\n"
    text += "   EDIFF  = 0.1E-04   stopping-criterion for ELM\n"
    text += "   EDIFFG = 0.1E-01   stopping-criterion for IOM\n"
    text += _lattice(steps[0].atoms)
    for number, step in enumerate(steps, 1):
        text += _outcar_step(number, step)
    return text


def _lattice(atoms: Atoms) -> str:
    text = "      direct lattice vectors                 reciprocal lattice vectors\n"
    for a, b in zip(atoms.cell.array, np.linalg.inv(atoms.cell.array).T, strict=True):
        text += "   " + "".join(f"{value:13.9f}" for value in (*a, *b)) + "\n"
    return text


def _outcar_step(number: int, step: Step) -> str:
    text = ""
    for electronic in range(1, step.electronic_steps + 1):
        text += f"----------- Iteration {number:4d}({electronic:4d})  -----------\n"
        change = step.last_change if electronic == step.electronic_steps else -0.5
        text += f" total energy-change (2. order) :{change:14.7E}  ({change:14.7E})\n"
        text += "  free energy    TOTEN  =      -1.00000000 eV\n"
    if step.electronic_steps < NELM:
        text += "------------- aborting loop because EDIFF is reached -------------\n"
    else:
        text += "---- aborting loop EDIFF was not reached (unconverged) ----\n"
    if step.stress is not None:
        total = -_tensor(step.stress) * step.atoms.get_volume()
        text += "  FORCE on cell =-STRESS in cart. coord.  units (eV):\n"
        text += "  Direction    XX          YY          ZZ          XY          YZ          ZX\n"
        text += (
            "  Ewald  -10293.69148-10013.02274-10015.18297   -99.50771   156.53180   -77.41248\n"
        )
        values = [total[i, i] for i in range(3)] + [total[0, 1], total[1, 2], total[2, 0]]
        text += "  Total  " + "".join(f"{value:12.5f}" for value in values) + "\n"
        text += "  in kB  " + "".join(f"{value:12.5f}" for value in values) + "\n"
    text += _lattice(step.atoms)
    text += (
        " POSITION                                       TOTAL-FORCE (eV/Angst)\n" + " " + "-" * 83
    )
    for position, force in zip(step.atoms.positions, step.forces, strict=True):
        text += "\n " + "".join(f"{value:13.5f}" for value in position)
        text += "   " + "".join(f"{value:14.6f}" for value in force)
    text += "\n " + "-" * 83 + "\n"
    text += f"  free  energy   TOTEN  = {step.energy:18.8f} eV\n"
    text += f"  energy  without entropy= {step.energy + 0.1:18.8f}\n"
    return text


def vasprun(steps: Sequence[Step], pressure: float = 0.0) -> str:
    """Return a vasprun.xml; pressure is PSTRESS in kB."""
    symbols = steps[0].atoms.get_chemical_symbols()
    rows = "".join(f"<rc><c>{symbol:<2}</c><c> 1</c></rc>" for symbol in symbols)
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n'
    text += '<kpoints><varray name="kpointlist"><v>0 0 0</v></varray>'
    text += '<varray name="weights"><v>1</v></varray></kpoints>\n'
    text += f'<parameters><i type="int" name="NELM">  {NELM}</i>'
    text += f'<i name="EDIFF">{EDIFF:16.8f}</i>'
    text += f'<i name="PSTRESS">{pressure:16.8f}</i></parameters>\n'
    text += f'<atominfo><array name="atoms"><set>{rows}</set></array></atominfo>\n'
    text += _structure(steps[0].atoms).replace("<structure>", '<structure name="initialpos">')
    for step in steps:
        work = pressure / (KB_PER_EV_A3) * step.atoms.get_volume()
        energies = [-1.0] * step.electronic_steps
        energies[-1] += step.last_change
        text += "<calculation>\n" + "".join(map(_electronic_step, energies))
        text += _structure(step.atoms)
        text += _varray("forces", step.forces)
        if step.stress is not None:
            text += _varray("stress", -_tensor(step.stress) * KB_PER_EV_A3)
        text += f'<energy><i name="e_fr_energy">{step.energy + work:20.12f}</i>'
        text += f'<i name="e_0_energy">{step.energy + 0.1:16.8f}</i></energy>\n'
        text += "</calculation>\n"
    return text + "</modeling>\n"


def _electronic_step(energy: float) -> str:
    inside = f'<i name="e_fr_energy">{energy:16.8f}</i><i name="e_0_energy">-1.1</i>'
    return f"<scstep><energy>{inside}</energy></scstep>\n"


def _structure(atoms: Atoms) -> str:
    cell = _varray("basis", atoms.cell.array)
    positions = _varray("positions", atoms.get_scaled_positions(wrap=False))
    return f"<structure><crystal>{cell}</crystal>{positions}</structure>\n"


def _varray(name: str, table: np.ndarray) -> str:
    rows = "".join(f"<v>{' '.join(f'{value:20.12f}' for value in row)}</v>\n" for row in table)
    return f'<varray name="{name}">\n{rows}</varray>\n'
