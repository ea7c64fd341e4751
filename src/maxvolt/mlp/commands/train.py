"""``train``: fit a potential to configurations."""

from __future__ import annotations

from maxvolt.mlp.command import Call, Command
from maxvolt.mlp.commands.train_options import OPTIONS

__all__ = ["COMMANDS"]


def _run(call: Call) -> None:
    from maxvolt.mlp.train import train

    train(call)


COMMANDS = (
    Command(
        names={2: "train", 3: "train"},
        files={2: "pot.mtp train.cfg", 3: "pot.almtp train.cfg"},
        summary="fit a potential to energies, forces and stresses",
        options=OPTIONS,
        run=_run,
        on_ranks=True,
        details="""
The loss is that of MLIP, with its weights. It is minimised by Levenberg-Marquardt with the linear
coefficients eliminated, not by BFGS.
Where pot is one of MLIP's untrained potentials (16.mtp, untrained_mtps/16.mtp) and no such file
exists, it is made. MLIP-3 takes the types of the potential from the training set, sets min_dist to
0.99 of its shortest distance, and adds an active set; MLIP-2 does none of these.
An interrupted training leaves a file POT.checkpoint, from which the same line goes on.""",
    ),
)
