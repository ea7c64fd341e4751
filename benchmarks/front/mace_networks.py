"""MACE, a message-passing network, small enough for a processor."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import write
from numpy.typing import NDArray

from front.contest import Contest

__all__ = ["SIZES", "Mace", "fitted"]

Array = NDArray[np.float64]

SIZES = {"16x0e": ("16x0e", 60), "16x0e + 16x1o": ("16x0e + 16x1o", 40)}
"""Features of an atom, and epochs: what two cores can train in a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Mace:
    """A trained network."""

    parameters: int
    calculator: Any

    def predict(self, atoms: Atoms) -> tuple[float, Array]:
        """Energy, eV, and forces, eV/A."""
        self.calculator.calculate(atoms, ["energy", "forces"])
        results = self.calculator.results
        return float(results["energy"]), np.array(results["forces"])

    def run(self, atoms: Atoms) -> Callable[[], object]:
        """An evaluation, neighbours included."""
        return lambda: self.predict(atoms)


def fitted(contest: Contest, size: str) -> Mace:
    """Train; in the second stage energies and forces have the weights of the other contestants."""
    import torch
    from mace.calculators import MACECalculator  # type: ignore[import-not-found]
    from mace.cli.run_train import run  # type: ignore[import-not-found]
    from mace.tools import build_default_arg_parser  # type: ignore[import-not-found]

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    irreps, epochs = SIZES[size]
    with TemporaryDirectory() as folder, chdir(folder):
        frames = []
        for atoms in contest.training:
            atoms.info["REF_energy"] = atoms.get_potential_energy()
            atoms.arrays["REF_forces"] = atoms.get_forces()
            atoms.calc = None
            frames.append(atoms)
        write("train.xyz", frames, format="extxyz")
        # theirs is the mean over components of forces, ours the sum: three for each atom
        energy = 100 / (3 * contest.weights.forces)
        run(
            build_default_arg_parser().parse_args(
                [
                    "--name=front", "--train_file=train.xyz", "--valid_fraction=0.1",
                    "--energy_key=REF_energy", "--forces_key=REF_forces", "--E0s=average",
                    f"--hidden_irreps={irreps}", f"--r_max={contest.case.cutoff}",
                    "--num_interactions=2", "--correlation=3", "--max_ell=3", "--batch_size=5",
                    "--valid_batch_size=10", f"--max_num_epochs={epochs}", "--lr=0.01",
                    "--swa", f"--start_swa={round(0.6 * epochs)}",
                    f"--swa_energy_weight={energy}", "--swa_forces_weight=100",
                    "--ema", "--ema_decay=0.99", "--default_dtype=float32", "--device=cpu",
                    "--seed=0", "--eval_interval=5", "--error_table=PerAtomRMSE",
                ]
            )
        )  # fmt: skip
        path = max(Path().glob("*_stagetwo.model"), key=lambda one: one.stat().st_mtime)
        calculator = MACECalculator(model_paths=str(path), device="cpu", default_dtype="float32")
    return Mace(sum(one.numel() for one in calculator.models[0].parameters()), calculator)
